import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { runDemo, type DemoProgress, type DemoSummary } from "../../local/demo/index.ts";
import { summarizeFlightsPlan } from "../../local/feeder/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const count = z.number().int().nonnegative();
const percentiles = z.strictObject({ p50: z.number().nonnegative(), p95: z.number().nonnegative() });
/** The last line of `npm start -- --json`. */
const summarySchema = z.strictObject({
  events: count,
  bronze: count,
  silver: count,
  duplicates: count,
  late: count,
  quarantined: count,
  gold: z.strictObject({ "gold.route_daily": count, "gold.airport_delays": count }),
  latencyMs: z.strictObject({ bronze: percentiles, silver: percentiles, gold: percentiles }),
  eventsPerSecond: z.number().positive(),
  seconds: z.number().positive(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean() })),
});
/** Rows as the command prints them. */
const routeSchema = z.strictObject({
  origin: z.string(),
  destination: z.string(),
  flight_date: z.iso.date(),
  flights: count,
  delayed_flights: count,
  avg_delay: z.number(),
  min_delay: z.number().int(),
  max_delay: z.number().int(),
  total_distance: count,
});
const historySchema = z.strictObject({
  version: count,
  timestamp: z.iso.datetime(),
  operation: z.string(),
  parameters: z.record(z.string(), z.string()).nullable(),
  metrics: z.record(z.string(), z.unknown()).nullable(),
  filesAdded: count,
  filesRemoved: count,
  txns: z.record(z.string(), z.number().int()),
});
const fileSchema = z.strictObject({
  path: z.string(),
  sizeBytes: count,
  partitionValues: z.record(z.string(), z.string().nullable()),
  stats: z.looseObject({ numRecords: count }),
  tags: z.record(z.string(), z.string()).nullable(),
});

const command = fileURLToPath(new URL("../../cli/dyne.ts", import.meta.url));
const runLimitMs = 60_000;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** `dyne table <verb> <table> --format ndjson` in a process of its own. */
async function dyneTable<Schema extends z.ZodType>(
  schema: Schema,
  folder: string,
  ...args: readonly string[]
): Promise<z.infer<Schema>[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [command, "table", ...args, "--data", folder, "--format", "ndjson"],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => schema.parse(JSON.parse(line)));
}

interface Run {
  readonly summary: DemoSummary;
  readonly sample: readonly Record<string, unknown>[];
  readonly progress: readonly DemoProgress[];
}

/** A run, in the test's own process. One that does not end in time says how far it came and what the Functions said last. */
async function run(directory: string, events: number): Promise<Run> {
  const progress: DemoProgress[] = [];
  try {
    const { summary, sample } = await runDemo(
      { events, rate: "max", seed: 1, partitions: 4, directory },
      {
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        onStep: () => undefined,
        onProgress: (seen) => progress.push(seen),
        signal: AbortSignal.timeout(runLimitMs),
      },
    );
    return { summary, sample, progress };
  } catch (cause) {
    const log = await readFile(join(directory, "logs/functions.log"), "utf8").catch(() => "");
    const said = log.trimEnd().split("\n").slice(-12).join("\n");
    throw new Error(`the run came to ${JSON.stringify(progress.at(-1))}; the Functions said last:\n${said}`, { cause });
  }
}

/** Everything that must hold of a run, whatever ran in its folder before. */
function expectRight({ summary }: Run, events: number): void {
  expect(summary.checks.filter((check) => !check.ok)).toEqual([]);
  expect(summarySchema.parse(summary)).toEqual(summary);
  const plan = summarizeFlightsPlan({ seed: 1, events, partitions: 4 });
  expect(summary).toMatchObject({
    events,
    bronze: events,
    silver: plan.byKind.flight,
    duplicates: plan.byKind.duplicate,
    late: plan.byKind.late,
    quarantined: plan.byKind.malformed + plan.byKind["unknown-airport"] + plan.byKind["far-future"],
  });
  expect(events).toBe(summary.silver + summary.duplicates + summary.late + summary.quarantined);
}

describe("the demo, from an empty folder", () => {
  const events = 8_000;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let first: Run;

  beforeAll(async () => {
    folder = await temporaryFolder();
    first = await run(folder.path, events);
  }, 90_000);
  afterAll(async () => folder?.[Symbol.asyncDispose]());

  it("proves every table against its source and sums up in the agreed form", () => {
    expectRight(first, events);
    expect(first.summary.checks.length).toBeGreaterThanOrEqual(7);
    expect(first.progress.at(-1)).toMatchObject({ bronze: events, silver: first.summary.silver });
    for (const { p50, p95 } of Object.values(first.summary.latencyMs)) expect(p95).toBeGreaterThanOrEqual(p50);
  });

  it("leaves a gold table whose rows the command prints", async () => {
    const rows = await dyneTable(routeSchema, folder.path, "read", "gold.route_daily");
    expect(rows).toHaveLength(first.summary.gold["gold.route_daily"] ?? -1);
    expect(sum(rows.map((row) => row.flights))).toBe(first.summary.silver);
    const keyOf = (row: Readonly<Record<string, unknown>>) =>
      `${String(row["origin"])}-${String(row["destination"])} ${String(row["flight_date"])}`;
    const byKey = new Map(rows.map((row) => [keyOf(row), row]));
    expect(byKey.size).toBe(rows.length);
    expect(first.sample).toHaveLength(5);
    for (const sample of first.sample) {
      const row = byKey.get(keyOf(sample));
      expect(String(row?.flights)).toBe(String(sample["flights"]));
      expect(String(row?.total_distance)).toBe(String(sample["total_distance"]));
    }
  });

  it("leaves a history without gaps, each batch under its flow's transaction", async () => {
    const history = await dyneTable(historySchema, folder.path, "history", "gold.route_daily");
    expect(history.map((commit) => commit.version)).toEqual(history.map((_, index) => history.length - 1 - index));
    const batches = history.slice(0, -1).map((commit) => commit.txns["dyne/flights/gold.route_daily/0"]);
    expect(batches.length).toBeGreaterThan(0);
    expect(batches).toEqual(batches.toSorted((a, b) => (b ?? 0) - (a ?? 0)));
    expect(new Set(batches).size).toBe(batches.length);
    expect(history.at(-1)).toMatchObject({ version: 0, filesAdded: 0, txns: {} });
    expect(await dyneTable(routeSchema, folder.path, "read", "gold.route_daily", "--version", "0")).toEqual([]);
  });

  it("leaves files whose statistics count the table's rows", async () => {
    const files = await dyneTable(fileSchema, folder.path, "files", "silver.flights");
    expect(sum(files.map((file) => file.stats.numRecords))).toBe(first.summary.silver);
    for (const file of files) {
      expect(file.path).toMatch(/^flight_date=2001-01-\d\d\/.+\.parquet$/);
      expect(file.path).toContain(file.partitionValues["flight_date"]);
    }
  });

  it("goes on from where it stopped when it is run again for more events", async () => {
    const more = 12_000;
    const second = await run(folder.path, more);
    expectRight(second, more);
    // What the first run had made was there before anything was sent.
    expect(second.progress[0]?.bronze).toBeGreaterThanOrEqual(events);
    const airports = await dyneTable(fileSchema, folder.path, "files", "bronze.airports");
    expect(airports).toHaveLength(1);
  });
});
