/**
 * One cold worker: loads the app, runs the functions it is told to, and prints what that took as one line of JSON. It is told all by one JSON
 * argument.
 *
 *     {"settings": {"EVENTS": "Endpoint=…"}, "entries": ["/app/functions/event-hubs.js"], "calls": [{"name": "hub-flights", "data": {…}, "metadata": {…}}]}
 */
import { pathToFileURL } from "node:url";
import { watch, type DuckDbCall, type StorageRequest } from "./probes.ts";
import type { Sample } from "./sample.ts";
import { coveredMs, type Span } from "./spans.ts";
import type { WorkerConfig } from "./worker-config.ts";

const megabyte = 2 ** 20;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const rssMb = (): number => process.memoryUsage.rss() / megabyte;
/** Where a process stands at a moment. */
const now = () => ({ ms: performance.now(), cpuMs: cpuMs(), rssMb: rssMb(), loop: performance.eventLoopUtilization() });
type Moment = ReturnType<typeof now>;

/** What prepares the measurement comes between Node's own start and the app, and counts as neither. */
const bootMs = performance.nodeTiming.bootstrapComplete;
const config = JSON.parse(process.argv[2] ?? "") as WorkerConfig;

/** The first commits of the tables, by what their names end with. */
const commits = new Map<string, Moment>();
const probes = watch(({ method, path, status }) => {
  const table = /\/(bronze\/flights|gold\/\w+)\/_delta_log\/\d{20}\.json/.exec(path)?.[1];
  if (method !== "PUT" || status !== 201 || table === undefined) return;
  const name = table.startsWith("gold/") ? "gold" : "bronze";
  if (!commits.has(name)) commits.set(name, now());
});

async function run(): Promise<void> {
  const { App } = await import("../../local/functions-host/app.ts");
  const { Invoker } = await import("../../local/functions-host/invocation.ts");
  const { silentLogger, systemClock, systemRandom } = await import("../../shared/core/index.ts");
  const app = new App(silentLogger);
  const host = new Invoker({ app, clock: systemClock, random: systemRandom, logger: silentLogger });
  Object.assign(process.env, config.settings);

  const ready = now();
  await app.load(async () => {
    for (const entry of config.entries) await import(pathToFileURL(entry).href);
  });
  const imported = now();
  for (const { name, bodies, data, metadata } of config.calls) {
    const bytes = bodies?.map((body) => Buffer.from(body, "base64"));
    await host.invoke(name, bytes === undefined ? data : { collectionBytes: { bytes } }, metadata);
    if (commits.has("bronze") && commits.has("gold")) break;
  }
  process.stdout.write(`${JSON.stringify(sampleOf(ready, imported))}\n`);
  await app.terminate();
}

function sampleOf(ready: Moment, imported: Moment): Sample {
  const [bronze, gold] = [commits.get("bronze"), commits.get("gold")];
  if (bronze === undefined || gold === undefined) throw new Error("The calls committed nothing to bronze or gold.");
  const batch: Span = { fromMs: imported.ms, toMs: bronze.ms };
  const isWithin = (span: Span) => span.toMs <= batch.toMs;
  const calls: readonly DuckDbCall[] = probes.calls.filter(isWithin);
  const opening = calls.filter(({ name }) => name === "open");
  const statements = calls.filter(({ name }) => name !== "open");
  const requests: readonly StorageRequest[] = probes.requests.filter(isWithin);
  const batchMs = batch.toMs - batch.fromMs;
  const harnessMs = ready.ms - bootMs;
  const [first] = statements.filter(({ name }) => name !== "connect");
  return {
    bootMs,
    importMs: imported.ms - ready.ms,
    libraryMs: probes.libraryMs(),
    batchMs,
    openMs: coveredMs(batch, opening),
    statementsMs: coveredMs(batch, statements),
    firstStatementMs: first === undefined ? 0 : first.toMs - first.fromMs,
    storageMs: coveredMs(batch, requests),
    requests: requests.length,
    scriptMs: performance.eventLoopUtilization(bronze.loop, imported.loop).active,
    restMs: batchMs - coveredMs(batch, [...calls, ...requests]),
    coldMs: bronze.ms - harnessMs,
    goldMs: gold.ms - harnessMs,
    importCpuMs: imported.cpuMs - ready.cpuMs,
    batchCpuMs: bronze.cpuMs - imported.cpuMs,
    importedMb: imported.rssMb,
    batchMb: bronze.rssMb,
    peakMb: process.resourceUsage().maxRSS / 1_024,
  };
}

await run();
process.exit(0);
