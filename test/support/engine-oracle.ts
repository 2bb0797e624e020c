/**
 * The law of the engine, as a check that shares nothing with the incremental rules (engine-rules 8): a materialized view equals its batch
 * query over its inputs at the versions of its offsets; a streaming table equals the batch query over its input minus the quarantined rows,
 * each static table at the version of the batch that read the row. Duplicates are folded one by one, in the order of the input.
 */
import type {
  CommitRecord,
  DeltaRange,
  GenerationRecord,
  OffsetsRecord,
  OutcomeRecord,
} from "../../shared/checkpoint/index.ts";
import type { FileSet, HiddenColumn } from "../../shared/compute/index.ts";
import { decodeLogPath } from "../../shared/delta/index.ts";
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import {
  checkStreaming,
  schemaOf,
  type DataType,
  type Expression,
  type LogicalPlan,
  type Schema,
} from "../../shared/plan/index.ts";
import { tablePath } from "../../shared/pipeline/index.ts";
import { sorted, type EngineWorld, type Row } from "./engine-harness.ts";

type StreamFlow = Extract<DeclaredFlow, { kind: "stream" }>;
type ViewFlow = Extract<DeclaredFlow, { kind: "view" }>;

/** What a table holds, and what the law says that it holds. */
export interface Judged {
  readonly actual: readonly Row[];
  readonly lawful: readonly Row[];
}

/** A batch that was committed. */
export interface CommittedBatch {
  readonly lane: string;
  readonly offsets: OffsetsRecord;
  readonly commit: CommitRecord;
}

/** The committed batches that made a flow's rows, in order within each lane: those of its newest generation, and what that continues. */
export async function committedBatches(world: EngineWorld, flow: string): Promise<CommittedBatch[]> {
  const byLane = Map.groupBy(await writtenBatches(world, flow), ({ lane }) => lane);
  return [...byLane.values()].flatMap(lineage);
}

/** Every committed batch of a flow, also of generations that do not count any more: lane by lane, the oldest first. */
export async function writtenBatches(world: EngineWorld, flow: string): Promise<CommittedBatch[]> {
  const written: CommittedBatch[] = [];
  for (const path of await world.hostPaths()) {
    const match = new RegExp(`^checkpoints/${flow}/\\d+/([^/]+)/commits/\\d+$`).exec(path);
    if (match === null) continue;
    const commit = (await world.record(path)) as unknown as CommitRecord;
    const offsets = (await world.record(path.replace("/commits/", "/offsets/"))) as unknown as OffsetsRecord;
    const lane = match[1] ?? "";
    written.push({ lane, offsets, commit });
  }
  return written;
}

/** Of a lane's batches in all generations, those that count. Batch 0 of a generation says which ones of those before it do. */
function lineage(batches: readonly CommittedBatch[]): CommittedBatch[] {
  const kept: CommittedBatch[] = [];
  let end = {
    generation: Math.max(...batches.map(({ commit }) => commit.generation)),
    batchId: Number.POSITIVE_INFINITY,
  };
  for (;;) {
    const own = batches.filter(
      ({ commit }) => commit.generation === end.generation && commit.batchId >= 1 && commit.batchId <= end.batchId,
    );
    kept.unshift(...own);
    const begin = batches.find(({ commit }) => commit.generation === end.generation && commit.batchId === 0);
    if (begin === undefined || begin.commit.continues === null) return kept;
    end = begin.commit.continues;
  }
}

/** A view after its last batch. */
export async function judgeView(world: EngineWorld, name: string): Promise<Judged> {
  const last = (await committedBatches(world, name)).at(-1);
  const actual = await world.rows(name);
  if (last === undefined) return { actual, lawful: [] };
  return { actual, lawful: await viewRowsOf(world, world.flow(name) as ViewFlow, last) };
}

/** A view after each of its batches. */
export async function judgeHistory(world: EngineWorld, name: string): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const batch of await committedBatches(world, name)) {
    const version = batch.commit.tables["sink"]?.version ?? -1;
    if (version < 0) continue;
    judged.push({
      actual: await world.rows(name, { version }),
      lawful: await viewRowsOf(world, world.flow(name) as ViewFlow, batch),
    });
  }
  return judged;
}

