import { describe, expect, test } from "vitest";
import { LaneLog, type LaneHead } from "../../../shared/checkpoint/index.ts";
import { batchId, flowId, generation, laneId, limits, seededRandom } from "../../../shared/core/index.ts";
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

const emptyHead: LaneHead = {
  lastCommit: undefined,
  lastOffsets: undefined,
  lastOutcome: undefined,
  openOffsets: undefined,
  openOutcome: undefined,
};

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

/** Times at which the records of `commitBatches` say that they were written. */
const writtenMs = Date.parse("2026-01-02T03:04:05.678Z");
const dayMs = 86_400_000;

/** A lane whose entries were written at that time, an hour and a day ago. */
async function oldLane(batches: number) {
  const under = laneUnderTest();
  under.clock.advance(writtenMs - under.clock.nowMs());
  await under.log.putOffsets(offsets(0));
  await commitBatches(under.log, 0, batches);
  under.clock.advance(dayMs + 3_600_000);
  return under;
}

async function batchesIn(memory: ReturnType<typeof laneUnderTest>["memory"], log: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of memory.list(`checkpoints/${flow}/00000000000000000001/3/${log}/`))
    names.push(path.slice(path.lastIndexOf("/") + 1).replace(/^0{1,19}/, ""));
  return names;
}

describe("cleaning the logs of a lane", () => {
  const upTo = (first: number, last: number): string[] =>
    Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`);

  test("keeps the start and the last hundred batches, whatever their age", async () => {
    const { log, memory } = await oldLane(130);
    const head = await log.head();
    expect(await log.clean(130)).toBe(90);
    expect(await batchesIn(memory, "offsets")).toEqual(["0", ...upTo(31, 130)]);
    for (const name of ["outcome", "commits"]) expect(await batchesIn(memory, name)).toEqual(upTo(31, 130));
    expect(await log.head()).toEqual(head);
    expect(await log.clean(130)).toBe(0);
  });

  test("keeps what is younger than a day, however many there are", async () => {
    const { log, memory } = await oldLane(130);
    await commitBatches(log, 130, 400);
    await log.clean(400);
    expect(await batchesIn(memory, "commits")).toEqual(upTo(131, 400));
  });

  test("takes the records of merges done again along", async () => {
    const { log, memory, clock } = await oldLane(102);
    await log.putOutcome(outcome(1, 1));
    await log.putOutcome(outcome(102, 1));
    clock.advance(2 * dayMs);
    await log.clean(102);
    expect(await batchesIn(memory, "outcome")).toEqual([...upTo(3, 102), "102.1"]);
  });

  test("deletes a bounded number at a time, and a round that died is taken up by the next", async () => {
    const { log, memory, context } = await oldLane(1_200);
    let deletes = 0;
    const dying = new FaultyStore(memory, {
      random: context.random,
      before: ({ name }) => {
        if (name === "delete" && ++deletes > 100) throw new Error("dead");
      },
    });
    const head = await log.head();
    await expect(
      new LaneLog({ ...context, store: dying }, log.flow, log.generation, log.lane).clean(1_200),
    ).rejects.toThrow("dead");
    expect(await log.head()).toEqual(head);
    const rounds = [await log.clean(1_200), await log.clean(1_200), await log.clean(1_200)];
    expect(Math.max(...rounds)).toBeLessThanOrEqual(limits.maintenanceDeletesMax);
    expect(rounds.at(-1)).toBe(0);
    for (const name of ["outcome", "commits"]) expect((await batchesIn(memory, name))[0]).toBe("1101");
  });

  test("an instance that slept through it finds the head, instead of planning a batch of long ago", async () => {
    for (const from of [0, 5]) {
      const under = await oldLane(5);
      const asleep =
        from === 5 ? await under.log.head() : { ...(await under.log.head()), ...emptyHead, lastOffsets: offsets(0) };
      await commitBatches(under.log, 5, 300);
      under.clock.advance(2 * dayMs);
      await under.log.clean(300);
      expect(batchesOf(await under.log.advance(asleep))).toEqual([300, 300, 300, undefined, undefined]);
    }
  });
});

describe("the head of a lane with many entries", () => {
  test.each([999, 1_000, 1_001, 2_500, 5_000])("is found without listing all of %i", async (count) => {
    const { log, asked } = laneUnderTest();
    await commitBatches(log, 0, count);
    asked.length = 0;
    expect(batchesOf(await log.head())).toEqual([count, count, count, undefined, undefined]);
    expect(asked.filter(({ name }) => name === "list").length).toBe(1);
    expect(asked.filter(({ name }) => name === "head").length).toBeLessThan(20);
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
