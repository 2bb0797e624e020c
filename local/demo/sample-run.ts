/** The other samples from their hubs to gold, on this machine: streams that are made up from a seed, followed and checked. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipelines } from "../../pipelines/index.ts";
import { transientCheckpoints } from "../../shared/compute/index.ts";
import { DyneError } from "../../shared/core/index.ts";
import { tablePath, type Flow, type Pipeline } from "../../shared/pipeline/index.ts";
import { AmqpEventHubReader, openStores, readSettings } from "../../shared/runtime/index.ts";
import { flowStatus, type FlowStatus, type ServingContext } from "../../shared/serving/index.ts";
import { TableCatalog } from "../../shared/table/index.ts";
import { runFeeder } from "../feeder/index.ts";
import { hubsOf, startPlatform, type Platform } from "../platform/index.ts";
import { CheckRoom, type Check } from "./check-room.ts";
import type { DemoServices } from "./demo.ts";
import type { DemoOptions } from "./options.ts";
import { countRows } from "./watch.ts";
import { samples, type SampleName, type SampleStream } from "./samples.ts";

/** What a run of a sample says at its end. */
export interface SampleSummary {
  readonly pipeline: SampleName;
  /** Of all hubs together. */
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly seconds: number;
  /** Rows by table, and by quarantine. */
  readonly rows: Readonly<Record<string, number>>;
  readonly checks: readonly Check[];
}

export interface SampleServices extends Omit<DemoServices, "onProgress"> {
  /** Rows by table, now and then. */
  readonly onProgress: (rows: Readonly<Record<string, number>>) => void;
}

const pollMs = 500;
/** Without any progress for this long, something is broken. */
const stuckMs = 120_000;
const checkMemoryMb = 500;
/** After that, what was in the future when the stream was made up no longer is. */
const streamMs = 24 * 3_600_000;

/** Runs a sample from start to end and stops everything it started. A folder of an earlier run is gone on with for a day. */
export async function runSample(
  name: SampleName,
  options: DemoOptions,
  services: SampleServices,
): Promise<SampleSummary> {
  const sample = samples[name];
  const pipeline = pipelines.find((each) => each.name === name)!;
  const nowMs = await streamTime(options, services);
  const streams = sample.streams({ ...options, nowMs });
  services.onStep("starting storage, Event Hubs and the Functions host");
  await using platform = await startPlatform({
    ...services,
    directory: options.directory,
    hubs: hubsOf(pipelines, Object.fromEntries(streams.map(({ hub }) => [hub, options.partitions]))),
  });
  const stores = openStores(readSettings(platform.settings));
  const tables = new TableCatalog(stores, { ...services, checkpointReader: transientCheckpoints() });
  const events = streams.reduce((sum, stream) => sum + stream.events, 0);
  const places = streams.map(({ hub }) => hub).join(" and ");
  const pace = options.rate === "max" ? "as fast as the hub takes them" : `at ${options.rate} per second`;
  services.onStep(`sending ${events} events to ${places} ${pace}`);
  const startedMs = services.clock.nowMs();
  const sent = await feed(platform, streams, options, services);
  services.onStep("following them to gold");
  await using stack = new AsyncDisposableStack();
  const hubs = stack.adopt(
    new AmqpEventHubReader({ kind: "connection-string", connectionString: platform.eventHubs }),
    (reader) => reader.close(),
  );
  const context = { host: stores.host, tables, hubs, clock: services.clock, random: services.random };
  const rows = await follow(pipeline, platform, context, options, services);
  const seconds = (services.clock.nowMs() - startedMs) / 1000;

  services.onStep("checking every table against what it is made from");
  await using room = await CheckRoom.open(join(options.directory, "check"), checkMemoryMb);
  const quarantined = await showTables(room, pipeline, tables);
  return {
    pipeline: name,
    events,
    eventsPerSecond: Math.round(sent / seconds),
    seconds: Math.round(seconds * 10) / 10,
    rows: { ...rows, ...quarantined },
    checks: await sample.check(room, { ...options, nowMs }),
  };
}

/** Feeds all hubs side by side, each at its share of the rate. Returns how many events this run sent. */
async function feed(
  platform: Platform,
  streams: readonly SampleStream[],
  { partitions, rate }: DemoOptions,
  { clock, logger, signal }: SampleServices,
): Promise<number> {
  const events = streams.reduce((sum, stream) => sum + stream.events, 0);
  const progress = await Promise.all(
    streams.map(({ hub, plan, events: own }) =>
      runFeeder({
        connectionString: platform.eventHubs,
        hub,
        partitions,
        plan,
        rate: rate === "max" ? rate : Math.max(1, (rate * own) / events),
        clock,
        logger,
        signal,
      }),
    ),
  );
  signal.throwIfAborted();
  return progress.reduce((sum, { sent }) => sum + sent, 0);
}

