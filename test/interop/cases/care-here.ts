/** Tables that dyne has cared for: restored, purged, vacuumed, ordered anew; and their times. */
import { readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import { long, string } from "../../../shared/plan/index.ts";
import { appendTexts } from "../dyne-steps.ts";
import { canonicalRows } from "../same-rows.ts";
import { peerNames, type World } from "../world.ts";
import type { Check, Written, WrittenHere } from "./case.ts";
import { detailIsTold, historyIsTold, newestVersion, sameRows, statements } from "./checks.ts";
import { create, plain, rows, schemaOf, stepByStep, writtenOf, type Properties } from "./plain-table.ts";

const vectors: Properties = { "delta.enableDeletionVectors": "true" };
const times: Properties = { "delta.enableInCommitTimestamps": "true" };

/** Creates the plain table and does all its steps; gives the rows of its versions. */
async function allSteps(world: World, path: string, configuration: Properties): Promise<Written> {
  const session = world.session(path);
  await create(session, plain, configuration);
  return writtenOf(await stepByStep(world, session, plain, plain.steps), false);
}

const ownVectors: WrittenHere = {
  kind: "here",
  feature: "deletion vectors",
  title: "of a table of dyne's own",
  fromCheckpoint: true,
  write: (world, path) => allSteps(world, path, vectors),
};

const restored: WrittenHere = {
  kind: "here",
  feature: "restore",
  fromCheckpoint: true,
  async write(world, path) {
    const { versions } = await allSteps(world, path, { ...vectors, ...times });
    const table = world.lake(path);
    await table.restore({ version: 3 });
    await appendTexts(world, table.session, plain.schemaJson, rows(60, 61));
    const { timestampMs } = await table.snapshot({ version: 5 });
    await table.restore({ timestamp: new Date(timestampMs) });
    return { versions: [...versions, versions[3]!, [...versions[3]!, ...rows(60, 61)], versions[5]!] };
  },
  checks: {
    "Spark's history is dyne's": historyIsTold,
    "Spark's detail is dyne's": detailIsTold,
    "Spark restores further back, and dyne forth again": async (world, path, { versions }) => {
      const before = versions.length - 1;
      await statements(world, path, "RESTORE TABLE {t} TO VERSION AS OF 1");
      expect(await sameRows(world, path)).toEqual(canonicalRows(versions[1]!));
      await world.lake(path).restore({ version: before });
      expect(await sameRows(world, path)).toEqual(canonicalRows(versions[before]!));
      await statements(world, path, "DELETE FROM {t} WHERE id = 2");
      await sameRows(world, path);
    },
  },
};

const purged: WrittenHere = {
  kind: "here",
  feature: "purge of deletion vectors",
  async write(world, path) {
    const { versions } = await allSteps(world, path, vectors);
    const table = world.lake(path);
    await table.delete("id % 4 = 3");
    const left = versions.at(-1)!.filter((row) => (JSON.parse(row) as { id: number }).id % 4 !== 3);
    expect((await table.detail()).numDeletionVectors).toBeGreaterThan(0);
    expect((await table.purge()).kind).toBe("committed");
    expect((await table.detail()).numDeletionVectors).toBe(0);
    return { versions: [...versions, left, left] };
  },
  checks: {
    "Spark finds nothing more to purge": async (world, path) => {
      const before = await newestVersion(path);
      await statements(world, path, "REORG TABLE {t} APPLY (PURGE)");
      expect(await newestVersion(path)).toBe(before);
    },
    "Spark's history is dyne's": historyIsTold,
    "dyne purges what Spark deletes by vector": async (world, path) => {
      await statements(world, path, "DELETE FROM {t} WHERE id IN (1, 2, 4)");
      const left = await sameRows(world, path);
      expect((await world.lake(path).detail()).numDeletionVectors).toBeGreaterThan(0);
      expect((await world.lake(path).purge()).kind).toBe("committed");
      expect(await sameRows(world, path)).toEqual(left);
    },
  },
};

const vacuumed: WrittenHere = {
  kind: "here",
  feature: "vacuum",
  async write(world, path) {
    const { versions } = await allSteps(world, path, vectors);
    const planned = await world.lake(path).vacuum({ retentionMs: 0, force: true, dryRun: true });
    const paths = planned.kind === "planned" ? planned.paths : [];
    expect(paths.length).toBeGreaterThan(0);
    expect(await vacuumedBySpark(world, path)).toEqual(paths);
    expect((await world.lake(path).vacuum({ retentionMs: 0, force: true })).kind).toBe("committed");
    const newest = versions.at(-1)!;
    return { versions: [...versions.map(() => undefined), newest, newest] };
  },
  checks: {
    "older versions are refused for their files": async (world, path) => {
      for (const peer of peerNames)
        await expect(world.peers[peer].ask("read", { path, version: 2 }), peer).rejects.toThrow(/not.*(exist|found)/i);
      await expect(world.read(path, 2)).rejects.toMatchObject({ code: "FILE_MISSING" });
    },
    "Spark would vacuum nothing more, nor would dyne after Spark": async (world, path) => {
      expect(await vacuumedBySpark(world, path)).toEqual([]);
      await statements(world, path, "DELETE FROM {t} WHERE id % 2 = 0", "VACUUM {t} RETAIN 0 HOURS");
      const planned = await world.lake(path).vacuum({ retentionMs: 0, force: true, dryRun: true });
      expect(planned).toMatchObject({ kind: "planned", paths: [] });
      await sameRows(world, path);
    },
  },
};

/** Paths below the table that Spark's VACUUM would delete now, in order. */
async function vacuumedBySpark(world: World, path: string): Promise<readonly string[]> {
  const statement = "VACUUM {t} RETAIN 0 HOURS DRY RUN";
  const found = (await world.peers.Spark.ask("query", { path, statement })) as string[];
  const paths = found.map((row) => decodeURI(new URL((JSON.parse(row) as { path: string }).path).pathname));
  return paths.map((each) => each.slice(path.length + 1)).sort();
}

/** Many small files, some of their rows deleted by vector, ordered by two columns into several files. */
const ordered: WrittenHere = {
  kind: "here",
  feature: "Z-order over deletion vectors",
  async write(world, path) {
    const session = world.session(path);
    const table = world.lake(path);
    await create(session, { schema: schemaOf({ id: long(), note: string() }), partitionBy: [] }, vectors);
    const made = Array.from({ length: 4_000 }, (_, i) => ({ id: (i * 7_919) % 4_000, note: `n${(i * 31) % 4_000}` }));
    for (const part of [0, 1, 2, 3]) await table.append(made.filter((_, i) => i % 4 === part));
    await table.delete("id % 10 = 3");
    const left = made.filter(({ id }) => id % 10 !== 3).map((row) => JSON.stringify(row));
    expect((await table.optimize({ zOrderBy: ["id", "note"], targetBytes: 1_000 })).kind).toBe("committed");
    expect((await table.detail()).numDeletionVectors).toBe(0);
    const unknown = [undefined, undefined, undefined, undefined];
    return { versions: [[], ...unknown, left, left] };
  },
  checks: {
    "Spark skips files by either column": async (world, path) => {
      const { numFiles } = await world.lake(path).detail();
      const where = ["id < 40", "note < 'n12'", "id BETWEEN 2000 AND 2100 AND note > 'n95'"];
      const found = (await world.peers.Spark.ask("filtered", { path, where })) as readonly {
        readonly rows: readonly string[];
        readonly looked: readonly string[];
        readonly files: number;
      }[];
      for (const [i, { rows: chosen, looked, files }] of found.entries()) {
        const wanted = canonicalRows(looked);
        expect(wanted.length, where[i]).toBeGreaterThan(0);
        expect(canonicalRows(chosen), where[i]).toEqual(wanted);
        expect(canonicalRows(await world.read(path, undefined, where[i])), where[i]).toEqual(wanted);
        expect(files, `files for ${where[i]}`).toBeLessThanOrEqual(numFiles / 2);
      }
    },
    "Spark's history is dyne's": historyIsTold,
    "Spark orders it again, and dyne reads and deletes": async (world, path) => {
      await statements(world, path, "DELETE FROM {t} WHERE id % 10 = 4", "OPTIMIZE {t} ZORDER BY (note)");
      await sameRows(world, path);
      await world.lake(path).delete("id % 10 = 5");
      await sameRows(world, path);
    },
  },
};

/** That Spark's version of a moment is dyne's, at each version's time, and shortly before and after it; and its rows are, of a version in the middle. */
const timesAreTheSame: Check = async (world, path, { versions }) => {
  const table = world.lake(path);
  const entries = (await Array.fromAsync(table.history())).toReversed();
  const theirs = (await world.peers.Spark.ask("query", { path, statement: "DESCRIBE HISTORY {t}" })) as string[];
  expect(theirs.map((row) => Date.parse((JSON.parse(row) as { timestamp: string }).timestamp)).toReversed()).toEqual(
    entries.map(({ timestampMs }) => timestampMs),
  );
  const newest = entries.at(-1)!.timestampMs;
  const moments = [...new Set(entries.flatMap(({ timestampMs: ms }) => [ms - 1, ms, ms + 1]))];
  const asked = moments.filter((ms) => ms <= newest);
  const found: (number | null)[] = [];
  for (const ms of asked) found.push(await versionAt(world, path, ms));
  expect(await world.peers.Spark.ask("versions at", { path, moments: asked })).toEqual(found);
  expect(new Set(found)).toEqual(new Set([null, ...entries.map(({ version }) => version)]));
  const middle = entries[Math.floor(versions.length / 2)]!;
  const timestamp = new Date(middle.timestampMs).toISOString().replace("T", " ").replace("Z", "");
  const read = (await world.peers.Spark.ask("read", { path, timestamp })) as string[];
  expect(canonicalRows(read), timestamp).toEqual(canonicalRows(versions[middle.version]!));
};

/** Dyne's version of a moment; null where there was none. */
async function versionAt(world: World, path: string, ms: number): Promise<number | null> {
  try {
    return (await world.lake(path).snapshot({ timestamp: new Date(ms) })).version;
  } catch (error) {
    if (isDyneError(error) && error.code === "VERSION_NOT_FOUND") return null;
    throw error;
  }
}

/**
 * Gives the files of commits without a timestamp of their own the times that their entries tell: where there is none, Spark goes by the file
 * and dyne by the entry, which differ by the time of a request.
 */
async function filesOfTheirTimes(path: string): Promise<void> {
  const log = join(path, "_delta_log");
  for (const name of (await readdir(log)).filter((each) => /^\d{20}\.json$/.test(each))) {
    const text = await readFile(join(log, name), "utf8");
    const { inCommitTimestamp, timestamp } = commitInfoOf(text);
    if (inCommitTimestamp !== undefined) continue;
    // Half a millisecond more: seconds as a fraction may be a little less than what is meant.
    const seconds = (timestamp + 0.5) / 1_000;
    await utimes(join(log, name), seconds, seconds);
  }
}

interface CommitTimes {
  readonly timestamp: number;
  readonly inCommitTimestamp?: number;
}

function commitInfoOf(commit: string): CommitTimes {
  const line = commit.split("\n").find((each) => each.startsWith('{"commitInfo"'));
  if (line === undefined) throw new Error("the commit has no commitInfo");
  return (JSON.parse(line) as { readonly commitInfo: CommitTimes }).commitInfo;
}

const inCommitTimestamps: WrittenHere = {
  kind: "here",
  feature: "in-commit timestamps",
  fromCheckpoint: true,
  async write(world, path) {
    const session = world.session(path);
    await create(session, plain, times);
    const lists = [rows(1, 3), rows(4, 5), rows(6, 6)];
    for (const list of lists) await appendTexts(world, session, plain.schemaJson, list);
    return { versions: [[], lists[0]!, rows(1, 5), rows(1, 6)] };
  },
  checks: {
    "Spark's version of a time is dyne's": timesAreTheSame,
    "and so it is after commits of both": async (world, path, { versions }) => {
      await statements(world, path, "DELETE FROM {t} WHERE id = 2");
      await world.lake(path).delete("id = 1");
      await timesAreTheSame(world, path, { versions });
      await sameRows(world, path);
    },
  },
};

/** Timestamps begin at version 3, on a table that has been written before. */
function lateTimestamps(by: "dyne" | "Spark"): WrittenHere {
  return {
    kind: "here",
    feature: "in-commit timestamps",
    title: `turned on late by ${by}`,
    async write(world, path) {
      const session = world.session(path);
      await create(session, plain, {});
      await appendTexts(world, session, plain.schemaJson, rows(1, 3));
      await appendTexts(world, session, plain.schemaJson, rows(4, 5));
      await filesOfTheirTimes(path);
      if (by === "dyne") await world.lake(path).setProperties(times);
      else
        await statements(world, path, "ALTER TABLE {t} SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')");
      await appendTexts(world, session, plain.schemaJson, rows(6, 7));
      await appendTexts(world, session, plain.schemaJson, rows(8, 8));
      return { versions: [[], rows(1, 3), rows(1, 5), rows(1, 5), rows(1, 7), rows(1, 8)] };
    },
    checks: {
      "Spark's detail is dyne's, which says when they began": async (world, path, written) => {
        await detailIsTold(world, path, written);
        expect((await world.lake(path).detail()).properties).toMatchObject({
          "delta.inCommitTimestampEnablementVersion": "3",
        });
      },
      "Spark's version of a time is dyne's": timesAreTheSame,
    },
  };
}

/** All of them. */
export const careHere: readonly WrittenHere[] = [
  ownVectors,
  restored,
  purged,
  vacuumed,
  ordered,
  inCommitTimestamps,
  lateTimestamps("dyne"),
  lateTimestamps("Spark"),
];
