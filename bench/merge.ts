/** What a merge costs in a table ten times as large, where it touches as many files; and one per cent of all rows. */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { appendRows, restoreTable, sourceOfRows, type SourceRows } from "../shared/table/index.ts";
import { DeltaLake, localFolder, long, string, struct, type LakeTable } from "../shared/table/lake/index.ts";
import { median } from "./cold-start/sample.ts";

const rowSchema = struct({ id: long(), day: long(), amount: long(), note: string() });
type Types = {
  readonly id: ReturnType<typeof long>;
  readonly day: ReturnType<typeof long>;
  readonly amount: ReturnType<typeof long>;
  readonly note: ReturnType<typeof string>;
};

const rowsPerFile = 100_000;

interface Options {
  readonly rounds: number;
  readonly rows: number;
  readonly json?: boolean;
}

interface Sample {
  readonly ms: number;
  readonly files: number;
  readonly peakMb: number;
}

interface Case {
  readonly name: string;
  readonly label: string;
  /** Rows of the table, as a multiple of the smaller one's. */
  readonly times: number;
  /** Rows of the source, and how far apart they lie in the table. */
  readonly source: (rows: number) => { readonly count: number; readonly step: number };
}

/** Source rows of the first two lie in the same files of both tables. */
const cases: readonly Case[] = [
  {
    name: "small",
    label: "1 % of the smaller table into it",
    times: 1,
    source: (rows) => ({ count: rows / 100, step: 1 }),
  },
  {
    name: "large",
    label: "the same rows into the larger one",
    times: 10,
    source: (rows) => ({ count: rows / 100, step: 1 }),
  },
  {
    name: "share",
    label: "1 % of the larger table into it",
    times: 10,
    source: (rows) => ({ count: rows / 10, step: 1 }),
  },
  { name: "spread", label: "as many, in every file", times: 10, source: (rows) => ({ count: rows / 10, step: 100 }) },
];

