/** How long a table takes to be opened that has a long log, or very many files, and what memory. Each sample is a process of its own. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir, totalmem } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { median } from "./cold-start/sample.ts";
import { writeLargeTable, type LargeTable } from "./open-table/large-tables.ts";

const sampleSchema = z.object({
  openMs: z.number(),
  cpuMs: z.number(),
  againMs: z.number(),
  updateMs: z.number(),
  peakGrowthMb: z.number(),
  version: z.number(),
  files: z.number(),
});
type Sample = z.infer<typeof sampleSchema>;

interface Goal extends LargeTable {
  readonly label: string;
  readonly openMs: number;
  readonly peakGrowthMb: number;
}

const tables: readonly Goal[] = [
  {
    name: "long",
    label: "10,000 commits and a checkpoint",
    commits: 10_000,
    files: 10_000,
    tail: 50,
    openMs: 200,
    peakGrowthMb: 1_024,
  },
  {
    name: "wide",
    label: "300,000 active files",
    commits: 100,
    files: 300_000,
    tail: 50,
    openMs: 3_000,
    peakGrowthMb: 1_024,
  },
];

const measures = [
  { measure: "openMs", label: "opened for the first time, ms" },
  { measure: "cpuMs", label: "  CPU of that, ms" },
  { measure: "againMs", label: "opened again, ms" },
  { measure: "updateMs", label: "brought up to date, ms" },
  { measure: "peakGrowthMb", label: "memory at its highest, above the start, MB" },
] as const;

interface Options {
  readonly rounds: number;
  readonly against?: string;
  readonly json?: boolean;
}

const say = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run({ rounds, against, json }: Options): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dyne-bench-"));
  try {
    const results = [];
    for (const table of tables) {
      say(`writing a table of ${table.label} …`);
      await writeLargeTable(folder, table);
      const samples: Sample[] = [];
      const others: Sample[] = [];
      for (let round = 1; round <= rounds; round++) {
        samples.push(await sampleOf(folder, table));
        if (against !== undefined) others.push(await sampleOf(folder, table, against));
        say(`round ${round} of ${rounds}: ${Math.round(samples.at(-1)!.openMs)} ms`);
      }
      results.push({ table, samples, others });
    }
    if (json === true) return console.log(JSON.stringify({ machine: machine(), results }));
    for (const result of results) report(result);
    const { platform, cores, memoryGb, node, load } = machine();
    console.log(
      `${platform}, ${cores} cores, ${memoryGb} GiB, Node.js ${node}, load ${load}; medians of ${rounds} rounds`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Runs one process to its end. Throws where it did not open the table whole. */
async function sampleOf(folder: string, { name, commits, files }: LargeTable, checkout?: string): Promise<Sample> {
  const worker = join(import.meta.dirname, `open-table/worker${extname(import.meta.filename)}`);
  const args = [worker, folder, name, ...(checkout === undefined ? [] : [checkout])];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const sample = sampleSchema.parse(JSON.parse(stdout));
  if (sample.version === commits - 1 && sample.files === files) return sample;
  throw new Error(`${name} opened at version ${sample.version} with ${sample.files} files.`);
}

interface Result {
  readonly table: Goal;
  readonly samples: readonly Sample[];
  readonly others: readonly Sample[];
}

function report({ table, samples, others }: Result): void {
  const line = (label: string, ...cells: readonly string[]) =>
    console.log(label.padEnd(46) + cells.map((cell) => cell.padStart(10)).join(""));
  line(table.label, "here", ...(others.length > 0 ? ["there", "ratio"] : []));
  for (const { measure, label } of measures) {
    const here = median(samples.map((sample) => sample[measure]));
    if (others.length === 0) line(label, digits(here));
    else {
      const there = median(others.map((sample) => sample[measure]));
      const ratio = median(samples.map((sample, index) => sample[measure] / others[index]![measure]));
      line(label, digits(here), digits(there), ratio.toFixed(2));
    }
  }
  const isReached = (["openMs", "peakGrowthMb"] as const).every(
    (measure) => median(samples.map((sample) => sample[measure])) <= table[measure],
  );
  console.log(`The goal is ${table.openMs} ms and ${table.peakGrowthMb} MB: ${isReached ? "reached" : "missed"}.\n`);
}

const digits = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

function machine() {
  return {
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

function rounds(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 100) return Number(text);
  throw new InvalidArgumentError("Use a whole number from 1 to 100.");
}

await new Command("npm run bench -- open-table")
  .description("Measure how long large tables take to be opened.")
  .option("--rounds <count>", "how often each is measured", rounds, 5)
  .option("--against <checkout>", "another checkout of dyne, measured in turns with this one")
  .option("--json", "print everything measured as one line of JSON")
  .action(run)
  .parseAsync();
