import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { assumed } from "../../../infra/cost/assumptions.ts";
import { CostProblem, estimate, type Estimate, type EstimateOptions } from "../../../infra/cost/estimate.ts";
import { priceTable } from "../../../infra/cost/prices.ts";
import { pipelines } from "../../../pipelines/index.ts";
import {
  count,
  definePipeline,
  eventHub,
  files,
  manifest,
  materializedView,
  read,
  streamingTable,
  string,
  struct,
} from "../../../shared/pipeline/index.ts";

const events = streamingTable("bronze.events", {
  from: eventHub("events", { partitions: 2 }),
  partitionBy: ["ingestion_date"],
  minInterval: "1 second",
});
const daily = materializedView("gold.daily", {
  query: read(events)
    .groupBy("ingestion_date")
    .agg(() => ({ events: count() })),
  minInterval: "10 seconds",
});
const small = [manifest(definePipeline("small", [events, daily]))];
const options = { eventsPerSecond: 1_000, eventBytes: 500, retentionDays: 30, capture: false, warm: false } as const;
const unitsOf = ({ lines }: Estimate) => Object.fromEntries(lines.map(({ price, units }) => [price, units]));

describe("a hub with two partitions, a batch a second in each, and a view every ten seconds", () => {
  it("costs what is computed by hand", () => {
    const units = unitsOf(estimate(small, options));
    const month = 2_628_000;
    const rewritten = (4 * 500_000) / 4_194_304;
    const merges = (((2 * 100) / 99 / 100) * 2 + rewritten) * month;
    const mergeReads = ((2 * 100) / 99 + rewritten) * month;
    // 2 + 0.1 batches a second, and 1,000 events in two tables: 0.21 + 0.02 cores.
    const expected = {
      throughputUnitHour: 730,
      millionIngress: 2_628,
      captureUnitHour: 0,
      // The hub's function and that of notices are never idle; the sweep runs 43,800 times; 100,000 are free.
      gigabyteSecond: (2 * month + 43_800) * 2 - 100_000,
      baselineGigabyteSecond: 0,
      // 2 runs and 2.1 notices a second, and the sweep; 250,000 are free.
      millionExecutions: (4.1 * month + 43_800 - 250_000) / 1e6,
      logGigabyte: ((4.1 * month + 43_800) * 600) / 1e9 - 5,
      // 500 kB a second: 40 % in bronze, 1 % in the view; 30 days and 14 twice.
      storedGigabyteMonth: (500_000 * 0.41 * 44 * 86_400) / 1e9,
      // 2 checkpoints of the trigger a second, every 30 s a listing and two owners, and 2 tables looked at every 15 minutes.
      hostWrites: ((2 * 3 + 0.1 * 9 + 2 + 3 / 30) * month + (2 * 43_800) / 15) / 1e4,
      // Each sweep asks for the heads of 2 flows, and whether it is time to look after 2 tables.
      hostReads: ((2 * 8 + 0.1 * 10) * month + 4 * 43_800) / 1e4,
      // 250 kB in a file of bronze: 6 % of what one write takes.
      // Of a hundred files one is made, with a commit, and their bytes are written four times.
      lakeWrites: ((2 * 2 + 0.1 * 2 + 500_000 / 4_194_304) * month + merges) / 1e4,
      lakeReads: ((2 * 1 + 0.1 * 4) * month + 2 * 43_800 + (3 * 2 * 43_800) / 15 + mergeReads) / 1e4,
      // Two blobs of each batch, and a notice of each commit; 100,000 are free.
      millionGridOperations: ((4.2 + 2.1) * month + merges - 100_000) / 1e6,
      queueOperations: (2.1 * 3 * month) / 1e4,
    };
    expect(Object.keys(units).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [price, value] of Object.entries(expected)) expect(units[price], price).toBeCloseTo(value, 4);
  });

  it("costs the sum of its lines, each so much of something at its price", () => {
    const { lines, totalUsd } = estimate(small, options);
    for (const { price, units, usd } of lines) expect(usd).toBe(units * priceTable[price].usd);
    expect(totalUsd).toBeCloseTo(
      lines.reduce((sum, { usd }) => sum + usd, 0),
      6,
    );
  });

  it("costs a throughput unit, Capture and a few reads where nothing arrives", () => {
    const idle = estimate(small, { ...options, eventsPerSecond: 0, capture: true });
    expect(idle.lines.filter(({ usd }) => usd > 0).map(({ price }) => price)).toEqual([
      "throughputUnitHour",
      "captureUnitHour",
      "hostWrites",
      "hostReads",
      "lakeReads",
    ]);
    const looks = (2 * 43_800) / 15 / 1e4;
    const reads = (8.76 + 8.76) * 0.0044 + (8.76 + 3 * looks) * 0.0057;
    expect(idle.totalUsd).toBeCloseTo(730 * 0.03 + 730 * 0.1 + looks * 0.055 + reads, 6);
    expect(estimate(small, { ...options, capture: true }).idleUsd).toBeCloseTo(idle.totalUsd, 6);
  });

  it("costs nothing of Event Hubs where every table is fed by files", () => {
    const landed = files("landing/shops/**.csv", { format: "csv", schema: struct({ id: string() }) });
    const shops = [manifest(definePipeline("shops", [streamingTable("bronze.shops", { from: landed })]))];
    expect(unitsOf(estimate(shops, { ...options, capture: true }))).toMatchObject({
      throughputUnitHour: 0,
      millionIngress: 0,
      captureUnitHour: 0,
    });
  });

  it("keeps an instance ready for the hub, two queues and HTTP where it is warm, without free grants", () => {
    const units = unitsOf(estimate(small, { ...options, warm: true }));
    expect(units["baselineGigabyteSecond"]).toBe(4 * 2 * 2_628_000);
    expect(units["readyGigabyteSecond"]).toBe((2 * 2_628_000 + 43_800) * 2);
  });

  it("needs fewer requests where batches wait for each other", () => {
    const [often, seldom] = [estimate(small, options), estimate(small, { ...options, minIntervalSeconds: 10 })];
    expect(seldom.batchesPerSecond).toBeCloseTo(0.3, 6);
    expect(unitsOf(seldom)["hostWrites"]).toBeLessThan((unitsOf(often)["hostWrites"] ?? 0) / 4);
    expect(seldom.totalUsd).toBeLessThan(often.totalUsd);
  });

  it("is compared with machines that are always on, with Event Hubs, capacity and logs the same", () => {
    const made = estimate(small, options);
    const keptUsd = ["throughputUnitHour", "millionIngress", "storedGigabyteMonth", "logGigabyte"].reduce(
      (sum, name) => sum + (made.lines.find(({ price }) => price === name)?.usd ?? 0),
      0,
    );
    const [cluster, streaming] = made.alternatives;
    expect(cluster?.computeUsd).toBeCloseTo(2 * 730 * (0.23 + 0.75 * 0.3), 6);
    expect(streaming?.computeUsd).toBeCloseTo(2 * 3 * 730 * 0.11, 6);
    for (const { computeUsd, totalUsd } of made.alternatives) expect(totalUsd).toBeCloseTo(keptUsd + computeUsd, 6);
  });
});

