/** What a batch of a streaming table says of itself: small aggregates over its judged rows, and how they are read. */
import { instantText, limits } from "../../core/index.ts";
import type { BatchCounts, EventTimes } from "../../checkpoint/index.ts";
import type { ComputeCollect, ComputeResult, Row } from "../../compute/index.ts";
import type { Expression, LogicalPlan } from "../../plan/index.ts";
import type { StreamFlow } from "../declared-flow.ts";
import { aggregate, all, call, column, fieldsOf, filter, long, project, text, when } from "./expressions.ts";
import { check, idleRule, notTrue, place, type JudgedRows } from "./judged-rows.ts";
import type { StreamingPlan } from "./streaming-plan.ts";
import type { LaneObservation } from "./watermark.ts";

/** What a finished job says of its batch. */
export interface Observed {
  readonly counts: Partial<BatchCounts>;
  readonly lanes: ReadonlyMap<string, LaneObservation>;
  /** Undefined where no row has an event time that counts. */
  readonly eventTime: EventTimes | undefined;
  /** Of each broken `fail` expectation: `rule`, `rows`, `sample`. */
  readonly failures: readonly Row[];
}

export class BatchObservation {
  readonly #flow: StreamFlow;
  readonly #plan: StreamingPlan;
  readonly #rows: JudgedRows;

  constructor(flow: StreamFlow, plan: StreamingPlan, rows: JudgedRows) {
    this.#flow = flow;
    this.#plan = plan;
    this.#rows = rows;
  }

  /** What the job collects. Scans the steps `judged` and `kept`. */
  collects(): readonly ComputeCollect[] {
    return [
      { name: "verdicts", plan: this.#verdicts(), rowsMax: 10_000 },
      { name: "kept", plan: total(this.#rows.scan("kept")), rowsMax: 1 },
      { name: "lanes", plan: this.#laneMaxima(), rowsMax: 10_000 },
      { name: "checks", plan: this.#checks(), rowsMax: 1 },
      ...this.#failing().map(({ index }) => ({ name: `failing${index}`, plan: this.#sample(index), rowsMax: 1 })),
    ];
  }

  /** Reads the counts of a finished job. */
  read(result: Extract<ComputeResult, { kind: "done" }>): Observed {
    const rows = (name: string): readonly Row[] => result.collected[name] ?? [];
    const quarantined: Record<string, number> = {};
    let input = 0;
    let late = 0;
    let lateIdle = 0;
    let stayed = 0;
    for (const row of rows("verdicts")) {
      const count = Number(row["rows"]);
      input += count;
      if (row["__reason"] === null) stayed += count;
      else if (row["__reason"] === "LATE" && row["__rule"] === idleRule) lateIdle += count;
      else if (row["__reason"] === "LATE") late += count;
      else quarantined[String(row["__reason"])] = (quarantined[String(row["__reason"])] ?? 0) + count;
    }
    const kept = Number(rows("kept")[0]?.["rows"] ?? 0);
    const checks = rows("checks")[0] ?? {};
    const expectations = Object.fromEntries(
      this.#flow.expectations.map(({ name }, index) => [name, Number(checks[check(index)] ?? 0)]),
    );
    return {
      counts: {
        inputRows: input,
        outputRows: kept,
        duplicates: stayed - kept,
        late: late + lateIdle,
        lateIdle,
        quarantined,
        expectations,
      },
      lanes: new Map(
        rows("lanes").map((row) => [
          String(row[place.lane]),
          {
            rows: Number(row["rows"]),
            maxEventTimeUs:
              row["max_us"] === null || row["max_us"] === undefined ? undefined : BigInt(row["max_us"] as bigint),
          },
        ]),
      ),
      eventTime: eventTimesOf(rows("lanes")),
      failures: this.#failing().flatMap(({ name, index }) => {
        const broken = Number(checks[check(index)] ?? 0);
        return broken === 0
          ? []
          : [{ rule: name, rows: broken, sample: rows(`failing${index}`)[0]?.["sample"] ?? null }];
      }),
    };
  }

  #failing() {
    return this.#flow.expectations.map((rule, index) => ({ ...rule, index })).filter((rule) => rule.action === "fail");
  }

  #verdicts(): LogicalPlan {
    return {
      kind: "aggregate",
      input: this.#rows.scan("judged"),
      groupBy: ["__reason", "__rule"].map((name) => ({ name, expression: column(name) })),
      aggregates: [{ name: "rows", expression: aggregate("count") }],
    };
  }

  #laneMaxima(): LogicalPlan {
    return {
      kind: "aggregate",
      input: this.#rows.scan("judged"),
      groupBy: [{ name: place.lane, expression: column(place.lane) }],
      aggregates: [
        { name: "rows", expression: aggregate("count") },
        { name: "max_us", expression: aggregate("max", column("__counting_us")) },
        { name: "min_us", expression: aggregate("min", column("__counting_us")) },
        { name: "avg_us", expression: aggregate("avg", column("__counting_us")) },
        { name: "timed", expression: aggregate("count", column("__counting_us")) },
      ],
    };
  }

  /** Of each expectation, the rows that break it, among those that were neither malformed nor late. */
  #checks(): LogicalPlan {
    const aggregates = this.#flow.expectations.map((_, index) => ({
      name: check(index),
      expression: aggregate("count", when(notTrue(check(index)), long(1))),
    }));
    return {
      kind: "aggregate",
      input: filter(this.#rows.scan("judged"), judgedByRules),
      groupBy: [],
      aggregates: [...aggregates, { name: "rows", expression: aggregate("count") }],
    };
  }

  #sample(index: number): LogicalPlan {
    const parsed = call(
      "to_json",
      call("named_struct", ...fieldsOf(this.#plan.schema).flatMap(([name]) => [text(name), column(name)])),
    );
    const broken = filter(this.#rows.scan("judged"), all([judgedByRules, notTrue(check(index))]));
    return {
      kind: "limit",
      count: 1,
      input: project(broken, [
        [
          "sample",
          call(
            "substring",
            parsed,
            { kind: "literal", value: 1, type: { kind: "integer" } },
            { kind: "literal", value: limits.sampleCharacters, type: { kind: "integer" } },
          ),
        ],
      ]),
    };
  }
}

const judgedByRules: Expression = call(
  "or",
  call("is_null", column("__reason")),
  call("eq", column("__reason"), text("EXPECTATION")),
);

const total = (input: LogicalPlan): LogicalPlan => ({
  kind: "aggregate",
  input,
  groupBy: [],
  aggregates: [{ name: "rows", expression: aggregate("count") }],
});

/** The event times of all lanes together. */
function eventTimesOf(lanes: readonly Row[]): EventTimes | undefined {
  const timed = lanes.filter((row) => Number(row["timed"] ?? 0) > 0);
  const [first] = timed;
  if (first === undefined) return undefined;
  const micros = (row: Row, name: string): bigint => BigInt(row[name] as bigint);
  const rows = timed.reduce((sum, row) => sum + Number(row["timed"]), 0);
  const avg = timed.reduce((sum, row) => sum + Number(row["avg_us"]) * (Number(row["timed"]) / rows), 0);
  const min = timed.reduce(
    (least, row) => (least < micros(row, "min_us") ? least : micros(row, "min_us")),
    micros(first, "min_us"),
  );
  const max = timed.reduce(
    (most, row) => (most > micros(row, "max_us") ? most : micros(row, "max_us")),
    micros(first, "max_us"),
  );
  return { min: instantText(min), max: instantText(max), avg: instantText(BigInt(Math.round(avg))) };
}
