/**
 * The rows of a batch while it is decided what becomes of them (SPEC.md 4, 5). Columns:
 *
 *     captured   the query's columns, one boolean per expectation, `_row_error`, and the row's place
 *     judged     + `__counting_us`, and `__reason`, `__rule`, `__message`: all three NULL for a row that stays
 */
import { instantMicros } from "../../core/index.ts";
import type { Watermark } from "../../checkpoint/index.ts";
import type { ComputeInput, HiddenColumn } from "../../compute/index.ts";
import type { DataType, Expression, LogicalPlan, Schema } from "../../plan/index.ts";
import type { StreamFlow } from "../declared-flow.ts";
import {
  aggregate,
  bool,
  call,
  choose,
  column,
  extended,
  fieldsOf,
  filter,
  long,
  nothing,
  project,
  same,
  scan,
  schemaOf,
  text,
  when,
} from "./expressions.ts";
import type { StreamingPlan } from "./streaming-plan.ts";

/** Hidden columns that travel beside the query's own. */
export const place = {
  lane: "__lane",
  version: "__version",
  position: "__position",
  arrival: "__arrival",
  text: "__event_data",
  bytes: "__event_data_binary",
  source: "__source",
} as const;

/** The rule of rows that are late only because their lane had been silent. */
export const idleRule = "idle_lane";
const rowError = "_row_error";
const string: DataType = { kind: "string" };
const bigint: DataType = { kind: "long" };

/** The column that says whether the expectation of an index holds. */
export const check = (index: number): string => `__check${index}`;
/** An expectation holds only where it is true: NULL breaks it. */
export const notTrue = (name: string): Expression => call("not", call("coalesce", column(name), bool(false)));

export class JudgedRows {
  readonly hidden: readonly HiddenColumn[];
  readonly #flow: StreamFlow;
  readonly #plan: StreamingPlan;
  readonly #captured: Schema;

  constructor(flow: StreamFlow, plan: StreamingPlan) {
    this.#flow = flow;
    this.#plan = plan;
    this.hidden = hiddenColumns(flow);
    const checks = Object.fromEntries(flow.expectations.map((_, index) => [check(index), { kind: "boolean" }]));
    const carried = Object.fromEntries(this.hidden.map((hidden) => [hidden.name, hidden.type]));
    this.#captured = extended(plan.schema, { ...checks, [rowError]: string, ...carried });
  }

