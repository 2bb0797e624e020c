/**
 * How long a cold worker takes from nothing to its first batch, from the sources and from the bundle of `npm run build`, and what the time goes
 * into. Each sample is a process of its own; a round is one of each, in turns which first.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir, totalmem } from "node:os";
import { extname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { Command, InvalidArgumentError } from "commander";
import { startChild } from "../local/platform/index.ts";
import { openGround, sweep, type Ground } from "./cold-start/ground.ts";
import { sampleSchema, summarize, type Measure, type Round, type Sample } from "./cold-start/sample.ts";
import type { FunctionCall } from "./cold-start/worker-config.ts";

const root = resolve(import.meta.dirname, "..");
const goalMs = 1_500;
const earlierBatches = 3;

interface Options {
  readonly rounds: number;
  readonly events: number;
  readonly json?: boolean;
}

const rows: readonly { readonly measure: Measure; readonly label: string }[] = [
  { measure: "coldMs", label: "from nothing to the first batch, ms" },
  { measure: "bootMs", label: "  Node.js starts" },
  { measure: "importMs", label: "  the app is imported" },
  { measure: "libraryMs", label: "    of it: DuckDB's library" },
  { measure: "batchMs", label: "  the batch, until bronze is committed" },
  { measure: "openMs", label: "    of it: DuckDB opens" },
  { measure: "firstStatementMs", label: "    of it: DuckDB's first statement" },
  { measure: "statementsMs", label: "    of it: all DuckDB's statements" },
  { measure: "storageMs", label: "    of it: requests to storage" },
  { measure: "scriptMs", label: "    of it: JavaScript" },
  { measure: "restMs", label: "    neither DuckDB nor storage" },
  { measure: "goldMs", label: "from nothing to gold, ms" },
  { measure: "importCpuMs", label: "CPU of the import, ms" },
  { measure: "batchCpuMs", label: "CPU of the batch, ms" },
  { measure: "requests", label: "requests to storage in the batch" },
  { measure: "importedMb", label: "memory when imported, MB" },
  { measure: "batchMb", label: "memory at the first batch, MB" },
  { measure: "peakMb", label: "memory at its highest, MB" },
];

const say = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run(options: Options): Promise<void> {
  let isStopped = false;
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => (isStopped = true));
  const folder = await mkdtemp(join(tmpdir(), "dyne-bench-"));
  try {
    say("building the app …");
    const app = join(folder, "app");
    await promisify(execFile)(process.execPath, [join(root, "tools/build.mjs"), "--out", app]);
    say("starting storage and a hub …");
    await using ground = await openGround(join(folder, "data"));
    const entries = { source: await entriesIn(root), bundle: await entriesIn(app) };
    say(`making tables, ${earlierBatches} batches …`);
    for (let batch = 0; batch < earlierBatches; batch++) {
      if (isStopped) return;
      const calls = [await ground.announceEvents(options.events), sweep];
      await sampleOf(ground, entries.source, batch === 0 ? [sweep, ...calls] : calls);
    }
    const rounds: Round[] = [];
    for (let index = 0; index < options.rounds; index++) {
      if (isStopped) break;
      const measured: Partial<Record<keyof Round, Sample>> = {};
      for (const variant of index % 2 === 0 ? (["source", "bundle"] as const) : (["bundle", "source"] as const)) {
        // An invocation carries on to gold for two seconds; on a busy machine the timer goes on from there.
        const calls = [await ground.announceEvents(options.events), sweep];
        measured[variant] = await sampleOf(ground, entries[variant], calls);
      }
      const round = measured as Round;
      rounds.push(round);
      const [source, bundle] = [round.source, round.bundle].map(({ coldMs }) => `${Math.round(coldMs)} ms`);
      say(`round ${index + 1} of ${options.rounds}: source ${source}, bundle ${bundle}`);
    }
    if (rounds.length > 0) report(rounds, options);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function entriesIn(app: string): Promise<readonly string[]> {
  const names = await readdir(join(app, "functions"));
  const modules = names.filter((name) => /\.(ts|js)$/.test(name)).toSorted();
  return modules.map((name) => join(app, "functions", name));
}

/** Runs one process to its end. */
async function sampleOf(ground: Ground, entries: readonly string[], calls: readonly FunctionCall[]): Promise<Sample> {
  await using child = await startChild({
    name: "The measured worker",
    entry: join(root, `bench/cold-start/worker${extname(import.meta.filename)}`),
    config: { settings: ground.settings, entries, calls },
    onLog: say,
  });
  await child.exited;
  return sampleSchema.parse(child.ready);
}

function report(rounds: readonly Round[], options: Options): void {
  const machine = {
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
  const summary = Object.fromEntries(rows.map(({ measure }) => [measure, summarize(rounds, measure)]));
  if (options.json === true)
    return console.log(JSON.stringify({ machine, events: options.events, goalMs, summary, rounds }));
  const digits = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
  const line = (label: string, ...cells: readonly string[]) =>
    console.log(label.padEnd(38) + cells.map((cell) => cell.padStart(10)).join(""));
  line(`cold start, medians of ${rounds.length} rounds`, "source", "bundle", "ratio");
  for (const { measure, label } of rows) {
    const { source, bundle, ratio } = summarize(rounds, measure);
    line(label, digits(source), digits(bundle), Number.isNaN(ratio) ? "" : ratio.toFixed(2));
  }
  const { bundle } = summarize(rounds, "coldMs");
  console.log(
    `\nThe goal is ${goalMs} ms from nothing to the first batch: ${bundle <= goalMs ? "reached" : "missed"} by the bundle.`,
  );
  console.log(
    `${machine.platform}, ${machine.cores} cores, ${machine.memoryGb} GiB, Node.js ${machine.node}, load ${machine.load}, ${options.events} events a batch`,
  );
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Use a whole number from ${least} to ${most}.`);
    }
    return value;
  };

await new Command("npm run bench -- cold-start")
  .description("Measure a cold start: from nothing to the first batch, from source and from the bundle.")
  .option("--rounds <count>", "how often each is measured", whole(1, 100), 9)
  .option("--events <count>", "events in a batch", whole(1, 300), 200)
  .option("--json", "print everything measured as one line of JSON")
  .action(run)
  .parseAsync();
