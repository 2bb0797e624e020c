/** Which files of the target can hold a row that matches one of the source: by the values that the source has in the columns matched on. */
import type { ComputeInput } from "../../compute/index.ts";
import { limits } from "../../core/index.ts";
import {
  hasBounds,
  mayContainAny,
  mayHaveNull,
  type AddFile,
  type Snapshot,
  type StatsValue,
  type ValueRange,
} from "../../delta/index.ts";
import {
  isIntegral,
  mapExpression,
  sameType,
  typeOf,
  type DataType,
  type Expression,
  type LogicalPlan,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import { valueRange } from "../row-condition.ts";
import type { TableSession } from "../table-session.ts";
import { filesMatching } from "../file-condition.ts";
import type { MergeCondition } from "./merge-condition.ts";
import { stillRunning } from "./new-files.ts";

/** What a file is asked: whether it can hold a value of these ranges in a column. */
interface KeyRanges {
  readonly column: string;
  readonly ranges: readonly ValueRange[];
  readonly orNull: boolean;
}

export interface MergeSourceRows {
  readonly schema: Schema;
  readonly input: ComputeInput;
}

/** False only where no row of a file can match a row of the source. */
export async function filesThatMayMatch(
  session: TableSession,
  snapshot: Snapshot,
  source: MergeSourceRows,
  { keys, nullSafe, ofTarget }: MergeCondition,
): Promise<(file: AddFile) => boolean> {
  const conditions = ofTarget.map((condition) => filesMatching(snapshot, withoutSide(condition)));
  const ranges: KeyRanges[] = [];
  for (const { target, source: expression } of keys) {
    const column = withoutSide(target);
    const value = withoutSide(expression);
    if (column.kind !== "column") continue;
    const type = (snapshot.schema.fields as Readonly<Record<string, StructField>>)[column.name]?.type;
    if (type === undefined || !isComparable(type, typeOf(value, source.schema))) continue;
    const found = await rangesOf(session, source, value, type);
    ranges.push({ column: column.name, ranges: found.ranges, orNull: nullSafe && found.hasNull });
  }
  return (file) =>
    conditions.every((test) => test(file)) &&
    ranges.every(
      ({ column, ranges: wanted, orNull }) =>
        mayContainAny(snapshot, file, column, wanted) || (orNull && mayHaveNull(snapshot, file, column)),
    );
}

/** An expression of one side over that side's own columns. */
export function withoutSide(expression: Expression): Expression {
  return mapExpression(expression, (inner) =>
    inner.kind === "column" ? { kind: "column", name: inner.name.replace(/^(?:target|source)\./, "") } : undefined,
  );
}

function isComparable(target: DataType, source: DataType): boolean {
  if (isIntegral(target) && isIntegral(source)) return true;
  return hasBounds(target) && (sameType(target, source) || (target.kind === "decimal" && source.kind === "decimal"));
}

/** Each value of the source where they are few, else from the least to the greatest; and whether there is a NULL. */
async function rangesOf(
  { compute, table }: TableSession,
  { schema, input }: MergeSourceRows,
  value: Expression,
  type: DataType,
): Promise<{ readonly ranges: readonly ValueRange[]; readonly hasNull: boolean }> {
  const values: LogicalPlan = {
    kind: "project",
    input: { kind: "scan", source: "source", schema, streaming: false },
    columns: [{ name: "value", expression: value }],
  };
  const extreme = (name: "min" | "max") =>
    ({
      name,
      expression: {
        kind: "aggregate",
        name,
        args: [{ kind: "column", name: "value" }],
        distinct: false,
        filter: undefined,
      },
    }) as const;
  const rows = {
    name: "rows",
    expression: { kind: "aggregate", name: "count", args: [], distinct: false, filter: undefined },
  } as const;
  const filled = {
    name: "filled",
    expression: { ...rows.expression, args: [{ kind: "column", name: "value" }] },
  } as const;
  const result = await compute.run({
    name: `keys of the merge into ${table.path}`,
    inputs: { source: input },
    steps: [],
    writes: [],
    collects: [
      {
        name: "values",
        plan: { kind: "limit", input: { kind: "distinct", input: values }, count: limits.mergeKeysMax + 1 },
        rowsMax: limits.mergeKeysMax + 1,
      },
      {
        name: "bounds",
        plan: {
          kind: "aggregate",
          input: values,
          groupBy: [],
          aggregates: [extreme("min"), extreme("max"), rows, filled],
        },
        rowsMax: 1,
      },
    ],
    parameters: {},
  });
  if (result.kind === "pending") throw stillRunning(table);
  const found = (result.collected["values"] ?? []).map((row) => row["value"] as StatsValue | null);
  const bounds = result.collected["bounds"]?.[0] ?? {};
  const hasNull = bounds["rows"] !== bounds["filled"];
  if (found.length > limits.mergeKeysMax)
    return { ranges: [valueRange(type, bounds["min"] as StatsValue, bounds["max"] as StatsValue)], hasNull };
  const single = found.filter((each) => each !== null);
  return { ranges: single.map((each) => valueRange(type, each, each)), hasNull };
}
