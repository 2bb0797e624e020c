/** Tables compared as multisets: exact columns exactly, inexact ones within 1e-9 relative (SPEC.md 8). */
import type { Row, RowValue } from "../../shared/compute/index.ts";

const tolerance = 1e-9;

export interface Difference {
  /** Rows that the table has and should not have, or has too often. */
  readonly unexpected: readonly Row[];
  /** Rows that it should have. */
  readonly missing: readonly Row[];
}

/** Columns whose values are not compared to the last bit. */
export interface Leeway {
  /** Numbers within a tolerance. */
  readonly inexact?: ReadonlySet<string>;
  /** Zeros of both signs are the same, in values and in JSON text of nested ones. */
  readonly openZeros?: ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();

/** Undefined where both hold the same rows, each as often. Zeros of two signs are two values, and NaN equals itself. */
export function difference(
  actual: readonly Row[],
  lawful: readonly Row[],
  { inexact = none, openZeros = none }: Leeway = {},
): Difference | undefined {
  const keyOf = (row: Row): string => keyText(row, inexact, openZeros);
  const open = new Map<string, Row[]>();
  for (const row of lawful) {
    const key = keyOf(row);
    const rows = open.get(key);
    if (rows === undefined) open.set(key, [row]);
    else rows.push(row);
  }
  const unexpected: Row[] = [];
  for (const row of actual) {
    const candidates = open.get(keyOf(row)) ?? [];
    const found = candidates.findIndex((other) => isNear(row, other, inexact));
    if (found < 0) unexpected.push(row);
    else candidates.splice(found, 1);
  }
  const missing = [...open.values()].flat();
  return unexpected.length + missing.length === 0 ? undefined : { unexpected, missing };
}

function keyText(row: Row, inexact: ReadonlySet<string>, openZeros: ReadonlySet<string>): string {
  return Object.keys(row)
    .sort()
    .map((name) => {
      const value = openZeros.has(name) ? unsigned(row[name]) : row[name];
      return `${name}=${inexact.has(name) ? kindOf(value) : textOf(value)}`;
    })
    .join("\u0000");
}

/** A value in which no zero has a sign; nested ones are JSON text. */
export function unsigned(value: RowValue | undefined): RowValue | undefined {
  if (typeof value === "string") return value.replaceAll(/(?<=[:[,])-0\.0(?=[\],}])/g, "0.0");
  return value === 0 ? 0 : value;
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
  return Object.is(value, -0) ? "-0" : String(value);
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
