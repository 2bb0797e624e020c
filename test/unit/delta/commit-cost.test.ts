/** What a commit costs by the size of its table: requests, bytes, and work in memory, on ten files and on a hundred thousand. */
import { beforeAll, describe, expect, test } from "vitest";
import { transientCheckpoints } from "../../../shared/compute/index.ts";
import { seededRandom, silentLogger } from "../../../shared/core/index.ts";
import {
  checkpointPath,
  commitPath,
  encodeActions,
  logFolder,
  removeOf,
  type Action,
  type AddFile,
} from "../../../shared/delta/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { DeltaTable } from "../../../shared/table/index.ts";
import { countedWork } from "../../support/counted-work.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { Meter } from "../../support/metered-store.ts";
import { newTable } from "./table-under-test.ts";

const checkpoints = transientCheckpoints();

const fileOf = (index: number): AddFile => ({
  path: `day=2001-01-01/part-${index}.parquet`,
  partitionValues: {},
  size: 1_000,
  modificationTime: 1_700_000_000_000,
  dataChange: false,
  stats: `{"numRecords":10,"minValues":{"id":${index}},"maxValues":{"id":${index + 1}},"nullCount":{"id":0}}`,
});

/** A table of so many files, opened by its checkpoint in Parquet, with a count of what is asked of its store. */
async function tableOf(files: number) {
  const clock = new InstantClock(1_700_000_000_000);
  const random = seededRandom(1);
  const memory = new MemoryStore({ clock, random });
  const meter = new Meter();
  const log = { clock, random, logger: silentLogger, path: "lake/t", checkpointReader: checkpoints };
  const { base } = await newTable();
  const definition: readonly Action[] = [{ protocol: base.protocol }, { metaData: base.metadata }];
  const adds = Array.from({ length: files }, (_, index): Action => ({ add: fileOf(index) }));
  await checkpoints.write(memory, checkpointPath(log, 1), [...definition, ...adds]);
  await memory.put(commitPath(log, 1), encodeActions([{ commitInfo: { timestamp: clock.nowMs() } }]));
  await memory.put(`${logFolder(log)}/_last_checkpoint`, new TextEncoder().encode('{"version":1,"size":1}'));
  const table = new DeltaTable({ ...log, store: meter.of(memory) });
  const other = new DeltaTable({ ...log, store: memory });
  expect((await table.latest()).files.size).toBe(files);
  await other.latest();
  return { table, other, meter };
}

type Case = Awaited<ReturnType<typeof tableOf>>;
let [small, large]: [Case, Case] = [undefined, undefined] as never;
beforeAll(async () => {
  [small, large] = [await tableOf(10), await tableOf(100_000)];
}, 60_000);

const append = (table: DeltaTable, name: string) =>
  table.commit({ actions: [{ add: { ...fileOf(0), path: name } }], isBlindAppend: true, operation: "WRITE" });

const deleteOne = (table: DeltaTable, name: string) => {
  const file = table.known!.files.get(name)!;
  const remove = removeOf(file, { deletionTimestampMs: 1_700_000_000_000 });
  const readFiles = [file];
  return table.commit({ actions: [{ remove }], isBlindAppend: false, operation: "DELETE", readFiles });
};

/** What work asks of the store, and what it does in memory. */
async function costOf({ meter }: Case, work: () => Promise<unknown>) {
  meter.reset();
  const { entries, walks } = await countedWork(work);
  const { calls, readBytes, writtenBytes, listed } = meter;
  return { io: { calls: { ...calls }, readBytes, writtenBytes, listed }, entries, walks };
}

/** Entries that a commit of one file may put into maps: its own, and those of the few commits before it that it is melted with. */
const entriesMax = 200;

describe.each([
  ["an append", (table: DeltaTable, round: number) => append(table, `new-${round}`)],
  ["a delete of one file", (table: DeltaTable, round: number) => deleteOne(table, fileOf(round % 10).path)],
] as const)("%s", (_what, write) => {
  test("costs the same requests and bytes on ten files and on a hundred thousand, and walks over none", async () => {
    for (let round = 1; round <= 8; round++) {
      const onSmall = await costOf(small, () => write(small.table, round));
      const onLarge = await costOf(large, () => write(large.table, round));
      expect(onLarge.io).toEqual(onSmall.io);
      expect(onLarge.io.calls).toEqual({ putIfAbsent: 1 });
      expect(onLarge.walks).toBe(0);
      expect(onLarge.entries).toBeLessThan(entriesMax);
    }
  });
});

test("a commit on top of another's costs the same: the lost race, the winner, one more look", async () => {
  const cost = async (under: Case) => {
    await under.other.latest();
    await append(under.other, "rival");
    return costOf(under, () => append(under.table, "mine"));
  };
  const [onSmall, onLarge] = [await cost(small), await cost(large)];
  expect(onLarge.io).toEqual(onSmall.io);
  expect(onLarge.io.calls).toEqual({ putIfAbsent: 2, get: 2 });
  expect([onLarge.walks, onLarge.entries < entriesMax]).toEqual([0, true]);
});

test("bringing a table up to date costs the same", async () => {
  const cost = async (under: Case) => {
    await under.other.latest();
    await append(under.other, "later");
    return costOf(under, () => under.table.latest());
  };
  const [onSmall, onLarge] = [await cost(small), await cost(large)];
  expect(onLarge.io).toEqual(onSmall.io);
  expect([onLarge.walks, onLarge.entries < entriesMax]).toEqual([0, true]);
});

test("the count of entries sees a copy of the files, and the count of walks a walk", async () => {
  const cost = await costOf(large, async () => new Map([...large.table.known!.files].map(({ path }) => [path, 1])));
  expect([cost.walks, cost.entries >= 99_000]).toEqual([1, true]);
});
