/** What goes wrong around backfill jobs: records that cannot be read, older builds, requests that make no sense, bells that come twice. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BackfillRequest } from "../../../../shared/checkpoint/index.ts";
import { limits } from "../../../../shared/core/index.ts";
import { count, definePipeline, materializedView, read } from "../../../../shared/pipeline/index.ts";
import type { ObjectStore } from "../../../../shared/storage/index.ts";
import {
  Worker,
  all,
  bronze,
  events,
  gold,
  landed,
  newWorld,
  pipeline,
  readings,
  sites,
  soon,
} from "../../../support/backfill-harness.ts";
import { aroundStore } from "../../../support/engine-faults.ts";
import { EngineBench, EngineWorld } from "../../../support/engine-harness.ts";
import { readingAt } from "../../../support/engine-scenario.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const recordOf = (world: EngineWorld, jobId: string) => world.record(`checkpoints/jobs/${jobId}/job.json`);

/** Makes a job's record one of a newer build. */
async function fromTheFuture(world: EngineWorld, jobId: string): Promise<void> {
  const record = { ...(await recordOf(world, jobId)), format: 2 };
  await world.estate.host.put(`checkpoints/jobs/${jobId}/job.json`, new TextEncoder().encode(JSON.stringify(record)));
}

describe("a record that this build cannot read", () => {
  test("does not fail the other jobs", async () => {
    const worker = new Worker(await newWorld(bench));
    const future = await worker.backfill.submit({ kind: "refresh", table: gold });
    await fromTheFuture(worker.world, future.jobId);
    worker.rung.length = 0;
    expect(await worker.done(all)).toMatchObject({ state: "SUCCEEDED", rows: 4 });
  });

  test("keeps neither the others from being listed nor from being rung", async () => {
    const worker = new Worker(await newWorld(bench));
    const jobs: string[] = [];
    for (let n = 0; n < 4; n++) jobs.push((await worker.backfill.submit(all)).jobId);
    await fromTheFuture(worker.world, jobs[0] ?? "");
    worker.rung.length = 0;
    worker.world.clock.advance(limits.jobStaleMs + 1);
    await worker.backfill.sweep().catch(() => undefined);
    expect(jobs.slice(1).filter((id) => !worker.rung.includes(id))).toEqual([]);
    expect((await worker.backfill.list(10)).length).toBe(3);
  });
});

describe("what a request may hold", () => {
  test.each<[string, BackfillRequest]>([
    ["a time without seconds", { ...all, from: "2026-02-01T00:00Z" }],
    ["a day that is not", { ...all, from: "2026-02-31T00:00:00Z" }],
    ["a partition that is no number", { ...all, partition: "x" }],
    ["no prefix", { kind: "replay", source: sites, prefix: "" }],
  ])("is refused before it is written, or can be read again: %s", async (_what, request) => {
    const worker = new Worker(await newWorld(bench));
    let jobId: string;
    try {
      ({ jobId } = await worker.backfill.submit(request));
    } catch (error) {
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(await worker.backfill.list(10)).toEqual([]);
      return;
    }
    expect(await worker.backfill.find(jobId)).toMatchObject({ jobId });
  });

  test("is the same in whatever order its fields come", async () => {
    const { backfill } = new Worker(await newWorld(bench));
    const request: BackfillRequest = { from: 0, source: bronze, kind: "replay" };
    const first = await backfill.submit(request, { idempotencyKey: "k" });
    expect((await backfill.submit(request, { idempotencyKey: "k" })).jobId).toBe(first.jobId);
  });
});

