/**
 * What holds after every schedule. Each check gives what it found wrong, as lines of text; none looks at how the engine works, only at
 * tables, logs and the input.
 */
import { flowId, laneId, replayLane, txnAppId } from "../../shared/core/index.ts";
import { tablePath } from "../../shared/pipeline/index.ts";
import { tablesOf, type EngineWorld, type Row, type Tables } from "../support/engine-harness.ts";
import { placed } from "../support/engine-model.ts";
import { committedBatches, judgeFiles, judgeHistory, judgeStream, judgeView } from "../support/engine-oracle.ts";
import { isOfSource, wrongTables as wrongDrawnTables } from "./drawn.ts";
import { isReplacing, landedIds, modelled, type Input } from "./input.ts";
import { laneLogs, wrongLogs } from "./lane-logs.ts";
import type { Schedule } from "./schedule.ts";
import type { Played } from "./simulator.ts";

/** Everything that is wrong with what a schedule left; nothing where it is right. */
export async function verdictOn(schedule: Schedule, played: Played, quiet: Quiet): Promise<string[]> {
  const { world, stage } = played;
  const wrong = stage.violations.map((each) => `an entry of a log was touched: ${each}`);
  if (schedule.shape === "drawn") return [...wrong, ...(await wrongDrawn(schedule, world, quiet))];
  for (const flow of world.engine.flows) {
    const state = await world.record(`checkpoints/${flow.id}/state.json`);
    if (state !== undefined && state["state"] !== "RUNNING")
      wrong.push(`${flow.id} is not RUNNING: ${JSON.stringify(state)}`);
  }
  if (wrong.length > 0) return wrong;
  wrong.push(...(await wrongLogs(world)), ...(await wrongTables(world)));
  const tables = await tablesOf(world);
  wrong.push(...wrongRows(schedule, tables, quiet.tables), ...wrongPlaces(schedule, tables));
  if (schedule.shape !== "files") wrong.push(...(await wrongBatchTimes(world)));
  wrong.push(...(await wrongFiles(schedule, world)), ...(await unlawful(schedule, world)));
  return wrong;
}

/** Everything at once, with nothing going wrong. */
export interface Quiet {
  readonly world: EngineWorld;
  readonly tables: Tables;
}

/** Views that the oracle drew may fail on their rows: the law says when. */
async function wrongDrawn(schedule: Schedule, world: EngineWorld, quiet: Quiet): Promise<string[]> {
  return [
    ...(await wrongLogs(world)),
    ...(await wrongTables(world)),
    ...(await wrongFiles(schedule, world)),
    ...(await wrongDrawnTables(world, quiet.world)),
  ];
}

/** Files that no outcome names, or that only an outcome names, where nobody else has written. */
async function wrongFiles({ acts }: Schedule, world: EngineWorld): Promise<string[]> {
  if (acts.some(({ optimized }) => optimized.length > 0)) return [];
  const { undecided, lost } = await judgeFiles(world);
  return [
    ...undecided.filter((path) => !isOfSource(path)).map((path) => `no outcome names ${path}, and it is in a table`),
    ...lost.map((path) => `an outcome names ${path}, and it is in no table`),
  ];
}

/**
 * What depends on when a row was read is left to the law: the site that it was joined with, and which of two lanes' duplicates came
 * first. The place of a landed row is where it happens to stand in a file of bronze.
 */
function wrongRows({ shape, input }: Schedule, tables: Tables, quiet: Tables): string[] {
  if (isReplacing(input)) return [...wrongVersions(input, tables), ...wrongNotes(tables)];
  const left = new Set({ joined: ["site", "row"], files: ["position"] }[shape as string] ?? []);
  const comparable = (rows: readonly Row[] | undefined): readonly Row[] =>
    (rows ?? []).map((row) =>
      Object.fromEntries(
        Object.entries(row)
          .filter(([name]) => !left.has(name))
          .sort(byName),
      ),
    );
  const names = Object.keys(quiet).filter((name) => !input.sharesKeys || !dependOnKeys.has(name));
  const wrong = names.flatMap((name) => differences(name, comparable(tables[name]), comparable(quiet[name])));
  const actual = tables["silver.readings"];
  if (actual === undefined) return wrong;
  const model = modelled(input);
  const columns = new Set(Object.keys(actual[0] ?? model.silver[0] ?? {}));
  const silver = model.silver.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => columns.has(name))),
  );
  if (!input.sharesKeys)
    wrong.push(...differences("silver.readings by the model", comparable(actual), comparable(silver)));
  const quarantine = placed(
    ["silver.parsed (quarantine)", "silver.readings (quarantine)"].flatMap((name) => tables[name] ?? []),
  );
  wrong.push(...differences("the quarantine by the model", asRows(quarantine), asRows(model.quarantine)));
  return wrong;
}

