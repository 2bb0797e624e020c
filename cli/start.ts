import { rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { systemClock, systemRandom, type Logger } from "../shared/core/index.ts";
import { jsonLogger } from "../shared/runtime/index.ts";
import { runDemo, type DemoProgress, type DemoSummary } from "../local/demo/index.ts";
import { ownDataFolder } from "../local/platform/index.ts";

interface StartOptions {
  readonly events: number;
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
      "Move real flights from Event Hubs to gold tables on this machine, and check every table against its source.",
    )
    .option("--events <count>", "events to send, injected ones included", whole(1, 3_050_000), 100_000)
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
      "\nExamples:\n  npm start\n  npm start -- --events 100000 --json\n  npm start -- --rate max --events 3000000",
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
  const logger: Logger = jsonLogger("warn", (line) => process.stderr.write(line));
  let lastMs = 0;
  const onProgress = (progress: DemoProgress) => {
    if (systemClock.nowMs() - lastMs < progressMs) return;
    lastMs = systemClock.nowMs();
    say(
      `  sent ${count(progress.sent)}  bronze ${count(progress.bronze)}  silver ${count(progress.silver)}  gold.route_daily ${count(progress.gold)}`,
    );
  };
  const { summary, sample } = await runDemo(
    {
      events: options.events,
      rate: options.rate,
      seed: options.seed,
      partitions: options.partitions,
      directory: folder.path,
    },
    {
      clock: systemClock,
      random: systemRandom,
      logger,
      onStep: (step) => say(`• ${step}`),
      onProgress,
      signal: interrupted.signal,
    },
  );
  process.exitCode = summary.checks.every((check) => check.ok) ? 0 : 1;
  report(summary, sample, named(folder.path), options.json === true, say);
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
  for (const check of summary.checks)
    say(`  ${check.ok ? "✓" : "✗"} ${check.name}${check.detail === undefined ? "" : `: ${check.detail}`}`);
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
  for (const name of ["storage", "hubs", "work", "logs", "check"])
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