test("an older build never takes a view back to its own query for a refresh", async () => {
  const world = await newWorld(bench);
  const newer = definePipeline("fixture", [
    events,
    readings,
    materializedView(gold, {
      ...soon,
      query: read(readings)
        .filter(({ value }) => value.gt(1))
        .groupBy("value")
        .agg(() => ({ readings: count() })),
    }),
    landed,
  ]);
  const next = new EngineWorld({ bench, pipeline: newer }, world.estate);
  await next.engine.continue(gold);
  await next.quiet();
  const [old, current] = [new Worker(world), new Worker(next)];
  const { jobId } = await current.backfill.submit({ kind: "refresh", table: gold });
  // The queue hands the bell to an instance that has not been replaced yet.
  await old.backfill.advance(jobId, 60_000);
  await old.backfill.advance(jobId, 60_000);
  await current.work();
  await next.quiet();
  expect(await next.rows(gold)).toEqual([{ value: 3, readings: 1 }]);
  const newest = await next.record(`checkpoints/${gold}/generations/00000000000000000003`);
  expect(newest?.["planFingerprint"]).toBe(next.flow(gold).fingerprint);
});

test("bells that come twice do not stay twice", async () => {
  const worker = new Worker(await newWorld(bench));
  await worker.world.engine.pause(bronze);
  const options = { idempotencyKey: "once" };
  for (let n = 0; n < 5; n++) await worker.backfill.submit(all, options);
  for (let round = 0; round < 3; round++)
    await Promise.all(worker.bells.splice(0).map(({ jobId, turn }) => worker.backfill.advance(jobId, 60_000, turn)));
  expect(worker.bells.length).toBe(1);
});

describe("a refresh", () => {
  test("is counted by its own batch, whatever came after it", async () => {
    const worker = new Worker(await newWorld(bench));
    const { world } = worker;
    const { jobId } = await worker.backfill.submit({ kind: "refresh", table: gold });
    await world.engine.pause(gold);
    await worker.backfill.advance(jobId, 0);
    await world.engine.resume(gold);
    await world.quiet();
    world.send("0", [readingAt(502, "f", null, 1)]);
    await world.quiet();
    expect(await worker.backfill.advance(jobId, 0)).toMatchObject({ state: "SUCCEEDED", rows: 2 });
  });

  test("takes one generation, though two begin it at once", async () => {
    const world = await newWorld(bench);
    const first = new Worker(world);
    const { jobId } = await first.backfill.submit({ kind: "refresh", table: gold });
    let lists = 0;
    // Just before it takes the next generation, another instance does all of it.
    const wrap = (store: ObjectStore): ObjectStore =>
      aroundStore(store, async ({ name, path }, run) => {
        const isThird = name === "list" && path === `checkpoints/${gold}/generations/` && ++lists === 3;
        if (isThird) await first.backfill.advance(jobId, 0);
        return run();
      });
    const second = new Worker(new EngineWorld({ bench, pipeline, wrap }, world.estate));
    await second.backfill.advance(jobId, 0);
    expect(lists).toBeGreaterThan(2);
    expect(await world.record(`checkpoints/${gold}/generations/00000000000000000003`)).toBeUndefined();
  });
});

test("files that are too old for the ledger are read by a replay, once, where the table does not have them", async () => {
  const worker = new Worker(await newWorld(bench));
  const { world } = worker;
  await world.land("landing/sites/2024/a.csv", "code\nold\n");
  await world.quiet();
  await world.land("landing/sites/2025/b.csv", "code\nx\ny\n");
  world.clock.advance(400 * 86_400_000);
  await world.quiet();
  const codes = async () => (await world.rows(sites)).map(({ code }) => code);
  expect(await codes()).toEqual(["old"]);
  const request = { kind: "replay", source: sites, prefix: "landing/sites/" } as const;
  expect(await worker.done(request)).toMatchObject({ state: "SUCCEEDED", rows: 2 });
  expect(await worker.done(request)).toMatchObject({ state: "SUCCEEDED", rows: 0 });
  // The ledger forgets what is too old when its small files are merged; the table remembers.
  for (let n = 0; n <= limits.stateSmallFilesMax; n++) {
    await world.land(`landing/sites/2026/${n}.csv`, `code\nz${n}\n`);
    await world.quiet();
  }
  expect(await worker.done(request)).toMatchObject({ state: "SUCCEEDED", rows: 0 });
  expect((await codes()).filter((code) => !String(code).startsWith("z"))).toEqual(["old", "x", "y"]);
});