/** Of a file that was written again each version is in bronze as a whole or not at all, and the last one is. */
function wrongVersions(input: Input, tables: Tables): string[] {
  const found = new Map<unknown, number>();
  for (const { id } of tables["bronze.notes"] ?? []) found.set(id, (found.get(id) ?? 0) + 1);
  return landedIds(input).flatMap((versions) =>
    versions.flatMap((ids, version) => {
      const counts = ids.map((id) => found.get(id) ?? 0);
      const isWhole = counts.every((count) => count === 1);
      const isAbsent = version < versions.length - 1 && counts.every((count) => count === 0);
      return isWhole || isAbsent ? [] : [`bronze.notes has the rows ${ids.join()} so often: ${counts.join()}`];
    }),
  );
}

/** Landed rows have no place of their own that the law could tell them by, so silver.notes is told from bronze.notes directly. */
function wrongNotes(tables: Tables): string[] {
  const notes = (tables["bronze.notes"] ?? []).map(({ id, text, file_name, row_number }) => {
    return { id, characters: String(text).length, file_name, row_number };
  });
  const long = notes.filter(({ characters }) => characters > 2);
  const short = (tables["silver.notes (quarantine)"] ?? []).map(({ row }) => JSON.parse(String(row)) as Row);
  const sortedRows = (rows: readonly Row[]): Row[] =>
    rows.map((row) => Object.fromEntries(Object.entries(row).sort(byName)));
  return [
    ...differences("silver.notes by bronze.notes", sortedRows(tables["silver.notes"] ?? []), sortedRows(long)),
    ...differences(
      "the quarantine by bronze.notes",
      sortedRows(short),
      sortedRows(notes.filter((note) => !long.includes(note))),
    ),
  ];
}

const dependOnKeys = new Set(["silver.readings", "gold.by_device", "gold.total"]);
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
const asRows = (values: readonly object[]): Row[] => values.map((value) => ({ ...value }));

