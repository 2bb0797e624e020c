/** Rows on standard output. */
import { parseExact } from "./exact-json.ts";

export type Format = "ndjson" | "table";

const tableWidthMax = 40;

/** Prints objects, given as JSON: one per line, or in columns. A reader that has enough is left alone. */
export async function print(rows: AsyncIterable<string> | Iterable<string>, format: Format): Promise<void> {
  if (format === "ndjson") {
    for await (const row of rows) if (!(await write(`${row}\n`))) return;
    return;
  }
  const records: Record<string, string>[] = [];
  for await (const row of rows) records.push(cells(parseExact(row) as Record<string, unknown>));
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  if (records.length === 0) return void (await write("no rows\n"));
  const widths = names.map((name) =>
    records.reduce((width, record) => Math.max(width, (record[name] ?? "").length), name.length),
  );
  const line = (values: readonly string[]) =>
    `${values
      .map((value, index) => value.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  await write(line(names));
  await write(line(widths.map((width) => "─".repeat(width))));
  for (const record of records) await write(line(names.map((name) => record[name] ?? "")));
}

function cells(record: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      const text = value === null ? "NULL" : typeof value === "string" ? onOneLine(value) : JSON.stringify(value);
      return [name, text.length > tableWidthMax ? `${text.slice(0, tableWidthMax - 1)}…` : text];
    }),
  );
}

const onOneLine = (text: string): string =>
  text.replaceAll(/[\u0000-\u001f]/g, (character) => JSON.stringify(character).slice(1, -1));

/** Waits where the reader of the pipe is slower than we are. False where it has gone, as `head` does when it has enough. */
async function write(text: string): Promise<boolean> {
  if (process.stdout.destroyed || process.stdout.errored !== null) return false;
  if (process.stdout.write(text)) return true;
  const { promise, resolve: settle } = Promise.withResolvers<void>();
  for (const event of ["drain", "close", "error"]) process.stdout.once(event, settle);
  await promise;
  for (const event of ["drain", "close", "error"]) process.stdout.off(event, settle);
  return !process.stdout.destroyed;
}
