/**
 * Z-order: rows that are near each other in several columns at once come to lie in the same file, so that statistics skip well by each of
 * them. The values of a column are told apart by a sample into ranges with equally many rows; the number of a row's range is its rank. The
 * bits of all ranks, interleaved, are the row's place:
 *
 *     rank of x   1 0 1        place   1 0  0 1  1 1
 *     rank of y    0 1 1
 *
 * Ranks are found by halving, as nested CASE expressions whose leaves are the bits already spread, so that a place is a sum: of doubles,
 * which are exact up to 53 bits.
 */
import { DyneError, limits } from "../../core/index.ts";
import type { PlanStep, Row, RowValue } from "../../compute/index.ts";
import { parseStats, type AddFile, type Snapshot } from "../../delta/index.ts";
import type { DataType, Expression, LogicalPlan, Schema, StructField } from "../../plan/index.ts";
import { compareUtf8 } from "../../storage/index.ts";
import { keyExpression, keyLiteral, keyText } from "../row-key.ts";
import type { TableSession } from "../table-session.ts";
import type { Bin } from "./bin.ts";
import { call, column, freeName, literal } from "./expressions.ts";

const double: DataType = { kind: "double" };
const long: DataType = { kind: "long" };
const placeBits = 53;
const rankBitsMin = 6;
const rankBitsMax = 10;
/** Statistics have that many characters of a text; what differs only behind them cannot be skipped by. */
const textCharacters = 32;
/** Rows per byte of files that do not say how many rows they have. */
const rowsPerByte = 1 / 50;

/** Delta's default of `delta.dataSkippingNumIndexedCols`. */
const indexedColumns = 32;
const kindsWithoutBounds: ReadonlySet<string> = new Set(["boolean", "binary", "struct", "array", "map"]);

/**
 * Throws UNKNOWN_COLUMN, and INVALID_ARGUMENT for columns by which files cannot be skipped: partition columns, those without statistics,
 * one that is named twice, or too many.
 */
export function assertZOrderable({ schema, partitionBy }: Snapshot, path: string, columns: readonly string[]): void {
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  const indexed = Object.keys(fields)
    .filter((name) => !partitionBy.includes(name))
    .slice(0, indexedColumns);
  if (columns.length > limits.zOrderColumnsMax)
    throw refused(`by ${columns.length} columns, more than ${limits.zOrderColumnsMax}`);
  for (const [index, name] of columns.entries()) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) throw new DyneError("UNKNOWN_COLUMN", `${path} has no column "${name}" to be ordered by.`);
    if (columns.indexOf(name) !== index) throw refused(`by "${name}" twice`);
    if (partitionBy.includes(name)) throw refused(`by "${name}", by which it is partitioned already`);
    if (kindsWithoutBounds.has(field.type.kind))
      throw refused(`by "${name}": a ${field.type.kind} has no bounds in statistics`);
    if (!indexed.includes(name))
      throw refused(`by "${name}", which has no statistics: only the first ${indexedColumns} columns have`);
  }
  function refused(what: string): DyneError {
    return new DyneError("INVALID_ARGUMENT", `${path} cannot be ordered ${what}. Choose other columns.`);
  }
}

/** Rows of a bin with their places, and of these the plans of the files to be written. */
export interface ZOrderedRows {
  /** Goes before the parts: each row's place is told once. */
  readonly step: PlanStep;
  /** One per file of about the target's size. */
  readonly parts: readonly LogicalPlan[];
}

