/** The bytes of a variant, read within bounds. */
import { DyneError } from "../../core/index.ts";

/** What is wrong with a variant, as the end of a sentence. */
export function brokenVariant(what: string, cause?: unknown): DyneError {
  return new DyneError("DATA_ERROR", `a variant is broken: ${what}`, { cause });
}

/** An unsigned little-endian number of `size` bytes, at most 4. Throws DATA_ERROR where it does not end by `end`. */
export function uintAt(bytes: Uint8Array, start: number, size: number, end: number): number {
  if (start + size > end) throw brokenVariant("it ends within a number");
  let number = 0;
  for (let index = size - 1; index >= 0; index--) number = number * 256 + (bytes[start + index] as number);
  return number;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws DATA_ERROR where the bytes are not UTF-8. */
export function textIn(bytes: Uint8Array, start: number, end: number): string {
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw brokenVariant("a text is not UTF-8", cause);
  }
}
