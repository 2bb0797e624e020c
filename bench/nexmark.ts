/** How many events a second the queries of Nexmark take in as views, by changes and in full. */
import { execFile } from "node:child_process";
import { availableParallelism, loadavg, totalmem } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { Command, InvalidArgumentError } from "commander";
import { median } from "./cold-start/sample.ts";
import { queries } from "./nexmark/queries.ts";
import { perSecond, sampleSchema, type Sample } from "./nexmark/sample.ts";
import type { WorkerOptions } from "./nexmark/worker-options.ts";

interface Options extends WorkerOptions {
  readonly queries?: readonly string[];
  readonly json?: boolean;
}

const say = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run({ queries: chosen, json, ...options }: Options): Promise<void> {
  const samples: Sample[] = [];
  const before = machine();
  for (const name of chosen ?? queries.map((query) => query.name)) {
    const sample = await sampleOf(name, options);
    samples.push(sample);
    say(
      `${name}: ${sample.rounds.map(({ changed, full }) => `${digits(changed.ms)} of ${digits(full.ms)}`).join(", ")} ms`,
    );
  }
  const load = `${before.load} to ${machine().load}`;
  if (json === true) return console.log(JSON.stringify({ machine: { ...before, load }, options, samples }));
  report(samples, options);
  const { platform, cores, memoryGb, node } = before;
  console.log(
    `\n${platform}, ${cores} cores, ${memoryGb} GiB, Node.js ${node}, load ${load}; ${options.events.toLocaleString("en-US")} events, ` +
      `then ${options.rounds} times ${options.batch.toLocaleString("en-US")}; medians of the rounds; ${options.threads} threads`,
  );
}

/** Runs one process to its end. */
async function sampleOf(name: string, options: WorkerOptions): Promise<Sample> {
  const worker = join(import.meta.dirname, `nexmark/worker${extname(import.meta.filename)}`);
  const { stdout } = await promisify(execFile)(process.execPath, [worker, name, JSON.stringify(options)]);
  return sampleSchema.parse(JSON.parse(stdout));
}

const columns = ["built/s", "…/core", "changed/s", "…/core", "ratio", "CPU ratio", "peak MB", "rows"] as const;

function report(samples: readonly Sample[], { events, batch }: WorkerOptions): void {
  const line = (name: string, strategy: string, cells: readonly string[]): void =>
    console.log(name.padEnd(6) + strategy.padEnd(16) + cells.map((cell) => cell.padStart(11)).join(""));
  line("", "strategy", columns);
  for (const { query, built, rounds, peakMb, rows } of samples) {
    const of = (value: (round: Sample["rounds"][number]) => number): number => median(rounds.map(value));
    line(query, [...new Set(rounds.map(({ strategy }) => strategy))].join(", "), [
      digits(perSecond(events, built.ms)),
      digits(perSecond(events, built.cpuMs)),
      digits(
        perSecond(
          batch,
          of(({ changed }) => changed.ms),
        ),
      ),
      digits(
        perSecond(
          batch,
          of(({ changed }) => changed.cpuMs),
        ),
      ),
      of(({ changed, full }) => changed.ms / full.ms).toFixed(2),
      of(({ changed, full }) => changed.cpuMs / full.cpuMs).toFixed(2),
      digits(peakMb),
      digits(rows),
    ]);
  }
}

const digits = (value: number): string => Math.round(value).toLocaleString("en-US");

function machine() {
  return {
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`Use a whole number from ${least} on.`);
  };
}

function known(text: string): readonly string[] {
  const names = text.split(",");
  const unknown = names.find((name) => !queries.some((query) => query.name === name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`There is no ${unknown}. There are ${queries.map(({ name }) => name).join(", ")}.`);
}

await new Command("npm run bench -- nexmark")
  .description("Measure the queries of Nexmark as views, refreshed by changes and in full.")
  .option("--queries <names>", "some of them, such as q3,q5", known)
  .option("--events <count>", "events that are there before", atLeast(1_000), 200_000)
  .option("--batch <count>", "events of each round", atLeast(1), 10_000)
  .option("--rounds <count>", "how often each query is refreshed", atLeast(1), 5)
  .option("--events-per-second <count>", "how close events are in event time", atLeast(1), 1_000)
  .option("--threads <count>", "threads of DuckDB", atLeast(1), availableParallelism())
  .option("--memory-limit-mb <count>", "memory of DuckDB", atLeast(64), 512)
  .option("--json", "print everything measured as one line of JSON")
  .action(run)
  .parseAsync();
