/** The columns of bronze and quarantine tables: what is kept of everything that arrives, and of what could not go on. */
import { placeColumn } from "../core/index.ts";
import { binary, checkFieldNames, date, long, string, struct, structOfFields, timestamp } from "../plan/index.ts";
import type { ColumnTypes, Schema, StructField, StructOf } from "../plan/index.ts";

/**
 * A table fed from a hub. `event_data` is the body byte for byte where it is UTF-8, otherwise it is NULL and `event_data_binary` holds the
 * bytes. `partition`, `sequence_number` and `source_epoch` (the hub's creation time) say where the event stood; `enqueued_time` is its
 * arrival; `properties` is JSON.
 */
export const hubBronzeSchema = struct({
  event_data: string(),
  event_data_binary: binary(),
  ingestion_timestamp: timestamp(),
  ingestion_date: date(),
  source_system: string(),
  source_epoch: timestamp(),
  partition: string(),
  sequence_number: long(),
  offset: string(),
  enqueued_time: timestamp(),
  partition_key: string(),
  properties: string(),
});
type TypesIn<Schema> = Schema extends StructOf<infer Types> ? Types : never;
export type HubBronzeTypes = TypesIn<typeof hubBronzeSchema>;

/** What follows the file's own columns in a table fed from files. `_rescued_data` is JSON of what did not fit the schema. */
export const fileProvenanceSchema = struct({
  file_name: string(),
  file_etag: string(),
  file_modification_time: timestamp(),
  row_number: long(),
  _rescued_data: string(),
  ingestion_timestamp: timestamp(),
  ingestion_date: date(),
});
export type FileProvenanceTypes = TypesIn<typeof fileProvenanceSchema>;

/** A table fed from files: the file's columns, then their provenance. Errors: DUPLICATE_NAME. */
export function fileBronzeSchema<Types extends ColumnTypes>(
  data: StructOf<Types>,
): StructOf<Types & FileProvenanceTypes> {
  const fields = [data, fileProvenanceSchema].flatMap((part) => Object.entries<StructField>(part.fields));
  checkFieldNames(
    fields.map(([name]) => name),
    "a table fed from files",
  );
  return structOfFields(Object.fromEntries(fields)) as StructOf<Types & FileProvenanceTypes>;
}

/**
 * Where a row stood in the input from which it was made: the lane, the position in it, when it arrived, and the backfill that brought it
 * (NULL for live rows). A streaming table that feeds one with event time or state carries it in the hidden column `_dyne`.
 */
export const rowPlace = struct({ lane: string(), position: long(), arrival: timestamp(), job: string() });

/** A table's schema with the hidden column at its end. */
export function withPlace(schema: Schema): Schema {
  return { kind: "struct", fields: { ...schema.fields, [placeColumn]: { type: rowPlace, nullable: true } } };
}

/**
 * Every table's quarantine. `reason` is MALFORMED, LATE, EXPECTATION, REPLACED or TOO_LATE, `rule` the expectation's name, `message` what
 * is wrong; `lane` and `position` say where the row stood in `source_table`. Raw input is in `event_data` or `event_data_binary`, other
 * rows are JSON in `row`.
 */
export const quarantineSchema = struct({
  reason: string(),
  rule: string(),
  message: string(),
  source_table: string(),
  lane: string(),
  position: long(),
  batch_id: long(),
  ingestion_timestamp: timestamp(),
  event_data: string(),
  event_data_binary: binary(),
  row: string(),
});
