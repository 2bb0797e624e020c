/** The schema that a write gives a table, with what the table's log asks of new columns. */
import {
  numberedSchema,
  protocolAfter,
  schemaString,
  type Action,
  type DeltaLog,
  type Metadata,
  type Snapshot,
} from "../../delta/index.ts";
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

/** The actions that give a table another schema, one of `evolvedSchema`, and the protocol that it needs for that; none where it is the same. */
export function schemaChange(path: string, snapshot: Snapshot, schema: Schema): readonly Action[] {
  const { protocol: before } = snapshot;
  if (schema === snapshot.schema || schemaString(schema) === schemaString(snapshot.schema)) return [];
  const metaData = changedMetadata(snapshot, schema);
  const protocol = protocolAfter(path, before, metaData, schema);
  return [...(protocol === before ? [] : [{ protocol }]), { metaData }];
}

function changedMetadata(snapshot: Snapshot, schema: Schema): Metadata {
  const changed = { ...snapshot.metadata, schemaString: schemaString(schema) };
  if (snapshot.columnMapping === "none") return changed;
  const { maxColumnId } = numberedSchema(schema, { maxColumnId: lastColumnId(snapshot), physicalName: (name) => name });
  return { ...changed, configuration: { ...changed.configuration, [maxColumnIdProperty]: String(maxColumnId) } };
}

function lastColumnId({ metadata }: Snapshot): number {
  return Number(metadata.configuration[maxColumnIdProperty] ?? 0);
}