/** Rows that one has and the other lacks, counted. */
function differences(name: string, actual: readonly Row[], expected: readonly Row[]): string[] {
  const counts = new Map<string, number>();
  for (const row of actual) counts.set(JSON.stringify(row), (counts.get(JSON.stringify(row)) ?? 0) + 1);
  for (const row of expected) counts.set(JSON.stringify(row), (counts.get(JSON.stringify(row)) ?? 0) - 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .slice(0, 3)
    .map(
      ([row, count]) => `${name} has ${count > 0 ? `${count} too many` : `${-count} too few`} of ${row.slice(0, 400)}`,
    );
}

/** Each place of each lane is in bronze exactly once. */
function wrongPlaces({ shape, input }: Schedule, tables: Tables): string[] {
  if (shape === "files") return [];
  const seen = new Map<string, number>();
  for (const row of tables["bronze.events"] ?? []) {
    const place = `${String(row["partition"])}/${String(row["sequence_number"])}`;
    seen.set(place, (seen.get(place) ?? 0) + 1);
  }
  return input.partitions.flatMap((events, lane) =>
    events.flatMap((_, position) => {
      const count = seen.get(`${lane}/${position}`) ?? 0;
      return count === 1 ? [] : [`bronze.events has the event ${lane}/${position} ${count} times`];
    }),
  );
}

/** Every row of bronze bears the clock of the batch whose offsets name it, of those that count. */
async function wrongBatchTimes(world: EngineWorld): Promise<string[]> {
  const table = world.table(tablePath("bronze.events"));
  const snapshot = await table.find();
  if (snapshot === undefined) return [];
  const names = ["partition", "sequence_number", "ingestion_timestamp"];
  const result = await world.compute.run({
    name: "batch times",
    inputs: { t: table.fileSet(snapshot) },
    steps: [],
    writes: [],
    collects: [
      {
        name: "rows",
        rowsMax: 100_000,
        plan: {
          kind: "project",
          input: { kind: "scan", source: "t", schema: snapshot.schema, streaming: false },
          columns: names.map((name) => ({ name, expression: { kind: "column", name } })),
        },
      },
    ],
    parameters: {},
  });
  if (result.kind === "pending") return ["the compute is pending"];
  const batches = await committedBatches(world, "bronze.events");
  return (result.collected["rows"] ?? []).flatMap((row) => {
    const position = Number(row["sequence_number"]);
    const batch = batches
      .filter(({ lane }) => lane === row["partition"])
      .map(({ offsets }) => offsets)
      .find(
        ({ inputs: { events } }) =>
          events?.kind === "hub" && events.fromSequence <= position && position < events.untilSequence,
      );
    const isRight = batch !== undefined && BigInt(Date.parse(batch.batchTime)) * 1_000n === row["ingestion_timestamp"];
    return isRight ? [] : [`bronze.events ${String(row["partition"])}/${position} does not bear its batch's time`];
  });
}

/** In every table the txn of each lane only ever grows, no name is there that is not a lane's, and no file is added twice. */
async function wrongTables(world: EngineWorld): Promise<string[]> {
  const wrong: string[] = [];
  const lanes = await laneLogs(world);
  // A swap fences replay lanes too, also those that never ran.
  const names = new Set(
    lanes.flatMap(({ flow, lane }) =>
      [laneId(lane), ...(lane.startsWith("replay-") ? [] : [replayLane(laneId(lane))])].map((each) =>
        txnAppId(world.pipeline.name, flowId(flow), each),
      ),
    ),
  );
  const newest = new Map<string, number>();
  const added = new Set<string>();
  for (const [store, prefix] of [
    [world.estate.lake, "lake/"],
    [world.estate.lake, "quarantine/"],
    [world.estate.host, "checkpoints/"],
  ] as const) {
    for await (const { path } of store.list(prefix)) {
      const table = /^(.*)\/_delta_log\/\d+\.json$/.exec(path)?.[1];
      if (table === undefined) continue;
      const text = new TextDecoder().decode((await store.get(path))?.bytes);
      for (const line of text.split("\n").filter((each) => /^\{"(txn|add)"/.test(each))) {
        const { txn, add } = JSON.parse(line) as {
          txn?: { appId: string; version: number };
          add?: { path: string };
        };
        if (txn !== undefined) {
          const key = `${table} ${txn.appId}`;
          if (txn.version <= (newest.get(key) ?? -1))
            wrong.push(`${key} goes from ${newest.get(key)} to ${txn.version}`);
          if (!names.has(txn.appId)) wrong.push(`${key} is the name of no lane`);
          newest.set(key, txn.version);
        }
        if (add === undefined || (world.pipeline.name === "oracle" && isOfSource(table))) continue;
        if (added.has(`${table}/${add.path}`)) wrong.push(`${table} has ${add.path} added twice`);
        added.add(`${table}/${add.path}`);
      }
    }
  }
  return wrong;
}

/** Tables that are not what the law says (engine-rules 8). */
async function unlawful({ seed, shape, input }: Schedule, world: EngineWorld): Promise<string[]> {
  const wrong: string[] = [];
  for (const flow of world.engine.flows) {
    if (flow.kind === "view") {
      // Each of its versions now and then, the last one always.
      const judged = seed % 3 === 0 ? await judgeHistory(world, flow.id) : [await judgeView(world, flow.id)];
      for (const { actual, lawful } of judged) wrong.push(...differences(`${flow.id} by the law`, actual, lawful));
    }
    // The model says more of a stream without joined tables; the law is asked now and then.
    const isAsked = shape === "joined" || input.sharesKeys || seed % 4 === 0;
    if (flow.kind === "stream" && shape !== "files" && isAsked) {
      const { actual, lawful } = await judgeStream(world, flow.id);
      wrong.push(...differences(`${flow.id} by the law`, actual, lawful));
    }
  }
  return wrong;
}
