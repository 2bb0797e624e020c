/** Backfills over HTTP: who may ask for what, and how jobs are told. What they do is the engine's, and tested there. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JobRecord } from "../../../shared/checkpoint/index.ts";
import type { HttpServices } from "../../../shared/http/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { askedOf, type Asked } from "../../support/http-world.ts";

const replay = { kind: "replay", source: "bronze.events", from: 0 };

let bench: EngineBench;
let world: EngineWorld;
let service: Asked<HttpServices>;
beforeAll(async () => {
  bench = await EngineBench.open();
  world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await world.quiet();
  service = askedOf(world);
});
afterAll(() => bench[Symbol.asyncDispose]());

const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  service.ask(
    "/api/backfill",
    { "content-type": "application/json", ...headers },
    { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) },
  );

test("a job that is taken on says where it tells how far it is, is listed, and is ended", async () => {
  const taken = await post(replay);
  const { jobId, statusUrl } = taken.json;
  expect([taken.status, taken.headers["location"], statusUrl]).toEqual([
    202,
    statusUrl,
    `/api/backfill/${String(jobId)}`,
  ]);
  const job = await service.ask(String(statusUrl));
  expect([job.status, job.json]).toEqual([
    200,
    {
      jobId,
      flow: "bronze.events",
      request: replay,
      requestedBy: "local",
      createdTime: expect.any(String),
      state: "QUEUED",
      updatedTime: expect.any(String),
      endedTime: null,
      plan: null,
      progress: { unit: "events", done: 0, total: null },
      rows: 0,
      waitsFor: null,
      error: null,
    },
  ]);
  expect((await service.ask("/api/backfill")).json).toEqual({ jobs: [job.json] });
  const ended = await service.ask(String(statusUrl), {}, { method: "DELETE" });
  expect([ended.status, ended.json["state"]]).toEqual([200, "CANCELLED"]);
});

test("a job that a bug ended says that it is one, and no more", async () => {
  const bugs = ["INTERNAL_ERROR", "COMPUTE_FAILED", "FLOW_FAILED"];
  const { jobId } = (await post(replay)).json;
  const record = JSON.parse((await service.ask(`/api/backfill/${String(jobId)}`)).text) as JobRecord;
  const failed = bugs.map((code) => ({ ...record, error: { code, message: "of the inside" } }));
  const told = askedOf(world, {
    backfill: {
      submit: async () => record,
      find: async () => record,
      cancel: async () => record,
      list: async () => failed,
    },
  });
  const { jobs } = (await told.ask("/api/backfill")).json as { jobs: readonly JobRecord[] };
  expect(jobs.map(({ error }) => [error?.code, error?.message.includes("inside")])).toEqual([
    ["INTERNAL_ERROR", false],
    ["INTERNAL_ERROR", false],
    ["FLOW_FAILED", true],
  ]);
});

test("a key gives the same job for the same request, and is refused for another", async () => {
  const key = { "idempotency-key": "once" };
  const [first, again] = [await post(replay, key), await post(replay, key)];
  expect(again.json).toEqual(first.json);
  expect(await post({ ...replay, from: 1 }, key)).toMatchObject({
    status: 422,
    json: { code: "IDEMPOTENCY_KEY_REUSED" },
  });
});

describe("what cannot be done is refused", () => {
  test.each<[string, unknown, string]>([
    ["nothing", "", "not JSON"],
    ["an empty request", {}, "kind"],
    ["another kind", { kind: "dance" }, "kind"],
    ["more than there is", { ...replay, also: 1 }, "also"],
    ["a time without its zone", { ...replay, from: "2026-03-01T00:00:00" }, "from"],
    ["a day that there is not", { ...replay, from: "2026-02-31T00:00:00Z" }, "from"],
    ["a number below none", { ...replay, from: -1 }, "from"],
    ["a table that there is not", { ...replay, source: "bronze.other" }, "There is no table"],
    ["a refresh of a streaming table", { kind: "refresh", table: "silver.readings" }, "not refreshed"],
  ])("%s", async (_, body, said) => {
    const { status, json } = await post(body);
    expect([status, json["code"], json["detail"]]).toEqual([400, "INVALID_ARGUMENT", expect.stringContaining(said)]);
  });

  test("a body that is not said to be JSON, as another site's page would send it", async () => {
    const { status } = await post(replay, { "content-type": "text/plain" });
    expect(status).toBe(400);
  });

  test("a job that there is not", async () => {
    for (const method of ["GET", "DELETE"])
      expect(await service.ask("/api/backfill/0f8c0000-0000-4000-8000-000000000000", {}, { method })).toMatchObject({
        status: 404,
        json: { code: "JOB_NOT_FOUND" },
      });
  });
});
