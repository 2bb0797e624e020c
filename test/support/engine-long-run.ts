/**
 * The same small day over and over, for as long as is wanted: what a batch costs must not depend on how many came before, and what lies in
 * the stores beside data must not grow.
 *
 * Every round is one event through bronze alone, or through bronze, silver and gold: three batches, and often a fourth that only lets state
 * go. A round touches as many files as the round a day before: silver and gold are partitioned by day, and state is forgotten after an hour.
 * Calls and bytes are counted at the stores, maintenance included, and summed up by windows of rounds.
 */
import {
  count,
  definePipeline,
  eventHub,
  fromJson,
  long,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
  toDate,
  type Pipeline,
} from "../../shared/pipeline/index.ts";
import { startMs, type Bench, EngineWorld } from "./engine-harness.ts";
import { committedBatchCount } from "./engine-oracle.ts";
import { Meter } from "./metered-store.ts";

const soon = { minInterval: "0 seconds" } as const;
const Reading = struct({ id: string(), device: string(), event_time: timestamp(), value: long() });

export const roundsPerDay = 25;
export const roundsPerWindow = 4 * roundsPerDay;
const roundMs = 86_400_000 / roundsPerDay;

/** What a window of rounds cost, in both stores. */
export interface Window {
  readonly calls: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Data files written: equal where the work was. */
  readonly files: number;
  readonly milliseconds: number;
}

export interface LongRun {
  readonly windows: readonly Window[];
  /** The most objects that there were at the end of a window, by what they are. */
  readonly most: Readonly<Record<string, number>>;
  readonly rounds: number;
  readonly batches: number;
  /** Requests of a new instance for its first round, at the end of each window. */
  readonly coldCalls: readonly number[];
  readonly complaints: readonly unknown[];
  readonly world: EngineWorld;
}

/** Rows that silver holds after so many rounds. */
export function rowsAfter(rounds: number): number {
  let rows = 0;
  for (let round = 0; round < rounds; round++) if (!isBroken(round) && !isRepeated(round)) rows++;
  return rows;
}

export async function runLong(
  bench: Bench,
  { tables, batchesMin }: { readonly tables: "bronze" | "all"; readonly batchesMin: number },
): Promise<LongRun> {
  const meters = { host: new Meter(), lake: new Meter() };
  const world = new EngineWorld({
    bench,
    pipeline: longPipeline(tables),
    wrap: (store, root) => meters[root].of(store),
  });
  const windows: Window[] = [];
  const coldCalls: number[] = [];
  const most: Record<string, number> = {};
  let round = 0;
  let batches = 0;
  while (batches < batchesMin) {
    meters.host.reset();
    meters.lake.reset();
    const startedMs = performance.now();
    for (const until = round + roundsPerWindow; round < until; round++) await sendRound(world, round);
    windows.push({
      calls: meters.host.totalCalls + meters.lake.totalCalls,
      readBytes: meters.host.readBytes + meters.lake.readBytes,
      writtenBytes: meters.host.writtenBytes + meters.lake.writtenBytes,
      files: (meters.host.calls["uploadFile"] ?? 0) + (meters.lake.calls["uploadFile"] ?? 0),
      milliseconds: Math.round(performance.now() - startedMs),
    });
    for (const [what, objects] of Object.entries(await objectsOf(world)))
      most[what] = Math.max(most[what] ?? 0, objects);
    coldCalls.push(await coldRound(world, bench, round++));
    batches = await committedBatchCount(world);
  }
  return { windows, most, rounds: round, batches, coldCalls, complaints: world.lines, world };
}

/**
 * What windows at the end cost, relative to as many before: the last three to the first three, and the last third to the third before it.
 * The beginning has nothing to clean yet and reads for its first checkpoints, so that growth shows against the middle too. What is read
 * there is little, and goes up and down with the phase of maintenance in a window; a third of all windows evens that out.
 */
