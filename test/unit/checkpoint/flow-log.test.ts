import { expect, test } from "vitest";
import { FlowLog, type FlowStateRecord } from "../../../shared/checkpoint/index.ts";
import { flowId, generation, seededRandom } from "../../../shared/core/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { flow, generationOf, recordsUnderTest } from "./records-under-test.ts";

const id = flowId(flow);
const stateOf = (state: FlowStateRecord["state"]): FlowStateRecord => ({
  format: 1,
  flow,
  state,
  updatedTime: "2026-01-02T03:04:05.678000Z",
  failure: null,
});

test("a flow without a record of its state has none, and no etag", async () => {
  const { context } = recordsUnderTest();
  expect(await new FlowLog(context, id).state()).toEqual({ record: undefined, etag: undefined });
});

test("of two that write the first state at once, one wins", async () => {
  const { context } = recordsUnderTest();
  const log = new FlowLog(context, id);
  const won = await Promise.all([
    log.putState(stateOf("PAUSED"), undefined),
    log.putState(stateOf("FAILED"), undefined),
  ]);
  expect(won).toEqual([true, false]);
  expect((await log.state()).record?.state).toBe("PAUSED");
});

test("of two that change the same state, one wins and the other decides again on what is there", async () => {
  const { context } = recordsUnderTest();
  const log = new FlowLog(context, id);
  await log.putState(stateOf("RUNNING"), undefined);
  const { etag } = await log.state();
  expect(await log.putState(stateOf("FAILED"), etag)).toBe(true);
  expect(await log.putState(stateOf("PAUSED"), etag)).toBe(false);
  const now = await log.state();
  expect(now.record?.state).toBe("FAILED");
  expect(await log.putState(stateOf("RUNNING"), now.etag)).toBe(true);
});

test("a lost answer says that the state may or may not be written", async () => {
  const { memory, clock } = recordsUnderTest();
  const random = seededRandom(1);
  const store = new FaultyStore(memory, { random, rates: { lostAnswer: 1 } });
  const log = new FlowLog({ store, clock, random }, id);
  await expect(log.putState(stateOf("PAUSED"), undefined)).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
    message: expect.stringContaining("may or may not"),
  });
  await store.heal();
  expect((await log.state()).record?.state).toBe("PAUSED");
});

test("generations come back oldest first, also beyond nine", async () => {
  const { context } = recordsUnderTest();
  const log = new FlowLog(context, id);
  for (const g of [3, 11, 1, 2, 10]) await log.putGeneration(generationOf(g));
  expect((await log.generations()).map((record) => record.generation)).toEqual([1, 2, 3, 10, 11]);
  expect(await log.generationAt(generation(10))).toEqual(generationOf(10));
  expect(await log.generationAt(generation(4))).toBeUndefined();
});

test("the second to take a generation gets the one that is there", async () => {
  const { context } = recordsUnderTest();
  const log = new FlowLog(context, id);
  await log.putGeneration(generationOf(1, "sha256:a"));
  expect(await log.putGeneration(generationOf(1, "sha256:b"))).toEqual({
    mine: false,
    record: generationOf(1, "sha256:a"),
  });
});
