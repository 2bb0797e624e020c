/** The schema that a write gives a table, with what the table's log asks of new columns. */
import { numberedSchema, schemaString, type Action, type DeltaLog, type Snapshot } from "../../delta/index.ts";
import type { Schema } from "../../plan/index.ts";

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
  if (snapshot.columnMapping === "none" || schema === snapshot.schema) return schema;
  return numberedSchema(schema, {
    maxColumnId: lastColumnId(snapshot),
    physicalName: () => `col-${log.random.uuid()}`,
  }).schema;
}

/** The action that gives a table another schema, one of `evolvedSchema`; none where it is the same. */
export function schemaChange(snapshot: Snapshot, schema: Schema): readonly Action[] {
  const { metadata, schema: before } = snapshot;
  if (schema === before || schemaString(schema) === schemaString(before)) return [];
  if (snapshot.columnMapping === "none") return [{ metaData: { ...metadata, schemaString: schemaString(schema) } }];
  const { maxColumnId } = numberedSchema(schema, { maxColumnId: lastColumnId(snapshot), physicalName: (name) => name });
  const configuration = { ...metadata.configuration, [maxColumnIdProperty]: String(maxColumnId) };
  return [{ metaData: { ...metadata, configuration, schemaString: schemaString(schema) } }];
}

function lastColumnId({ metadata }: Snapshot): number {
  return Number(metadata.configuration[maxColumnIdProperty] ?? 0);
}
