/**
 * One batch of a streaming table as a compute job. Steps and their columns:
 *
 *     captured   the query's columns, one boolean per expectation, `_row_error`, and the row's place
 *     judged     + what becomes of the row: `__reason`, `__rule`, `__message` (all NULL for a row that stays)
 *     fresh      judged rows that stay
 *     kept       fresh rows without duplicates
 */
import { instantMicros, placeColumn, type Generation } from "../../core/index.ts";
import { layout } from "../../checkpoint/index.ts";
import type {
  ComputeInput,
  ComputeJob,
  ComputeResult,
  ComputeStep,
  ComputeWrite,
  FileSet,
  HiddenColumn,
} from "../../compute/index.ts";
import type { AddFile } from "../../delta/index.ts";
import type { LogicalPlan, Schema } from "../../plan/index.ts";
import { withPlace } from "../../pipeline/index.ts";
import type { ObjectStore } from "../../storage/index.ts";
import type { StreamFlow } from "../declared-flow.ts";
import type { BatchContext, FlowTable } from "../flow.ts";
import { BatchObservation, type Observed } from "./batch-observation.ts";
import { aggregate, call, column, fieldsOf, filter, long, project, same, scan } from "./expressions.ts";
import { JudgedRows, laneProgress, place } from "./judged-rows.ts";
import { quarantinedRows } from "./quarantined-rows.ts";
import type { StreamingPlan } from "./streaming-plan.ts";

const stateOperator = "drop_duplicates";

export interface JobInputs {
  readonly batch: BatchContext;
  readonly stream: FileSet;
  readonly statics: Readonly<Record<string, FileSet>>;
  /** Rows kept before, among them at least the key columns and the event time: of the state, or of the sink. */
  readonly seen: FileSet | undefined;
  /** They are the whole state, and are to be written anew as one file with those of the batch. */
  readonly mergeState: boolean;
  readonly lake: ObjectStore;
  readonly host: ObjectStore;
}

/** Event times in microseconds, both included. */
export interface EventSpan {
  readonly firstUs: bigint;
  readonly lastUs: bigint;
}

/** Statistics of timestamps are in milliseconds, cut by some writers. */
const boundSlackUs = 1_000n;

export class StreamingJob {
  readonly #flow: StreamFlow;
  readonly #plan: StreamingPlan;
  readonly #rows: JudgedRows;
  readonly #observation: BatchObservation;

  constructor(flow: StreamFlow, plan: StreamingPlan) {
    this.#flow = flow;
    this.#plan = plan;
    this.#rows = new JudgedRows(flow, plan);
    this.#observation = new BatchObservation(flow, plan, this.#rows);
  }

  get hiddenColumns(): readonly HiddenColumn[] {
    return this.#rows.hidden;
  }

  /** The sink's columns, the hidden one included where it has it. */
  get sinkSchema(): Schema {
    return this.#flow.carriesPlace ? withPlace(this.#flow.output.schema) : this.#flow.output.schema;
  }

  get stateRole(): string | undefined {
    return this.#plan.deduplicate === undefined ? undefined : `state:${stateOperator}`;
  }

