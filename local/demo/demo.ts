/** The main job: real flights from Event Hubs to gold, on this machine, through the real SDKs, and checked against their source. */
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { transientCheckpoints } from "../../shared/compute/index.ts";
import { pipelines } from "../../pipelines/index.ts";
import { DyneError, type Clock, type Logger, type Random } from "../../shared/core/index.ts";
import { openStores, readSettings } from "../../shared/runtime/index.ts";
import { TableCatalog } from "../../shared/table/index.ts";
import { hubsOf, startChild, startPlatform, type Platform } from "../platform/index.ts";
import { CheckRoom, type Check } from "./check-room.ts";
import { runChecks, sourceFile, type DemoTables } from "./checks.ts";
import { measureLatency, type Latency } from "./latency.ts";
import { demoHub, type DemoOptions } from "./options.ts";
import { countRows, LaneWatch } from "./watch.ts";

/** What a run of the demo says at its end. */
export interface DemoSummary {
  readonly events: number;
  readonly bronze: number;
  readonly silver: number;
  readonly duplicates: number;
  readonly late: number;
  readonly quarantined: number;
  readonly gold: Readonly<Record<string, number>>;
  readonly latencyMs: Latency;
  readonly eventsPerSecond: number;
  readonly seconds: number;
  readonly checks: readonly Check[];
}

/** Where a run stands. */
export interface DemoProgress {
  readonly sent: number;
  readonly bronze: number;
  readonly silver: number;
  readonly gold: number;
}

export interface DemoServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onStep: (message: string) => void;
  readonly onProgress: (progress: DemoProgress) => void;
  readonly signal: AbortSignal;
}

const pollMs = 250;
/** Without any progress for this long, something is broken. */
const stuckMs = 120_000;
const checkMemoryMb = 500;

/** Runs the demo from start to end and stops everything it started. */
export async function runDemo(
  options: DemoOptions,
  services: DemoServices,
): Promise<{ summary: DemoSummary; sample: readonly Record<string, unknown>[] }> {
  services.onStep("starting storage, Event Hubs and the Functions host");
  await using platform = await startPlatform({
    ...services,
    directory: options.directory,
    hubs: hubsOf(pipelines, { [demoHub]: options.partitions }),
  });
  const stores = openStores(readSettings(platform.settings));
  const catalog = new TableCatalog(stores, { ...services, checkpointReader: transientCheckpoints() });
  const open = (path: string) => catalog.open("lake", path);
  const tables: DemoTables = {
    bronzeFlights: open("lake/bronze/flights"),
    bronzeAirports: open("lake/bronze/airports"),
    silverFlights: open("lake/silver/flights"),
    quarantine: open("quarantine/silver/flights"),
    routeDaily: open("lake/gold/route_daily"),
    airportDelays: open("lake/gold/airport_delays"),
  };
  const silver = new LaneWatch(stores.host, services, "silver.flights", "0");
  const gold = [
    new LaneWatch(stores.host, services, "gold.route_daily", "0"),
    new LaneWatch(stores.host, services, "gold.airport_delays", "0"),
  ];

  services.onStep("dropping airports.csv into landing/airports/");
  await dropAirports(platform);
  const startedMs = services.clock.nowMs();
  const sent = await feedAndFollow(platform, options, services, tables, silver, gold);
  const seconds = (services.clock.nowMs() - startedMs) / 1000;

  services.onStep("checking every table against its source");
  await using room = await CheckRoom.open(join(options.directory, "check"), checkMemoryMb);
  await room.view("bronze", tables.bronzeFlights);
  await room.view("airports", tables.bronzeAirports);
  await room.view("silver", tables.silverFlights);
  await room.view("quarantine", tables.quarantine);
  await room.view("route_daily", tables.routeDaily);
  await room.view("airport_delays", tables.airportDelays);
  const counted = {
    events: options.events,
    bronze: await countRows(tables.bronzeFlights),
    silver: await countRows(tables.silverFlights),
    duplicates: silver.sum((commit) => commit.progress.counts.duplicates),
    late: silver.sum((commit) => commit.progress.counts.late),
    quarantined: silver.sum((commit) => Object.values(commit.progress.counts.quarantined).reduce((a, b) => a + b, 0)),
  };
  const balance: Check = {
    name: "bronze = events = silver + duplicates + late + quarantined",
    ok:
      counted.bronze === counted.events &&
      counted.events === counted.silver + counted.duplicates + counted.late + counted.quarantined,
  };
  const summary: DemoSummary = {
    ...counted,
    gold: {
      "gold.route_daily": await countRows(tables.routeDaily),
      "gold.airport_delays": await countRows(tables.airportDelays),
    },
    latencyMs: await measureLatency(room, gold[0] as LaneWatch, "silver.flights"),
    eventsPerSecond: Math.round(sent / seconds),
    seconds: Math.round(seconds * 10) / 10,
    checks: [balance, ...(await runChecks(room, options))],
  };
  const sample = await room.rows(
    "SELECT flight_date, origin, destination, flights, delayed_flights, round(avg_delay, 1) AS avg_delay, total_distance FROM route_daily ORDER BY flights DESC, flight_date, origin, destination LIMIT 5",
  );
  return { summary, sample };
}