async function viewRowsOf(world: EngineWorld, flow: ViewFlow, { offsets }: CommittedBatch): Promise<Row[]> {
  const inputs: Record<string, FileSet> = {};
  for (const input of flow.inputs) {
    const table = world.table(input.path);
    inputs[input.name] = table.fileSet(await table.at((offsets.inputs[input.name] as DeltaRange).toVersion));
  }
  return world.query(flow.query, inputs);
}

/** A streaming table after all of its batches. */
export async function judgeStream(world: EngineWorld, name: string): Promise<Judged> {
  const flow = world.flow(name) as StreamFlow;
  const rows: PlacedRow[] = [];
  const batches = await committedBatches(world, name);
  for (const batch of batches) rows.push(...(await rowsRead(world, flow, batch)));
  const quarantine = await world.rows(name, { quarantine: true });
  const quarantined = new Set(quarantine.map((row) => `${String(row["lane"])}/${String(row["position"])}`));
  const stayed = rows.filter(({ lane, position }) => !quarantined.has(`${lane}/${position}`));
  const broken = stayed.find(({ error }) => error !== null);
  if (broken !== undefined)
    throw new Error(`the row ${broken.lane}/${broken.position} has an error and is in no quarantine: ${broken.error}`);
  stayed.sort((a, b) => a.version - b.version || compare(a.lane, b.lane) || a.position - b.position);
  const { deduplicate, watermark } = checkStreaming(flow.query);
  const kept =
    deduplicate === undefined || watermark === undefined
      ? stayed
      : firstsWithin(
          stayed,
          ({ row }) => JSON.stringify(deduplicate.keys.map((key) => row[key] ?? null)),
          ({ row }) => microsOf(row[watermark.watermark.eventTime]),
          watermark.watermark.delayMs,
        );
  return { actual: await world.rows(name), lawful: sorted(kept.map(({ row }) => row)) };
}

/** The rows that no earlier kept row of the same key precedes within the delay; rows without a time stay. */
export function firstsWithin<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  microsOfRow: (row: T) => bigint | undefined,
  delayMs: number,
): T[] {
  const seen = new Map<string, bigint[]>();
  const delayUs = BigInt(delayMs) * 1_000n;
  return rows.filter((row) => {
    const micros = microsOfRow(row);
    if (micros === undefined) return true;
    const times = seen.get(keyOf(row)) ?? [];
    if (times.some((time) => (time > micros ? time - micros : micros - time) <= delayUs)) return false;
    seen.set(keyOf(row), [...times, micros]);
    return true;
  });
}

/** Microseconds of a timestamp as rows have it in text. */
export function microsOf(text: unknown): bigint | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^(.*T\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text);
  if (match === null) throw new Error(`${text} is no timestamp`);
  return BigInt(Date.parse(`${match[1]}Z`)) * 1_000n + BigInt((match[2] ?? "").padEnd(6, "0"));
}

/** How often each txn was committed to each table. */
export async function commitsOfTxns(world: EngineWorld): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [store, prefix] of [
    [world.estate.lake, "lake/"],
    [world.estate.lake, "quarantine/"],
    [world.estate.host, "checkpoints/"],
  ] as const) {
    for await (const { path } of store.list(prefix)) {
      const table = /^(.*)\/_delta_log\/\d+\.json$/.exec(path)?.[1];
      if (table === undefined) continue;
      const text = new TextDecoder().decode((await store.get(path))?.bytes);
      for (const line of text.split("\n").filter((each) => each.includes('"txn"'))) {
        const { txn } = JSON.parse(line) as { txn?: { appId: string; version: number } };
        if (txn === undefined) continue;
        const key = `${table} ${txn.appId} ${txn.version}`;
        found.set(key, (found.get(key) ?? 0) + 1);
      }
    }
  }
  return found;
}

/**
 * Data files by what the records say of them: `undecided` are in a table's log and in no outcome; `lost` are in the outcome that counts and
 * not in the log; `left` lie in the store and are in neither. A batch that was decided and not committed before a later generation swapped
 * its lane's rows may be in the logs or not. Each table was only written by the engine.
 */
