/** The rows of a landed text file, as texts by declared column. What is wrong with a line is a row too, with its error and its text. */
import { isUtf8 } from "node:buffer";
import { DyneError } from "../../core/index.ts";
import type { TextFileSet } from "../compute.ts";
import { CsvRecords, csvRecordBytesMax, type CsvRecord } from "./csv-records.ts";
import { fileBytes } from "./file-bytes.ts";
import { isObject, jsonText, parseJson } from "./json-document.ts";

export interface TextRow {
  /** Records and errors are counted together, from 1. */
  readonly number: number;
  /** In the order of the declared columns. */
  readonly values: readonly (string | null)[];
  /** Members of a JSON object (without its braces) with what the declared columns do not hold; null where there is nothing. */
  readonly unknown: string | null;
  readonly error: string | null;
  /** The line of an error. */
  readonly text: string | null;
}

/** A JSON document is in memory as a whole. */
const documentBytesMax = 64 * 1024 * 1024;
const lineFeed = 0x0a;

/** The rows in order, some at a time. Throws DATA_ERROR where the file cannot be read as its format; rows given before do not count then. */
export async function* textRows(
  format: TextFileSet["format"],
  columns: readonly string[],
  localPath: string,
): AsyncGenerator<readonly TextRow[], void> {
  switch (format) {
    case "csv":
      return yield* csvRows(columns, localPath);
    case "jsonl":
      return yield* jsonLineRows(columns, localPath);
    case "json":
      return yield* jsonDocumentRows(columns, localPath);
  }
}

async function* csvRows(columns: readonly string[], localPath: string): AsyncGenerator<readonly TextRow[], void> {
  const records = new CsvRecords();
  let shape: ((fields: readonly (string | null)[]) => Pick<TextRow, "values" | "unknown">) | undefined;
  let number = 0;
  const rowsOf = (found: readonly CsvRecord[]): TextRow[] => {
    const rows: TextRow[] = [];
    for (const record of found) {
      if (shape === undefined) {
        if (record.kind === "malformed")
          throw new DyneError("DATA_ERROR", `the header is not readable as CSV: ${record.reason}`);
        shape = csvShape(columns, record.fields);
      } else {
        number++;
        rows.push(
          record.kind === "record"
            ? { number, ...shape(record.fields), ...sound }
            : wrong(columns, number, record.reason, record.text),
        );
      }
    }
    return rows;
  };
  for await (const bytes of fileBytes(localPath)) yield rowsOf(records.push(bytes));
  yield rowsOf(records.end());
}

/** How the fields of a file with this header become values. A column without a name, or beyond the header, is called by its place. */
function csvShape(columns: readonly string[], header: readonly (string | null)[]) {
  const names = header.map((field, index) => (field ?? "").trim() || `_c${index}`);
  const places = columns.map((column) => names.indexOf(column));
  const used = new Set(places);
  return (fields: readonly (string | null)[]): Pick<TextRow, "values" | "unknown"> => {
    const unknown: string[] = [];
    fields.forEach((field, index) => {
      if (field !== null && !used.has(index)) unknown.push(member(nameOf(names, index), field));
    });
    return {
      values: places.map((place) => fields[place] ?? null),
      unknown: unknown.length === 0 ? null : unknown.join(","),
    };
  };
}

/** The name of a field; one that an earlier field has is told apart by its place. */
function nameOf(names: readonly string[], index: number): string {
  const name = names[index];
  if (name === undefined) return `_c${index}`;
  return names.indexOf(name) === index ? name : `${name}_c${index}`;
}

async function* jsonLineRows(columns: readonly string[], localPath: string): AsyncGenerator<readonly TextRow[], void> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  const shape = jsonShape(columns);
  const rowOf = (line: Buffer): TextRow | undefined => {
    const text = line.toString("utf8");
    if (text.trim() === "") return undefined;
    number++;
    if (!isUtf8(line)) return wrong(columns, number, "not valid UTF-8", text);
    return jsonRow(columns, shape, number, parseJson(text), text);
  };
  for await (const bytes of fileBytes(localPath)) {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const rows: TextRow[] = [];
    let start = 0;
    for (let end = all.indexOf(lineFeed); end >= 0; end = all.indexOf(lineFeed, start)) {
      const row = rowOf(all.subarray(start, end));
      if (row !== undefined) rows.push(row);
      start = end + 1;
    }
    rest = all.subarray(start);
    if (rest.length > csvRecordBytesMax)
      throw new DyneError("DATA_ERROR", `a line is longer than ${csvRecordBytesMax} bytes`);
    yield rows;
  }
  const last = rowOf(rest);
  yield last === undefined ? [] : [last];
}

async function* jsonDocumentRows(
  columns: readonly string[],
  localPath: string,
): AsyncGenerator<readonly TextRow[], void> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of fileBytes(localPath)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > documentBytesMax) {
      throw new DyneError("DATA_ERROR", `the document is longer than ${documentBytesMax} bytes: land it as JSON lines`);
    }
  }
  const content = Buffer.concat(pieces);
  if (!isUtf8(content)) throw new DyneError("DATA_ERROR", "not valid UTF-8");
  const text = content.toString("utf8");
  if (text.trim() === "") return;
  const document = parseJson(text);
  const shape = jsonShape(columns);
  if (!Array.isArray(document)) {
    yield [jsonRow(columns, shape, 1, document, text)];
    return;
  }
  yield document.map((element: unknown, index) => jsonRow(columns, shape, index + 1, element, undefined));
}

function jsonRow(
  columns: readonly string[],
  shape: ReturnType<typeof jsonShape>,
  number: number,
  value: unknown,
  text: string | undefined,
): TextRow {
  try {
    if (value === undefined) return wrong(columns, number, "not valid JSON", text ?? null);
    if (!isObject(value)) return wrong(columns, number, "not a JSON object", text ?? jsonText(value) ?? "null");
    return { number, ...shape(value), ...sound };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return wrong(columns, number, "nested too deeply", text ?? null);
  }
}

/** How an object's fields become values. */
function jsonShape(columns: readonly string[]) {
  const declared = new Set(columns);
  return (object: Readonly<Record<string, unknown>>): Pick<TextRow, "values" | "unknown"> => {
    const values = columns.map((column) => (Object.hasOwn(object, column) ? jsonText(object[column]) : null));
    const unknown: string[] = [];
    for (const [key, value] of Object.entries(object)) {
      if (!declared.has(key)) unknown.push(member(key, jsonText(value)));
    }
    return { values, unknown: unknown.length === 0 ? null : unknown.join(",") };
  };
}

const sound = { error: null, text: null } as const;
const member = (key: string, value: string | null): string =>
  `${JSON.stringify(key.toWellFormed())}:${JSON.stringify(value)}`;

function wrong(columns: readonly string[], number: number, error: string, text: string | null): TextRow {
  return { number, values: columns.map(() => null), unknown: null, error, text };
}
