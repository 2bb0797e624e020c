/** The schema that a write gives a table, with what the table's log asks of new columns. */
import {
  assertNames,
  numberedSchema,
  protocolAfter,
  schemaString,
  tableProperty,
  type Action,
  type DeltaLog,
  type Metadata,
  type Snapshot,
} from "../../delta/index.ts";
import { DyneError } from "../../core/index.ts";
import type { Schema } from "../../plan/index.ts";
import { assertNoFlow } from "../alter/flow-properties.ts";

const maxColumnIdProperty = "delta.columnMapping.maxColumnId";

/**
 * A schema to which a table is about to be changed. Where its columns are mapped, new ones at every depth get ids and names that no other
 * column ever had (PROTOCOL.md § Writer Requirements for Column Mapping): to be asked for once, before files are written by it.
 */
export function evolvedSchema(
  { log }: { readonly log: Pick<DeltaLog, "random"> },
  snapshot: Snapshot,
  schema: Schema,
): Schema {
  if (schema === snapshot.schema) return schema;
  assertNewNames(snapshot, schema);
  if (snapshot.columnMapping === "none") return schema;
  return numberedSchema(schema, {
    maxColumnId: lastColumnId(snapshot),
    physicalName: () => `col-${log.random.uuid()}`,
  }).schema;
}

/**
 * `evolvedSchema`, for rows that somebody writes. Throws INVALID_ARGUMENT where they would change the columns of a table that a flow writes.
 */
export function schemaOfRows(
  table: { readonly path: string; readonly log: Pick<DeltaLog, "random"> },
  snapshot: Snapshot,
  schema: Schema,
): Schema {
  const evolved = evolvedSchema(table, snapshot, schema);
  if (changesSchema(snapshot, evolved)) assertNoFlow(table.path, snapshot, {}, "a change of its columns");
  return evolved;
}

/** Names that a table cannot get later can no more be given to it when it is made. */
function assertNewNames({ schema: before, columnMapping, metadata }: Snapshot, schema: Schema): void {
  assertNames(schema, columnMapping, before);
  const added = Object.keys(schema.fields).filter((name) => !Object.hasOwn(before.fields, name));
  const taken = added.find((name) => changeColumns.includes(name.toLowerCase()));
  if (taken !== undefined && tableProperty(metadata.configuration, "delta.enableChangeDataFeed"))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `"${taken}" cannot become a column of a table with a change feed, whose rows have a column of that name. Rename it.`,
    );
}

const changeColumns: readonly string[] = ["_change_type", "_commit_version", "_commit_timestamp"];

/** The actions that give a table another schema, one of `evolvedSchema`, and the protocol that it needs for that; none where it is the same. */
export function schemaChange(path: string, snapshot: Snapshot, schema: Schema): readonly Action[] {
  const { protocol: before } = snapshot;
  if (!changesSchema(snapshot, schema)) return [];
  const metaData = changedMetadata(snapshot, schema);
  const protocol = protocolAfter(path, before, metaData, schema);
  return [...(protocol === before ? [] : [{ protocol }]), { metaData }];
}

function changesSchema({ schema: before }: Snapshot, schema: Schema): boolean {
  return schema !== before && schemaString(schema) !== schemaString(before);
}

/** The metadata of a table with another schema, one of `evolvedSchema`, and the greatest id of a column that there ever was. */
export function changedMetadata(snapshot: Pick<Snapshot, "metadata" | "columnMapping">, schema: Schema): Metadata {
  const changed = { ...snapshot.metadata, schemaString: schemaString(schema) };
  if (snapshot.columnMapping === "none") return changed;
  const { maxColumnId } = numberedSchema(schema, { maxColumnId: lastColumnId(snapshot), physicalName: (name) => name });
  return { ...changed, configuration: { ...changed.configuration, [maxColumnIdProperty]: String(maxColumnId) } };
}

function lastColumnId({ metadata }: Pick<Snapshot, "metadata">): number {
  return Number(metadata.configuration[maxColumnIdProperty] ?? 0);
}
