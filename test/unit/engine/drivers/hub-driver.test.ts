/** Event Hub → bronze (engine-rules 6): the offsets decide the range, the trigger's payload is only a cache of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HubEvent } from "../../../../shared/sources/index.ts";
import { dyingAtOutcome, expectCrash } from "../../../support/engine-faults.ts";
import { EngineBench, EngineWorld, startMs } from "../../../support/engine-harness.ts";
import { committedBatches } from "../../../support/engine-oracle.ts";
import { engineFixture } from "../../../support/engine-pipeline.ts";

const careful = engineFixture();
const careless = engineFixture({ failOnDataLoss: false });
const bronze = "bronze.events";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

function newWorld(pipeline = careful): EngineWorld {
  return new EngineWorld({ bench, pipeline });
}

/** Sequence numbers in bronze, of one partition or of all. */
async function sequences(world: EngineWorld): Promise<number[]> {
  const rows = await world.rows(bronze);
  return rows.map((row) => Number(row["sequence_number"])).sort((a, b) => a - b);
}

async function failure(world: EngineWorld): Promise<unknown> {
  const record = await world.record(`checkpoints/${bronze}/state.json`);
  return (record?.["failure"] as { code: string } | null | undefined)?.code;
}

async function dieAtOutcome(world: EngineWorld, batch: number): Promise<void> {
  world.restart(dyingAtOutcome(bronze, batch));
  await world.engine.sweep().catch(expectCrash);
}

const payloads: readonly { readonly what: string; readonly deliveries: readonly (readonly number[])[] }[] = [
  {
    what: "one after another",
    deliveries: [
      [0, 1, 2],
      [3, 4],
      [5, 6, 7],
    ],
  },
  {
    what: "that repeat",
    deliveries: [
      [0, 1, 2],
      [0, 1, 2],
      [3, 4, 5, 6, 7],
      [3, 4],
    ],
  },
  {
    what: "that overlap",
    deliveries: [
      [0, 1, 2, 3],
      [2, 3, 4, 5],
      [5, 6, 7],
    ],
  },
  { what: "that begin after a gap", deliveries: [[0], [4, 5], [7]] },
  { what: "with a gap inside", deliveries: [[0, 1, 4, 5], [7]] },
  {
    what: "with one event twice",
    deliveries: [
      [0, 1, 1, 2, 3, 3],
      [3, 4, 5, 6, 7],
    ],
  },
  {
    what: "out of order",
    deliveries: [
      [2, 1, 0],
      [7, 3, 5],
    ],
  },
  { what: "that are empty", deliveries: [[], [0, 1], []] },
];

describe("payloads of the trigger", () => {
  test.each(payloads)("$what give each event once", async ({ deliveries }) => {
    const world = newWorld();
    const stored = world.send(
      "0",
      Array.from({ length: 8 }, (_, n) => `event ${n}`),
    );
    for (const delivery of deliveries) {
      await world.engine.hubEvents(
        "events",
        "0",
        delivery.map((n) => stored[n] as HubEvent),
      );
      const seen = await sequences(world);
      expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => n));
    }
    await world.quiet();
    expect(await sequences(world)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect((await world.rows(bronze)).map((row) => String(row["event_data"])).sort()).toEqual(
      Array.from({ length: 8 }, (_, n) => `event ${n}`),
    );
  });

  test("with application properties are read from the hub, because the host alters them", async () => {
    const world = newWorld();
    const plain = world.send("0", ["plain"]);
    const stored = world.send("0", ["with properties"], { Source: "gate", count: 3 });
    const altered = stored.map((event) => ({
      ...event,
      body: new TextEncoder().encode("altered"),
      properties: { source: "gate" },
    }));
    await world.engine.hubEvents("events", "0", [...plain, ...altered]);
    const rows = await world.rows(bronze);
    expect(rows.map((row) => [row["event_data"], row["properties"]])).toEqual([
      ["plain", null],
      ["with properties", '{"Source":"gate","count":3}'],
    ]);
  });

  test("are taken as they are where they are unchanged, without reading the hub", async () => {
    const world = newWorld();
    const stored = world.send("0", ["a", "b"]);
    let reads = 0;
    const read = world.estate.hub.read.bind(world.estate.hub);
    world.estate.hub.read = (range) => {
      reads++;
      return read(range);
    };
    await world.engine.hubEvents("events", "0", stored);
    expect(await sequences(world)).toEqual([0, 1]);
    expect(reads).toBe(0);
  });

  test("that come after an open batch wait until it is finished with exactly its range", async () => {
    const world = newWorld();
    world.send("0", ["a", "b"]);
    await dieAtOutcome(world, 1);
    const later = world.send("0", ["c", "d"]);
    world.restart();
    await world.engine.hubEvents("events", "0", later);
    const ranges = (await committedBatches(world, bronze)).map(({ offsets }) => offsets.inputs["events"]);
    expect(ranges).toMatchObject([
      { fromSequence: 0, untilSequence: 2 },
      { fromSequence: 2, untilSequence: 4 },
    ]);
    expect(await sequences(world)).toEqual([0, 1, 2, 3]);
  });
});