const vectors = [false, true] as const;
const say = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run({ rounds, rows, json }: Options): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dyne-bench-"));
  try {
    await using lake = await DeltaLake.open({
      store: localFolder(folder),
      memoryLimitMb: 1_500,
      threads: availableParallelism(),
      cacheBytes: 2 ** 31,
      directory: folder,
    });
    const samples = new Map<string, Sample[]>();
    for (const marks of vectors) {
      const tables = new Map<number, LakeTable<Types>>();
      for (const times of [1, 10]) tables.set(times, await filledTable(lake, rows * times, marks));
      for (let round = 1; round <= rounds; round++) {
        for (const each of cases) {
          const table = tables.get(each.times)!;
          const { version } = await table.session.table.latest();
          const sample = await mergeOnce(table, each.source(rows), each.times * rows);
          // The next one finds the files as they were, not what this merge made of them.
          await restoreTable(table.session.table, { version });
          const key = `${each.name}${marks ? " marked" : ""}`;
          samples.set(key, [...(samples.get(key) ?? []), sample]);
          say(`round ${round} of ${rounds}, ${key}: ${Math.round(sample.ms)} ms, ${sample.files} files`);
        }
      }
    }
    if (json === true) console.log(JSON.stringify({ machine: machine(), samples: Object.fromEntries(samples) }));
    else report(samples, rounds);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A table of so many rows, in files of 100,000 by rising id. */
async function filledTable(lake: DeltaLake, rows: number, marks: boolean): Promise<LakeTable<Types>> {
  say(`writing ${rows.toLocaleString("en-US")} rows …`);
  const table = await lake.create<Types>(`bench/rows-${rows}${marks ? "-marked" : ""}`, {
    schema: rowSchema,
    properties: marks ? { "delta.enableDeletionVectors": "true" } : {},
  });
  for (let first = 0; first < rows; first += rowsPerFile) {
    const outcome = await appendRows(table.session, rowsFrom(first, Math.min(rowsPerFile, rows - first), 1, 0));
    if (outcome.kind !== "committed") throw new Error(`an append was ${outcome.kind}`);
  }
  return table;
}

function rowsFrom(first: number, count: number, step: number, amount: number): SourceRows {
  const ids = Array.from({ length: count }, (_, index) => BigInt(first + index * step));
  return sourceOfRows({
    kind: "rows",
    schema: rowSchema,
    columns: {
      id: ids,
      day: ids.map((id) => id % 365n),
      amount: ids.map(() => BigInt(amount)),
      note: ids.map((id) => `a note on the row ${id}`),
    },
    rowCount: count,
  });
}

let merges = 0;

/** Updates rows in the middle of the table, and inserts one. */
async function mergeOnce(
  table: LakeTable<Types>,
  { count, step }: { readonly count: number; readonly step: number },
  rows: number,
): Promise<Sample> {
  const first = step === 1 ? Math.min(rowsPerFile * 2, rows - count) : 0;
  const source = { ...rowsFrom(first, count, step, ++merges), schema: rowSchema };
  const watch = watchMemory();
  const startedMs = performance.now();
  const merge = await table.merge<Types>(source, ({ target, source: from }) => target.id.eq(from.id));
  const outcome = await merge.whenMatchedUpdate().whenNotMatchedInsert().execute();
  const ms = performance.now() - startedMs;
  const peakMb = watch();
  if (outcome.kind !== "committed" || outcome.metrics["numTargetRowsUpdated"] !== count)
    throw new Error(`a merge of ${count} rows was ${JSON.stringify(outcome)}`);
  const { numTargetFilesRemoved = 0, numTargetDeletionVectorsAdded = 0 } = outcome.metrics;
  return { ms, files: numTargetFilesRemoved + numTargetDeletionVectorsAdded, peakMb };
}

/** The highest resident memory from now on until it is asked for, in MB. */
function watchMemory(): () => number {
  let peak = process.memoryUsage.rss();
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  return () => {
    clearInterval(timer);
    return Math.max(peak, process.memoryUsage.rss()) / 1e6;
  };
}

function report(samples: ReadonlyMap<string, readonly Sample[]>, rounds: number): void {
  const cell = (text: string): string => text.padStart(12);
  console.log(
    "merge, ms".padEnd(40) + ["files", "rewritten", "files", "marked", "ratio", "peak MB"].map(cell).join(""),
  );
  for (const { name, label } of cases) {
    const [plain = [], marked = []] = [samples.get(name), samples.get(`${name} marked`)];
    const ms = [plain, marked].map((each) => median(each.map((sample) => sample.ms)));
    const files = [plain, marked].map((each) => String(each[0]?.files ?? 0));
    const peak = Math.max(...[...plain, ...marked].map(({ peakMb }) => peakMb));
    const cells = [
      files[0]!,
      ms[0]!.toFixed(0),
      files[1]!,
      ms[1]!.toFixed(0),
      (ms[1]! / ms[0]!).toFixed(2),
      peak.toFixed(0),
    ];
    console.log(label.padEnd(40) + cells.map(cell).join(""));
  }
  const of = (name: string) => median((samples.get(name) ?? []).map(({ ms }) => ms));
  console.log(`\nten times the table, as many files: ${(of("large") / of("small")).toFixed(2)} of the time`);
  const { platform, cores, memoryGb, node, load } = machine();
  console.log(
    `${platform}, ${cores} cores, ${memoryGb} GiB, Node.js ${node}, load ${load}; medians of ${rounds} rounds`,
  );
}

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
    if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`Use a whole number from ${least} on.`);
  };
}

await new Command("npm run bench -- merge")
  .description("Measure what a merge costs in tables of different size.")
  .option("--rounds <count>", "how often each is measured", atLeast(1), 3)
  .option(
    "--rows <count>",
    "rows of the smaller table; the larger one has ten times as many",
    atLeast(1_000),
    1_000_000,
  )
  .option("--json", "print everything measured as one line of JSON")
  .action(run)
  .parseAsync();