  /** The columns of `judged` and of every step after it. */
  get schema(): Schema {
    return extended(this.#captured, { __counting_us: bigint, __reason: string, __rule: string, __message: string });
  }

  /** A relation of judged rows, by the name of its step. */
  scan(step: string): LogicalPlan {
    return scan(step, this.schema);
  }

  /**
   * A row's place as the sink keeps it (`rowPlace`). Files have no position that rises through the lane, so that theirs is made of the
   * version that brought the row and its index there.
   */
  place(job: string | null): Expression {
    const position =
      this.#flow.stream.place.position === undefined
        ? call("plus", call("times", column(place.version), long(2 ** 32)), column(place.position))
        : column(place.position);
    return call(
      "named_struct",
      text("lane"),
      column(place.lane),
      text("position"),
      position,
      text("arrival"),
      column(place.arrival),
      text("job"),
      job === null ? nothing(string) : text(job),
    );
  }

  /** The row-local part with the expectations; its errors are captured. */
  capture(): LogicalPlan {
    const columns = fieldsOf(this.#plan.schema).map(([name]) => name);
    return project(this.#plan.rowLocal, [
      ...same(columns),
      ...this.#flow.expectations.map((rule, index): [string, Expression] => [check(index), rule.predicate]),
    ]);
  }

  /** The captured rows that could be computed. */
  parsed(): LogicalPlan {
    return filter(scan("captured", this.#captured), call("is_null", column(rowError)));
  }

  /** What becomes of each captured row, with the watermark in force. Rows of a backfill are never late. Scans `captured` and `progress`. */
  judge(watermark: Watermark | null, { skipsLateness = false } = {}): LogicalPlan {
    const base = fieldsOf(this.#captured).map(([name]) => name);
    const spec = this.#plan.watermark;
    const noError = call("is_null", column(rowError));
    if (spec === undefined || skipsLateness) {
      return this.#verdict(
        project(scan("captured", this.#captured), [...same(base), ["__counting_us", nothing(bigint)]]),
        base,
        [],
      );
    }
    const joined: LogicalPlan = {
      kind: "join",
      type: "left",
      left: scan("captured", this.#captured),
      right: scan("progress", progressSchema),
      on: [{ left: place.lane, right: "progress_lane" }],
      dropRight: ["progress_lane"],
    };
    const eventUs = when(noError, call("unix_micros", column(spec.eventTime)));
    const arrivalUs = call("unix_micros", column(place.arrival));
    const ahead = call("gt", column("__event_us"), call("plus", arrivalUs, long(spec.maxAheadMs * 1000)));
    const timed = project(joined, [...same([...base, "progress_us"]), ["__event_us", eventUs]]);
    const counted = project(timed, [
      ...same([...base, "progress_us", "__event_us"]),
      [
        "__counting_us",
        choose([
          [ahead, nothing(bigint)],
          [bool(true), column("__event_us")],
        ]),
      ],
    ]);
    const earlier: Expression = {
      kind: "window",
      call: aggregate("max", column("__counting_us")),
      partitionBy: [column(place.lane)],
      // Files of one commit may share positions; the time makes the order total where it matters.
      orderBy: [place.version, place.position, "__event_us"].map((name) => ({
        by: column(name),
        direction: "ascending" as const,
        nulls: "first" as const,
      })),
      frame: { startRow: undefined, endRow: -1 },
    };
    const seen = project(counted, [
      ...same([...base, "__event_us", "__counting_us"]),
      ["__seen_us", call("greatest", column("progress_us"), earlier)],
    ]);
    const delayUs = spec.delayMs * 1000;
    const isLate = call("lt", column("__event_us"), call("minus", column("__seen_us"), long(delayUs)));
    const evicted = watermark?.evictedBefore ?? null;
    const idle =
      evicted === null ? bool(false) : call("lt", column("__event_us"), long(instantMicros(evicted) + BigInt(delayUs)));
    const late = `the event time is more than ${spec.delayMs / 1000} s before the latest of its lane`;
    return this.#verdict(seen, base, [
      [isLate, "LATE", null, late],
      [idle, "LATE", idleRule, "its lane was silent while the others went on past its event time"],
    ]);
  }

  /** Adds what becomes of each row: the first verdict that holds. */
  #verdict(
    input: LogicalPlan,
    base: readonly string[],
    late: readonly (readonly [Expression, string, string | null, string])[],
  ): LogicalPlan {
    const malformed = call("is_not_null", column(rowError));
    const drops = this.#flow.expectations
      .map((rule, index) => ({ rule, index }))
      .filter(({ rule }) => rule.action === "drop")
      .map(
        ({ rule, index }) =>
          [notTrue(check(index)), "EXPECTATION", rule.name, `the expectation ${rule.name} does not hold`] as const,
      );
    const verdicts = [...late, ...drops];
    return project(input, [
      ...same([...base, "__counting_us"]),
      [
        "__reason",
        choose([
          [malformed, text("MALFORMED")],
          ...verdicts.map(([condition, reason]): [Expression, Expression] => [condition, text(reason)]),
        ]),
      ],
      [
        "__rule",
        choose([
          [malformed, nothing(string)],
          ...verdicts.map(([condition, , rule]): [Expression, Expression] => [
            condition,
            rule === null ? nothing(string) : text(rule),
          ]),
        ]),
      ],
      [
        "__message",
        choose([
          [malformed, column(rowError)],
          ...verdicts.map(([condition, , , message]): [Expression, Expression] => [condition, text(message)]),
        ]),
      ],
    ]);
  }
}

const progressSchema = schemaOf({ progress_lane: string, progress_us: bigint });

/** The relation `progress`: how far each lane had come before the batch. */
export function laneProgress(watermark: Watermark | null): ComputeInput {
  const lanes = Object.entries(watermark?.lanes ?? {});
  return {
    kind: "rows",
    schema: progressSchema,
    rowCount: lanes.length,
    columns: {
      progress_lane: lanes.map(([lane]) => lane),
      progress_us: lanes.map(([, progress]) =>
        progress.maxEventTime === null ? null : instantMicros(progress.maxEventTime),
      ),
    },
  };
}

/** A row's place and its raw body travel beside the query's own columns. */
function hiddenColumns(flow: StreamFlow): HiddenColumn[] {
  const { stream } = flow;
  const names = fieldsOf(stream.schema).map(([name]) => name);
  const raw: HiddenColumn[] =
    names.includes("event_data") && names.includes("event_data_binary")
      ? [
          { name: place.text, type: string, expression: column("event_data") },
          { name: place.bytes, type: { kind: "binary" }, expression: column("event_data_binary") },
        ]
      : [
          {
            name: place.source,
            type: string,
            expression: call("to_json", call("named_struct", ...names.flatMap((name) => [text(name), column(name)]))),
          },
        ];
  return [
    { name: place.lane, type: string, expression: stream.place.lane ?? column("_lane") },
    { name: place.version, type: bigint, expression: column("_commit_version") },
    { name: place.position, type: bigint, expression: stream.place.position ?? column("_row_index") },
    {
      name: place.arrival,
      type: { kind: "timestamp" },
      expression: stream.place.arrival ?? nothing({ kind: "timestamp" }),
    },
    ...raw,
  ];
}
