/** Files of every kind that a log may have, and what a snapshot is made of. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits, paddedNumber } from "../../../shared/core/index.ts";
import {
  commitPath,
  logFolder,
  openSnapshot,
  stateAt,
  updateSnapshot,
  type DeltaLog,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import {
  contentOf,
  deleteCommits,
  lines,
  logOf,
  put,
  putClassicCheckpoint,
  putCompaction,
  putV2Checkpoint,
  uuids,
} from "./log-under-test.ts";
import { pathsOf } from "./table-under-test.ts";

/** What does not depend on how a snapshot came about. */
function stateOf({ files, txnCommits: _commits, ...rest }: Snapshot): unknown {
  return { ...rest, files: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

const gets = (asked: readonly { readonly name: string }[]): number => asked.filter(({ name }) => name === "get").length;

describe("a V2 checkpoint", () => {
  test.each([
    ["json", "with its hint", true],
    ["parquet", "with its hint", true],
    ["json", "without a hint", false],
    ["parquet", "without a hint", false],
  ])("in %s with sidecars stands for the commits up to its version, %s", async (ending, _how, hasHint) => {
    const { log, versions, warnings } = await logOf(9);
    await putV2Checkpoint(log, versions[7]!, { ending });
    if (hasHint) await put(log, "_last_checkpoint", '{"version":7,"size":9,"v2Checkpoint":{"path":"x"}}');
    await deleteCommits(log, 0, 6);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[9]!));
    expect(stateOf(await openSnapshot(log, { version: 7 }))).toEqual(stateOf(versions[7]!));
    await expect(openSnapshot(log, { version: 6 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    expect(warnings).toEqual([]);
  });

  test("brings the tombstones of its sidecars where these are wanted", async () => {
    const { log, versions } = await logOf(7);
    await putV2Checkpoint(log, versions[7]!);
    await deleteCommits(log, 0, 6);
    expect((await stateAt(log, 7)).tombstones).toEqual([{ path: "tombstone", dataChange: true }]);
  });

  test("may hold its files itself", async () => {
    const { log, versions } = await logOf(5);
    const { others, files } = contentOf(versions[4]!);
    const all = [{ checkpointMetadata: { version: 4, tags: {} } }, ...others, ...files];
    await put(log, `${paddedNumber(4)}.checkpoint.${uuids[0]}.json`, lines(all));
    await deleteCommits(log, 0, 3);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[5]!));
  });

  test("may have the name of a classic one", async () => {
    const { log, versions } = await logOf(5);
    await putV2Checkpoint(log, versions[4]!, { ending: "parquet" });
    const made = await log.store.get(`${logFolder(log)}/${paddedNumber(4)}.checkpoint.${uuids[0]}.parquet`);
    await log.store.put(`${logFolder(log)}/${paddedNumber(4)}.checkpoint.parquet`, made!.bytes);
    await log.store.delete(made!.path);
    await deleteCommits(log, 0, 3);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[5]!));
  });

  test("of the same version as others is one of several, of which a broken one is passed over", async () => {
    const { log, versions, warnings } = await logOf(5);
    await putV2Checkpoint(log, versions[4]!, { uuid: uuids[0] });
    await putV2Checkpoint(log, versions[4]!, { uuid: uuids[1] });
    await deleteCommits(log, 0, 3);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[5]!));
    for (const uuid of uuids) {
      const path = `${logFolder(log)}/${paddedNumber(4)}.checkpoint.${uuid}.json`;
      const { bytes } = (await log.store.get(path))!;
      await log.store.put(path, bytes.slice(0, -40));
      expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[5]!));
      await log.store.put(path, bytes);
    }
    expect(warnings).toEqual(["a checkpoint cannot be read and is passed over"]);
  });

  test.each([
    ["names", (name: string) => name],
    ["encoded names", (name: string) => encodeURIComponent(name).replace("-", "%2D")],
    [
      "addresses of where the table was before",
      (name: string) => `abfss://c@a.dfs.core.windows.net/t/_delta_log/_sidecars/${name}`,
    ],
  ])("calls its sidecars by %s", async (_by, sidecarsBy) => {
    const { log, versions } = await logOf(5);
    await putV2Checkpoint(log, versions[4]!, { sidecarsBy });
    await deleteCommits(log, 0, 3);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[5]!));
  });

  test.each([
    "../x.parquet",
    "../../lake/x.parquet",
    "/etc/passwd",
    "a/b.parquet",
    "%2e%2e%2fx.parquet",
    "..",
    "_delta_log/_sidecars/x",
  ])("that calls a sidecar %s is refused, and nothing outside of its folder is read", async (path) => {
    const { log, versions, asked } = await logOf(4);
    await putV2Checkpoint(log, versions[4]!, { sidecarsBy: () => path });
    asked.length = 0;
    await expect(openSnapshot(log)).rejects.toMatchObject({ code: "PATH_OUTSIDE_TABLE", details: { path } });
    expect(
      asked.every(
        (operation) =>
          operation.path.startsWith(`${logFolder(log)}/0`) ||
          operation.path.startsWith(`${logFolder(log)}/_last`) ||
          operation.name === "list",
      ),
    ).toBe(true);
  });

  test("that names a sidecar a hundred times reads it once, and follows none that a sidecar names", async () => {
    const { log, versions, asked } = await logOf(4);
    const { others, files } = contentOf(versions[4]!);
    const sidecar = { sidecar: { path: "a.parquet", sizeInBytes: 1, modificationTime: 1 } };
    await put(
      log,
      "_sidecars/a.parquet",
      JSON.stringify([...files, sidecar, { sidecar: { ...sidecar.sidecar, path: "b.parquet" } }]),
    );
    const top = [...others, ...Array.from({ length: 100 }, () => sidecar)];
    await put(log, `${paddedNumber(4)}.checkpoint.${uuids[0]}.json`, lines(top));
    await deleteCommits(log, 0, 3);
    asked.length = 0;
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[4]!));
    expect(asked.filter(({ path }) => path.includes("_sidecars"))).toHaveLength(1);
  });
});

