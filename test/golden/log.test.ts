/** What the logs of the golden tables say: versions, active files, schema; and which tables are refused, by what name. */
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { transientCheckpoints } from "../../shared/compute/index.ts";
import { isDyneError, silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import {
  changes,
  dataFilePath,
  openSnapshot,
  updateSnapshot,
  type CheckpointReader,
  type DeltaLog,
} from "../../shared/delta/index.ts";
import { FileStore } from "../../shared/storage/index.ts";
import { goldenFolder, goldenTables } from "./golden-tables.ts";

const present = existsSync(goldenFolder);
const store = new FileStore(goldenFolder, { clock: systemClock, random: systemRandom });

const checkpoints = transientCheckpoints();

function logOf(name: string, checkpointReader?: CheckpointReader): DeltaLog {
  return {
    store,
    path: `${name}/delta`,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    checkpointReader,
  };
}

const folders = present
  ? readdirSync(goldenFolder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  : [];
const tables = goldenTables.filter(({ name }) => folders.includes(name));
const unlisted = folders.filter((name) => !goldenTables.some((table) => table.name === name));

const newestOf = (files: Readonly<Record<number, number>>): number => Math.max(...Object.keys(files).map(Number));

test("the golden tables are there", ({ skip }) => {
  skip(!present && process.env["CI"] !== "true", `${goldenFolder} is absent: the golden tables are not checked`);
  expect(present, `${goldenFolder} is absent`).toBe(true);
});

describe.skipIf(!present)("golden tables", () => {
  describe.each(tables.filter((table) => table.kind === "opens"))("$name", ({ name, files, partitionBy }) => {
    test("every version has its active files, by replay of the commits", async () => {
      const seen: Record<number, number> = {};
      for (const version of Object.keys(files).map(Number))
        seen[version] = (await openSnapshot(logOf(name), { version })).files.size;
      expect(seen).toEqual(files);
      expect((await openSnapshot(logOf(name))).partitionBy).toEqual(partitionBy);
    });

    test("the newest version is the same from its checkpoint as from its commits", async () => {
      const byCommits = await openSnapshot(logOf(name));
      const byCheckpoint = await openSnapshot(logOf(name, checkpoints));
      expect(byCheckpoint.version).toBe(newestOf(files));
      expect(summary(byCheckpoint)).toEqual(summary(byCommits));
    });

    test("advancing commit by commit from the first version ends where opening does", async () => {
      const first = await openSnapshot(logOf(name), { version: 0 });
      const newest = await updateSnapshot(logOf(name), first);
      expect(newest.version).toBe(newestOf(files));
      expect(summary(newest)).toEqual(summary(await openSnapshot(logOf(name))));
    });

    test("a version beyond the newest is not found, and the message names the range", async () => {
      const error: unknown = await openSnapshot(logOf(name), { version: newestOf(files) + 1 }).catch(
        (thrown: unknown) => thrown,
      );
      expect(isDyneError(error, "VERSION_NOT_FOUND") && error.message).toContain(`from 0 to ${newestOf(files)}`);
    });
  });

  test.each(tables.filter((table) => table.kind === "refused"))(
    "$name is refused as $code, naming $names",
    async ({ name, code, names, byCheckpoint }) => {
      const error: unknown = await openSnapshot(logOf(name, byCheckpoint && checkpoints)).catch(
        (thrown: unknown) => thrown,
      );
      expect(isDyneError(error, code) && error.message).toContain(names);
    },
  );

  test.each(unlisted)("%s, which is not in the list, opens, or is refused by name", async (name) => {
    const outcome = await openSnapshot(logOf(name, checkpoints)).then(
      () => "opened",
      (error: unknown) => (isDyneError(error) ? error.code : error),
    );
    expect(["opened", "UNSUPPORTED_FEATURE", "LOG_CORRUPT", "TABLE_NOT_FOUND"]).toContain(outcome);
  });

  test.each([
    "basic-decimal-table",
    "data-skipping-change-stats-collected-across-versions",
    "snapshot-data3",
    "time-travel-partition-changes-b",
  ])("the files that the log of %s names are in the folder", async (name) => {
    for (const file of (await openSnapshot(logOf(name))).files) {
      expect(await store.head(dataFilePath(logOf(name), file))).toMatchObject({ sizeBytes: file.size });
    }
  });

  test("paths that lead out of a table stand in its log, but are not resolved", async () => {
    const snapshot = await openSnapshot(logOf("canonicalized-paths-normal-b"), { version: 0 });
    for (const file of snapshot.files) expect(() => dataFilePath(logOf("x"), file)).toThrow("not inside the table");
  });

  test.each([
    ["canonicalized-paths-normal-b", "some/unqualified/absolute/path"],
    ["canonicalized-paths-special-b", "some/unqualified/with space/p@#h"],
  ])("absolute paths of %s are those of a store that has them", async (name, expected) => {
    const [file] = (await openSnapshot(logOf(name), { version: 0 })).files;
    const whole = new FileStore("/", { clock: systemClock, random: systemRandom });
    expect(dataFilePath({ store: whole, path: "some/unqualified" }, file!)).toBe(expected);
  });

  test("a percent-encoded path is decoded", async () => {
    const [file] = (await openSnapshot(logOf("log-replay-special-characters-b"))).files;
    expect(dataFilePath(logOf("t"), file!)).toBe("t/delta/special p@#h");
  });

  test("the commit info of a commit is kept whole", async () => {
    const [commit] = await Array.fromAsync(changes(logOf("deltalog-commit-info"), { after: -1, to: 0 }));
    expect(commit).toMatchObject({
      version: 0,
      timestampMs: 1_540_415_658_000,
      commitInfo: {
        operation: "WRITE",
        userName: "username_0",
        clusterId: "cluster_id_0",
        isBlindAppend: true,
        job: { jobId: "job_id_0" },
        userMetadata: "foo",
      },
    });
  });

  test("time travel by timestamp finds the last version at or before it", async () => {
    const log = logOf("basic-with-inserts-deletes-checkpoint");
    for await (const { version, timestampMs } of changes(log, { after: -1, to: 13 })) {
      expect((await openSnapshot(log, { timestampMs })).version).toBe(version);
      expect((await openSnapshot(log, { timestampMs: timestampMs + 1 })).version).toBe(version);
    }
    await expect(openSnapshot(log, { timestampMs: 0 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
  });
});

function summary(snapshot: Awaited<ReturnType<typeof openSnapshot>>): unknown {
  const { version, timestampMs, protocol, metadata, schema, partitionBy, files, txns } = snapshot;
  const paths = [...files]
    .map(({ path, size, partitionValues, stats }) => JSON.stringify([path, size, partitionValues, stats ?? null]))
    .sort();
  return { version, timestampMs, protocol, metadata, schema, partitionBy, paths, txns };
}