describe("throughput units", () => {
  it.for([
    { eventsPerSecond: 1, eventBytes: 1, units: 1 },
    { eventsPerSecond: 1_000, eventBytes: 1_000, units: 1 },
    { eventsPerSecond: 1_001, eventBytes: 1, units: 2 },
    { eventsPerSecond: 100, eventBytes: 100_000, units: 10 },
  ])("$eventsPerSecond events/s of $eventBytes bytes need $units", ({ units, ...load }) => {
    expect(estimate(small, { ...options, ...load }).throughputUnits).toBe(units);
  });

  it("are as many as a namespace has, or the load is refused", () => {
    expect(() => estimate(small, { ...options, eventsPerSecond: 40_001 })).toThrow(CostProblem);
  });

  it("count large events by pieces of 64 KB", () => {
    const ingress = (eventBytes: number) =>
      unitsOf(estimate(small, { ...options, eventsPerSecond: 1, eventBytes }))["millionIngress"];
    expect([ingress(65_536), ingress(65_537)]).toEqual([2.628, 5.256]);
  });
});

it("the bill never shrinks where more events come, larger ones, or they are kept for longer", () => {
  const manifests = pipelines.map(manifest);
  const load = fc.record({
    eventsPerSecond: fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.integer({ min: 0, max: 15_000 })),
    eventBytes: fc.integer({ min: 1, max: 1_200 }),
    retentionDays: fc.integer({ min: 1, max: 1_000 }),
    capture: fc.boolean(),
    warm: fc.boolean(),
  });
  const more = fc.record({
    events: fc.double({ min: 0, max: 5_000, noNaN: true }),
    bytes: fc.nat(800),
    days: fc.nat(400),
  });
  fc.assert(
    fc.property(load, more, (less, by) => {
      const total = (each: EstimateOptions) => estimate(manifests, each).totalUsd;
      const before = total(less);
      const larger: readonly EstimateOptions[] = [
        { ...less, eventsPerSecond: less.eventsPerSecond + by.events },
        { ...less, eventBytes: less.eventBytes + by.bytes },
        { ...less, retentionDays: less.retentionDays + by.days },
        { ...less, capture: true },
      ];
      for (const each of larger) expect(total(each)).toBeGreaterThanOrEqual(before - 1e-9);
    }),
    { numRuns: 300 },
  );
});

it("every price has a source with a date, or is assumed, and every assumption says what it is", () => {
  for (const { usd, unit, source, date } of Object.values(priceTable)) {
    expect(usd).toBeGreaterThan(0);
    expect(unit).not.toBe("");
    expect(date === undefined ? source : date).toMatch(date === undefined ? /^assumed$/ : /^20\d\d(-\d\d){0,2}$/);
  }
  for (const { value, says } of Object.values(assumed)) expect([value > 0, says.length > 10]).toEqual([true, true]);
});
