/**
 * Tables of dyne read by Spark and delta-rs, and theirs read by dyne. Makes an environment for them where there is none; where none can be
 * made it says why and skips all. INTEROP_WRITE=1 writes docs/delta-features.md, of the cases that run; INTEROP_SEED=n draws other random tables, and
 * INTEROP_TABLES=n more of those that all write in turns. One of them again: npm run test:interop -- -- -t "seed 10200".
 */
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDyneError } from "../../shared/core/index.ts";
import { stateAt, writeCheckpoint } from "../../shared/delta/index.ts";
import { interopCases, titleOf, type Reading, type Written, type WrittenThere } from "./cases/index.ts";
import { interopEnvironment } from "./environment.ts";
import { demoRun } from "./exported-tables.ts";
import { cellsOfCases, cellsOfMatrix, FeatureMatrix, matrixPath, type Direction } from "./feature-matrix.ts";
import { canonicalRows } from "./same-rows.ts";
import { interopSeed } from "./seed.ts";
import { openWorld, peerNames, type PeerName, type World } from "./world.ts";

const startMsMax = 900_000;
const startedMs = performance.now();
const say = (text: string): void => {
  process.stderr.write(`interop: ${text}, ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
};
const environment = await interopEnvironment(say);
if (environment.kind === "absent") process.stderr.write(`INTEROP NOT RUN: ${environment.reason}\n`);

const isWriting = process.env["INTEROP_WRITE"] === "1";

test.skipIf(isWriting)("the page of features has exactly the cells that there are cases for", async () => {
  expect([...cellsOfMatrix(await readFile(matrixPath, "utf8")).keys()].sort()).toEqual(cellsOfCases());
});

const here = interopCases.filter((one) => one.kind === "here").map((one) => [titleOf(one), one] as const);
const there = interopCases
  .filter((one) => one.kind === "there")
  .flatMap((one) => peersOf(one).map((peer) => [titleOf(one), peer, one] as const));

describe.skipIf(environment.kind === "absent")("interop", () => {
  const matrix = new FeatureMatrix();
  let world: World;

  beforeAll(async () => {
    if (environment.kind === "absent") return;
    say(`starting Spark and delta-rs; INTEROP_SEED=${interopSeed} npm run test:interop draws the same random tables`);
    world = await openWorld(environment.python);
    for (const name of peerNames) matrix.met(world.peers[name].versions);
    say(`with ${JSON.stringify(peerNames.map((name) => world.peers[name].versions))}`);
  }, startMsMax);

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    if (isWriting) {
      const page = matrix.render(new Date().toISOString().slice(0, 10), await readFile(matrixPath, "utf8"));
      await writeFile(matrixPath, page);
    }
  });

  describe.each(here)("dyne writes %s", (title, one) => {
    const path: { table?: string; copy?: string; written?: Written } = {};

    beforeAll(async () => {
      path.table = world.newPath();
      path.written = await one.write(world, path.table);
    }, startMsMax);

    test.each(peerNames)("%s reads it", async (peer) => {
      const { table, written } = { table: path.table!, written: path.written! };
      await recorded(one.feature, "here", peer, async () => {
        const reading = one.readings?.[peer] ?? "equal";
        await holds(reading, () =>
          peerReads(world, peer, table, reading === "rows" ? { versions: written.versions } : written),
        );
        return reading;
      });
      say(`${title}: dyne → ${peer}`);
    });

    test.each(one.fromCheckpoint === true ? peerNames : [])("%s reads it from a checkpoint", async (peer) => {
      const { versions } = path.written!;
      path.copy ??= await fromCheckpoint(world, path.table!);
      await recorded(one.feature, "here", peer, async () => {
        const reading = one.readings?.[peer] ?? "equal";
        await holds(reading, async () =>
          expect(await rowsOf(world, peer, path.copy!, versions.length - 1)).toEqual(canonicalRows(versions.at(-1)!)),
        );
        return reading;
      });
    });

    test("dyne reads it", async () => {
      for (const [version, rows] of looked(path.written!))
        expect(canonicalRows(await world.read(path.table!, version)), `version ${version}`).toEqual(
          canonicalRows(rows),
        );
    });

    test.each(Object.entries(one.checks ?? {}))("%s", async (sentence, check) => {
      await check(world, path.table!, path.written!);
      say(`${title}: ${sentence}`);
    });
  });

  test(
    "the README's Python reads a table that was exported, each line of it all rows",
    { timeout: startMsMax },
    async () => {
      const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
      const block = /```python\n(.*?)```/s.exec(readme)?.[1] ?? "";
      const run = await demoRun();
      await run.exportTo("gold.route_daily", join(world.folder, "route_daily"));
      const { length } = await run.rows("gold.route_daily");
      const lines = block.split("\n").filter((line) => line !== "");
      expect(length).toBeGreaterThan(0);
      expect(await world.peers.Spark.ask("python", { lines })).toEqual([length, length, length]);
    },
  );

  test.each(there)("dyne reads %s, written by %s", async (title, peer, one) => {
    const path = world.newPath();
    await recorded(one.feature, "there", peer, async () => {
      await one.by[peer]!(world, path);
      const reading = one.reading ?? "equal";
      await holds(reading, () => dyneReads(world, peer, path, one));
      return reading;
    });
    if (one.refusesWriting !== undefined) {
      await refusesToWrite(world, path, one.refusesWriting);
      matrix.refusedWriting(one.feature);
    }
    say(`${title}: ${peer} → dyne`);
  });

  /** Keeps the outcome of a case for the page, one that failed too. */
  async function recorded(
    feature: string,
    direction: Direction,
    peer: PeerName,
    run: () => Promise<Reading>,
  ): Promise<void> {
    try {
      const reading = await run();
      const outcome = reading === "equal" ? "yes" : reading === "rows" ? "rows only" : "refused";
      matrix.add({ feature, direction, peer, outcome });
    } catch (error) {
      matrix.add({ feature, direction, peer, outcome: "no" });
      throw error;
    }
  }
});

/** The peer's rows are those written, in the newest version and in one before; and so are its change rows, where there are any. */
async function peerReads(world: World, peer: PeerName, path: string, { versions, changes }: Written): Promise<void> {
  const newest = versions.length - 1;
  for (const [version, rows] of looked({ versions }))
    expect(await rowsOf(world, peer, path, version), `version ${version}`).toEqual(canonicalRows(rows));
  if (changes === undefined) return;
  expect(await changesOf(world, peer, path, 0, newest)).toEqual(canonicalRows(changes.flat()));
  expect(await changesOf(world, peer, path, newest, newest)).toEqual(canonicalRows(changes[newest]!));
}

/** A copy of a table from which the commits before its newest checkpoint are gone; where there is no checkpoint, dyne writes one of the newest version. */
async function fromCheckpoint(world: World, path: string): Promise<string> {
  const copy = world.newPath();
  await cp(path, copy, { recursive: true });
  const log = join(copy, "_delta_log");
  if (lastCheckpoint(await readdir(log)) < 0) {
    const { table } = world.session(copy);
    await writeCheckpoint(table.log, await stateAt(table.log, (await table.latest()).version));
  }
  const names = await readdir(log);
  const first = lastCheckpoint(names);
  const gone = names.filter((name) => /^\d{20}\.json$/.test(name) && Number(name.slice(0, 20)) < first);
  for (const name of gone) await rm(join(log, name));
  return copy;
}

function lastCheckpoint(names: readonly string[]): number {
  return Math.max(
    -1,
    ...names.filter((name) => name.endsWith(".checkpoint.parquet")).map((name) => Number(name.slice(0, 20))),
  );
}

/** Dyne's rows and change rows are those that the writer reads itself. */
async function dyneReads(world: World, peer: PeerName, path: string, { changes = [] }: WrittenThere): Promise<void> {
  const { version: newest } = await world.session(path).table.latest();
  for (const version of versionsOf(newest))
    expect(canonicalRows(await world.read(path, version)), `version ${version}`).toEqual(
      await rowsOf(world, peer, path, version),
    );
  for (const [from, to] of changes)
    expect(canonicalRows(await world.changes(path, from, to)), `changes ${from}-${to}`).toEqual(
      await changesOf(world, peer, path, from, to),
    );
}

/** Whatever is to be done, dyne names the feature for which it does not, and nothing comes into the log. */
async function refusesToWrite(world: World, path: string, words: RegExp): Promise<void> {
  const log = join(path, "_delta_log");
  const before = await readdir(log);
  const table = world.lake(path);
  const writes: Readonly<Record<string, () => Promise<unknown>>> = {
    append: () => table.append([{ id: 1 }]),
    overwrite: () => table.overwrite([{ id: 1 }]),
    delete: () => table.delete("id = 1"),
    "set properties": () => table.setProperties({ "delta.appendOnly": "false" }),
    optimize: () => table.optimize({ zOrderBy: ["id"] }),
    restore: () => table.restore({ version: 0 }),
    vacuum: () => table.vacuum({ retentionMs: 0, force: true }),
  };
  for (const [what, write] of Object.entries(writes))
    await expect(write(), what).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringMatching(words) as unknown,
    });
  expect(await readdir(log)).toEqual(before);
}

/** The newest version, and one in the middle. */
function versionsOf(newest: number): readonly number[] {
  return [...new Set([newest, Math.ceil(newest / 2)])];
}

/** Versions to be looked at that can be read, with their rows. */
function looked({ versions }: Pick<Written, "versions">): readonly (readonly [number, readonly string[]])[] {
  return versionsOf(versions.length - 1).flatMap((version) => {
    const rows = versions[version];
    return rows === undefined ? [] : [[version, rows] as const];
  });
}

async function rowsOf(world: World, peer: PeerName, path: string, version: number): Promise<readonly string[]> {
  return canonicalRows((await world.peers[peer].ask("read", { path, version })) as string[]);
}

/** Without the times of commits, which files have and not rows. */
async function changesOf(
  world: World,
  peer: PeerName,
  path: string,
  from: number,
  to: number,
): Promise<readonly string[]> {
  const texts = (await world.peers[peer].ask("changes", { path, from, to })) as string[];
  return canonicalRows(texts.map((text) => text.replace(/,"_commit_timestamp":"[^"]*"/, "")));
}

async function holds(reading: Reading, read: () => Promise<void>): Promise<void> {
  if (typeof reading === "string") return read();
  const refusal = await read().then(
    () => "it was read",
    (error: unknown) => (isDyneError(error) ? `${error.code}: ${error.message}` : String(error)),
  );
  expect(refusal).toMatch(reading.refuses);
}

function peersOf(one: WrittenThere): readonly PeerName[] {
  return peerNames.filter((peer) => one.by[peer] !== undefined);
}