  stateTables(generation: Generation): readonly FlowTable[] {
    if (this.stateRole === undefined) return [];
    return [
      {
        role: this.stateRole,
        root: "host",
        path: layout.stateTable(this.#flow.id, generation, stateOperator),
        schema: this.#stateSchema(),
        partitionBy: [],
      },
    ];
  }

  /** True where no row of a state file can matter any more. */
  isEvicted(file: AddFile, evictedBefore: string | null): boolean {
    const eventTime = this.#plan.watermark?.eventTime;
    if (evictedBefore === null || eventTime === undefined || file.stats === undefined) return false;
    const max = (JSON.parse(file.stats) as { maxValues?: Record<string, unknown> }).maxValues?.[eventTime];
    return typeof max === "string" && BigInt(Date.parse(max)) * 1000n < instantMicros(evictedBefore);
  }

  build(inputs: JobInputs): ComputeJob {
    const { batch } = inputs;
    const steps: ComputeStep[] = [
      this.#capture(),
      planStep("judged", this.#rows.judge(batch.offsets.watermark, { skipsLateness: batch.offsets.job !== null })),
      planStep("fresh", filter(this.#rows.scan("judged"), call("is_null", column("__reason")))),
      this.#deduplicate(),
    ];
    const relations: Record<string, ComputeInput> = { [this.#plan.stream.source]: inputs.stream, ...inputs.statics };
    relations["progress"] = laneProgress(batch.offsets.watermark);
    if (this.stateRole !== undefined) relations["state"] = inputs.seen ?? emptyRows(this.#stateSchema());
    return {
      name: `${this.#flow.id}/${batch.lane}/${batch.offsets.batchId}`,
      inputs: relations,
      steps,
      writes: this.#writes(inputs),
      collects: this.#observation.collects(),
      parameters: { current_timestamp: batch.offsets.batchTime },
      signal: batch.signal,
    };
  }

  /** The least and the greatest event time of a batch's rows, as a job of its own. */
  span(batch: BatchContext, stream: FileSet, statics: Readonly<Record<string, FileSet>>): ComputeJob {
    const time = call("unix_micros", column(this.#plan.watermark?.eventTime ?? ""));
    return {
      name: `${this.#flow.id}/${batch.lane}/${batch.offsets.batchId}/span`,
      inputs: { [this.#plan.stream.source]: stream, ...statics },
      steps: [this.#capture()],
      writes: [],
      collects: [
        {
          name: "span",
          rowsMax: 1,
          plan: {
            kind: "aggregate",
            input: this.#rows.parsed(),
            groupBy: [],
            aggregates: [
              { name: "first", expression: aggregate("min", time) },
              { name: "last", expression: aggregate("max", time) },
            ],
          },
        },
      ],
      parameters: { current_timestamp: batch.offsets.batchTime },
      signal: batch.signal,
    };
  }

  readSpan(result: Extract<ComputeResult, { kind: "done" }>): EventSpan | undefined {
    const { first = null, last = null } = result.collected["span"]?.[0] ?? {};
    return first === null || last === null
      ? undefined
      : { firstUs: BigInt(first as bigint), lastUs: BigInt(last as bigint) };
  }

  /** False where no row of a sink's file can be a duplicate of a row with an event time in the span. */
  mayReach({ stats }: AddFile, { firstUs, lastUs }: EventSpan): boolean {
    const { eventTime = "", delayMs = 0 } = this.#plan.watermark ?? {};
    const { minValues, maxValues } = JSON.parse(stats ?? "{}") as Partial<Record<string, Record<string, unknown>>>;
    const min = boundUs(minValues?.[eventTime]);
    const max = boundUs(maxValues?.[eventTime]);
    const reachUs = BigInt(delayMs) * 1000n + boundSlackUs;
    return (min === undefined || min <= lastUs + reachUs) && (max === undefined || max >= firstUs - reachUs);
  }

  /** What a finished job says of its batch. */
  read(result: Extract<ComputeResult, { kind: "done" }>): Observed {
    return this.#observation.read(result);
  }

  #stateSchema(): Schema {
    const keys = [...(this.#plan.deduplicate?.keys ?? []), this.#plan.watermark?.eventTime ?? ""];
    return {
      kind: "struct",
      fields: Object.fromEntries(fieldsOf(this.#plan.schema).filter(([name]) => keys.includes(name))),
    };
  }

  #capture(): ComputeStep {
    return {
      kind: "plan",
      name: "captured",
      plan: this.#rows.capture(),
      rowErrors: "capture",
      carry: this.#rows.hidden.map((hidden) => hidden.name),
    };
  }

  #deduplicate(): ComputeStep {
    const { deduplicate, watermark } = this.#plan;
    if (deduplicate === undefined || watermark === undefined) return planStep("kept", this.#rows.scan("fresh"));
    return {
      kind: "deduplicate",
      name: "kept",
      input: "fresh",
      state: "state",
      schema: this.#rows.schema,
      keys: deduplicate.keys,
      eventTime: watermark.eventTime,
      delayMs: watermark.delayMs,
      order: [place.version, place.lane, place.position, ...fieldsOf(this.#plan.schema).map(([name]) => name)],
    };
  }

  #writes(inputs: JobInputs): ComputeWrite[] {
    const { output, quarantine } = this.#flow;
    const kept = this.#rows.scan("kept");
    const writes: ComputeWrite[] = [
      {
        name: "quarantine",
        plan: quarantinedRows(this.#flow, this.#plan, this.#rows, inputs.batch.offsets),
        target: {
          store: inputs.lake,
          path: quarantine.path,
          schema: quarantine.schema,
          partitionBy: quarantine.partitionBy,
          sortBy: [],
        },
      },
      {
        name: "sink",
        plan: project(kept, [
          ...same(fieldsOf(output.schema).map(([name]) => name)),
          ...(this.#flow.carriesPlace ? [[placeColumn, this.#rows.place(inputs.batch.offsets.job)] as const] : []),
        ]),
        target: {
          store: inputs.lake,
          path: output.path,
          schema: this.sinkSchema,
          partitionBy: output.partitionBy,
          sortBy: [],
        },
      },
    ];
    const role = this.stateRole;
    const owned = role === undefined ? undefined : inputs.batch.generation.tables[role];
    if (owned !== undefined)
      writes.push({
        name: "state",
        plan: this.#newState(inputs),
        target: { store: inputs.host, path: owned.path, schema: this.#stateSchema(), partitionBy: [], sortBy: [] },
      });
    return writes;
  }

  /** The keys of this batch; from time to time with those of before that can still matter, as one file. */
  #newState(inputs: JobInputs): LogicalPlan {
    const schema = this.#stateSchema();
    const names = fieldsOf(schema).map(([name]) => name);
    const eventTime = column(this.#plan.watermark?.eventTime ?? "");
    const added = filter(project(this.#rows.scan("kept"), same(names)), call("is_not_null", eventTime));
    if (!inputs.mergeState) return added;
    const evictedBefore = inputs.batch.offsets.watermark?.evictedBefore ?? null;
    const before = scan("state", schema);
    if (evictedBefore === null) return { kind: "union", inputs: [before, added] };
    const bound = call("unix_micros", eventTime);
    const live = filter(before, call("ge", bound, long(instantMicros(evictedBefore))));
    return { kind: "union", inputs: [live, added] };
  }
}

function boundUs(value: unknown): bigint | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1000n;
}

const planStep = (name: string, plan: LogicalPlan): ComputeStep => ({
  kind: "plan",
  name,
  plan,
  rowErrors: "fail",
  carry: [],
});
function emptyRows(schema: Schema): ComputeInput {
  return { kind: "rows", schema, rowCount: 0, columns: {} };
}
