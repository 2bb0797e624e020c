/** Backfill jobs from their request to their end (engine-rules 17 to 19): what they bring, who may ask for what, and instances that die. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasEnded, type BackfillRequest } from "../../../../shared/checkpoint/index.ts";
import { limits, seededRandom } from "../../../../shared/core/index.ts";
import {
  all,
  bronze,
  gold,
  newWorld,
  pipeline,
  seed,
  silver,
  sites,
  Worker,
} from "../../../support/backfill-harness.ts";
import { aroundStore, CrashPoint, isCrash } from "../../../support/engine-faults.ts";
import { EngineBench, EngineWorld, startMs } from "../../../support/engine-harness.ts";
import { commitsOfTxns } from "../../../support/engine-oracle.ts";

const tries = process.env["CRASHES"] === "all" ? Number.POSITIVE_INFINITY : 5;
const replay = `SEED=${seed} CRASHES=${process.env["CRASHES"] ?? "sample"} npx vitest run --project unit test/unit/engine/backfill/backfill.test.ts`;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const ids = async (world: EngineWorld) => (await world.rows(silver)).map((row) => row["reading_id"]);

describe("a replay of a hub", () => {
  test("brings what the table does not hold, and says how far it came", async () => {
    const worker = new Worker(await newWorld(bench));
    const job = await worker.done(all);
    expect(job).toMatchObject({
      state: "SUCCEEDED",
      flow: bronze,
      progress: { unit: "events", done: 6, total: 6 },
      rows: 4,
      error: null,
      waitsFor: null,
    });
    expect(job.endedTime).not.toBeNull();
    expect(await ids(worker.world)).toEqual(["a", "b", "c", "d", "e"]);
    expect(await worker.world.rows(gold)).toEqual([
      { value: 1, readings: 2 },
      { value: 2, readings: 2 },
      { value: 3, readings: 1 },
    ]);
    expect(await worker.done(all)).toMatchObject({ state: "SUCCEEDED", rows: 0, progress: { done: 6 } });
    expect(await ids(worker.world)).toHaveLength(5);
  });

  test("may be asked for by time and by partition, the end not included", async () => {
    const at = (arrival: number) => new Date(startMs + arrival * 300_000).toISOString();
    const worker = new Worker(await newWorld(bench));
    expect(await worker.done({ ...all, from: at(1), to: at(3) })).toMatchObject({ rows: 2, progress: { total: 2 } });
    expect(await ids(worker.world)).toEqual(["b", "c", "d", "e"]);
    expect(await worker.done({ ...all, partition: "1" })).toMatchObject({ rows: 1, progress: { total: 3 } });
    expect(await ids(worker.world)).toEqual(["b", "c", "d", "e"]);
  });

  test("of what has expired is refused by number, and by time begins with what is there", async () => {
    const worker = new Worker(await newWorld(bench));
    worker.world.estate.hub.expireBefore("0", 1);
    expect(await worker.done(all)).toMatchObject({ state: "FAILED", error: { code: "INVALID_ARGUMENT" } });
    expect(await worker.done({ ...all, from: new Date(0).toISOString() })).toMatchObject({
      state: "SUCCEEDED",
      rows: 3,
    });
  });

  test("ends where the rest of its range expires meanwhile", async () => {
    const worker = new Worker(await newWorld(bench));
    const { jobId } = await worker.backfill.submit(all);
    await worker.world.engine.pause(bronze);
    await worker.work(1);
    expect(await worker.backfill.find(jobId)).toMatchObject({
      state: "RUNNING",
      waitsFor: expect.stringContaining("PAUSED"),
    });
    await worker.world.engine.resume(bronze);
    worker.world.estate.hub.expireBefore("0", 3);
    await worker.work();
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "SUCCEEDED", rows: 2 });
  });

  test("of a hub that is created again meanwhile fails, and says so", async () => {
    const worker = new Worker(await newWorld(bench));
    const { jobId } = await worker.backfill.submit(all);
    await worker.world.engine.pause(bronze);
    await worker.work(1);
    await worker.world.engine.resume(bronze);
    worker.world.estate.hub.recreate(BigInt(startMs) * 1000n);
    worker.world.clock.advance(120_000);
    await worker.work();
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "FAILED", error: { code: "HUB_CHANGED" } });
  });
});

test("a replay of a folder reads its files that were never read", async () => {
  const worker = new Worker(await newWorld(bench));
  await worker.world.land("landing/sites/2025/a.csv", "code\nx\n");
  await worker.world.land("landing/sites/2026/b.csv", "code\ny\nz\n");
  const request = { kind: "replay", source: sites, prefix: "landing/sites/2026/" } as const;
  const job = await worker.done(request);
  expect(job).toMatchObject({ state: "SUCCEEDED", rows: 2, progress: { unit: "rows", done: 2, total: 2 } });
  expect(await worker.done(request)).toMatchObject({ state: "SUCCEEDED", rows: 0 });
  expect((await worker.world.rows(sites)).map(({ code }) => code)).toEqual(["x", "y", "z"]);
});

describe("a refresh of a view", () => {
  const request = { kind: "refresh", table: gold } as const;

  test("computes it again, once, in one commit", async () => {
    const worker = new Worker(await newWorld(bench));
    const before = (await worker.world.table("lake/gold/by_value").latest()).version;
    expect(await worker.done(request)).toMatchObject({
      state: "SUCCEEDED",
      progress: { unit: "refreshes", done: 1, total: 1 },
      rows: 2,
    });
    expect((await worker.world.table("lake/gold/by_value").latest()).version).toBe(before + 1);
    expect(await worker.world.record(`checkpoints/${gold}/generations/00000000000000000003`)).toBeUndefined();
  });

  test("waits while the view is paused", async () => {
    const worker = new Worker(await newWorld(bench));
    const { jobId } = await worker.backfill.submit(request);
    await worker.world.engine.pause(gold);
    await worker.work(2);
    expect(await worker.backfill.find(jobId)).toMatchObject({
      state: "RUNNING",
      waitsFor: expect.stringContaining("PAUSED"),
    });
    await worker.world.engine.resume(gold);
    await worker.work();
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "SUCCEEDED", waitsFor: null });
  });

  test("of a view that has never run says that there is nothing to refresh", async () => {
    const worker = new Worker(new EngineWorld({ bench, pipeline }));
    expect(await worker.done(request)).toMatchObject({ state: "FAILED", error: { code: "INVALID_ARGUMENT" } });
  });
});

describe("a request", () => {
  test.each<[string, BackfillRequest]>([
    ["no such table", { kind: "refresh", table: "gold.other" }],
    ["not refreshed", { kind: "refresh", table: silver }],
    ["other tables", { kind: "replay", source: silver, from: 0 }],
    ["fed from a hub", { kind: "replay", source: bronze, prefix: "landing/" }],
    ["fed from files", { kind: "replay", source: sites, from: 0 }],
    ["is empty", { kind: "replay", source: bronze, from: 5, to: 5 }],
    ["is empty", { kind: "replay", source: bronze, from: "2026-03-02T00:00:00Z", to: "2026-03-02T00:00:00Z" }],
    ["landing/sites/", { kind: "replay", source: sites, prefix: "landing/elsewhere/" }],
  ])("that no flow can do is refused: %s", async (what, request) => {
    const worker = new Worker(await newWorld(bench));
    const said = what === "no such table" ? "There is no table" : what;
    await expect(worker.backfill.submit(request)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(said),
    });
    expect(await worker.backfill.list(10)).toEqual([]);
  });

  test("with a key gives one job however often it comes, and another request none", async () => {
    const { backfill } = new Worker(await newWorld(bench));
    const options = { idempotencyKey: "monday", requestedBy: "ops" };
    const first = await backfill.submit(all, options);
    expect(await backfill.submit(all, options)).toEqual(first);
    await expect(backfill.submit({ ...all, from: 1 }, options)).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
    expect((await backfill.submit(all, { idempotencyKey: "tuesday" })).jobId).not.toBe(first.jobId);
    expect(await backfill.list(10)).toHaveLength(2);
  });

  test("is refused while too many jobs are open", async () => {
    const { backfill } = new Worker(await newWorld(bench));
    for (let n = 0; n < limits.openJobsMax; n++) await backfill.submit(all);
    await expect(backfill.submit(all)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
  });
});

describe("jobs", () => {
  test("of one flow run one after another, the oldest first", async () => {
    const worker = new Worker(await newWorld(bench));
    const first = await worker.backfill.submit(all);
    worker.world.clock.advance(1_000);
    const second = await worker.backfill.submit(all);
    expect(await worker.backfill.advance(second.jobId, 60_000)).toMatchObject({
      waitsFor: expect.stringContaining(first.jobId),
    });
    await worker.work();
    expect((await worker.backfill.list(10)).map(({ jobId, rows }) => [jobId, rows])).toEqual([
      [second.jobId, 0],
      [first.jobId, 4],
    ]);
  });

  test("that are cancelled stay so, and keep what they have committed", async () => {
    const worker = new Worker(await newWorld(bench));
    const { jobId } = await worker.backfill.submit({ ...all, partition: "0" });
    expect(await worker.backfill.cancel(jobId)).toMatchObject({ state: "CANCELLED" });
    await worker.work();
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "CANCELLED", rows: 0 });
    expect(await ids(worker.world)).toEqual(["d", "e"]);
    const done = await worker.done(all);
    expect(await worker.backfill.cancel(done.jobId)).toEqual(done);
  });

  test("that nobody knows are not found", async () => {
    const { backfill } = new Worker(await newWorld(bench));
    for (const jobId of ["0f8c0000-0000-4000-8000-000000000000", "../jobs", ""])
      await expect(backfill.find(jobId)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    await expect(backfill.cancel("x")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  });

  test("that cannot go on for a week end", async () => {
    const worker = new Worker(await newWorld(bench));
    const { jobId } = await worker.backfill.submit(all);
    await worker.world.engine.pause(bronze);
    await worker.work(2);
    worker.world.clock.advance(limits.jobLifeMs + 1);
    await worker.work(1);
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "FAILED", error: { code: "LIMIT_EXCEEDED" } });
  });

  test("whose bell is lost are rung by the sweep, and those that ended a month ago are forgotten", async () => {
    const worker = new Worker(await newWorld(bench));
    const { jobId } = await worker.backfill.submit(all);
    worker.rung.length = 0;
    await worker.backfill.sweep();
    expect(worker.rung).toEqual([]);
    worker.world.clock.advance(limits.jobStaleMs + 1);
    await worker.backfill.sweep();
    expect(worker.rung).toEqual([jobId]);
    await worker.work();
    worker.world.clock.advance(limits.jobKeptMs + 1);
    await worker.backfill.sweep();
    expect(await worker.backfill.list(10)).toEqual([]);
    expect((await worker.world.hostPaths()).filter((path) => path.includes("/jobs"))).toEqual([]);
  });
});

describe("an instance that dies", () => {
  /** What an instance does for a replay, a refresh and their end; the one after it does what is left. */
  async function work(worker: Worker): Promise<void> {
    await worker.backfill.submit(all, { idempotencyKey: "replay" });
    worker.world.clock.advance(1_000);
    await worker.backfill.submit({ kind: "refresh", table: gold }, { idempotencyKey: "refresh" });
    await worker.work();
  }

  test("leaves jobs that another one takes to the same end, each txn once", { timeout: 3_600_000 }, async () => {
    const counter = new CrashPoint(0, "before");
    const calm = await newWorld(bench);
    calm.restart((store) => aroundStore(store, counter.around));
    await work(new Worker(calm));
    await calm.quiet();
    const wanted = await calm.everything();
    const random = seededRandom(seed);
    const step = Math.max(1, (2 * counter.calls) / tries);
    for (let i = random.next() * step; i < 2 * counter.calls; i += step) {
      const point = new CrashPoint(1 + Math.floor(i / 2), Math.floor(i) % 2 === 0 ? "before" : "after");
      const world = await newWorld(bench);
      world.restart((store) => aroundStore(store, point.around));
      try {
        await work(new Worker(world));
      } catch (error) {
        if (!isCrash(error)) throw error;
      }
      world.restart();
      const after = new Worker(world);
      await work(after);
      world.clock.advance(limits.jobStaleMs + 1);
      await after.backfill.sweep();
      await after.work();
      await world.quiet();
      const where = `${point.place}; again with: ${replay}`;
      expect(await world.everything(), where).toEqual(wanted);
      const jobs = await after.backfill.list(10);
      expect(
        jobs.map(({ state, rows }) => [state, rows]),
        where,
      ).toEqual([
        ["SUCCEEDED", 3],
        ["SUCCEEDED", 4],
      ]);
      expect(jobs.every(hasEnded), where).toBe(true);
      expect(
        [...(await commitsOfTxns(world))].filter(([, commits]) => commits !== 1),
        where,
      ).toEqual([]);
    }
  });
});