export async function judgeFiles(world: EngineWorld): Promise<{ undecided: string[]; lost: string[]; left: string[] }> {
  const decided = new Set<string>();
  const given = new Set<string>();
  const paths = await world.hostPaths();
  const generations = paths.filter((path) => path.includes("/generations/"));
  for (const path of paths) {
    const [, flow = "", number, lane = ""] = /^(checkpoints\/[^/]+)\/(\d+)\/([^/]+)\/outcome\/\d+$/.exec(path) ?? [];
    if (number === undefined) continue;
    const outcome = (await world.record(path)) as unknown as OutcomeRecord;
    const generation = (await world.record(`${flow}/generations/${number}`)) as unknown as GenerationRecord;
    const later = generations.filter((each) => each.startsWith(`${flow}/`) && each > `${flow}/generations/${number}`);
    const isCommitted = paths.includes(path.replace("/outcome/", "/commits/"));
    const isGivenUp = !isCommitted && (await Promise.all(later.map((each) => swaps(world, each, lane)))).includes(true);
    for (const { role, add } of outcome.tables) {
      for (const file of add) (isGivenUp ? given : decided).add(`${generation.tables[role]?.path}/${file.path}`);
    }
  }
  const logged = new Set<string>();
  const stored = new Set<string>();
  for (const [store, prefix] of [
    [world.estate.lake, "lake/"],
    [world.estate.lake, "quarantine/"],
    [world.estate.host, "checkpoints/"],
  ] as const) {
    for await (const { path } of store.list(prefix)) {
      if (path.endsWith(".parquet") && !path.includes("/staged/")) stored.add(path);
      const table = /^(.*)\/_delta_log\/\d+\.json$/.exec(path)?.[1];
      if (table === undefined) continue;
      const text = new TextDecoder().decode((await store.get(path))?.bytes);
      for (const line of text.split("\n").filter((each) => each.startsWith('{"add"'))) {
        const { add } = JSON.parse(line) as { add: { path: string } };
        logged.add(`${table}/${decodeLogPath(add.path)}`);
      }
    }
  }
  return {
    undecided: [...logged].filter((path) => !decided.has(path) && !given.has(path)),
    lost: [...decided].filter((path) => !logged.has(path)),
    left: [...stored].filter((path) => !decided.has(path) && !given.has(path)),
  };
}

/** True where the generation at a path sets the tables of a lane to other rows. */
async function swaps(world: EngineWorld, path: string, lane: string): Promise<boolean> {
  const { swap } = (await world.record(path)) as unknown as GenerationRecord;
  return Object.values(swap ?? {}).some((lanes) => Object.hasOwn(lanes, lane));
}

/** A row of a stream as its query makes it, with its place. */
export interface PlacedRow {
  readonly lane: string;
  readonly version: number;
  readonly position: number;
  readonly arrivalUs: bigint | undefined;
  readonly error: string | null;
  readonly row: Row;
  /** The row as JSON, with all digits of its numbers. */
  readonly text: string;
  /** Whether each of the flow's expectations holds. */
  readonly holds: readonly boolean[];
}

const placed = ["__lane", "__version", "__position", "__arrival"] as const;

