/** Tables that dyne has cared for: restored, purged, vacuumed, ordered anew; and their times and protocols. */
import { expect } from "vitest";
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
  },
};

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
    expect((await table.optimize({ zOrderBy: ["id", "note"], targetBytes: 8_000 })).kind).toBe("committed");
    expect((await table.detail()).numDeletionVectors).toBe(0);
    const unknown = [undefined, undefined, undefined, undefined];
    return { versions: [[], ...unknown, left, left] };
  },
  checks: {
    "Spark's history is dyne's": historyIsTold,
    "Spark orders it again, and dyne reads and deletes": async (world, path) => {
      await statements(world, path, "DELETE FROM {t} WHERE id % 10 = 4", "OPTIMIZE {t} ZORDER BY (note)");
      await sameRows(world, path);
      await world.lake(path).delete("id % 10 = 5");
      await sameRows(world, path);
    },
  },
};

/** That Spark's version of a moment is dyne's, at each version's time, shortly after it, and shortly before the next. */
const timesAreTheSame: Check = async (world, path, { versions }) => {
  const table = world.lake(path);
  const entries = (await Array.fromAsync(table.history())).toReversed();
  const theirs = (await world.peers.Spark.ask("query", { path, statement: "DESCRIBE HISTORY {t}" })) as string[];
  expect(theirs.map((row) => Date.parse((JSON.parse(row) as { timestamp: string }).timestamp)).toReversed()).toEqual(
    entries.map(({ timestampMs }) => timestampMs),
  );
  const moments = entries.flatMap(({ timestampMs }, i) => [timestampMs, ...(i === 0 ? [] : [timestampMs - 1])]);
  for (const ms of moments.filter((one) => one >= entries[0]!.timestampMs)) {
    const { version } = await table.snapshot({ timestamp: new Date(ms) });
    const timestamp = new Date(ms).toISOString().replace("T", " ").replace("Z", "");
    const read = (await world.peers.Spark.ask("read", { path, timestamp })) as string[];
    if (versions[version] !== undefined)
      expect(canonicalRows(read), timestamp).toEqual(canonicalRows(versions[version]));
  }
};

const inCommitTimestamps: readonly WrittenHere[] = [
  {
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
    },
  },
];

/** All of them. */
export const careHere: readonly WrittenHere[] = [
  ownVectors,
  restored,
  purged,
  vacuumed,
  ordered,
  ...inCommitTimestamps,
];
