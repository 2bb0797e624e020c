/** V2 checkpoints of other writers, when a log is cleaned: which of them count, and which sidecars go. */
import { describe, expect, test } from "vitest";
import { limits } from "../../../shared/core/index.ts";
import {
  cleanLog,
  commit,
  logFolder,
  openSnapshot,
  stateAt,
  writeCheckpoint,
  type DeltaLog,
  type LogRetention,
} from "../../../shared/delta/index.ts";
import { jsonCheckpoints } from "../../support/json-checkpoints.ts";
import { Meter } from "../../support/metered-store.ts";
import { logOf, put, putV2Checkpoint, uuids, type LogUnderTest } from "./log-under-test.ts";
import { append, pathsOf } from "./table-under-test.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const retention: LogRetention = {
  keptMs: 0,
  neededFrom: async () => Number.POSITIVE_INFINITY,
  lagMaxMs: Number.POSITIVE_INFINITY,
};

interface Case extends LogUnderTest {
  readonly log: DeltaLog;
}

/** Versions up to 12 with V2 checkpoints of these, written as soon as their versions, and a hint to the last. */
async function tableOf(
  checkpoints: readonly number[],
  { ending = "json", hint = checkpoints.at(-1) }: { readonly ending?: "json" | "parquet"; readonly hint?: number } = {},
): Promise<Case> {
  const under = await logOf(12);
  const log = { ...under.log, checkpointWriter: jsonCheckpoints };
  for (const version of checkpoints) await putV2Checkpoint(log, under.versions[version]!, { ending });
  await put(log, "_last_checkpoint", JSON.stringify({ version: hint, size: 1 }));
  under.clock.advance(3 * dayMs);
  return { ...under, log };
}

/** Commits by number, checkpoints as c and the version, sidecars by name. */
async function namesOf(log: DeltaLog): Promise<{ readonly entries: string; readonly sidecars: readonly string[] }> {
  const [entries, sidecars]: [string[], string[]] = [[], []];
  const folder = `${logFolder(log)}/`;
  for await (const { path } of log.store.list(folder)) {
    const name = path.slice(folder.length);
    const match = /^(\d{20})\.(checkpoint\.)?/.exec(name);
    if (match !== null) entries.push(`${match[2] === undefined ? "" : "c"}${Number(match[1])}`);
    else if (name.startsWith("_sidecars/")) sidecars.push(name.slice("_sidecars/".length));
  }
  return { entries: entries.join(" "), sidecars };
}

/** Whose version the sidecars' names begin with. */
const versionsOf = (sidecars: readonly string[]): readonly number[] =>
  [...new Set(sidecars.map((name) => Number(name.split("-")[0])))].sort((a, b) => a - b);

