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
import { DyneError } from "../../core/index.ts";
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
  if (schema === snapshot.schema) return schema;
  assertNewNames(snapshot, schema);
  if (snapshot.columnMapping === "none") return schema;
  return numberedSchema(schema, {
    maxColumnId: lastColumnId(snapshot),
    physicalName: () => `col-${log.random.uuid()}`,
  }).schema;
}

/** Names that a table cannot get later can no more be given to it when it is made. */
function assertNewNames({ schema: before, columnMapping, metadata }: Snapshot, { fields }: Schema): void {
  const added = Object.keys(fields).filter((name) => !Object.hasOwn(before.fields, name));
  const wrong = columnMapping === "none" ? added.find((name) => /[ ,;{}()\n\t=]/.test(name)) : undefined;
  if (wrong !== undefined)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `"${wrong}" cannot become a column: without column mapping a name has none of " ,;{}()\\n\\t=". Rename it, or set delta.columnMapping.mode.`,
    );
  const taken = added.find((name) => changeColumns.includes(name.toLowerCase()));
  if (taken !== undefined && metadata.configuration["delta.enableChangeDataFeed"] === "true")
    throw new DyneError(
      "INVALID_ARGUMENT",
      `"${taken}" cannot become a column of a table with a change feed, whose rows have a column of that name. Rename it.`,
    );
}

const changeColumns: readonly string[] = ["_change_type", "_commit_version", "_commit_timestamp"];

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
