/**
 * Measures one query in a process of its own and prints what it took, as JSON: `node worker.ts <query> <options as JSON>`. The query is
 * two views of the same tables: one refreshed by changes, one always in full. They must hold the same rows at the end.
 */
import { definePipeline, read } from "../../shared/pipeline/index.ts";
import { eventsBetween } from "./events.ts";
import { Ground } from "./ground.ts";
import { queries } from "./queries.ts";
import type { Cost, Sample } from "./sample.ts";
import type { WorkerOptions } from "./worker-options.ts";
import { eventTables, landedEvents, landedSide } from "./tables.ts";

/** Events of a landed file: so few are text in memory at once. */
const eventsPerFile = 20_000;

const [name = "", json = "{}"] = process.argv.slice(2);
const options = JSON.parse(json) as WorkerOptions;
const query = queries.find((each) => each.name === name);
if (query === undefined) throw new Error(`There is no query ${name}.`);
const [changing, full] = [query.view(), query.view({ suffix: "_full", refresh: "full" })];
const pipeline = definePipeline("nexmark", [...eventTables, changing, full]);
await using ground = await Ground.open({ pipeline, ...options });

let files = 0;
let peakBytes = 0;

await ground.land(...landedSide());
await arrive(0, options.events);
const built = await costOf(() => ground.run(changing.name));
await ground.run(full.name);
const rounds: Sample["rounds"] = [];
for (let round = 0; round < options.rounds; round++) {
  const from = options.events + round * options.batch;
  await arrive(from, from + options.batch);
  const costs = new Map<string, Cost>();
  for (const view of round % 2 === 0 ? [changing, full] : [full, changing])
    costs.set(view.name, await costOf(() => ground.run(view.name)));
  const { batchId, strategy } = await ground.lastBatch(changing.name);
  if (batchId !== round + 2) throw new Error(`${changing.name} took ${batchId} batches for ${round + 2} changes.`);
  rounds.push({ changed: costs.get(changing.name)!, strategy, full: costs.get(full.name)! });
}
const [ours, lawful] = [read(changing), read(full)];
const [rows, lawfulRows, added, missed] = [
  await ground.countOf(ours),
  await ground.countOf(lawful),
  await ground.countOf(ours.except(lawful)),
  await ground.countOf(lawful.except(ours)),
];
if (rows !== lawfulRows || added > 0 || missed > 0)
  throw new Error(`${name} has ${rows} rows for ${lawfulRows}: ${added} that are wrong, and ${missed} are missing.`);
console.log(JSON.stringify({ query: name, built, rounds, peakMb: peakBytes / 1e6, rows } satisfies Sample));

/** Lands events and takes them into their tables. */
async function arrive(from: number, to: number): Promise<void> {
  const stream = { seed: 1, eventsPerSecond: options.eventsPerSecond, shuffled: 60 };
  for (let start = from; start < to; start += eventsPerFile) {
    const events = eventsBetween(stream, start, Math.min(start + eventsPerFile, to));
    for (const [path, text] of landedEvents(++files, events)) await ground.land(path, text);
    for (const table of eventTables) await ground.run(table.name);
  }
}

/** Time of the wall clock and of processors, and the highest memory meanwhile. */
async function costOf(work: () => Promise<void>): Promise<Cost> {
  const look = (): void => void (peakBytes = Math.max(peakBytes, process.memoryUsage.rss()));
  const timer = setInterval(look, 20);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(timer);
  look();
  return { ms, cpuMs: (user + system) / 1_000 };
}