describe("a log with V2 checkpoints at 3, 6 and 9", () => {
  test.each(["json", "parquet"] as const)("in %s is cleaned up to the last, its sidecars with it", async (ending) => {
    const { log, versions } = await tableOf([3, 6, 9], { ending });
    const expected = pathsOf(versions[12]!);
    await cleanLog(log, retention);
    const { entries, sidecars } = await namesOf(log);
    expect([entries, versionsOf(sidecars)]).toEqual(["c9 9 10 11 12", [9]]);
    expect(pathsOf(await openSnapshot(log))).toEqual(expected);
    expect(await cleanLog(log, retention)).toBe(0);
  });

  test("keeps sidecars of every checkpoint that stays", async () => {
    const { log, versions } = await tableOf([3, 6, 9]);
    await cleanLog(log, { ...retention, neededFrom: async () => 7 });
    const { entries, sidecars } = await namesOf(log);
    expect([entries, versionsOf(sidecars)]).toEqual(["c6 6 7 8 c9 9 10 11 12", [6, 9]]);
    for (const version of [6, 7, 9, 12])
      expect(pathsOf(await openSnapshot(log, { version }))).toEqual(pathsOf(versions[version]!));
  });

  test("keeps the sidecars that a classic checkpoint of the form V2 names", async () => {
    const { log, versions } = await tableOf([3, 6]);
    await put(log, "_sidecars/old.parquet", JSON.stringify([]));
    const others = [{ protocol: versions[0]!.protocol }, { metaData: versions[0]!.metadata }];
    const sidecars = ["old.parquet", "file:/elsewhere/_delta_log/_sidecars/6-0.parquet"];
    const rows = [
      { checkpointMetadata: { version: 9 } },
      ...others,
      ...sidecars.map((path) => ({ sidecar: { path, sizeInBytes: 1, modificationTime: 1 } })),
    ];
    await put(log, `${"9".padStart(20, "0")}.checkpoint.parquet`, JSON.stringify(rows));
    await put(log, "_last_checkpoint", '{"version":9,"size":1}');
    await log.store.delete(`${logFolder(log)}/_sidecars/3-0.parquet`);
    // The clock of the store goes on: what was put now is as old as the rest only after days.
    (log.clock as unknown as { advance(ms: number): void }).advance(3 * dayMs);
    await cleanLog(log, retention);
    expect((await namesOf(log)).sidecars).toEqual(["6-0.parquet", "old.parquet"]);
  });

  test.each([
    ["a day old as of midnight", 2 * dayMs, 0],
    ["younger than that", dayMs - hourMs, 1],
  ])("leaves a sidecar that no checkpoint names where it is not %s", async (_what, ageMs, left) => {
    const { log, clock } = await tableOf([3, 6, 9]);
    await put(log, "_sidecars/of-a-checkpoint-to-come.parquet", "[]");
    clock.advance(ageMs);
    await cleanLog(log, retention);
    const { sidecars } = await namesOf(log);
    expect(sidecars.filter((name) => name.startsWith("of-a-checkpoint"))).toHaveLength(left);
  });

  test("leaves sidecars that are younger than log entries are kept", async () => {
    const { log, clock } = await tableOf([3, 6, 9]);
    clock.advance(40 * dayMs);
    await put(log, "_sidecars/orphan.parquet", "[]");
    clock.advance(20 * dayMs);
    await cleanLog(log, { ...retention, keptMs: 30 * dayMs });
    const { entries, sidecars } = await namesOf(log);
    expect([entries, sidecars.includes("orphan.parquet")]).toEqual(["c9 9 10 11 12", true]);
  });

  test("is not cleaned up to a checkpoint that has lost a sidecar, or cannot be read", async () => {
    const { log, versions } = await tableOf([3, 6, 9]);
    await log.store.delete(`${logFolder(log)}/_sidecars/9-0.parquet`);
    await cleanLog(log, retention);
    expect((await namesOf(log)).entries).toBe("c6 6 7 8 c9 9 10 11 12");
    expect(pathsOf(await openSnapshot(log))).toEqual(pathsOf(versions[12]!));
    const other = await tableOf([3, 9]);
    await put(other.log, `${"9".padStart(20, "0")}.checkpoint.${uuids[0]}.json`, "{");
    await cleanLog(other.log, retention);
    expect((await namesOf(other.log)).entries).toBe("c3 3 4 5 6 7 8 c9 9 10 11 12");
  });

  test("keeps all sidecars while a checkpoint that may name them cannot be read", async () => {
    const { log, warnings } = await tableOf([3, 6, 9]);
    await put(log, `${"11".padStart(20, "0")}.checkpoint.${uuids[1]}.json`, "{");
    await cleanLog(log, retention);
    const { entries, sidecars } = await namesOf(log);
    expect([entries, versionsOf(sidecars)]).toEqual(["c9 9 10 c11 11 12", [3, 6, 9]]);
    expect(warnings.join()).toContain("not known which sidecars");
  });

  test("never goes past the checkpoint that _last_checkpoint names", async () => {
    const { log } = await tableOf([3, 6, 9], { hint: 6 });
    await cleanLog(log, retention);
    expect((await namesOf(log)).entries).toBe("c6 6 7 8 c9 9 10 11 12");
  });
});

test("a table whose form of checkpoints is V2 is written, checkpointed in the classic form, and cleaned", async () => {
  const { log, versions, clock } = await tableOf([3, 6]);
  const protocol = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ["v2Checkpoint"],
    writerFeatures: ["v2Checkpoint"],
  };
  const upgraded = await commit(log, {
    base: versions[12]!,
    actions: [{ protocol }],
    isBlindAppend: false,
    operation: "X",
  });
  expect(await commit(log, append(upgraded.snapshot, "13"))).toMatchObject({ kind: "committed", version: 14 });
  await writeCheckpoint(log, await stateAt(log, 14));
  expect(await commit(log, append(await openSnapshot(log), "14"))).toMatchObject({ kind: "committed", version: 15 });
  clock.advance(3 * dayMs);
  await cleanLog(log, retention);
  const { entries, sidecars } = await namesOf(log);
  expect([entries, sidecars]).toEqual(["c14 14 15", []]);
  expect(pathsOf(await openSnapshot(log))).toHaveLength(versions[12]!.files.size + 2);
});

test("a log without sidecars is cleaned at the cost of one more listing, and none where nothing is deleted", async () => {
  const { log, versions, memory } = await logOf(12);
  const writing = { ...log, checkpointWriter: jsonCheckpoints };
  await writeCheckpoint(writing, { snapshot: versions[9]!, tombstones: [] });
  const meter = new Meter();
  const metered = { ...writing, store: meter.of(memory) };
  await cleanLog(metered, { ...retention, keptMs: limits.logRetentionMs });
  expect(meter.calls).toEqual({ list: 1, get: 1 });
  meter.reset();
  (log.clock as unknown as { advance(ms: number): void }).advance(hourMs);
  await cleanLog(metered, retention);
  expect(meter.calls).toEqual({ list: 2, get: 1, delete: 9 });
});
