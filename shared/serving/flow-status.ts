/** Where a flow stands, told from logs alone: nothing is computed and nothing written. */
import { generation, type Clock, type Generation, type Random } from "../core/index.ts";
import {
  FlowLog,
  hasFailed,
  LaneLog,
  type FlowStateRecord,
  type GenerationRecord,
  type LaneHead,
  type RecordContext,
} from "../checkpoint/index.ts";
import type { AddFile } from "../delta/index.ts";
import { tablePath, type Flow } from "../pipeline/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { TableCatalog } from "../table/index.ts";

export interface FlowStatus {
  readonly flow: string;
  readonly kind: Flow["kind"];
  /** `NEW`: it has not run yet. `PLAN_CHANGED`: its query is not the one that made its data, and it waits for its operator. */
  readonly state: "NEW" | "RUNNING" | "PAUSED" | "FAILED" | "PLAN_CHANGED";
  /** What failed its newest generation; null where nothing did. */
  readonly failure: FlowStateRecord["failure"];
  /** Null before the first. */
  readonly generation: number | null;
  /** Lanes that have begun in this generation. */
  readonly lanes: number;
  /** Committed batches of all lanes in this generation. */
  readonly batches: number;
  /** Lanes with a batch that was planned and is not committed. */
  readonly openBatches: number;
  /** When the last batch of any lane was committed, ISO-8601; null before the first. */
  readonly lastCommitTime: string | null;
  /** The sink as it is now. `rows` is null where a file does not say how many it has. */
  readonly version: number | null;
  readonly rows: number | null;
  readonly bytes: number | null;
}

export interface ServingContext {
  readonly host: ObjectStore;
  readonly tables: TableCatalog;
  readonly clock: Clock;
  readonly random: Random;
}

/** Errors: CHECKPOINT_CORRUPT, STORAGE_UNAVAILABLE, those of reading Delta logs. Safe to repeat. */
export async function flowStatus(context: ServingContext, flow: Flow): Promise<FlowStatus> {
  const records = { store: context.host, clock: context.clock, random: context.random };
  const log = new FlowLog(records, flow.id);
  const newest = (await log.generations()).at(-1);
  const { record: state } = await log.state();
  const snapshot = await context.tables.open("lake", tablePath(flow.output.name)).find();
  const heads = newest === undefined ? [] : await headsOf(log, records, generation(newest.generation));
  const files = snapshot === undefined ? undefined : [...snapshot.files];
  const name = stateOf(flow, newest, state);
  return {
    flow: flow.id,
    kind: flow.kind,
    state: name,
    failure: newest !== undefined && hasFailed(state, newest.generation) ? (state?.failure ?? null) : null,
    generation: newest?.generation ?? null,
    lanes: heads.length,
    batches: sum(heads.map(({ lastCommit }) => lastCommit?.batchId ?? 0)),
    openBatches: heads.filter(({ openOffsets }) => openOffsets !== undefined).length,
    lastCommitTime: latest(heads.map(({ lastCommit }) => lastCommit?.committedTime)),
    version: snapshot?.version ?? null,
    rows: files === undefined ? null : rowsOf(files),
    bytes: files === undefined ? null : sum(files.map(({ size }) => size)),
  };
}

function stateOf(
  flow: Flow,
  newest: GenerationRecord | undefined,
  state: FlowStateRecord | undefined,
): FlowStatus["state"] {
  if (state?.state === "PAUSED") return "PAUSED";
  if (newest === undefined) return "NEW";
  if (newest.planFingerprint !== flow.fingerprint) return "PLAN_CHANGED";
  return hasFailed(state, newest.generation) ? "FAILED" : "RUNNING";
}

function rowsOf(files: readonly AddFile[]): number | null {
  let rows = 0;
  for (const { stats, deletionVector } of files) {
    const { numRecords } = JSON.parse(stats ?? "{}") as { readonly numRecords?: number };
    if (numRecords === undefined) return null;
    rows += numRecords - (deletionVector?.cardinality ?? 0);
  }
  return rows;
}

async function headsOf(log: FlowLog, records: RecordContext, g: Generation): Promise<readonly LaneHead[]> {
  return await Promise.all((await log.lanes(g)).map((lane) => new LaneLog(records, log.flow, g, lane).head()));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function latest(times: readonly (string | undefined)[]): string | null {
  return (
    times
      .filter((time) => time !== undefined)
      .toSorted()
      .at(-1) ?? null
  );
}
