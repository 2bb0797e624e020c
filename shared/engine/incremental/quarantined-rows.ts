import type { OffsetsRecord } from "../../checkpoint/index.ts";
import type { DataType, Expression, LogicalPlan } from "../../plan/index.ts";
import type { StreamFlow } from "../declared-flow.ts";
import { all, call, column, fieldsOf, filter, long, nothing, project, text, when } from "./expressions.ts";
import { place, type JudgedRows } from "./judged-rows.ts";
import type { StreamingPlan } from "./streaming-plan.ts";

const string: DataType = { kind: "string" };

/** The batch's rows that leave, with their reasons, in the quarantine's columns. Scans the step `judged`. */
export function quarantinedRows(
  flow: StreamFlow,
  plan: StreamingPlan,
  rows: JudgedRows,
  offsets: OffsetsRecord,
): LogicalPlan {
  const parsed = call(
    "to_json",
    call("named_struct", ...fieldsOf(plan.schema).flatMap(([name]) => [text(name), column(name)])),
  );
  const isRaw = rows.hidden.some((hidden) => hidden.name === place.text);
  const row = when(
    call("eq", column("__reason"), text("MALFORMED")),
    isRaw ? nothing(string) : column(place.source),
    parsed,
  );
  const values: Record<string, Expression> = {
    reason: column("__reason"),
    rule: column("__rule"),
    message: column("__message"),
    source_table: text(flow.stream.name),
    lane: column(place.lane),
    position: column(place.position),
    batch_id: long(offsets.batchId),
    ingestion_timestamp: { kind: "literal", value: offsets.batchTime, type: { kind: "timestamp" } },
    event_data: isRaw ? column(place.text) : nothing(string),
    event_data_binary: isRaw ? column(place.bytes) : nothing({ kind: "binary" }),
    row,
  };
  const leaves = call("is_not_null", column("__reason"));
  const countsOnly = plan.watermark?.late === "count";
  const condition = countsOnly ? all([leaves, call("ne", column("__reason"), text("LATE"))]) : leaves;
  return project(
    filter(rows.scan("judged"), condition),
    fieldsOf(flow.quarantine.schema).map(([name, field]): [string, Expression] => [
      name,
      { kind: "cast", mode: "try", input: values[name] ?? nothing(field.type), to: field.type },
    ]),
  );
}