/** The rows that a batch read, each as the query makes it, alone. */
export async function rowsRead(
  world: EngineWorld,
  flow: StreamFlow,
  { lane, offsets }: CommittedBatch,
): Promise<PlacedRow[]> {
  const range = offsets.inputs[flow.stream.name] as DeltaRange;
  const table = world.table(flow.stream.path);
  const inputs: Record<string, FileSet> = {};
  const snapshot = await table.latest();
  const { deduplicate, watermark } = checkStreaming(flow.query);
  const hasOneLane = deduplicate !== undefined || watermark !== undefined;
  const { startVersion, afterVersion, toVersion } = range;
  const start = startVersion === undefined ? [] : [await table.state(startVersion)];
  const commits = [...start, ...(await table.changes(startVersion ?? afterVersion, toVersion))];
  const files = commits.flatMap((commit) =>
    commit.adds
      .filter((file) => file.dataChange && (hasOneLane || (file.tags?.["lane"] ?? "0") === lane))
      .map((file) => table.inputFile(snapshot, file, commit.version)),
  );
  inputs[flow.stream.name] = { ...table.fileSet(snapshot, []), files, hidden: placesOf(flow) };
  for (const [name, { version }] of Object.entries(offsets.statics)) {
    const joined = world.table(tablePath(name));
    inputs[name] = joined.fileSet(await joined.at(version));
  }
  const rowLocal = deduplicate?.input ?? flow.query;
  const visible = Object.keys(schemaOf(rowLocal).fields);
  const checks = flow.expectations.map(({ predicate }, index) => ({ name: `__check${index}`, expression: predicate }));
  const captured: Schema = {
    kind: "struct",
    fields: {
      ...schemaOf(rowLocal).fields,
      ...nullable({
        _row_error: { kind: "string" },
        __lane: { kind: "string" },
        __version: { kind: "long" },
        __position: { kind: "long" },
        __arrival: { kind: "timestamp" },
        ...Object.fromEntries(checks.map(({ name }) => [name, { kind: "boolean" }])),
      }),
    },
  };
  const result = await world.compute.run({
    name: "test",
    inputs,
    steps: [
      {
        kind: "plan",
        name: "captured",
        plan: { kind: "project", input: rowLocal, columns: [...same(visible), ...checks] },
        rowErrors: "capture",
        carry: placed,
      },
    ],
    writes: [],
    collects: [
      {
        name: "rows",
        rowsMax: 1_000_000,
        plan: asTexts({ kind: "scan", source: "captured", schema: captured, streaming: false }, visible, [
          ...placed,
          "_row_error",
          ...checks.map(({ name }) => name),
        ]),
      },
    ],
    parameters: { current_timestamp: offsets.batchTime },
  });
  if (result.kind === "pending") throw new Error("pending");
  return (result.collected["rows"] ?? []).map((row) => ({
    lane: String(row["__lane"]),
    version: Number(row["__version"]),
    position: Number(row["__position"]),
    arrivalUs: (row["__arrival"] as bigint | null) ?? undefined,
    error: row["_row_error"] as string | null,
    row: JSON.parse(String(row["row"])) as Row,
    text: String(row["row"]),
    holds: checks.map(({ name }) => row[name] === true),
  }));
}

function placesOf({ stream }: StreamFlow): HiddenColumn[] {
  const column = (name: string): Expression => ({ kind: "column", name });
  return [
    { name: "__lane", type: { kind: "string" }, expression: stream.place.lane ?? column("_lane") },
    { name: "__version", type: { kind: "long" }, expression: column("_commit_version") },
    { name: "__position", type: { kind: "long" }, expression: stream.place.position ?? column("_row_index") },
    {
      name: "__arrival",
      type: { kind: "timestamp" },
      expression: stream.place.arrival ?? { kind: "literal", value: null, type: { kind: "timestamp" } },
    },
  ];
}

const same = (names: readonly string[]): { name: string; expression: Expression }[] =>
  names.map((name) => ({ name, expression: { kind: "column", name } }));

/** The visible columns as one JSON text, beside others as they are. */
export function asTexts(input: LogicalPlan, visible: readonly string[], others: readonly string[]): LogicalPlan {
  const args = visible.flatMap((name): Expression[] => [
    { kind: "literal", value: name, type: { kind: "string" } },
    { kind: "column", name },
  ]);
  const row: Expression = { kind: "call", name: "to_json", args: [{ kind: "call", name: "named_struct", args }] };
  return { kind: "project", input, columns: [{ name: "row", expression: row }, ...same(others)] };
}

function nullable(types: Readonly<Record<string, DataType>>): Schema["fields"] {
  return Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }]));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By `lane/position`, the version of a hub's bronze table that added the row. */
export async function laneVersions(world: EngineWorld, name: string): Promise<Map<string, number>> {
  const table = world.table(tablePath(name));
  const snapshot = await table.latest();
  const versions = new Map<string, number>();
  for (const commit of await table.changes(0, snapshot.version)) {
    const files = commit.adds.filter((file) => file.dataChange);
    const scan: LogicalPlan = { kind: "scan", source: "t", schema: snapshot.schema, streaming: false };
    for (const row of await world.query(scan, { t: table.fileSet(snapshot, files) })) {
      versions.set(`${String(row["partition"])}/${String(row["sequence_number"])}`, commit.version);
    }
  }
  return versions;
}

/** Batches that were committed, by the numbers of the last ones: also where older entries were cleaned away. */
export async function committedBatchCount(world: EngineWorld): Promise<number> {
  const last = new Map<string, number>();
  for (const path of await world.hostPaths()) {
    const [, lane, batch] = /^(.*)\/commits\/(\d+)$/.exec(path) ?? [];
    if (lane !== undefined) last.set(lane, Math.max(last.get(lane) ?? 0, Number(batch)));
  }
  return [...last.values()].reduce((sum, batches) => sum + batches, 0);
}