export function growthOf({ windows }: LongRun): readonly Readonly<Record<keyof Window, number>>[] {
  const third = Math.floor(windows.length / 3);
  const total = (part: readonly Window[], what: keyof Window): number =>
    part.reduce((sum, window) => sum + window[what], 0);
  const growth = (count: number, from: number) => (what: keyof Window) =>
    total(windows.slice(-count), what) / total(windows.slice(from, from + count), what);
  return [growth(3, 0), growth(third, windows.length - 2 * third)].map((of) => ({
    calls: of("calls"),
    readBytes: of("readBytes"),
    writtenBytes: of("writtenBytes"),
    files: of("files"),
    milliseconds: of("milliseconds"),
  }));
}

/** A round by an instance that has nothing in memory. It gives its leases back, and the old one goes on. */
async function coldRound(world: EngineWorld, bench: Bench, round: number): Promise<number> {
  const meter = new Meter();
  const cold = new EngineWorld({ bench, pipeline: world.pipeline, wrap: (store) => meter.of(store) }, world.estate);
  await sendRound(cold, round);
  return meter.totalCalls;
}

/** Events → bronze → silver without duplicates, by day → totals by device and day. */
function longPipeline(tables: "bronze" | "all"): Pipeline {
  const events = streamingTable("bronze.events", {
    ...soon,
    from: eventHub("events", { partitions: 2 }),
    partitionBy: ["ingestion_date"],
  });
  const readings = streamingTable("silver.readings", {
    ...soon,
    query: readStream(events)
      .withColumns(({ event_data }) => ({ reading: fromJson(event_data, Reading) }))
      .select(({ reading }) => ({ ...reading.fields, event_date: toDate(reading.fields.event_time) }))
      .withWatermark("event_time", "1 hour", { idleAfter: "1 hour" })
      .dropDuplicatesWithinWatermark(["id"]),
    partitionBy: ["event_date"],
  });
  const byDevice = materializedView("gold.by_device", {
    ...soon,
    query: read(readings)
      .groupBy("device", "event_date")
      .agg(({ value }) => ({ readings: count(), total: sum(value) })),
    partitionBy: ["event_date"],
  });
  return definePipeline("long", tables === "bronze" ? [events] : [events, readings, byDevice]);
}

/** Every tenth event was sent before, every twentieth cannot be read. */
const isBroken = (round: number): boolean => round % 20 === 5;
const isRepeated = (round: number): boolean => round % 10 === 9;

async function sendRound(world: EngineWorld, round: number): Promise<void> {
  const timeMs = startMs + round * roundMs;
  world.clock.advance(Math.max(0, timeMs - world.clock.nowMs()));
  const sent = isRepeated(round) ? round - 1 : round;
  const eventTime = new Date(startMs + sent * roundMs).toISOString();
  const body = { id: `r${String(sent).padStart(8, "0")}`, device: `d${sent % 4}`, event_time: eventTime, value: 7 };
  const bytes = new TextEncoder().encode(isBroken(round) ? "broken" : JSON.stringify(body));
  const events = world.estate.hub.send("0", [{ body: bytes, enqueuedTimeUs: BigInt(timeMs) * 1000n }]);
  await world.engine.hubEvents("events", "0", events);
}

/** How many objects there are of each kind that must not grow. */
async function objectsOf(world: EngineWorld): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const add = (what: string): void => void (found[what] = (found[what] ?? 0) + 1);
  for (const path of await world.hostPaths()) {
    const [, flow] = path.split("/");
    if (path.includes("/_delta_log/")) add(`${flow} state log`);
    else if (path.includes("/state/")) add(`${flow} state files`);
    else add(`${flow} checkpoint`);
  }
  for (const root of ["lake/", "quarantine/"]) {
    for await (const { path } of world.estate.lake.list(root)) {
      const [table, entry] = path.split("/_delta_log/");
      if (entry !== undefined) add(`${table} log`);
    }
  }
  return found;
}
