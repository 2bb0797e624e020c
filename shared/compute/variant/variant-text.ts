/**
 * A variant as JSON text (Parquet's VariantEncoding.md § Value encoding), in the form that Spark's `to_json` gives it. Bytes that are no
 * variant are refused: each value lies within the one that holds it, and beside its neighbours, so that no bytes are read twice.
 */
import { limits } from "../../core/index.ts";
import {
  binaryText,
  dateText,
  decimalText,
  doubleText,
  floatText,
  timestampText,
  timeText,
  uuidText,
} from "./leaf-text.ts";
import { brokenVariant, textIn, uintAt } from "./variant-bytes.ts";
import type { VariantNames } from "./variant-names.ts";

/** What may still be written: a name of a megabyte can stand in a million places. What is as short as its bytes does not count. */
export interface TextBudget {
  charactersLeft: number;
}

/** Throws DATA_ERROR where it is spent. */
export function spend(budget: TextBudget, characters: number): void {
  budget.charactersLeft -= characters;
  if (budget.charactersLeft < 0) throw brokenVariant("its text, or that of the rows beside it, is too long");
}

/** A field of an object: its name and its value, both as JSON text. */
export type VariantField = readonly [name: string, value: string];

/** The JSON text of a value, which lies `depth` values deep. Throws DATA_ERROR for bytes that are no variant or too deep in one another. */
export function variantText(names: VariantNames, value: Uint8Array, budget: TextBudget, depth = 0): string {
  return whole(valueAt({ names, budget, ...viewOf(value) }, { start: 0, end: value.length, depth }), value);
}

/** The fields of a value that is an object, in the order of the bytes; undefined for one that is none. Throws as `variantText` does. */
export function variantFields(
  names: VariantNames,
  value: Uint8Array,
  budget: TextBudget,
  depth = 0,
): readonly VariantField[] | undefined {
  if (((value[0] ?? 0) & 3) !== objectType) return undefined;
  const fields: VariantField[] = [];
  const span = { start: 0, end: value.length, depth };
  const end = eachWithin({ names, budget, ...viewOf(value) }, span, (name, text) => fields.push([name, text]));
  whole({ text: "", end }, value);
  return fields;
}

/** The two lowest bits of the header of an object. */
const objectType = 2;

