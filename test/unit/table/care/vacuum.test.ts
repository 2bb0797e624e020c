import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../../../shared/core/index.ts";
import { dataFilePath, stateAt, unexpired, writeCheckpoint, type Action } from "../../../../shared/delta/index.ts";
import { optimize, purge, vacuum, type VacuumResult } from "../../../../shared/table/index.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { FaultyStore, type StoreOperation } from "../../../support/faulty-store.ts";
import { hierarchicalStore } from "../../../support/hierarchical-account.ts";
import { filesOf, KeptTable, type KeptTableOptions } from "../../../support/kept-table.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const types = { id: { kind: "long" }, day: { kind: "date" } } as const;

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

/** A table with four versions: two files, which became one in version 3. */
async function optimized(options: Partial<KeptTableOptions> = {}): Promise<KeptTable> {
  const kept = await KeptTable.create(under.compute, { types, ...options });
  await kept.append({ id: [1n], day: [1] });
  await kept.append({ id: [2n], day: [1] });
  await optimize(kept);
  return kept;
}

function committed(result: VacuumResult) {
  if (result.kind !== "committed") throw new Error(`the result is ${result.kind}`);
  return result;
}

const put = (kept: KeptTable, path: string) => kept.store.put(`${kept.table.path}/${path}`, new Uint8Array(3));