/** How the rows of a bin, scanned as `scan`, come into their order with the columns of `schema`. Samples them by a job of its own. */
export async function zOrderedRows(
  session: TableSession,
  snapshot: Snapshot,
  bin: Bin,
  { zOrderBy, targetBytes, signal }: ZOrderOptions,
  { scan, schema }: { readonly scan: LogicalPlan; readonly schema: Schema },
): Promise<ZOrderedRows> {
  const count = Math.max(1, Math.round(bin.bytes / targetBytes));
  const keys = zOrderBy.map((name) => keyOf(snapshot, name));
  const sample = await sampleOf(session, snapshot, bin, keys, signal);
  const curve = curveOf(keys, sample, rankBits(keys.length, count));
  const cuts = cutsOf(
    sample.map((row) => placeOf(curve, row)),
    count,
  );
  const columns = Object.keys(schema.fields).map((name) => ({ name, expression: column(name) }));
  const place = freeName("_place", Object.keys(snapshot.schema.fields));
  const placed: LogicalPlan = {
    kind: "project",
    input: scan,
    columns: [...columns, { name: place, expression: placeExpression(curve) }],
  };
  const fields = { ...schema.fields, [place]: { type: double, nullable: true } };
  const rows: LogicalPlan = { kind: "scan", source: stepName, schema: { kind: "struct", fields }, streaming: false };
  return {
    step: { kind: "plan", name: stepName, plan: placed, rowErrors: "fail", carry: [] },
    parts: [undefined, ...cuts].map((from, index) => {
      const input = between(rows, place, from, cuts[index]);
      // The order within a file serves skipping alone: it may be lost without harm above an inner sort.
      const sorted: LogicalPlan = {
        kind: "sort",
        input,
        orders: [{ by: column(place), direction: "ascending", nulls: "first" }],
      };
      return { kind: "project", input: sorted, columns };
    }),
  };
}

const stepName = "placed";

export interface ZOrderOptions {
  readonly zOrderBy: readonly string[];
  readonly targetBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Rows from one place up to another. */
function between(input: LogicalPlan, place: string, from: number | undefined, until: number | undefined): LogicalPlan {
  const bounds = [
    ...(from === undefined ? [] : [call("ge", column(place), literal(from, double))]),
    ...(until === undefined ? [] : [call("lt", column(place), literal(until, double))]),
  ];
  return bounds.reduce<LogicalPlan>((below, condition) => ({ kind: "filter", input: below, condition }), input);
}

/** Sixteen ranges of each column per file and column: enough to cut files apart, and no more than it takes to compute. */
function rankBits(columns: number, files: number): number {
  const wanted = Math.max(rankBitsMin, 4 + Math.ceil(Math.log2(files)));
  return Math.min(wanted, rankBitsMax, Math.floor(placeBits / columns));
}

/** What a column's rows are told apart by. */
interface Key {
  readonly type: DataType;
  readonly expression: Expression;
}

/** A column's ranges: each begins after the boundary before it. Rising, without repetitions. */
interface RankedKey extends Key {
  readonly boundaries: readonly NonNullable<RowValue>[];
}

interface Curve {
  readonly keys: readonly RankedKey[];
  readonly bits: number;
}

/** Of decimals the nearest double is exact enough: a rank is an estimate. */
function keyOf({ schema }: Snapshot, name: string): Key {
  const { type } = (schema.fields as Readonly<Record<string, StructField>>)[name]!;
  if (type.kind === "decimal")
    return { type: double, expression: { kind: "cast", mode: "ansi", input: column(name), to: double } };
  return { type, expression: keyExpression(type, name) };
}

/** Every so many rows of each file, by their keys `k0`, `k1`, …. */
async function sampleOf(
  { compute, table }: TableSession,
  snapshot: Snapshot,
  bin: Bin,
  keys: readonly Key[],
  signal: AbortSignal | undefined,
): Promise<readonly Row[]> {
  const step = Math.max(1, Math.ceil(bin.files.reduce((sum, file) => sum + rowsOf(file), 0) / limits.zOrderSampleRows));
  const rowName = freeName("_row", Object.keys(snapshot.schema.fields));
  const fields = { ...snapshot.schema.fields, [rowName]: { type: long, nullable: true } };
  const scan: LogicalPlan = {
    kind: "scan",
    source: "files",
    schema: { kind: "struct", fields },
    streaming: false,
  };
  const isSampled = call("eq", call("modulo", column(rowName), literal(step, long)), literal(0, long));
  const rows: LogicalPlan = {
    kind: "project",
    input: { kind: "filter", input: scan, condition: isSampled },
    columns: keys.map(({ expression }, index) => ({ name: `k${index}`, expression })),
  };
  const rowsMax = 2 * limits.zOrderSampleRows;
  const result = await compute.run({
    name: `sample ${table.path}`,
    inputs: {
      files: table.fileSet(snapshot, bin.files, [{ name: rowName, type: long, expression: column("_row_index") }]),
    },
    steps: [],
    writes: [],
    collects: [{ name: "rows", plan: { kind: "limit", input: rows, count: rowsMax }, rowsMax }],
    parameters: {},
    signal,
  });
  if (result.kind === "pending")
    throw new DyneError("BATCH_ABANDONED", `Reading ${table.path} waits for its compute. Try again.`);
  return (result.collected["rows"] ?? []).map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shortened(value)])),
  );
}

