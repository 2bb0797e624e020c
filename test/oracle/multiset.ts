/** Tables compared as multisets: exact columns exactly, inexact ones within 1e-9 relative (SPEC.md 8). */
import type { Row, RowValue } from "../../shared/compute/index.ts";

const tolerance = 1e-9;

export interface Difference {
  /** Rows that the table has and should not have, or has too often. */
  readonly unexpected: readonly Row[];
  /** Rows that it should have. */
  readonly missing: readonly Row[];
}

/** Undefined where both hold the same rows, each as often. A zero is a zero, whatever its sign, and NaN equals itself. */
export function difference(
  actual: readonly Row[],
  lawful: readonly Row[],
  inexact: ReadonlySet<string> = new Set(),
): Difference | undefined {
  const open = new Map<string, Row[]>();
  for (const row of lawful) {
    const key = keyOf(row, inexact);
    const rows = open.get(key);
    if (rows === undefined) open.set(key, [row]);
    else rows.push(row);
  }
  const unexpected: Row[] = [];
  for (const row of actual) {
    const candidates = open.get(keyOf(row, inexact)) ?? [];
    const found = candidates.findIndex((other) => isNear(row, other, inexact));
    if (found < 0) unexpected.push(row);
    else candidates.splice(found, 1);
  }
  const missing = [...open.values()].flat();
  return unexpected.length + missing.length === 0 ? undefined : { unexpected, missing };
}

function keyOf(row: Row, inexact: ReadonlySet<string>): string {
  return Object.keys(row)
    .sort()
    .map((name) => `${name}=${inexact.has(name) ? kindOf(row[name]) : textOf(row[name])}`)
    .join("\u0000");
}

/** What of an inexact value has no tolerance. */
function kindOf(value: RowValue | undefined): string {
  return typeof value === "number" && Number.isFinite(value) ? "a number" : textOf(value);
}

function isNear(a: Row, b: Row, inexact: ReadonlySet<string>): boolean {
  return [...inexact].every((name) => {
    const [left, right] = [a[name], b[name]];
    if (typeof left !== "number" || typeof right !== "number" || !Number.isFinite(left)) return true;
    return Math.abs(left - right) <= tolerance * Math.max(Math.abs(left), Math.abs(right));
  });
}

/** A value as a reader of a counterexample sees it; equal for values that are equal. */
export function textOf(value: RowValue | undefined): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  if (typeof value === "bigint") return `${value}n`;
  return value === 0 ? "0" : String(value);
}

/** The rows that differ, a line each. */
export function differenceText({ unexpected, missing }: Difference, rowsMax = 8): string {
  const lines = (sign: string, rows: readonly Row[]): string[] => [
    ...rows.slice(0, rowsMax).map((row) => `  ${sign} ${rowText(row)}`),
    ...(rows.length > rowsMax ? [`  ${sign} … and ${rows.length - rowsMax} more`] : []),
  ];
  return [...lines("is there and should not be:", unexpected), ...lines("is missing:               ", missing)].join(
    "\n",
  );
}

export const rowText = (row: Row): string =>
  `{ ${Object.entries(row)
    .map(([name, value]) => `${name}: ${textOf(value)}`)
    .join(", ")} }`;
