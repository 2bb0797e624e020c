/** Maintenance dies at its calls to the stores, one after the other. */
import { VirtualClock } from "../../../shared/testing/virtual-clock.ts";
import { expect, test } from "vitest";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { aroundStore, CrashPoint, expectCrash, Journal } from "../../support/engine-faults.ts";
import { EngineBench, newEstate, startMs } from "../../support/engine-harness.ts";
import { jsonCheckpoints } from "../../support/json-checkpoints.ts";
import { FlowUnderTest, minuteMs, never, statePath } from "./flow-under-test.ts";

/**
 * The death of an instance at a call of its maintenance, before or after the call had its effect: at some of them, fewer among the many
 * deletes, or at all with CRASHES=all.
 */
test("maintenance that dies anywhere loses nothing, and the next one leaves what an undisturbed one leaves", async () => {
  await using bench = await EngineBench.open();
  const parts = { compute: bench.compute, directory: bench.directory };
  const stepMs = 6 * minuteMs;
  const journals = { host: new Journal(), lake: new Journal() };
  const recorded = newEstate();
  const first = new FlowUnderTest(
    { ...parts, checkpoints: jsonCheckpoints },
    {
      ...recorded,
      host: journals.host.of(recorded.host, () => recorded.clock.nowMs()),
      lake: journals.lake.of(recorded.lake, () => recorded.clock.nowMs()),
    },
  );
  first.configuration = { "delta.logRetentionDuration": "interval 1 hour" };
  await first.run(150, stepMs);
  await first.maintain();
  await first.run(150, stepMs);
  const nowMs = recorded.clock.nowMs();

  /** The same flow again, at the moment before its second maintenance, which dies at a call; and what is left at the next one's end. */
  const after = async (crash: CrashPoint): Promise<string[]> => {
    const clock = new VirtualClock(startMs);
    const estate = { ...newEstate(), clock };
    estate.host = new MemoryStore(estate);
    estate.lake = new MemoryStore(estate);
    const setTime = (ms: number): void => clock.advance(ms - clock.nowMs());
    await journals.host.replay(estate.host, journals.host.length, setTime);
    setTime(startMs);
    await journals.lake.replay(estate.lake, journals.lake.length, setTime);
    setTime(nowMs);
    const under = new FlowUnderTest({ ...parts, checkpoints: jsonCheckpoints }, estate);
    under.batches = 300;
    const dying = under.instance((store) => aroundStore(store, crash.around));
    await dying.run(await under.warm(), never).catch(expectCrash);
    clock.advance(minuteMs);
    await expectWhole(under, crash.place);
    await under.instance().run(await under.warm(), never);
    await expectWhole(under, crash.place);
    await under.run(150, stepMs);
    await under.instance().run(await under.warm(), never);
    await expectWhole(under, crash.place);
    const left = await under.world.hostPaths();
    for await (const { path } of estate.lake.list("lake/")) left.push(path);
    return left;
  };

  const undying = new CrashPoint(Number.POSITIVE_INFINITY, "before");
  const undisturbed = await after(undying);
  const calls = undying.calls;
  expect(calls).toBeGreaterThan(300);
  const all = process.env["CRASHES"] === "all";
  for (let at = 1; at <= calls; at += all ? 1 : at < 30 ? 5 : 120) {
    for (const moment of ["before", "after"] as const) {
      const crash = new CrashPoint(at, moment);
      expect(await after(crash), crash.place).toEqual(undisturbed);
    }
  }
}, 300_000);

/** All that the last batch of the lane needs is there. */
async function expectWhole(under: FlowUnderTest, where: string | undefined): Promise<void> {
  const head = await under.log.head();
  expect(head.lastCommit?.batchId, where).toBe(under.batches);
  expect((await under.fresh("sink")).files.size, where).toBe(under.batches);
  const state = await under.fresh("state:keys", head.lastCommit?.tables["state:keys"]?.version);
  for (const file of state.files)
    expect(await under.world.estate.host.head(`${statePath}/${file.path}`), `${file.path} ${where}`).toBeDefined();
}