function rowsOf({ stats, size }: AddFile): number {
  return parseStats(stats)?.numRecords ?? Math.ceil(size * rowsPerByte);
}

/** The start of a text bounds it as its statistics do. */
function shortened(value: RowValue): RowValue {
  return typeof value === "string"
    ? Array.from(value.slice(0, 2 * textCharacters))
        .slice(0, textCharacters)
        .join("")
    : value;
}

function curveOf(keys: readonly Key[], sample: readonly Row[], bits: number): Curve {
  // One rank is that of NULL, and there is one range more than boundaries.
  const boundariesMax = 2 ** bits - 2;
  return {
    bits,
    keys: keys.map((key, index) => {
      const values = sample
        .map((row) => row[`k${index}`] ?? null)
        .filter((value) => value !== null)
        .sort(compareKeys);
      const picked = quantiles(values, boundariesMax + 1);
      return { ...key, boundaries: picked.filter((value, at) => at === 0 || compareKeys(picked[at - 1]!, value) < 0) };
    }),
  };
}

/** Places at which the rows of a sample come apart into so many parts of about the same size; fewer where many share a place. */
function cutsOf(places: readonly number[], parts: number): readonly number[] {
  const sorted = [...places].sort((a, b) => a - b);
  return [...new Set(quantiles(sorted, parts))].filter((cut) => cut > (sorted[0] ?? 0));
}

/** The values at which a rising list comes apart into so many parts. */
function quantiles<T>(values: readonly T[], parts: number): readonly T[] {
  if (values.length === 0) return [];
  return Array.from({ length: parts - 1 }, (_, index) => values[Math.floor(((index + 1) * values.length) / parts)]!);
}

/** The order in which the compute has them, too: NaN above all numbers, texts by code points. */
function compareKeys(a: NonNullable<RowValue>, b: NonNullable<RowValue>): number {
  if (typeof a === "string" && typeof b === "string") return compareUtf8(a, b);
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The place of a sampled row; as `placeExpression` says of all rows. */
function placeOf({ keys, bits }: Curve, row: Row): number {
  return keys.reduce((sum, { boundaries }, index) => {
    const value = row[`k${index}`] ?? null;
    const rank = value === null ? 0 : 1 + countBelow(boundaries, value);
    return sum + spread(rank, index, keys.length, bits);
  }, 0);
}

/** How many of rising values are below one, by halving. */
function countBelow(values: readonly NonNullable<RowValue>[], value: NonNullable<RowValue>): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (compareKeys(values[middle]!, value) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placeExpression({ keys, bits }: Curve): Expression {
  return keys
    .map((key, index) => spreadRank(key, (rank) => literal(spread(rank, index, keys.length, bits), double)))
    .reduce((sum, each) => call("plus", sum, each));
}

function spreadRank({ type, expression, boundaries }: RankedKey, leaf: (rank: number) => Expression): Expression {
  const rankFrom = (low: number, high: number): Expression => {
    if (low === high) return leaf(1 + low);
    const middle = Math.floor((low + high) / 2);
    const boundary = keyLiteral(type, keyText(boundaries[middle]!));
    return {
      kind: "case",
      branches: [{ when: call("gt", expression, boundary), then: rankFrom(middle + 1, high) }],
      otherwise: rankFrom(low, middle),
    };
  };
  return {
    kind: "case",
    branches: [{ when: call("is_null", expression), then: leaf(0) }],
    otherwise: rankFrom(0, boundaries.length),
  };
}

/** The bits of a rank at every `count`-th place, those of the first column highest. */
function spread(rank: number, index: number, count: number, bits: number): number {
  let place = 0;
  for (let bit = 0; bit < bits; bit++) {
    if (Math.floor(rank / 2 ** bit) % 2 === 1) place += 2 ** (bit * count + (count - 1 - index));
  }
  return place;
}