test("a body is kept byte for byte: text as text, anything else as bytes", async () => {
  const world = newWorld();
  const notText = Uint8Array.of(0x61, 0xff, 0x00);
  const large = "0123456789abcdef".repeat(65_536);
  const bodies = ["", "plain", "\u{feff}with a mark", "zero\u0000inside", "ünïcödé 🙂", notText, large];
  world.send("0", bodies);
  await world.engine.sweep();
  const rows = [...(await world.rows(bronze))].sort(
    (a, b) => Number(a["sequence_number"]) - Number(b["sequence_number"]),
  );
  expect(rows.map((row) => row["event_data"])).toEqual(bodies.map((body) => (typeof body === "string" ? body : null)));
  expect(rows.map((row) => row["event_data_binary"])).toEqual(
    bodies.map((body) => (typeof body === "string" ? null : Buffer.from(body).toString("base64"))),
  );
  expect(await world.stateOf("silver.readings")).toBe("RUNNING");
});

describe("a hub that lost events before they were read", () => {
  test("fails its flow, which goes on nowhere", async () => {
    const world = newWorld();
    world.send("0", ["a", "b"]);
    await world.engine.sweep();
    world.send("0", ["c", "d", "e"]);
    world.estate.hub.expireBefore("0", 4);
    await world.engine.sweep();
    expect(await world.stateOf(bronze)).toBe("FAILED");
    expect(await failure(world)).toBe("DATA_LOSS");
    expect(await sequences(world)).toEqual([0, 1]);
  });

  test("is read from its first event on where the loss is accepted, and the loss is logged", async () => {
    const world = newWorld(careless);
    world.send("0", ["a", "b"]);
    await world.engine.sweep();
    world.send("0", ["c", "d", "e"]);
    world.estate.hub.expireBefore("0", 4);
    await world.quiet();
    expect(await sequences(world)).toEqual([0, 1, 4]);
    expect(world.lines).toEqual([
      expect.objectContaining({ level: "warn", message: expect.stringContaining("2 to 3") as string }),
    ]);
  });

  test("fails its flow too when the events of an open batch are gone", async () => {
    const world = newWorld();
    world.send("0", ["a", "b", "c"]);
    await dieAtOutcome(world, 1);
    world.estate.hub.expireBefore("0", 2);
    world.restart();
    await world.engine.sweep();
    expect(await failure(world)).toBe("DATA_LOSS");
    expect(await sequences(world)).toEqual([]);
  });

  test("finishes an open batch with what is left of it where the loss is accepted", async () => {
    const world = newWorld(careless);
    world.send("0", ["a", "b", "c"]);
    await dieAtOutcome(world, 1);
    world.send("0", ["d"]);
    world.estate.hub.expireBefore("0", 2);
    world.restart();
    await world.quiet();
    expect(await world.stateOf(bronze)).toBe("RUNNING");
    expect(await sequences(world)).toEqual([2, 3]);
  });

  test("finishes an open batch of which nothing is left where the loss is accepted", async () => {
    const world = newWorld(careless);
    world.send("0", ["a", "b", "c"]);
    await dieAtOutcome(world, 1);
    world.send("0", ["d"]);
    world.estate.hub.expireBefore("0", 3);
    world.restart();
    await world.quiet();
    expect(await sequences(world)).toEqual([3]);
  });
});

describe("a hub that was created again", () => {
  const later = BigInt(startMs + 86_400_000) * 1_000n;

  test("fails its flow", async () => {
    const world = newWorld();
    world.send("0", ["a", "b"]);
    await world.engine.sweep();
    world.estate.hub.recreate(later);
    world.send("0", ["new"]);
    world.restart();
    await world.engine.sweep();
    expect(await failure(world)).toBe("HUB_CHANGED");
    expect(await sequences(world)).toEqual([0, 1]);
  });

  test("is read from its start where the loss is accepted; the epoch tells its events from the old ones", async () => {
    const world = newWorld(careless);
    world.send("0", ["a", "b"]);
    await world.engine.sweep();
    world.estate.hub.recreate(later);
    world.send("0", ["new"]);
    world.restart();
    await world.quiet();
    const rows = await world.rows(bronze);
    expect(
      rows.map((row) => [row["event_data"], row["sequence_number"], String(row["source_epoch"]).slice(0, 10)]),
    ).toEqual([
      ["a", 0, "2026-02-28"],
      ["b", 1, "2026-02-28"],
      ["new", 0, "2026-03-02"],
    ]);
  });

  test.each([
    { pipeline: "careful", state: "FAILED", rows: [] },
    {
      pipeline: "careless",
      state: "RUNNING",
      rows: [
        ["new 0", "2026-03-02"],
        ["new 1", "2026-03-02"],
        ["new 2", "2026-03-02"],
      ],
    },
  ])("never fills an open batch of the old one with its events ($pipeline)", async ({ pipeline, state, rows }) => {
    const world = newWorld(pipeline === "careful" ? careful : careless);
    world.send("0", ["old 0", "old 1"]);
    await dieAtOutcome(world, 1);
    world.estate.hub.recreate(later);
    world.send("0", ["new 0", "new 1", "new 2"]);
    world.restart();
    await world.quiet();
    expect(await world.stateOf(bronze)).toBe(state);
    expect(
      (await world.rows(bronze)).map((row) => [row["event_data"], String(row["source_epoch"]).slice(0, 10)]),
    ).toEqual(rows);
  });
});
