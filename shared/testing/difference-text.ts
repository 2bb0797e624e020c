/**
 * Rows that differ, as people read them:
 *
 *       origin  destination  flights
 *     - LAS     PHL                2
 *     + LAS     PHL                1
 */
import type { OutputRow } from "../table/lake/row-output.ts";
import type { Difference } from "./compare-rows.ts";

/** Rows that are shown of each kind, and characters of a value. */
const rowsShown = 20;
const charactersShown = 60;

/** The rows of a difference with a sign each: `-` for what is missing, `+` for what is too much. Rows that are alike stand together. */
export function differenceText({ missing, unexpected }: Difference, columns: readonly string[]): string {
  const lines = [...linesOf("-", missing, columns), ...linesOf("+", unexpected, columns)];
  // Text by text, so that a row that is there with another value follows the one that is missing.
  lines.sort((a, b) => compare(a.cells.join("\0"), b.cells.join("\0")) || compare(b.sign, a.sign));
  const table = [{ sign: " ", cells: columns, isNumber: columns.map(() => false) }, ...lines];
  const widths = columns.map((_, index) => Math.max(...table.map(({ cells }) => cells[index]?.length ?? 0)));
  const texts = table.map(({ sign, cells, isNumber }) => {
    const padded = cells.map((cell, index) =>
      isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
    );
    return `  ${sign} ${padded.join("  ")}`.trimEnd();
  });
  const hidden = Math.max(0, missing.length - rowsShown) + Math.max(0, unexpected.length - rowsShown);
  return [...texts, ...(hidden === 0 ? [] : [`    … and ${hidden} more`])].join("\n");
}

/** "1 row is missing (-), 2 are not expected (+), 3 are as expected". */
export function differenceCounts({ missing, unexpected, same }: Difference): string {
  const parts = [
    { count: missing.length, what: "missing (-)" },
    { count: unexpected.length, what: "not expected (+)" },
    { count: same, what: "as expected" },
  ];
  const [first, ...others] = parts.filter(({ count }) => count > 0);
  const rows = first === undefined ? "" : `${first.count} ${first.count === 1 ? "row is" : "rows are"} ${first.what}`;
  return [rows, ...others.map(({ count, what }) => `${count} ${count === 1 ? "is" : "are"} ${what}`)].join(", ");
}

/** A value on one line. */
export function valueText(value: unknown): string {
  const text = rawText(value);
  return text.length > charactersShown ? `${text.slice(0, charactersShown - 1)}…` : text;
}

function rawText(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`;
  if (value instanceof Map)
    return `{${[...value].map(([key, entry]) => `${rawText(key)}: ${rawText(entry)}`).join(", ")}}`;
  if (Array.isArray(value)) return `[${value.map(rawText).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([name, field]) => `${name}: ${rawText(field)}`)
      .join(", ")}}`;
  // Quotes only where a text would be taken for something else.
  if (typeof value === "string") return /^(?!NULL$)\S(.*\S)?$/.test(value) ? value : JSON.stringify(value);
  return String(value);
}

function linesOf(sign: string, rows: readonly OutputRow[], columns: readonly string[]) {
  return rows.slice(0, rowsShown).map((row) => ({
    sign,
    cells: columns.map((name) => valueText(row[name])),
    isNumber: columns.map((name) => typeof row[name] === "number" || typeof row[name] === "bigint"),
  }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
