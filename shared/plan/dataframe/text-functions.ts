/** Functions of text, named as in Spark's DataFrame API. Each is NULL where an argument is, unless it says otherwise. */
import type { ArrayType } from "../types.ts";
import type { BinaryType, IntegerType, IntegralType, LongType, NumericType, StringType } from "../data-type.ts";
import { scalar } from "./column.ts";
import type { AnyColumn, Column } from "./column.ts";
import { textOf, wholeOf } from "./arguments.ts";
import type { Bytes, Text, Whole } from "./arguments.ts";

/** The text in upper case. */
export function upper(text: Column<StringType>): Column<StringType> {
  return scalar("upper", [text]);
}
/** The text in lower case. */
export function lower(text: Column<StringType>): Column<StringType> {
  return scalar("lower", [text]);
}
/** The first letter of each word in upper case, the others in lower case; words are parted by spaces. */
export function initcap(text: Column<StringType>): Column<StringType> {
  return scalar("initcap", [text]);
}
/** Without spaces at both ends (spaces only). */
export function trim(text: Column<StringType>): Column<StringType> {
  return scalar("trim", [text]);
}
/** Without spaces at the start (spaces only). */
export function ltrim(text: Column<StringType>): Column<StringType> {
  return scalar("ltrim", [text]);
}
/** Without spaces at the end (spaces only). */
export function rtrim(text: Column<StringType>): Column<StringType> {
  return scalar("rtrim", [text]);
}
/** Number of characters (code points). */
export function length(text: Column<StringType>): Column<IntegerType> {
  return scalar("length", [text]);
}
/** Number of bytes in UTF-8. */
export function octetLength(text: Column<StringType>): Column<IntegerType> {
  return scalar("octet_length", [text]);
}
/** The first characters; none for a count of 0 or below. */
export function left(text: Column<StringType>, count: Whole): Column<StringType> {
  return scalar("left", [text, wholeOf(count)]);
}
/** The last characters; none for a count of 0 or below. */
export function right(text: Column<StringType>, count: Whole): Column<StringType> {
  return scalar("right", [text, wholeOf(count)]);
}
/** The texts joined; NULL if any of them is NULL. */
export function concat(...texts: readonly Text[]): Column<StringType> {
  return scalar("concat", texts.map(textOf));
}
/** The texts that are not NULL, joined with a separator; NULL only if the separator is. */
export function concatWs(separator: Text, ...texts: readonly Text[]): Column<StringType> {
  return scalar("concat_ws", [separator, ...texts].map(textOf));
}
/** Every place of `search` replaced; an empty search replaces nothing. */
export function replace(text: Column<StringType>, search: Text, by: Text): Column<StringType> {
  return scalar("replace", [text, textOf(search), textOf(by)]);
}
/** Each character of `from` replaced by the one at its place in `to`, or left out where `to` is shorter. */
export function translate(text: Column<StringType>, from: Text, to: Text): Column<StringType> {
  return scalar("translate", [text, textOf(from), textOf(to)]);
}
/** The characters (code points) in reverse order. */
export function reverse(text: Column<StringType>): Column<StringType> {
  return scalar("reverse", [text]);
}
/** The text so many times; empty for 0 and below. An error of the row where the result is longer than 16 MiB. */
export function repeat(text: Column<StringType>, count: Whole): Column<StringType> {
  return scalar("repeat", [text, wholeOf(count)]);
}
/** The text with padding before it up to a length; longer texts are cut at their end. Lengths up to 100,000. */
export function lpad(text: Column<StringType>, length: number, pad = " "): Column<StringType> {
  return scalar("lpad", [text, wholeOf(length), textOf(pad)]);
}
/** The text with padding behind it up to a length; longer texts are cut at their end. Lengths up to 100,000. */
export function rpad(text: Column<StringType>, length: number, pad = " "): Column<StringType> {
  return scalar("rpad", [text, wholeOf(length), textOf(pad)]);
}
/** The first position of a part, from 1; 0 where it is not there. */
export function instr(text: Column<StringType>, part: Text): Column<IntegerType> {
  return scalar("instr", [text, textOf(part)]);
}
/** The first position of a part at or behind a position; 0 where it is not there, or where the position is NULL or below 1. */
export function locate(part: Text, text: Column<StringType>, position: Whole = 1): Column<IntegerType> {
  return scalar("locate", [textOf(part), text, wholeOf(position)]);
}
/** What is before the delimiter's place number `count`; for negative counts, counted from the end, what is behind it. */
export function substringIndex(text: Column<StringType>, delimiter: string, count: number): Column<StringType> {
  return scalar("substring_index", [text, textOf(delimiter), wholeOf(count)]);
}
/** The part between delimiters with a number, from 1, or from -1 at the end; empty where there is none. */
export function splitPart(text: Column<StringType>, delimiter: string, part: number): Column<StringType> {
  return scalar("split_part", [text, textOf(delimiter), wholeOf(part)]);
}
/** The code point of the first character; 0 for an empty text. */
export function ascii(text: Column<StringType>): Column<IntegerType> {
  return scalar("ascii", [text]);
}
/** The character of the lowest eight bits of a number; empty for negative ones. */
export function char(code: Column<IntegralType>): Column<StringType> {
  return scalar("char", [code]);
}

