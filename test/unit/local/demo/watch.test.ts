import { expect, test } from "vitest";
import { countRows, LaneWatch } from "../../../../local/demo/watch.ts";
import { LaneLog } from "../../../../shared/checkpoint/index.ts";
import { flowId, generation, laneId, ManualClock, seededRandom, silentLogger } from "../../../../shared/core/index.ts";
import { MemoryStore } from "../../../../shared/storage/index.ts";
import { DeltaTable } from "../../../../shared/table/index.ts";
import { schemaOf } from "../../../support/compute-under-test.ts";
import { commitOf, flow, offsets } from "../../checkpoint/records-under-test.ts";

const services = () => {
  const clock = new ManualClock(1_700_000_000_000);
  const random = seededRandom(1);
  return { clock, random, store: new MemoryStore({ clock, random }) };
};

test("a lane is watched batch by batch, each once, as they are committed", async () => {
  const { store, ...rest } = services();
  const log = new LaneLog({ store, ...rest }, flowId(flow), generation(1), laneId("3"));
  const watch = new LaneWatch(store, rest, flow, "3");
  await watch.update();
  expect([watch.batches, watch.readUpTo("in")]).toEqual([[], -1]);
  const range = (toVersion: number) => ({ in: { kind: "delta" as const, tableId: "t", afterVersion: 0, toVersion } });
  for (const [batch, toVersion] of [
    [1, 4],
    [2, 9],
  ] as const) {
    await log.putOffsets({ ...offsets(batch), inputs: range(toVersion) });
    await watch.update();
    expect(watch.batches).toHaveLength(batch - 1);
    await log.putCommit(commitOf(batch));
    await watch.update();
    await watch.update();
    expect([watch.batches.length, watch.readUpTo("in"), watch.readUpTo("other")]).toEqual([batch, toVersion, -1]);
  }
  expect(watch.sum((commit) => commit.batchId)).toBe(3);
});

test("rows are counted by the statistics of the active files", async () => {
  const { store, clock, random } = services();
  const table = new DeltaTable({ store, path: "lake/t", clock, random, logger: silentLogger });
  expect(await countRows(table)).toBe(0);
  await table.createIfAbsent({ schema: schemaOf({ id: { kind: "long" } }), partitionBy: [] });
  const add = (path: string, numRecords: number | undefined) => ({
    add: {
      path,
      partitionValues: {},
      size: 1,
      modificationTime: 0,
      dataChange: true,
      ...(numRecords === undefined ? {} : { stats: JSON.stringify({ numRecords }) }),
    },
  });
  await table.commit({
    actions: [add("a", 3), add("b", 4), add("c", undefined)],
    isBlindAppend: true,
    operation: "WRITE",
  });
  expect(await countRows(table)).toBe(7);
  await table.commit({
    actions: [{ remove: { path: "a", deletionTimestamp: 0, dataChange: true } }],
    isBlindAppend: false,
    operation: "DELETE",
  });
  expect(await countRows(table)).toBe(4);
});
