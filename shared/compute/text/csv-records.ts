/**
 * Records of a CSV file (RFC 4180): comma, quotes doubled inside of quotes, lines end with LF, CRLF or CR. An empty field is NULL, a quoted
 * empty one is the empty text. Blank lines are no records. Bytes that break the form are a record too, a malformed one, and reading goes on
 * at the next line:
 *
 *     1,"two
 *     lines","say ""hi"""      → ["1", "two\nlines", 'say "hi"']
 *     2,"ab"c                  → malformed: characters after a closing quote
 */
import { isUtf8 } from "node:buffer";

export type CsvRecord =
  | { readonly kind: "record"; readonly fields: readonly (string | null)[] }
  /** `text` has U+FFFD in place of bytes that are no text. */
  | { readonly kind: "malformed"; readonly reason: string; readonly text: string };

/** A longer record is malformed: a quote that is never closed must not take the rest of the file into memory. */
export const csvRecordBytesMax = 16 * 1024 * 1024;
/** What is kept of a record without an end. */
const keptTextBytes = 64 * 1024;

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Takes a file's bytes as they come and gives its records. */
export class CsvRecords {
  readonly #recordBytesMax: number;
  #rest: Buffer = Buffer.alloc(0);
  /** Inside of a record that was given up: its bytes go up to the next line. */
  #skipping = false;

  constructor(recordBytesMax = csvRecordBytesMax) {
    this.#recordBytesMax = recordBytesMax;
  }

  /** The records that end in these bytes. */
  push(bytes: Buffer): CsvRecord[] {
    return this.#read(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]), false);
  }

  /** The records that are left at the end of the file. */
  end(): CsvRecord[] {
    return this.#read(this.#rest, true);
  }

  #read(bytes: Buffer, isEnd: boolean): CsvRecord[] {
    const records: CsvRecord[] = [];
    let start = this.#skipping ? this.#skipLine(bytes) : 0;
    while (start < bytes.length) {
      const scanned = scanRecord(bytes, start, isEnd);
      if (scanned.kind === "open") {
        const tooLong = bytes.length - start > this.#recordBytesMax;
        if (!isEnd && !tooLong) break;
        const next = nextLine(bytes, start);
        this.#skipping = next === undefined && !isEnd;
        const reason = tooLong ? `a record is longer than ${this.#recordBytesMax} bytes` : "a quote is not closed";
        const text = lineText(bytes, start, Math.min(next ?? bytes.length, start + keptTextBytes));
        records.push({ kind: "malformed", reason, text });
        start = next ?? bytes.length;
        continue;
      }
      if (scanned.record !== undefined) records.push(scanned.record);
      start = scanned.next;
    }
    this.#rest = bytes.subarray(start);
    return records;
  }

  #skipLine(bytes: Buffer): number {
    const next = nextLine(bytes, 0);
    if (next !== undefined) this.#skipping = false;
    return next ?? bytes.length;
  }
}

/** `open`: the record does not end in these bytes. A blank line has no record. */
type Scanned =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly record: CsvRecord | undefined; readonly next: number };
const open: Scanned = { kind: "open" };

function scanRecord(bytes: Buffer, start: number, isEnd: boolean): Scanned {
  const fields: (string | null)[] = [];
  let at = start;
  for (;;) {
    if (bytes[at] === quote) {
      const closing = closingQuote(bytes, at + 1);
      if (closing === undefined || (closing + 1 === bytes.length && !isEnd)) return open;
      const text = bytes.toString("utf8", at + 1, closing);
      fields.push(text.includes('"') ? text.replaceAll('""', '"') : text);
      at = closing + 1;
      if (at < bytes.length && !endsField(bytes[at])) return malformedLine(bytes, start, at, isEnd);
    } else {
      const from = at;
      while (at < bytes.length && !endsField(bytes[at])) at++;
      fields.push(at === from ? null : bytes.toString("utf8", from, at));
    }
    if (at >= bytes.length && !isEnd) return open;
    if (bytes[at] !== comma) break;
    at++;
  }
  if (bytes[at] === carriageReturn && at + 1 === bytes.length && !isEnd) return open;
  const next = afterLineEnd(bytes, at);
  if (at === start) return { kind: "closed", record: undefined, next };
  return { kind: "closed", record: checked(bytes, start, at, fields), next };
}

function checked(bytes: Buffer, start: number, end: number, fields: readonly (string | null)[]): CsvRecord {
  if (isUtf8(bytes.subarray(start, end))) return { kind: "record", fields };
  return { kind: "malformed", reason: "not valid UTF-8", text: bytes.toString("utf8", start, end) };
}

function malformedLine(bytes: Buffer, start: number, at: number, isEnd: boolean): Scanned {
  const next = nextLine(bytes, at);
  if (next === undefined && !isEnd) return open;
  const text = lineText(bytes, start, next ?? bytes.length);
  return {
    kind: "closed",
    record: { kind: "malformed", reason: "characters after a closing quote", text },
    next: next ?? bytes.length,
  };
}

/** The place of the quote that ends a field, past those that are doubled. */
function closingQuote(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(quote, from); at >= 0; at = bytes.indexOf(quote, at + 2)) {
    if (bytes[at + 1] !== quote) return at;
  }
  return undefined;
}

const endsField = (byte: number | undefined): boolean => byte === comma || byte === lineFeed || byte === carriageReturn;

/** Where the line after `from` begins; undefined where these bytes do not say. */
function nextLine(bytes: Buffer, from: number): number | undefined {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === lineFeed || (bytes[at] === carriageReturn && at + 1 < bytes.length))
      return afterLineEnd(bytes, at);
  }
  return undefined;
}

function afterLineEnd(bytes: Buffer, at: number): number {
  return at + (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed ? 2 : 1);
}

const lineText = (bytes: Buffer, start: number, end: number): string =>
  bytes.toString("utf8", start, end).replace(/[\r\n]+$/, "");