/** Reference data comes as a file: flights wait for it, because a flow plans nothing until every table it joins has a first version. */
async function dropAirports(platform: Platform): Promise<void> {
  const container = BlobServiceClient.fromConnectionString(platform.azurite.connectionStrings.lake).getContainerClient(
    "landing",
  );
  const blob = container.getBlockBlobClient("airports/airports.csv");
  if (!(await blob.exists())) await blob.uploadData(await readFile(sourceFile("airports.csv")));
}

/** Returns how many events this run sent: fewer than planned where an earlier one had sent some. */
async function feedAndFollow(
  platform: Platform,
  options: DemoOptions,
  services: DemoServices,
  tables: DemoTables,
  silver: LaneWatch,
  gold: readonly LaneWatch[],
): Promise<number> {
  services.onStep(
    `sending ${options.events} events${options.rate === "max" ? " as fast as the hub takes them" : ` at ${options.rate} per second`}`,
  );
  let sent = 0;
  let isFed = false;
  let feederError: string | undefined;
  await using feeder = await startChild({
    name: "The feeder",
    entry: join(import.meta.dirname, `../feeder/main${extname(import.meta.filename)}`),
    config: {
      connectionString: platform.eventHubs,
      hub: demoHub,
      partitions: options.partitions,
      seed: options.seed,
      events: options.events,
      rate: options.rate,
    },
    heapMb: 1_024,
    onLog: (line) => (feederError = line),
    onLine: (line) => {
      sent = Number(line["sent"] ?? sent);
      isFed ||= line["done"] === true;
    },
  });
  isFed ||= feeder.ready["done"] === true;
  sent = Math.max(sent, Number(feeder.ready["sent"] ?? 0));
  let ended: string | undefined;
  void platform.failed.then((name) => (ended = name));
  void feeder.exited.then((code) => {
    if (code !== 0) ended = `the feeder (exit code ${String(code)}): ${feederError ?? ""}`;
  });
  let last = "";
  let movedMs = services.clock.nowMs();
  for (;;) {
    services.signal.throwIfAborted();
    if (ended !== undefined)
      throw new DyneError(
        "STORAGE_UNAVAILABLE",
        `${ended} ended by itself. Its log is in ${join(options.directory, "logs")}.`,
      );
    const progress = await look(tables, silver, gold, sent);
    services.onProgress(progress);
    if (isFed && (await isQuiet(options, tables, silver, gold, progress))) return sent;
    const state = JSON.stringify(progress);
    if (state !== last) movedMs = services.clock.nowMs();
    last = state;
    if (services.clock.nowMs() - movedMs > stuckMs) {
      throw new DyneError(
        "BATCH_ABANDONED",
        `Nothing has moved for ${stuckMs / 1000} s: ${state}. The logs are in ${join(options.directory, "logs")}.`,
      );
    }
    await services.clock.sleep(pollMs, services.signal);
  }
}

async function look(
  tables: DemoTables,
  silver: LaneWatch,
  gold: readonly LaneWatch[],
  sent: number,
): Promise<DemoProgress> {
  await Promise.all([silver.update(), ...gold.map((watch) => watch.update())]);
  const [bronze, silverRows, goldRows] = await Promise.all([
    countRows(tables.bronzeFlights),
    countRows(tables.silverFlights),
    countRows(tables.routeDaily),
  ]);
  return { sent, bronze, silver: silverRows, gold: goldRows };
}

/** True when everything that was sent has gone all the way. */
async function isQuiet(
  options: DemoOptions,
  tables: DemoTables,
  silver: LaneWatch,
  gold: readonly LaneWatch[],
  progress: DemoProgress,
): Promise<boolean> {
  if (progress.bronze < options.events) return false;
  const [bronzeNow, silverNow] = [tables.bronzeFlights.known?.version, (await tables.silverFlights.find())?.version];
  return (
    silver.readUpTo("bronze.flights") === bronzeNow &&
    silverNow !== undefined &&
    gold.every((watch) => watch.readUpTo("silver.flights") === silverNow)
  );
}
