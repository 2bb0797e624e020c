/** Where a flow stands, told from logs alone: nothing is computed and nothing written. */
import { generation, replayedLane, type Clock, type Generation, type Random } from "../core/index.ts";
import {
  dutyIntervalMs,
  FlowLog,
  hasFailed,
  LaneLog,
  type CommitRecord,
  type FlowStateRecord,
  type GenerationRecord,
  type RecordContext,
} from "../checkpoint/index.ts";
import { rowCountOf, type AddFile } from "../delta/index.ts";
import { tablePath, type Flow } from "../pipeline/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { TableCatalog } from "../table/index.ts";
import { inputLag, type Heads, type HubHeads, type InputLag } from "./input-lag.ts";

export interface FlowStatus {
  readonly flow: string;
  readonly kind: Flow["kind"];
  /** `NEW`: it has not run yet. `PLAN_CHANGED`: its query is not the one that made its data, and it waits for its operator. */
  readonly state: "NEW" | "RUNNING" | "PAUSED" | "FAILED" | "PLAN_CHANGED";
  /** What failed its newest generation; null where nothing did. */
  readonly failure: FlowStateRecord["failure"];
  /** Null before the first. */
  readonly generation: number | null;
  /** Lanes that have begun in this generation, without those of replays. */
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
  /** Milliseconds since `lastCommitTime`. */
  readonly freshnessMs: number | null;
  /**
   * Milliseconds from the beginning of a batch to the earliest one of the next, as it is now: the flow's least interval, or what its share of
   * time makes of its last batch. What has waited for less is not late.
   */
  readonly intervalMs: number;
  /** The batch that was committed last, of whichever lane; null before the first. */
  readonly lastBatch: LastBatch | null;
  /** Tables that it joins as they stand and that have no rows yet: it takes no batch before they have. */
  readonly waitsFor: readonly string[];
  /** How far the committed batches are behind the flow's inputs. */
  readonly lag: readonly InputLag[];
}

export interface LastBatch {
  readonly lane: string;
  readonly batchId: number;
  /** ISO-8601. */
  readonly committedTime: string;
  readonly inputRows: number;
  readonly outputRows: number;
  readonly duplicates: number;
  readonly late: number;
  /** Of all reasons. */
  readonly quarantinedRows: number;
}

export interface ServingContext {
  readonly host: ObjectStore;
  readonly tables: TableCatalog;
  readonly clock: Clock;
  readonly random: Random;
  /** Absent where hubs cannot be asked: what waits in them is then not told. */
  readonly hubs?: HubHeads | undefined;
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
  const lastBatch = lastBatchOf(heads);
  const lastCommitTime = latest(commits(heads).map(({ committedTime }) => committedTime));
  return {
    flow: flow.id,
    kind: flow.kind,
    state: name,
    failure: newest !== undefined && hasFailed(state, newest.generation) ? (state?.failure ?? null) : null,
    generation: newest?.generation ?? null,
    lanes: heads.filter(({ lane }) => replayedLane(lane) === undefined).length,
    batches: sum(commits(heads).map(({ batchId }) => batchId)),
    openBatches: heads.filter(({ head }) => head.openOffsets !== undefined).length,
    lastCommitTime,
    version: snapshot?.version ?? null,
    rows: files === undefined ? null : rowsOf(files),
    bytes: files === undefined ? null : sum(files.map(({ size }) => size)),
    freshnessMs: lastCommitTime === null ? null : Math.max(0, context.clock.nowMs() - Date.parse(lastCommitTime)),
    intervalMs: intervalOf(flow, heads),
    lastBatch,
    waitsFor: await awaited(context.tables, flow),
    lag: await inputLag(context, flow, heads),
  };
}

async function awaited(tables: TableCatalog, flow: Flow): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { table, mode } of flow.kind === "stream" ? flow.inputs : []) {
    if (mode !== "static") continue;
    const snapshot = await tables.open("lake", tablePath(table)).find();
    if (snapshot === undefined || snapshot.version < 1) names.push(table);
  }
  return names;
}

function intervalOf({ minIntervalMs, dutyCycle }: Flow, heads: Heads): number {
  return Math.ceil(Math.max(minIntervalMs, ...commits(heads).map((commit) => dutyIntervalMs(commit, dutyCycle))));
}

function commits(heads: Heads): readonly CommitRecord[] {
  return heads.flatMap(({ head: { lastCommit } }) => (lastCommit === undefined ? [] : [lastCommit]));
}

function lastBatchOf(heads: Heads): LastBatch | null {
  const newest = commits(heads)
    .filter(({ batchId }) => batchId > 0)
    .toSorted((a, b) => (a.committedTime < b.committedTime ? -1 : 1))
    .at(-1);
  if (newest === undefined) return null;
  const { lane, batchId, committedTime, progress } = newest;
  const { inputRows, outputRows, duplicates, late, quarantined } = progress.counts;
  const quarantinedRows = sum(Object.values(quarantined));
  return { lane, batchId, committedTime, inputRows, outputRows, duplicates, late, quarantinedRows };
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
  for (const file of files) {
    const count = rowCountOf(file);
    if (count === undefined) return null;
    rows += count;
  }
  return rows;
}

async function headsOf(log: FlowLog, records: RecordContext, g: Generation): Promise<Heads> {
  const lanes = await log.lanes(g);
  return Promise.all(lanes.map(async (lane) => ({ lane, head: await new LaneLog(records, log.flow, g, lane).head() })));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function latest(times: readonly string[]): string | null {
  return times.toSorted().at(-1) ?? null;
}