describe("vacuum", () => {
  test("leaves files of versions within the retention, and deletes them after it, with a note before and after", async () => {
    const kept = await optimized();
    kept.clock.advance(7 * dayMs);
    expect(await vacuum(kept.table)).toEqual({ kind: "unchanged", version: 3 });
    expect(await kept.rows(2)).toHaveLength(2);
    kept.clock.advance(1);
    const rows = await kept.rows();
    const result = committed(await vacuum(kept.table));
    expect(result).toMatchObject({ version: 5, isComplete: true, metrics: { filesDeleted: 2, filesSeen: 3 } });
    expect(await kept.objects()).toHaveLength(1);
    expect(await kept.rows()).toEqual(rows);
    const notes = (await kept.table.changes(3, 5)).map(({ commitInfo }) => commitInfo);
    expect(notes).toMatchObject([
      { operation: "VACUUM START", operationMetrics: { numFilesToDelete: "2" } },
      {
        operation: "VACUUM END",
        operationParameters: { status: "COMPLETED" },
        operationMetrics: { numDeletedFiles: "2" },
      },
    ]);
    expect(await vacuum(kept.table)).toEqual({ kind: "unchanged", version: 5 });
  });

  test("says what it would delete, and deletes nothing", async () => {
    const kept = await optimized();
    const old = filesOf(await kept.table.at(2)).map(({ path }) => path);
    kept.clock.advance(8 * dayMs);
    expect(await vacuum(kept.table, { dryRun: true })).toMatchObject({ kind: "planned", paths: old });
    expect(await kept.objects()).toHaveLength(3);
    expect((await kept.table.latest()).version).toBe(3);
  });

  test("refuses a shorter retention than the table's, unless it is forced", async () => {
    const kept = await optimized();
    kept.clock.advance(2 * dayMs);
    await expect(vacuum(kept.table, { retentionMs: dayMs })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(vacuum(kept.table, { retentionMs: -1, force: true })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(await kept.objects()).toHaveLength(3);
    expect(committed(await vacuum(kept.table, { retentionMs: dayMs, force: true })).metrics.filesDeleted).toBe(2);
  });

  test("keeps for ever what a retention says that cannot be read", async () => {
    const kept = await optimized();
    const { metadata } = await kept.table.latest();
    const configuration = { "delta.deletedFileRetentionDuration": "a while" };
    await kept.commit([{ metaData: { ...metadata, configuration } }]);
    kept.clock.advance(1_000 * dayMs);
    expect(await vacuum(kept.table)).toMatchObject({ kind: "unchanged" });
  });

  test("keeps for longer than the table says where it is asked to, although the checkpoint has forgotten the files", async () => {
    const kept = await optimized();
    kept.clock.advance(8 * dayMs);
    const { log } = kept.table;
    const state = await stateAt(log, 3);
    const tombstones = unexpired(state, kept.clock.nowMs());
    expect(tombstones).toEqual([]);
    await writeCheckpoint(log, { ...state, tombstones });
    expect(await vacuum(kept.table, { retentionMs: 9 * dayMs })).toMatchObject({ kind: "unchanged" });
    expect(committed(await vacuum(kept.table)).metrics.filesDeleted).toBe(2);
  });

  test("spares files that no log names yet for the retention, and an hour at least", async () => {
    const kept = await optimized();
    kept.clock.advance(8 * dayMs);
    await kept.write({ id: [3n], day: [1] });
    const forced = { retentionMs: 0, force: true };
    expect(committed(await vacuum(kept.table, forced)).metrics.filesDeleted).toBe(2);
    expect(await kept.objects()).toHaveLength(2);
    kept.clock.advance(limits.vacuumYoungMs + 1);
    expect(await vacuum(kept.table)).toMatchObject({ kind: "unchanged" });
    expect(committed(await vacuum(kept.table, forced)).metrics.filesDeleted).toBe(1);
  });

  test("spares what is hidden, but not change files and partitions of columns with such names", async () => {
    const hidden = { _part: { kind: "integer" }, id: { kind: "long" } } as const;
    const kept = await KeptTable.create(under.compute, { types: hidden, partitionBy: ["_part"] });
    const old = await kept.append({ id: [1n, 2n], _part: [1, 2] });
    await kept.drop(filesOf(old));
    await kept.append({ id: [3n], _part: [1] });
    const spared = ["_checkpoints/a.json", ".hidden/a.parquet", "x/_tmp/a.parquet", "x/.part.crc"];
    for (const path of [...spared, "_change_data/cdc-1.parquet", "x/a.parquet", "_part=7/a.parquet"])
      await put(kept, path);
    kept.clock.advance(8 * dayMs);
    expect(committed(await vacuum(kept.table)).metrics.filesDeleted).toBe(2 + 3);
    const left = await kept.objects();
    expect(left.filter((path) => !path.startsWith("_part="))).toEqual([...spared].sort());
    expect(left).toHaveLength(spared.length + 1);
  });

  test("leaves a table in a folder of the table alone", async () => {
    const kept = await optimized();
    for (const path of [
      "inner/1.parquet",
      "inner/_delta_log/00000000000000000000.json",
      "inner/z/2.parquet",
      "outer.parquet",
    ])
      await put(kept, path);
    kept.clock.advance(8 * dayMs);
    expect(committed(await vacuum(kept.table)).metrics.filesDeleted).toBe(3);
    expect((await kept.objects()).filter((path) => path.startsWith("inner/"))).toHaveLength(3);
  });

  test("keeps deletion vectors as long as their files, and deletes those of others", async () => {
    const kept = await KeptTable.create(under.compute, { types });
    const [file] = filesOf(await kept.append({ id: [1n, 2n, 3n], day: [1, 1, 1] }));
    await kept.deleteRows(file!, [0]);
    kept.clock.advance(8 * dayMs);
    const [marked] = filesOf(await kept.table.latest());
    await kept.deleteRows(marked!, [0, 1]);
    expect(await vacuum(kept.table)).toMatchObject({ kind: "unchanged" });
    expect(await kept.rows(2)).toHaveLength(2);
    kept.clock.advance(8 * dayMs);
    expect(committed(await vacuum(kept.table)).metrics.filesDeleted).toBe(1);
    expect(await kept.rows()).toHaveLength(1);
    await purge(kept);
    kept.clock.advance(8 * dayMs);
    expect(committed(await vacuum(kept.table)).metrics.filesDeleted).toBe(2);
    expect(await kept.rows()).toHaveLength(1);
  });

  test("refuses a table that dyne does not write", async () => {
    const kept = await optimized();
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["somethingNew"] };
    const path = `${kept.table.path}/_delta_log/${"4".padStart(20, "0")}.json`;
    await kept.store.put(path, new TextEncoder().encode(`${JSON.stringify({ protocol } satisfies Action)}\n`));
    kept.clock.advance(8 * dayMs);
    await expect(vacuum(kept.table)).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
  });

  test("does not delete what somebody brings back meanwhile", async () => {
    const kept = await optimized();
    const old = filesOf(await kept.table.at(2));
    kept.clock.advance(8 * dayMs);
    const other = kept.another();
    let isBack = false;
    // The file comes back after the vacuum has noted what it deletes, before it looks at the log again.
    const before = async ({ name, path }: StoreOperation) => {
      if (isBack || name !== "get" || !path.endsWith("5.json")) return;
      isBack = true;
      await kept.commit([{ add: { ...old[0]!, dataChange: true } }], false, other);
    };
    const table = kept.another(new FaultyStore(kept.store, { random: kept.random, before }));
    expect(committed(await vacuum(table)).metrics.filesDeleted).toBe(1);
    expect(await kept.store.head(dataFilePath(table.log, old[0]!))).toBeDefined();
  });

  test("does the same on an account that lists directories", async () => {
    const kept = await optimized({ over: hierarchicalStore, partitionBy: ["day"] });
    await put(kept, "left/over/a.parquet");
    // The account's own clock has no milliseconds.
    kept.clock.advance(7 * dayMs + 1_000);
    expect(committed(await vacuum(kept.table)).metrics).toMatchObject({ filesDeleted: 3, filesSeen: 4 });
    expect(await kept.objects()).toHaveLength(1);
    expect(await kept.rows()).toHaveLength(2);
  });
});

describe("files that others still need", () => {
  test("are kept from the version on that the slowest consumer has taken in, for 90 days", async () => {
    const kept = await optimized();
    kept.clock.advance(80 * dayMs);
    const keep = (version: number) => ({ keep: { openFiles: async () => [], neededFrom: async () => version } });
    expect(await vacuum(kept.table, keep(-1))).toMatchObject({ kind: "unchanged" });
    expect(await vacuum(kept.table, keep(2))).toMatchObject({ kind: "unchanged" });
    expect(await vacuum(kept.table, { dryRun: true, ...keep(3) })).toMatchObject({ metrics: { filesDeleted: 2 } });
    kept.clock.advance(11 * dayMs);
    expect(committed(await vacuum(kept.table, keep(-1))).metrics.filesDeleted).toBe(2);
  });

  test("are kept where a batch that is not committed yet names them", async () => {
    const kept = await optimized();
    const [open, lost] = [await kept.write({ id: [3n], day: [1] }), await kept.write({ id: [4n], day: [1] })];
    kept.clock.advance(8 * dayMs);
    const paths = open.map((file) => dataFilePath(kept.table.log, file));
    const keep = { openFiles: async () => paths, neededFrom: async () => Number.POSITIVE_INFINITY };
    expect(committed(await vacuum(kept.table, { keep })).metrics.filesDeleted).toBe(3);
    expect(await kept.store.head(paths[0]!)).toBeDefined();
    expect(await kept.store.head(dataFilePath(kept.table.log, lost[0]!))).toBeUndefined();
  });
});
