/** Which partitions a condition on partition columns alone is true of: decided by the compute, exactly, without reading a file. */
import type { RowSet } from "../../compute/index.ts";
import { limits } from "../../core/index.ts";
import { logicalPartitionValues, type AddFile, type PartitionValues, type Snapshot } from "../../delta/index.ts";
import {
  columnsOf,
  isExact,
  type Expression,
  type LogicalPlan,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import { stillRunning } from "./new-files.ts";

const indexColumn = "_dyne_partition";

/**
 * The files of a snapshot in partitions of which the condition is true. Undefined where the condition asks more than partition columns tell,
 * or there are more partitions than `limits.partitionsMax`: the rows have to be read then.
 */
export async function filesOfMatchingPartitions(
  session: TableSession,
  snapshot: Snapshot,
  condition: Expression,
): Promise<readonly AddFile[] | undefined> {
  const columns = columnsOf(condition);
  const fields = snapshot.schema.fields as Readonly<Record<string, StructField>>;
  const isKnown = (name: string): boolean => {
    const field = snapshot.partitionBy.includes(name) ? fields[name] : undefined;
    return field !== undefined && isExact(field.type);
  };
  if (!columns.every(isKnown)) return undefined;
  const partitions = new Map<string, { readonly values: PartitionValues; readonly files: AddFile[] }>();
  for (const file of snapshot.files) {
    const values = logicalPartitionValues(snapshot, file.partitionValues);
    const key = JSON.stringify(columns.map((name) => values[name] ?? null));
    const known = partitions.get(key);
    if (known !== undefined) known.files.push(file);
    else if (partitions.size >= limits.partitionsMax) return undefined;
    else partitions.set(key, { values, files: [file] });
  }
  const groups = [...partitions.values()];
  const matching = await matchingIndexes(session, snapshot.schema, columns, condition, groups);
  return matching.flatMap((index) => groups[index]?.files ?? []);
}

async function matchingIndexes(
  { compute, table }: TableSession,
  schema: Schema,
  columns: readonly string[],
  condition: Expression,
  groups: readonly { readonly values: PartitionValues }[],
): Promise<readonly number[]> {
  const result = await compute.run({
    name: `partitions of ${table.path}`,
    inputs: { partitions: textsOf(schema, columns, groups) },
    steps: [],
    writes: [],
    collects: [{ name: "matching", plan: matchingPlan(schema, columns, condition), rowsMax: groups.length }],
    parameters: {},
  });
  if (result.kind === "pending") throw stillRunning(table);
  return (result.collected["matching"] ?? []).map((row) => Number(row[indexColumn]));
}

function textsOf(
  schema: Schema,
  columns: readonly string[],
  groups: readonly { readonly values: PartitionValues }[],
): RowSet {
  const texts = (name: string) =>
    groups.map(({ values }) => {
      const text = values[name] ?? null;
      return text === "" && (schema.fields as Readonly<Record<string, StructField>>)[name]?.type.kind !== "string"
        ? null
        : text;
    });
  return {
    kind: "rows",
    schema: partitionSchema(columns),
    columns: {
      [indexColumn]: groups.map((_, index) => BigInt(index)),
      ...Object.fromEntries(columns.map((name) => [name, texts(name)])),
    },
    rowCount: groups.length,
  };
}

function partitionSchema(columns: readonly string[]): Schema {
  return {
    kind: "struct",
    fields: {
      [indexColumn]: { type: { kind: "long" }, nullable: false },
      ...Object.fromEntries(columns.map((name) => [name, { type: { kind: "string" }, nullable: true } as const])),
    },
  };
}

function matchingPlan(schema: Schema, columns: readonly string[], condition: Expression): LogicalPlan {
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  const index = { name: indexColumn, expression: { kind: "column", name: indexColumn } } as const;
  const typed: LogicalPlan = {
    kind: "project",
    input: { kind: "scan", source: "partitions", schema: partitionSchema(columns), streaming: false },
    columns: [index, ...columns.map((name) => ({ name, expression: typedText(name, fields[name] as StructField) }))],
  };
  return { kind: "project", input: { kind: "filter", input: typed, condition }, columns: [index] };
}

function typedText(name: string, { type }: StructField): Expression {
  const input: Expression = { kind: "column", name };
  return type.kind === "string" ? input : { kind: "cast", mode: "ansi", input, to: type };
}
