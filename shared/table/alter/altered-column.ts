/** What the changes of a column have in common. */
import { DyneError } from "../../core/index.ts";
import {
  columnPathText,
  findColumn,
  parseColumnPath,
  protocolAfter,
  type ColumnPath,
  type FoundColumn,
  type Metadata,
  type Snapshot,
} from "../../delta/index.ts";
import { typeName, type Schema, type StructField } from "../../plan/index.ts";
import { rulesUsing } from "../constraints/rules-using.ts";
import type { DeltaTable } from "../delta-table.ts";
import { changedMetadata } from "../write/evolved-schema.ts";
import { commitAltered, type Altered, type Alteration } from "./alteration.ts";

/** Commits a schema of `evolvedSchema`, and what else of the metadata follows it, if the table is changed by that. */
export async function commitSchema(
  table: DeltaTable,
  snapshot: Snapshot,
  schema: Schema,
  {
    metadata: changed,
    ...operation
  }: Pick<Altered, "operation" | "operationParameters"> & {
    readonly metadata?: Partial<Pick<Metadata, "partitionColumns" | "configuration">>;
  },
): Promise<Alteration> {
  const before = { ...snapshot, metadata: { ...snapshot.metadata, ...changed } };
  const metadata = changedMetadata(before, schema);
  const protocol = protocolAfter(table.path, snapshot.protocol, metadata, schema);
  return commitAltered(table, snapshot, { protocol, metadata, ...operation });
}

/** A column or a field of a struct, by its path, with what it lies in. Throws UNKNOWN_COLUMN; INVALID_ARGUMENT for what is in no struct. */
export function fieldAt(table: DeltaTable, { schema }: Pick<Snapshot, "schema">, column: string) {
  const { path } = findColumn(table.path, schema, parseColumnPath(column));
  const parent = findColumn(table.path, schema, path.slice(0, -1));
  assertStruct(table, parent, column);
  return { path, parent: parent.path, name: path.at(-1)! };
}

/** Throws INVALID_ARGUMENT where a column is to lie in what has no fields. */
export function assertStruct(table: DeltaTable, { type, path }: FoundColumn, column: string): void {
  if (type.kind === "struct") return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${column} cannot be a column of ${table.path}: ${columnPathText(path)} is ${typeName(type)}, which has no fields. Name a field of a struct.`,
  );
}

/** Throws INVALID_ARGUMENT where the files of a table have its columns under their own names. */
export function assertMapped(table: DeltaTable, { columnMapping }: Snapshot, verb: string): void {
  if (columnMapping !== "none") return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `The columns of ${table.path} have the names that they have in its files, and cannot be ${verb}. Set delta.columnMapping.mode to name first.`,
  );
}

/** Throws DUPLICATE_NAME where a field of the last name of a path is there, in whatever case. */
export function assertFree(
  table: DeltaTable,
  fields: readonly (readonly [string, StructField])[],
  path: ColumnPath,
): void {
  const name = path.at(-1)!;
  const taken = fields.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[0];
  if (taken === undefined) return;
  throw new DyneError(
    "DUPLICATE_NAME",
    `${table.path} has ${columnPathText([...path.slice(0, -1), taken])} already, and case does not tell names apart. Choose another name than ${name}.`,
  );
}

/** Throws INVALID_ARGUMENT where a rule of the table speaks of a column. */
export function assertUnused(table: DeltaTable, snapshot: Snapshot, path: ColumnPath, verb: string): void {
  const [rule] = rulesUsing(snapshot, path);
  if (rule === undefined) return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${columnPathText(path)} of ${table.path} cannot be ${verb}: ${rule.name} uses it (${rule.text}). Drop that first.`,
    { details: { column: columnPathText(path), rule: rule.name } },
  );
}
