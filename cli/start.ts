import { rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { systemClock, systemRandom } from "../shared/core/index.ts";
import { jsonLogger } from "../shared/runtime/index.ts";
import {
  runDemo,
  runSample,
  sampleNames,
  type DemoProgress,
  type DemoSummary,
  type SampleName,
  type SampleSummary,
} from "../local/demo/index.ts";
import { ownDataFolder } from "../local/platform/index.ts";

interface StartOptions {
  readonly pipeline: "flights" | SampleName;
  readonly events?: number;
  readonly rate: number | "max";
  readonly seed: number;
  readonly partitions: number;
  readonly data?: string;
  readonly json?: boolean;
}

const defaultFolder = ".dyne/start";
const progressMs = 1_000;

/** `dyne start`: the main job, which ends by itself. */
export function startCommand(): Command {
  return new Command("start")
    .description(
      "Move real flights from Event Hubs to gold tables on this machine, and check every table against its source; or the events of another sample.",
    )
    .addOption(
      new Option("--pipeline <name>", "which sample runs").choices(["flights", ...sampleNames]).default("flights"),
    )
    .option(
      "--events <count>",
      "events to send, injected ones included (default: 100000 of flights, 20000 of others)",
      whole(1, 3_050_000),
    )
    .option("--rate <per-second>", "events per second over all partitions, or max", rate, 2_500)
    .option("--seed <number>", "seed of the injected events", whole(0, 2 ** 31 - 1), 1)
    .option(
      "--data <folder>",
      "keep everything in this folder and go on with what it holds (default: a fresh one under .dyne/)",
    )
    .addOption(new Option("--partitions <count>", "partitions of the hub").argParser(whole(1, 32)).default(4))
    .option("--json", "print the summary as one line of JSON, last on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  npm start\n  npm start -- --events 100000 --json\n  npm start -- --rate max --events 3000000\n  npm start -- --pipeline customer-events",
    )
    .action(start);
}

async function start(options: StartOptions): Promise<void> {
  const path = resolve(options.data ?? defaultFolder);
  await using folder = await ownDataFolder(path);
  if (options.data === undefined) await empty(folder.path);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const services = {
    clock: systemClock,
    random: systemRandom,
    logger: jsonLogger("warn", (line) => process.stderr.write(line)),
    onStep: (step: string) => void say(`• ${step}`),
    signal: interrupted.signal,
  };
  const { rate, seed, partitions, json = false } = options;
  const settings = { rate, seed, partitions, directory: folder.path };
  if (options.pipeline !== "flights") {
    const onProgress = seldom((rows: SampleSummary["rows"]) => say(`  ${tableCounts(rows).join("  ")}`));
    const sample = await runSample(
      options.pipeline,
      { ...settings, events: options.events ?? 20_000 },
      { ...services, onProgress },
    );
    process.exitCode = sample.checks.every((check) => check.ok) ? 0 : 1;
    return reportSample(sample, named(folder.path), json, say);
  }
  const onProgress = seldom((progress: DemoProgress) =>
    say(
      `  sent ${count(progress.sent)}  bronze ${count(progress.bronze)}  silver ${count(progress.silver)}  gold.route_daily ${count(progress.gold)}`,
    ),
  );
  const { summary, sample } = await runDemo(
    { ...settings, events: options.events ?? 100_000 },
    { ...services, onProgress },
  );
  process.exitCode = summary.checks.every((check) => check.ok) ? 0 : 1;
  report(summary, sample, named(folder.path), json, say);
}

/** Passes on what comes, once a second at most. */
function seldom<Value>(pass: (value: Value) => void): (value: Value) => void {
  let lastMs = 0;
  return (value) => {
    if (systemClock.nowMs() - lastMs < progressMs) return;
    lastMs = systemClock.nowMs();
    pass(value);
  };
}

const tableCounts = (rows: SampleSummary["rows"]): string[] =>
  Object.entries(rows).map(([table, n]) => `${table} ${count(n)}`);

function reportSample(summary: SampleSummary, folder: string, json: boolean, say: (text: string) => void): void {
  say(`\n${count(summary.events)} events in ${summary.seconds} s (${count(summary.eventsPerSecond)}/s)`);
  for (const line of tableCounts(summary.rows)) say(`  ${line} rows`);
  sayChecks(summary.checks, say);
  const last = Object.keys(summary.rows).findLast((table) => table.startsWith("gold."));
  say(`\nRead it yourself:\n  npm run --silent dyne -- table read ${last} --data ${folder}`);
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
}

function sayChecks(checks: DemoSummary["checks"], say: (text: string) => void): void {
  for (const { ok, name, detail } of checks)
    say(`  ${ok ? "✓" : "✗"} ${name}${detail === undefined ? "" : `: ${detail}`}`);
}

function report(
  summary: DemoSummary,
  sample: readonly Record<string, unknown>[],
  folder: string,
  json: boolean,
  say: (text: string) => void,
): void {
  const { latencyMs: latency } = summary;
  say(`\n${count(summary.events)} events in ${summary.seconds} s (${count(summary.eventsPerSecond)}/s)`);
  say(
    `  bronze ${count(summary.bronze)} = silver ${count(summary.silver)} + duplicates ${count(summary.duplicates)} + late ${count(summary.late)} + quarantined ${count(summary.quarantined)}`,
  );
  for (const [table, rows] of Object.entries(summary.gold)) say(`  ${table} ${count(rows)} rows`);
  say(
    `  latency p50/p95: bronze ${latency.bronze.p50}/${latency.bronze.p95} ms, silver ${latency.silver.p50}/${latency.silver.p95} ms, gold ${latency.gold.p50}/${latency.gold.p95} ms`,
  );
  sayChecks(summary.checks, say);
  say("\nThe busiest routes of gold.route_daily:");
  for (const row of sample) say(`  ${Object.values(row).join("  ")}`);
  say(`\nRead it yourself:\n  npm run --silent dyne -- table read gold.route_daily --data ${folder}`);
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
}

/** The folder as it is named from here, or, where it is elsewhere, by its whole path. */
function named(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere || ".";
}

/** Everything of an earlier run but the lock, which is ours. */
async function empty(folder: string): Promise<void> {
  for (const name of ["storage", "hubs", "work", "logs", "check", "stream-time"])
    await rm(join(folder, name), { recursive: true, force: true });
}

const count = (value: number): string => value.toLocaleString("en-US");

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
    return value;
  };
}

function rate(text: string): number | "max" {
  return text === "max" ? "max" : whole(1, 1_000_000)(text);
}