/** Waits until every flow has read all of its inputs, and returns the rows of their tables. */
async function follow(
  pipeline: Pipeline,
  platform: Platform,
  context: ServingContext,
  { directory }: DemoOptions,
  { clock, signal, onProgress }: SampleServices,
): Promise<Readonly<Record<string, number>>> {
  let ended: string | undefined;
  void platform.failed.then((part) => (ended = part));
  let last = "";
  let movedMs = clock.nowMs();
  for (;;) {
    signal.throwIfAborted();
    const logs = join(directory, "logs");
    if (ended !== undefined)
      throw new DyneError("STORAGE_UNAVAILABLE", `${ended} ended by itself. Its log is in ${logs}.`);
    // In the order of the graph: a table whose flow has nothing left to read no longer changes while those behind it are looked at.
    const statuses: FlowStatus[] = [];
    let isDone = true;
    for (const flow of pipeline.flows) {
      const status = await flowStatus(context, flow);
      isDone &&= await hasReadAll(context, flow, status);
      statuses.push(status);
    }
    const failed = statuses.find(({ state }) => state === "FAILED" || state === "PLAN_CHANGED");
    if (failed !== undefined)
      throw new DyneError(
        "BATCH_ABANDONED",
        `${failed.flow} is ${failed.state}: ${failed.failure?.message ?? "its query is not the one of its data"}. The logs are in ${logs}.`,
      );
    const rows = rowsIn(statuses);
    onProgress(rows);
    // A status is not of one moment: its rows may be those of before the batch that left nothing to read.
    if (isDone) return rowsIn(await Promise.all(pipeline.flows.map((flow) => flowStatus(context, flow))));
    const state = JSON.stringify(statuses.map(({ rows: count, batches }) => [count, batches]));
    if (state !== last) movedMs = clock.nowMs();
    last = state;
    if (clock.nowMs() - movedMs > stuckMs)
      throw new DyneError(
        "BATCH_ABANDONED",
        `Nothing has moved for ${stuckMs / 1000} s: ${JSON.stringify(rows)}. The logs are in ${logs}.`,
      );
    await clock.sleep(pollMs, signal);
  }
}

function rowsIn(statuses: readonly FlowStatus[]): Readonly<Record<string, number>> {
  return Object.fromEntries(statuses.map((status) => [status.flow, status.rows ?? 0]));
}

async function hasReadAll({ tables }: ServingContext, flow: Flow, status: FlowStatus): Promise<boolean> {
  if (status.openBatches > 0 || status.batches === 0) return false;
  if (flow.kind !== "stream" || flow.lanes.kind === "single")
    return status.lag.every((input) => (input.kind === "hub" ? input.eventsBehind : input.versionsBehind) === 0);
  // A lane does not read versions that have nothing for it. These tables make one row of each, or quarantine it.
  const [input] = flow.inputs;
  const taken = (status.rows ?? 0) + (await countRows(tables.open("lake", tablePath(flow.output.name, "quarantine"))));
  return input !== undefined && taken === (await countRows(tables.open("lake", tablePath(input.table))));
}

/** Makes views of all tables and their quarantines. Returns how many rows each quarantine has. */
async function showTables(
  room: CheckRoom,
  pipeline: Pipeline,
  tables: TableCatalog,
): Promise<Readonly<Record<string, number>>> {
  const quarantined: Record<string, number> = {};
  for (const { kind, output } of pipeline.flows) {
    await room.view(viewOf(output.name), tables.open("lake", tablePath(output.name)));
    if (kind !== "stream") continue;
    const view = `quarantine_${viewOf(output.name)}`;
    await room.view(view, tables.open("lake", tablePath(output.name, "quarantine")));
    const [counted] = await room.rows(`SELECT count(*) AS n FROM ${view}`);
    quarantined[`quarantine/${output.name}`] = Number(counted?.["n"]);
  }
  return quarantined;
}

/** A view's name for a table: `silver.events` is `silver_events`. */
const viewOf = (table: string): string => table.replaceAll(".", "_");

/** When the folder's stream was made up: now, or by an earlier run. Throws `INVALID_ARGUMENT` where that is more than a day ago. */
async function streamTime({ directory }: DemoOptions, { clock }: SampleServices): Promise<number> {
  const file = join(directory, "stream-time");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) {
    const beginMs = clock.nowMs();
    await writeFile(file, String(beginMs));
    return beginMs;
  }
  const nowMs = Number(text);
  if (!Number.isSafeInteger(nowMs) || clock.nowMs() - nowMs > streamMs)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The stream of ${directory} was made up more than a day ago. Use another folder.`,
    );
  return nowMs;
}
