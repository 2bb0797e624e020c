/** Rows of landed files on their way into bronze, and into quarantine where they cannot be read (SPEC.md 21). */
import type { LandedFile } from "../../checkpoint/index.ts";
import { textFileColumns, type ComputeInput } from "../../compute/index.ts";
import type { DataType, Expression, LogicalPlan, Schema } from "../../plan/index.ts";
import type { FilesFlow } from "../declared-flow.ts";
import type { BatchContext } from "../flow.ts";
import {
  aggregate,
  call,
  column,
  fieldsOf,
  filter,
  long,
  nothing,
  project,
  scan,
  schemaOf,
  text,
} from "./expressions.ts";

const string: DataType = { kind: "string" };
const timestamp: DataType = { kind: "timestamp" };

/** The columns beside the data's own that rows of text files come with. */
export const landedSchema: Record<string, DataType> = {
  [textFileColumns.path]: string,
  [textFileColumns.etag]: string,
  [textFileColumns.modified]: timestamp,
  [textFileColumns.row]: { kind: "long" },
  [textFileColumns.rescued]: string,
  [textFileColumns.error]: string,
  [textFileColumns.text]: string,
};
const replacedSchema = schemaOf({ path: string, etag: string });

/** The relation `replaced`. */
export function replacedRows(files: readonly LandedFile[]): ComputeInput {
  return {
    kind: "rows",
    schema: replacedSchema,
    rowCount: files.length,
    columns: { path: files.map((file) => file.path), etag: files.map((file) => file.etag) },
  };
}

/** A column of bronze: provenance by its name, otherwise the data's own. */
export function bronzeColumn(name: string, type: DataType, batchTime: Expression): Expression {
  switch (name) {
    case "file_name":
      return column(textFileColumns.path);
    case "file_etag":
      return column(textFileColumns.etag);
    case "file_modification_time":
      return column(textFileColumns.modified);
    case "row_number":
      return column(textFileColumns.row);
    case "_rescued_data":
      return column(textFileColumns.rescued);
    case "ingestion_timestamp":
      return batchTime;
    case "ingestion_date":
      return { kind: "cast", mode: "try", input: batchTime, to: { kind: "date" } };
    default:
      return { kind: "cast", mode: "try", input: column(name), to: type };
  }
}

/** How many rows are sane, and how many are not. */
export function countsBySanity(rowsSchema: Schema, sane: Expression): LogicalPlan {
  return {
    kind: "aggregate",
    input: scan("rows", rowsSchema),
    groupBy: [{ name: "sane", expression: sane }],
    aggregates: [{ name: "rows", expression: aggregate("count") }],
  };
}

/** What leaves a batch of files: lines that are not of the format, and files that were replaced before they were read. Scans `rows` and `replaced`. */
export function quarantinedFiles(
  flow: FilesFlow,
  batch: BatchContext,
  rowsSchema: Schema,
  batchTime: Expression,
): LogicalPlan {
  const schema = flow.quarantine.schema;
  const shape = (input: LogicalPlan, values: Readonly<Record<string, Expression>>): LogicalPlan =>
    project(
      input,
      fieldsOf(schema).map(([name, field]) => [
        name,
        { kind: "cast", mode: "try", input: values[name] ?? nothing(field.type), to: field.type },
      ]),
    );
  const common = {
    source_table: text(flow.id),
    lane: text(batch.lane),
    batch_id: long(batch.offsets.batchId),
    ingestion_timestamp: batchTime,
  };
  const malformed = shape(filter(scan("rows", rowsSchema), call("is_not_null", column(textFileColumns.error))), {
    ...common,
    reason: text("MALFORMED"),
    message: call("concat", column(textFileColumns.error), text(" in "), column(textFileColumns.path)),
    position: column(textFileColumns.row),
    event_data: column(textFileColumns.text),
  });
  const replaced = shape(scan("replaced", replacedSchema), {
    ...common,
    reason: text("REPLACED"),
    message: call(
      "concat",
      column("path"),
      text(" was replaced or removed before it was read; what replaced it is a file of its own"),
    ),
    row: call("to_json", call("named_struct", text("path"), column("path"), text("etag"), column("etag"))),
  });
  return { kind: "union", inputs: [malformed, replaced] };
}
