import { describe, expect, test } from "vitest";
import { LaneLog, type LaneHead } from "../../../shared/checkpoint/index.ts";
import { batchId, flowId, generation, laneId, seededRandom } from "../../../shared/core/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { commitOf, flow, offsets, outcome, recordsUnderTest } from "./records-under-test.ts";

function laneUnderTest() {
  const under = recordsUnderTest();
  const log = new LaneLog(under.context, flowId(flow), generation(1), laneId("3"));
  return { ...under, log };
}

/** Writes batches in full, from the one after `from` up to `to`. */
async function commitBatches(log: LaneLog, from: number, to: number): Promise<void> {
  for (let batch = from + 1; batch <= to; batch++) {
    await log.putOffsets(offsets(batch));
    await log.putOutcome(outcome(batch));
    await log.putCommit(commitOf(batch));
  }
}

const batchesOf = (head: LaneHead) => [
  head.lastCommit?.batchId,
  head.lastOffsets?.batchId,
  head.lastOutcome?.batchId,
  head.openOffsets?.batchId,
  head.openOutcome?.batchId,
];

describe("the head of a lane", () => {
  test("is empty on a lane that was never started", async () => {
    const { log } = laneUnderTest();
    expect(batchesOf(await log.head())).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  test("is the start where nothing was committed yet", async () => {
    const { log } = laneUnderTest();
    await log.putOffsets(offsets(0));
    expect(batchesOf(await log.head())).toEqual([undefined, 0, undefined, undefined, undefined]);
  });

  test("shows the open batch as far as it got", async () => {
    const { log } = laneUnderTest();
    await log.putOffsets(offsets(0));
    await log.putOffsets(offsets(1));
    expect(batchesOf(await log.head())).toEqual([undefined, 0, undefined, 1, undefined]);
    await log.putOutcome(outcome(1));
    expect(batchesOf(await log.head())).toEqual([undefined, 0, undefined, 1, 1]);
    await log.putCommit(commitOf(1));
    expect(batchesOf(await log.head())).toEqual([1, 1, 1, undefined, undefined]);
  });

  test("is the last commit where older entries were cleaned away", async () => {
    const { log, memory } = laneUnderTest();
    await commitBatches(log, 0, 12);
    for await (const { path } of memory.list("checkpoints/")) {
      if (Number(path.slice(path.lastIndexOf("/") + 1)) <= 10) await memory.delete(path);
    }
    expect(batchesOf(await log.head())).toEqual([12, 12, 12, undefined, undefined]);
  });

  test("is not confused by merges done again", async () => {
    const { log } = laneUnderTest();
    await commitBatches(log, 0, 1);
    await log.putOffsets(offsets(2));
    await log.putOutcome(outcome(2));
    await log.putOutcome(outcome(2, 1));
    expect((await log.head()).openOutcome?.redo).toBe(0);
    expect((await log.outcomeAt(batchId(2), 1))?.redo).toBe(1);
    expect(await log.outcomeAt(batchId(2), 2)).toBeUndefined();
  });
});

describe("advancing a known head", () => {
  test("costs three reads by name where nothing happened, and never lists", async () => {
    const { log, asked } = laneUnderTest();
    await commitBatches(log, 0, 200);
    const head = await log.head();
    asked.length = 0;
    expect(await log.advance(head)).toEqual(head);
    expect(asked.map(({ name }) => name)).toEqual(["get", "get", "get"]);
    expect(asked.every(({ path }) => path.endsWith("/00000000000000000201"))).toBe(true);
  });

  test("follows what others committed by name, one read for each batch", async () => {
    const { log, asked } = laneUnderTest();
    await log.putOffsets(offsets(0));
    const start = await log.head();
    await commitBatches(log, 0, 5);
    await log.putOffsets(offsets(6));
    asked.length = 0;
    const head = await log.advance(start);
    expect(batchesOf(head)).toEqual([5, 5, 5, 6, undefined]);
    expect(head).toEqual(await log.head());
    expect(asked.filter(({ name, path }) => name === "get" && path.includes("/commits/")).length).toBe(7);
  });

  test("gives the head that listing gives, wherever the lane stands", async () => {
    const { log } = laneUnderTest();
    let warm = await log.head();
    const steps = [
      () => log.putOffsets(offsets(0)),
      ...[1, 2, 3].flatMap((batch) => [
        () => log.putOffsets(offsets(batch)),
        () => log.putOutcome(outcome(batch)),
        () => log.putCommit(commitOf(batch)),
      ]),
    ];
    for (const step of steps) {
      await step();
      warm = await log.advance(warm);
      expect(warm).toEqual(await log.head());
    }
  });
});

describe("an entry of a log", () => {
  test("is the first writer's: the second gets the record that counts", async () => {
    const { log } = laneUnderTest();
    expect(await log.putOffsets(offsets(1, "mine"))).toEqual({ mine: true, record: offsets(1, "mine") });
    expect(await log.putOffsets(offsets(1, "yours"))).toEqual({ mine: false, record: offsets(1, "mine") });
    expect(await log.offsetsAt(batchId(1))).toEqual(offsets(1, "mine"));
  });

  test("written at once by many has one writer, and all of them know which", async () => {
    const { log } = laneUnderTest();
    const attempts = ["a", "b", "c", "d", "e"];
    const results = await Promise.all(attempts.map((attempt) => log.putOutcome(outcome(1, 0, attempt))));
    expect(results.filter(({ mine }) => mine).length).toBe(1);
    const winner = results.find(({ mine }) => mine)?.record;
    for (const { record } of results) expect(record).toEqual(winner);
  });

  test("is known to be mine or not, even where requests, answers and late writes are lost", async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { clock, memory } = recordsUnderTest(seed);
      const random = seededRandom(seed);
      const store = new FaultyStore(memory, { random, rates: { lostRequest: 0.2, lostAnswer: 0.2, lateWrite: 0.2 } });
      const log = new LaneLog({ store, clock, random }, flowId(flow), generation(1), laneId("3"));
      const results = await Promise.allSettled(["a", "b", "c"].map((attempt) => log.putOffsets(offsets(1, attempt))));
      await store.heal();
      const stored = await log.offsetsAt(batchId(1));
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
        else expect(result.value.record, `seed ${seed}`).toEqual(stored);
      }
      const mine = results.filter((result) => result.status === "fulfilled" && result.value.mine);
      expect(mine.length, `seed ${seed}`).toBeLessThanOrEqual(1);
    }
  });
});