describe("a checkpoint that cannot be read", () => {
  const name = (version: number): string => `${paddedNumber(version)}.checkpoint.parquet`;

  test("is passed over for the commits, with a warning", async () => {
    const { log, versions, warnings } = await logOf(6);
    await put(log, name(5), "PAR1");
    await put(log, "_last_checkpoint", '{"version":5,"size":1}');
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[6]!));
    expect(warnings).toEqual(["a checkpoint cannot be read and is passed over"]);
  });

  test("is passed over for an older one", async () => {
    const { log, versions, warnings } = await logOf(6);
    await putClassicCheckpoint(log, versions[2]!);
    await put(log, name(5), JSON.stringify([{ add: { path: 7 } }]));
    await put(log, "_last_checkpoint", '{"version":5,"size":1}');
    await deleteCommits(log, 0, 1);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[6]!));
    expect(warnings).toHaveLength(1);
  });

  test("of which a sidecar is gone is passed over", async () => {
    const { log, versions, warnings } = await logOf(6);
    await putV2Checkpoint(log, versions[5]!);
    await log.store.delete(`${logFolder(log)}/_sidecars/5-0.parquet`);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[6]!));
    expect(warnings).toHaveLength(1);
  });

  test("because it says that it is of another version is passed over", async () => {
    const { log, versions, warnings } = await logOf(6);
    await putV2Checkpoint(log, versions[3]!);
    const made = (await log.store.get(`${logFolder(log)}/${paddedNumber(3)}.checkpoint.${uuids[0]}.json`))!;
    await log.store.put(`${logFolder(log)}/${paddedNumber(5)}.checkpoint.${uuids[0]}.json`, made.bytes);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[6]!));
    expect(warnings).toHaveLength(1);
  });

  test("is what the error names where nothing else reaches", async () => {
    const { log } = await logOf(6);
    await put(log, name(5), "PAR1");
    await deleteCommits(log, 0, 0);
    for (const version of [undefined, 5, 6])
      await expect(openSnapshot(log, { version })).rejects.toMatchObject({
        code: "LOG_CORRUPT",
        message: expect.stringContaining(name(5)),
      });
  });

  test("is looked for no more than ten times", async () => {
    const { log, asked } = await logOf(30);
    for (let version = 0; version <= 30; version++) await put(log, name(version), "[7]");
    await deleteCommits(log, 0, 0);
    asked.length = 0;
    await expect(openSnapshot(log)).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringContaining(name(30)),
    });
    expect(asked.length).toBeLessThan(3 * limits.checkpointTriesMax);
  });

  test("but says what it holds, without a protocol, is an error and not passed over", async () => {
    const { log, versions } = await logOf(4);
    const { others, files } = contentOf(versions[4]!);
    await put(log, name(4), JSON.stringify([...others.slice(1), ...files]));
    await expect(openSnapshot(log)).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringContaining("protocol"),
    });
  });
});

