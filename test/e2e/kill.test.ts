/**
 * SIGKILL of everything that `npm start` runs, at random moments: started again on the same folder, it ends as if nothing had happened.
 * `KILLS=50` runs fifty rounds instead of three (`npm run test:kill`); `SEED=… KILLS=1` replays the round of a seed.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { DemoSummary } from "../../local/demo/index.ts";
import { countRows } from "../../local/demo/watch.ts";
import { planFlights, summarizeFlightsPlan } from "../../local/feeder/index.ts";
import { openLocalStorage } from "../../local/platform/index.ts";
import { DuckDbCompute } from "../../shared/compute/index.ts";
import { seededRandom, silentLogger, systemClock, systemRandom, type Random } from "../../shared/core/index.ts";
import { readRowTexts, TableCatalog } from "../../shared/table/index.ts";
import { killTree } from "./process-tree.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const firstSeed = Number(process.env["SEED"] ?? 10);
const rounds = Number(process.env["KILLS"] ?? 3);
const replay = (seed: number) => `again with: SEED=${seed} KILLS=1 npx vitest run --project e2e test/e2e/kill.test.ts`;

const plan = { events: 3_000, partitions: 4, seed: 1 };
const ratePerSecond = 1_500;
const runLimitMs = 100_000;
/** A run that waits for a lease, a bell, a timer or a hidden message of the dead takes longer. */
const resumeLimitSeconds = 45;
const command = fileURLToPath(new URL("../../cli/dyne.ts", import.meta.url));

/** When a run is killed: so long after it has come so far. Where its children are spared, the next start meets them still at work. */
type Moment = { readonly delayMs: number; readonly sparesChildren: boolean } & (
  | { readonly kind: "step"; readonly step: "starting" | "sending" | "checking" }
  | { readonly kind: "count"; readonly of: "sent" | "bronze" | "silver" | "gold.route_daily"; readonly least: number }
);

function randomMoment(random: Random): Moment {
  const sparesChildren = random.next() < 0.25;
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random.next() * values.length)] as Value;
  if (random.next() < 0.25)
    return {
      kind: "step",
      step: pick(["starting", "sending", "checking"]),
      delayMs: Math.floor(random.next() * 3_000),
      sparesChildren,
    };
  return {
    kind: "count",
    of: pick(["sent", "bronze", "silver", "gold.route_daily"]),
    least: 1 + Math.floor((random.next() * plan.events) / 2),
    // Counts are printed once a second.
    delayMs: Math.floor(random.next() * 1_200),
    sparesChildren,
  };
}

/** True for the line on which a run has come as far as the moment says. */
function isReached(moment: Moment, line: string): boolean {
  if (moment.kind === "step") return line.startsWith(`• ${moment.step}`);
  const found = new RegExp(`${moment.of.replace(".", "\\.")} ([\\d,]+)`).exec(line);
  return found !== null && Number(found[1]?.replaceAll(",", "")) >= moment.least;
}

/** Rows of tables, by what a run calls them when it prints how many there are. */
type Counts = Readonly<Record<string, number>>;

const countedTables = {
  bronze: "lake/bronze/flights",
  silver: "lake/silver/flights",
  "gold.route_daily": "lake/gold/route_daily",
} as const;

/** What a line of progress says of the tables. */
function countsIn(line: string): Counts | undefined {
  if (!line.startsWith("  sent ")) return undefined;
  return Object.fromEntries(
    [...line.matchAll(/(\S+) ([\d,]+)/g)]
      .map(([, name = "", text = ""]): [string, number] => [name, Number(text.replaceAll(",", ""))])
      .filter(([name]) => name in countedTables),
  );
}

/** How a run went. */
interface Run {
  /** Processes that were killed; 0 where it ended by itself. */
  readonly killed: number;
  /** What it printed of the tables last. */
  readonly seen?: Counts | undefined;
  /** There where it ended by itself. */
  readonly summary?: DemoSummary;
}

function start(folder: string): ChildProcess {
  return spawn(
    process.execPath,
    [command, "start", "--json", "--data", folder, "--rate", String(ratePerSecond)].concat(
      Object.entries(plan).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ),
    { stdio: ["ignore", "pipe", "pipe"] },
  );
}

/** Runs until the moment and kills it, or to its end where it has none or is quicker. */
async function run(folder: string, moment?: Moment): Promise<Run> {
  const child = start(folder);
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const said: string[] = [];
  const printed: string[] = [];
  const reached = Promise.withResolvers<"reached">();
  if (child.stdout) createInterface(child.stdout).on("line", (line) => printed.push(line));
  if (child.stderr)
    createInterface(child.stderr).on("line", (line) => {
      said.push(line);
      if (moment !== undefined && isReached(moment, line)) reached.resolve("reached");
    });
  const limit = new AbortController();
  const tooLong = sleep(runLimitMs, "too long" as const, { signal: limit.signal }).catch(() => "ended" as const);
  try {
    const due = reached.promise.then(() => sleep(moment?.delayMs ?? 0, "killed" as const));
    const outcome = await Promise.race([exited.then(() => "ended" as const), due, tooLong]);
    const seen = () => said.map(countsIn).findLast((counts) => counts !== undefined);
    if (outcome === "killed" && child.exitCode === null) {
      if (moment?.sparesChildren !== true) return { killed: await killTree(child.pid ?? 0), seen: seen() };
      child.kill("SIGKILL");
      await exited;
      return { killed: 1, seen: seen() };
    }
    if (outcome === "too long") throw new Error(`the run did not end within ${runLimitMs} ms`);
    const [code] = await exited;
    expect(code).toBe(0);
    return { killed: 0, seen: seen(), summary: JSON.parse(printed.at(-1) ?? "") as DemoSummary };
  } catch (error) {
    const log = await readFile(join(folder, "logs/functions.log"), "utf8").catch(() => "");
    throw new Error(`said:\n${said.join("\n")}\nthe Functions said last:\n${log.split("\n").slice(-15).join("\n")}`, {
      cause: error,
    });
  } finally {
    limit.abort();
    if (child.exitCode === null && child.signalCode === null) await killTree(child.pid ?? 0);
  }
}