interface Source {
  readonly names: VariantNames;
  readonly budget: TextBudget;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Where a value is: its end is before `end`. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

interface Decoded {
  readonly text: string;
  readonly end: number;
}

function viewOf(bytes: Uint8Array): Pick<Source, "bytes" | "view"> {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

function whole({ text, end }: Decoded, value: Uint8Array): string {
  if (end !== value.length) throw brokenVariant(`it has ${value.length - end} bytes behind its end`);
  return text;
}

function valueAt(source: Source, span: Span): Decoded {
  const { start, end, depth } = span;
  if (start >= end) throw brokenVariant("a value is not within the one that holds it");
  if (depth > limits.variantNestingMax)
    throw brokenVariant(`its values lie in one another more than ${limits.variantNestingMax} deep`);
  const header = source.bytes[start] as number;
  return decodedBy[header & 3]!(source, span, header >> 2);
}

/** By the two lowest bits of a value's header. */
const decodedBy = [
  primitive,
  (source: Source, { start, end }: Span, length: number) => stringText(source, start + 1, length, end),
  object,
  array,
] as const;

function object(source: Source, span: Span): Decoded {
  const names = new Set<string>();
  let text = "";
  const end = eachWithin(source, span, (name, value) => {
    if (names.size === names.add(name).size) throw brokenVariant(`an object has the field ${name} twice`);
    spend(source.budget, name.length + 2);
    text += `${text === "" ? "" : ","}${name}:${value}`;
  });
  return { text: `{${text}}`, end };
}

function array(source: Source, span: Span): Decoded {
  let text = "";
  const end = eachWithin(source, span, (_, value) => {
    spend(source.budget, 1);
    text += `${text === "" ? "" : ","}${value}`;
  });
  return { text: `[${text}]`, end };
}

/** The values of an object or an array, with their names where it is an object. Gives the end of all of it. */
function eachWithin(source: Source, { start, end, depth }: Span, take: (name: string, text: string) => void): number {
  const { bytes, names } = source;
  const header = bytes[start] as number;
  const isObject = (header & 3) === objectType;
  const info = header >> 2;
  const countSize = ((info >> (isObject ? 4 : 2)) & 1) === 0 ? 1 : 4;
  const offsetSize = (info & 3) + 1;
  const idSize = isObject ? ((info >> 2) & 3) + 1 : 0;
  const count = uintAt(bytes, start + 1, countSize, end);
  const idsAt = start + 1 + countSize;
  const offsetsAt = idsAt + count * idSize;
  const valuesAt = offsetsAt + (count + 1) * offsetSize;
  if (valuesAt > end) throw brokenVariant(`it is too short for ${count} values`);
  const valuesEnd = valuesAt + uintAt(bytes, offsetsAt + count * offsetSize, offsetSize, valuesAt);
  if (valuesEnd > end) throw brokenVariant("values are not within the one that holds them");
  let left = valuesEnd - valuesAt;
  for (let index = 0; index < count; index++) {
    const name = isObject ? names.name(uintAt(bytes, idsAt + index * idSize, idSize, offsetsAt)) : "";
    const valueStart = valuesAt + uintAt(bytes, offsetsAt + index * offsetSize, offsetSize, valuesAt);
    const value = valueAt(source, { start: valueStart, end: valuesEnd, depth: depth + 1 });
    // Values that share bytes could make a text that is exponentially longer than they are.
    left -= value.end - valueStart;
    if (left < 0) throw brokenVariant("values share bytes");
    take(name, value.text);
  }
  return valuesEnd;
}

function stringText({ bytes, budget }: Source, start: number, length: number, end: number): Decoded {
  if (start + length > end) throw brokenVariant("it ends within a text");
  const text = JSON.stringify(textIn(bytes, start, start + length));
  spend(budget, text.length);
  return { text, end: start + length };
}

type Primitive = (view: DataView, at: number) => string;

const micros = 1_000_000n;
const nanos = 1_000_000_000n;

/** Primitive types of a fixed length by their number: how many bytes follow the header, and how these are told. */
const fixed: Readonly<Record<number, readonly [size: number, text: Primitive]>> = {
  0: [0, () => "null"],
  1: [0, () => "true"],
  2: [0, () => "false"],
  3: [1, (view, at) => String(view.getInt8(at))],
  4: [2, (view, at) => String(view.getInt16(at, true))],
  5: [4, (view, at) => String(view.getInt32(at, true))],
  6: [8, (view, at) => String(view.getBigInt64(at, true))],
  7: [8, (view, at) => doubleText(view.getFloat64(at, true))],
  8: [5, (view, at) => decimalAt(view, at, BigInt(view.getInt32(at + 1, true)))],
  9: [9, (view, at) => decimalAt(view, at, view.getBigInt64(at + 1, true))],
  10: [
    17,
    (view, at) => decimalAt(view, at, (view.getBigInt64(at + 9, true) << 64n) | view.getBigUint64(at + 1, true)),
  ],
  11: [4, (view, at) => dateText(view.getInt32(at, true))],
  12: [8, (view, at) => timestampText(view.getBigInt64(at, true), micros, true)],
  13: [8, (view, at) => timestampText(view.getBigInt64(at, true), micros, false)],
  14: [4, (view, at) => floatText(view.getFloat32(at, true))],
  17: [8, (view, at) => timeAt(view.getBigInt64(at, true))],
  18: [8, (view, at) => timestampText(view.getBigInt64(at, true), nanos, true)],
  19: [8, (view, at) => timestampText(view.getBigInt64(at, true), nanos, false)],
  20: [16, (view, at) => uuidText(new Uint8Array(view.buffer, view.byteOffset + at, 16))],
};
const [binaryType, stringType] = [15, 16] as const;

function primitive(source: Source, { start, end }: Span, type: number): Decoded {
  const { bytes, view } = source;
  if (type === binaryType || type === stringType) {
    const length = uintAt(bytes, start + 1, 4, end);
    if (type === stringType) return stringText(source, start + 5, length, end);
    if (start + 5 + length > end) throw brokenVariant("it ends within a binary value");
    const text = binaryText(bytes.subarray(start + 5, start + 5 + length));
    spend(source.budget, text.length);
    return { text, end: start + 5 + length };
  }
  const known = fixed[type];
  if (known === undefined)
    throw brokenVariant(`it has a value of the type ${type}, which is not known. Use a newer dyne`);
  const [size, text] = known;
  if (start + 1 + size > end) throw brokenVariant("it ends within a value");
  return { text: text(view, start + 1), end: start + 1 + size };
}

const digitsMax = 38;
const beyondDigits = 10n ** BigInt(digitsMax);

function decimalAt(view: DataView, at: number, unscaled: bigint): string {
  const scale = view.getUint8(at);
  if (scale > digitsMax || unscaled >= beyondDigits || unscaled <= -beyondDigits)
    throw brokenVariant(`it has a decimal of more than ${digitsMax} digits`);
  return decimalText(unscaled, scale);
}

function timeAt(units: bigint): string {
  const text = timeText(units, micros);
  if (text === undefined) throw brokenVariant("it has a time that no day has");
  return text;
}