describe("names in a log", () => {
  test.each([
    ["no part", "0000000000.0000000002"],
    ["parts beyond the last", "0000000003.0000000002"],
    ["absurdly many parts", "0000000001.9999999999"],
    ["none of no parts", "0000000000.0000000000"],
  ])("of a checkpoint with %s mean nothing", async (_what, parts) => {
    const { log, versions, warnings } = await logOf(3);
    await put(log, `${paddedNumber(2)}.checkpoint.${parts}.parquet`, "[]");
    await put(log, `${paddedNumber(2)}.checkpoint.0000000001.0000000002.parquet`, "[]");
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[3]!));
    expect(warnings).toEqual([]);
  });

  test.each(["99999999999999999999.json", "09007199254740993000.json", "99999999999999999999.checkpoint.parquet"])(
    "of a version that no table can have are refused: %s",
    async (name) => {
      const { log } = await logOf(1);
      await put(log, name, "");
      await expect(openSnapshot(log)).rejects.toMatchObject({
        code: "LOG_CORRUPT",
        message: expect.stringContaining(name),
      });
    },
  );

  test("of the last version that a table can have are refused for the gap before it, at once", async () => {
    const { log } = await logOf(1);
    await put(log, `${paddedNumber(Number.MAX_SAFE_INTEGER)}.json`, "");
    await expect(openSnapshot(log)).rejects.toMatchObject({ code: "LOG_CORRUPT" });
    expect((await openSnapshot(log, { version: 1 })).version).toBe(1);
    await putClassicCheckpoint(log, (await logOf(1)).versions[1]!);
    await expect(openSnapshot(log)).rejects.toMatchObject({ code: "LOG_CORRUPT", details: { version: 2 } });
  });

  test("of all other files mean nothing, and folders behind the versions are not listed", async () => {
    const { log, versions } = await logOf(2);
    const others = [
      "0.json",
      "00000000000000000003.json.tmp",
      "00000000000000000003.crc",
      ".x",
      "_staged_commits/00000000000000000003.a.json",
    ];
    for (const name of others) await put(log, name, "{");
    let listed = 0;
    const store = Object.assign(Object.create(log.store) as DeltaLog["store"], {
      async *list(...args: Parameters<DeltaLog["store"]["list"]>) {
        for await (const meta of log.store.list(...args)) {
          listed++;
          yield meta;
        }
      },
      get: log.store.get.bind(log.store),
    });
    for (let index = 0; index < 50; index++) await put(log, `_sidecars/${index}.parquet`, "");
    expect(stateOf(await openSnapshot({ ...log, store }))).toEqual(stateOf(versions[2]!));
    expect(listed).toBeLessThan(12);
  });
});

describe("a log compaction", () => {
  test("is read in place of its commits, which saves requests", async () => {
    const { log, versions, asked } = await logOf(20);
    await putCompaction(log, 3, 17);
    asked.length = 0;
    const opened = await openSnapshot(log);
    expect(stateOf(opened)).toEqual(stateOf(versions[20]!));
    // The hint, versions 0 to 2, the compaction, versions 18 to 20.
    expect(gets(asked)).toBe(8);
    expect(Object.fromEntries(opened.txnCommits)).toEqual({ "lane 0": 20, "lane 1": 19 });
  });

  test("up to the newest version is followed by the commit that says when that was", async () => {
    const { log, versions, asked } = await logOf(20);
    await putCompaction(log, 0, 20);
    asked.length = 0;
    const opened = await openSnapshot(log);
    expect(stateOf(opened)).toEqual(stateOf(versions[20]!));
    expect(gets(asked)).toBe(3);
    // Which of the commits recorded a txn, the compaction does not say.
    expect(opened.txnCommits.size).toBe(0);
  });

  test("of two versions at the end saves nothing, and is not read", async () => {
    const { log, asked } = await logOf(4);
    await putCompaction(log, 3, 4);
    asked.length = 0;
    await openSnapshot(log);
    expect(asked.some(({ path }) => path.includes("compacted"))).toBe(false);
  });

  test("after a checkpoint shortens the tail", async () => {
    const { log, versions, asked } = await logOf(20);
    await putClassicCheckpoint(log, versions[5]!);
    await put(log, "_last_checkpoint", '{"version":5,"size":1}');
    await putCompaction(log, 4, 10);
    await putCompaction(log, 6, 18);
    await deleteCommits(log, 0, 4);
    asked.length = 0;
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[20]!));
    // Hint, checkpoint and its commit, compaction, versions 19 and 20.
    expect(gets(asked)).toBe(6);
  });

  test("among several that overlap is taken where that reads the least", async () => {
    const { log, versions, asked } = await logOf(20);
    await putCompaction(log, 1, 3);
    await putCompaction(log, 2, 12);
    await putCompaction(log, 2, 6);
    await putCompaction(log, 10, 19);
    await putCompaction(log, 13, 19);
    asked.length = 0;
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[20]!));
    const read = asked.flatMap(({ path }) => /0*(\d+)\.0*(\d+)\.compacted/.exec(path)?.slice(1).join("-") ?? []);
    expect(read).toEqual(["2-12", "13-19"]);
  });

  test.each([
    ["ends before it begins", "00000000000000000006.00000000000000000004"],
    ["is of one version", "00000000000000000006.00000000000000000006"],
    ["ends beyond the newest version", "00000000000000000002.00000000000000000099"],
    ["ends beyond all versions", "00000000000000000002.99999999999999999999"],
  ])("that %s is not used", async (_what, range) => {
    const { log, versions, warnings } = await logOf(8);
    await put(log, `${range}.compacted.json`, "{");
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[8]!));
    expect(warnings).toEqual([]);
  });

  test.each(["{", '{"add":{"path":7}}', "\u0000"])(
    "that holds %j is passed over for its commits, with a warning",
    async (text) => {
      const { log, versions, warnings } = await logOf(8);
      await put(log, `${paddedNumber(2)}.${paddedNumber(6)}.compacted.json`, text);
      expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[8]!));
      expect(warnings).toEqual(["a log compaction cannot be read and is passed over"]);
    },
  );

  test("over a gap in the commits does not hide it", async () => {
    const { log } = await logOf(8);
    await putCompaction(log, 2, 6);
    await deleteCommits(log, 4, 4);
    await expect(openSnapshot(log)).rejects.toMatchObject({ code: "LOG_CORRUPT", details: { version: 4 } });
  });
});