/** Every match of a regular expression replaced; `$1` stands for a group, `$0` for the match. */
export function regexpReplace(text: Column<StringType>, pattern: string, by: string): Column<StringType> {
  return scalar("regexp_replace", [text, textOf(pattern), textOf(by)]);
}
/** A group of the first match, 0 being the match itself; empty where nothing matches. */
export function regexpExtract(text: Column<StringType>, pattern: string, group = 1): Column<StringType> {
  return scalar("regexp_extract", [text, textOf(pattern), wholeOf(group)]);
}
/** A group of every match, 0 being the match itself. */
export function regexpExtractAll(text: Column<StringType>, pattern: string, group = 1): Column<ArrayType<StringType>> {
  return scalar("regexp_extract_all", [text, textOf(pattern), wholeOf(group)]);
}
/** The number of matches of a regular expression. */
export function regexpCount(text: Column<StringType>, pattern: string): Column<IntegerType> {
  return scalar("regexp_count", [text, textOf(pattern)]);
}
/** The parts between the matches of a regular expression, empty ones too. */
export function split(text: Column<StringType>, pattern: string): Column<ArrayType<StringType>> {
  return scalar("split", [text, textOf(pattern)]);
}

/** The bytes of a text in UTF-8. */
export function encode(text: Column<StringType>): Column<BinaryType> {
  return scalar("encode", [text]);
}
/** The text that bytes are in UTF-8; bytes that are none are an error of the row. */
export function decode(bytes: Column<BinaryType>): Column<StringType> {
  return scalar("decode", [bytes]);
}
/** Bytes, or a text in UTF-8, in base64, with a line break (CR LF) after every 76 characters. */
export function base64(value: Bytes): Column<StringType> {
  return scalar("base64", [value]);
}
/** The bytes that a text is in base64; other text is an error of the row. */
export function unbase64(text: Column<StringType>): Column<BinaryType> {
  return scalar("unbase64", [text]);
}
/** Bytes, a text in UTF-8, or a whole number in upper-case hexadecimal digits. */
export function hex(value: Bytes | Column<IntegralType>): Column<StringType> {
  return scalar("hex", [value]);
}
/** The bytes that hexadecimal digits are; NULL for other text. */
export function unhex(text: Column<StringType>): Column<BinaryType> {
  return scalar("unhex", [text]);
}
/** The MD5 digest in hexadecimal digits. */
export function md5(value: Bytes): Column<StringType> {
  return scalar("md5", [value]);
}
/** The SHA-1 digest in hexadecimal digits. */
export function sha1(value: Bytes): Column<StringType> {
  return scalar("sha1", [value]);
}
/** The SHA-256 digest in hexadecimal digits. */
export function sha2(value: Bytes): Column<StringType> {
  return scalar("sha2", [value]);
}
/**
 * The least number of characters to insert, leave out or replace that makes one text the other; -1 where it is above the threshold. NULL where
 * one of them is.
 */
export function levenshtein(a: Text, b: Text, threshold?: number): Column<IntegerType> {
  const limit = threshold === undefined ? [] : [wholeOf(threshold)];
  return scalar("levenshtein", [textOf(a), textOf(b), ...limit]);
}
/**
 * The leading digits of a text in one base, 2 to 36, in another. The number has 64 bits without a sign, or with one where `to` is negative. NULL
 * for an empty text, an error of the row where there are more bits.
 */
export function conv(digits: Text, from: number, to: number): Column<StringType> {
  return scalar("conv", [textOf(digits), wholeOf(from), wholeOf(to)]);
}
/**
 * The number with commas between thousands and so many digits behind the point, a half rounded to the even digit; of a double its shortest
 * digits, and zeros behind them.
 */
export function formatNumber(value: Column<NumericType>, places: number): Column<StringType> {
  return scalar("format_number", [value, wholeOf(places)]);
}
/** How a word sounds in English, as a letter and three digits; text that begins with no letter from A to Z stays as it is. */
export function soundex(text: Text): Column<StringType> {
  return scalar("soundex", [textOf(text)]);
}
/** The sum CRC-32 of bytes, or of a text in UTF-8. */
export function crc32(value: Bytes): Column<LongType> {
  return scalar("crc32", [value]);
}
/** The hash Murmur3 of values one after the other, from 42 on; NULLs leave it as it is. Not of arrays, maps, structs and variants. */
export function hash(first: AnyColumn, ...others: readonly AnyColumn[]): Column<IntegerType> {
  return scalar("hash", [first, ...others]);
}
/** The hash XXH64 of values one after the other, from 42 on; NULLs leave it as it is. Not of arrays, maps, structs and variants. */
export function xxhash64(first: AnyColumn, ...others: readonly AnyColumn[]): Column<LongType> {
  return scalar("xxhash64", [first, ...others]);
}