/** Tables as the last run left them. */
async function openTables(folder: string) {
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(await openLocalStorage(folder, { logger: silentLogger }));
  const catalog = new TableCatalog(storage, { clock: systemClock, random: systemRandom, logger: silentLogger });
  const opened = stack.move();
  return {
    table: (path: string) => catalog.open("lake", path),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What a reader has seen stays: nothing is running now that could make it again. */
async function expectKept(folder: string, seen: Counts): Promise<void> {
  await using tables = await openTables(folder);
  for (const [name, path] of Object.entries(countedTables))
    expect(await countRows(tables.table(path)), `rows of ${name}, seen before the kill`).toBeGreaterThanOrEqual(
      seen[name] ?? 0,
    );
}

/** All rows of some tables. */
async function rowsOf(folder: string, paths: readonly string[]): Promise<Row[][]> {
  await using tables = await openTables(folder);
  await using stack = new AsyncDisposableStack();
  const compute = stack.adopt(
    await DuckDbCompute.open(
      { directory: join(folder, "reader"), memoryLimitMb: 500, threads: 1, cacheBytes: 64 * 1024 * 1024 },
      systemRandom,
    ),
    (opened) => opened.close(),
  );
  const all: Row[][] = [];
  for (const path of paths) {
    const table = tables.table(path);
    const texts = await Array.fromAsync(readRowTexts(compute, table, await table.latest(), { limit: Infinity }));
    all.push(texts.map((text) => JSON.parse(text) as Row));
  }
  return all;
}

type Row = Readonly<Record<string, unknown>>;

const ordered = (texts: readonly string[]): string[] => texts.toSorted();

describe("a run that is killed with all its processes, and started again", () => {
  it.for(Array.from({ length: rounds }, (_, round) => firstSeed + round))(
    "ends with the rows of an undisturbed one (seed %i)",
    { timeout: 3 * runLimitMs },
    async (seed) => {
      const random = seededRandom(seed);
      const moments = Array.from({ length: random.next() < 0.3 ? 2 : 1 }, () => randomMoment(random));
      await using folder = await temporaryFolder();
      console.log(`${replay(seed)}\n  kills: ${JSON.stringify(moments)}`);
      try {
        for (const moment of [...moments, undefined]) {
          const { killed, seen, summary } = await run(folder.path, moment);
          console.log(killed > 0 ? `  killed ${killed} processes` : `  ended after ${summary?.seconds} s`);
          // Children that were spared are for the next run to meet.
          if (seen !== undefined && moment?.sparesChildren === false) await expectKept(folder.path, seen);
          if (moment !== undefined || summary === undefined) continue;
          expect(summary.seconds).toBeLessThan(resumeLimitSeconds);
          await expectRight(folder.path, summary);
        }
      } catch (error) {
        throw new Error(replay(seed), { cause: error });
      }
    },
  );
});

/** Every table against the plan of the events: the run's own checks compare all rows with their source, these the identities. */
async function expectRight(folder: string, summary: DemoSummary): Promise<void> {
  expect(summary.checks.length).toBeGreaterThanOrEqual(7);
  expect(summary.checks.filter((check) => !check.ok)).toEqual([]);
  const { byKind } = summarizeFlightsPlan(plan);
  expect(summary).toMatchObject({
    events: plan.events,
    bronze: plan.events,
    silver: byKind.flight,
    duplicates: byKind.duplicate,
    late: byKind.late,
    quarantined: byKind.malformed + byKind["unknown-airport"] + byKind["far-future"],
  });
  const planned = await Array.fromAsync(planFlights(plan));
  const [bronze = [], silver = []] = await rowsOf(folder, [countedTables.bronze, countedTables.silver]);
  const epochs = new Set(bronze.map((row) => row["source_epoch"]));
  expect(epochs.size).toBe(1);
  expect(
    ordered(
      bronze.map((row) =>
        [row["source_system"], row["partition"], row["sequence_number"], row["partition_key"]].join(" "),
      ),
    ),
  ).toEqual(
    ordered(planned.map((event) => `flights ${event.partition} ${event.sequenceNumber} ${event.partitionKey}`)),
  );
  expect(ordered(silver.map((row) => String(row["flight_id"])))).toEqual(
    ordered(planned.filter((event) => event.kind === "flight").map((event) => event.partitionKey)),
  );
}