test("whatever checkpoints and compactions a log has, and whatever was cleaned, every version opens as it was", async () => {
  const kinds = fc.constantFrom("classic", "v2 json", "v2 parquet", "broken");
  const history = fc.record({
    checkpoints: fc.uniqueArray(fc.record({ version: fc.integer({ min: 0, max: 16 }), kind: kinds }), {
      selector: ({ version }) => version,
      maxLength: 4,
    }),
    compactions: fc.array(fc.tuple(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 1, max: 9 })), { maxLength: 4 }),
    hint: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
    cleaned: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(history, async ({ checkpoints, compactions, hint, cleaned }) => {
      const { log, versions } = await logOf(16);
      for (const [first, length] of compactions)
        if (first + length <= 16) await putCompaction(log, first, first + length);
      for (const { version, kind } of checkpoints) {
        if (kind === "classic") await putClassicCheckpoint(log, versions[version]!);
        else if (kind === "broken") await put(log, `${paddedNumber(version)}.checkpoint.parquet`, "[1]");
        else await putV2Checkpoint(log, versions[version]!, { ending: kind.slice(3) });
      }
      if (hint !== undefined) await put(log, "_last_checkpoint", JSON.stringify({ version: hint }));
      const sound = checkpoints.filter(({ kind }) => kind !== "broken").map(({ version }) => version);
      const first = cleaned && sound.length > 0 ? Math.min(...sound) : 0;
      await deleteCommits(log, 0, first - 1);
      for (let version = first; version <= 16; version++)
        expect(stateOf(await openSnapshot(log, { version }))).toEqual(stateOf(versions[version]!));
      expect(stateOf(await openSnapshot(log))).toEqual(stateOf(versions[16]!));
    }),
    { numRuns: 60 },
  );
});

describe("what opening and updating ask for", () => {
  test.each([10, 200])("an open table of %i commits reads the new ones alone, by name", async (count) => {
    const { log, asked, versions } = await logOf(count);
    await putClassicCheckpoint(log, versions[count - 5]!);
    asked.length = 0;
    expect(pathsOf(await updateSnapshot(log, versions[count - 3]!))).toEqual(pathsOf(versions[count]!));
    expect(asked).toEqual([-2, -1, 0, 1].map((from) => ({ name: "get", path: commitPath(log, count + from) })));
  });

  test.each([10, 200])(
    "a table of %i commits with a checkpoint opens by its hint, one listing, the checkpoint and the tail",
    async (count) => {
      const { log, asked, versions } = await logOf(count);
      await putClassicCheckpoint(log, versions[count - 3]!);
      await put(log, "_last_checkpoint", JSON.stringify({ version: count - 3 }));
      asked.length = 0;
      await openSnapshot(log);
      expect(asked.map(({ name }) => name).sort()).toEqual(["get", "get", "get", "get", "get", "get", "list"]);
    },
  );
});
