/**
 * An instance dies at a call of a store, another one comes and finds what was left: whatever the call was, no row is lost or doubled
 * (engine-rules 1, 2). By default a sample of the calls is tried; `CRASHES=all` tries each of them, `SEED=…` another sample.
 */
import { VirtualClock } from "../../../shared/testing/virtual-clock.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../../shared/core/index.ts";
import type { MemoryEventHub } from "../../../shared/sources/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { aroundStore, CrashPoint, isCrash, Journal } from "../../support/engine-faults.ts";
import {
  EngineBench,
  EngineWorld,
  newEstate,
  startMs,
  type Estate,
  type Tables,
} from "../../support/engine-harness.ts";
import { commitsOfTxns, judgeStream, judgeView } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { scenario, type Act } from "../../support/engine-scenario.ts";

const seed = Number(process.env["SEED"] ?? 20_260_301);
const tries = process.env["CRASHES"] === "all" ? Number.POSITIVE_INFINITY : 12;
const replay = `SEED=${seed} CRASHES=${process.env["CRASHES"] ?? "sample"} npx vitest run --project unit test/unit/engine/crash.test.ts`;
const pipeline = engineFixture();

/** An estate that can be made again as it was when an act began. */
class RecordedEstate implements Estate {
  readonly clock = new VirtualClock(startMs);
  readonly random = seededRandom(seed);
  readonly hub: MemoryEventHub;
  arrivals = 0;
  readonly host;
  readonly lake;
  readonly #host = new Journal();
  readonly #lake = new Journal();
  readonly #sent: ((hub: MemoryEventHub) => void)[] = [];

  constructor() {
    const { hub } = newEstate(seed);
    this.hub = hub;
    this.host = this.#host.of(new MemoryStore(this), () => this.clock.nowMs());
    this.lake = this.#lake.of(new MemoryStore(this), () => this.clock.nowMs());
    const send = hub.send.bind(hub);
    hub.send = (partition, events) => {
      this.#sent.push((other) => void other.send(partition, events));
      return send(partition, events);
    };
  }

  get mark() {
    return {
      host: this.#host.length,
      lake: this.#lake.length,
      sent: this.#sent.length,
      arrivals: this.arrivals,
      nowMs: this.clock.nowMs(),
    };
  }

  async copyAt(mark: RecordedEstate["mark"], copySeed: number): Promise<Estate> {
    let nowMs = startMs;
    const moving = { nowMs: () => nowMs, sleep: async () => {} };
    const clock = new VirtualClock(mark.nowMs);
    const { hub } = newEstate();
    for (const again of this.#sent.slice(0, mark.sent)) again(hub);
    const random = seededRandom(copySeed);
    const stores = {
      host: new MemoryStore({ clock: moving, random }),
      lake: new MemoryStore({ clock: moving, random }),
    };
    await this.#host.replay(stores.host, mark.host, (ms) => (nowMs = ms));
    await this.#lake.replay(stores.lake, mark.lake, (ms) => (nowMs = ms));
    moving.nowMs = () => clock.nowMs();
    return { clock, random, hub, arrivals: mark.arrivals, ...stores };
  }
}

let bench: EngineBench;
const recorded = new RecordedEstate();
const marks: RecordedEstate["mark"][] = [];
/** All tables after each act. */
const undisturbed: Tables[] = [];
/** Calls that each act makes. */
const calls: number[] = [];

beforeAll(async () => {
  bench = await EngineBench.open();
  const world = new EngineWorld({ bench, pipeline }, recorded);
  for (const act of scenario) {
    marks.push(recorded.mark);
    const counter = new CrashPoint(0, "before");
    world.restart((store) => aroundStore(store, counter.around));
    await act.happens(world);
    await act.works(world);
    calls.push(counter.calls);
    await world.quiet();
    undisturbed.push(await world.everything());
  }
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** The crashes to try: each call of each act, before and after its effect, or an even sample of them. */
function crashes(): { readonly act: number; readonly at: number; readonly moment: "before" | "after" }[] {
  const all = scenario.flatMap((_, act) =>
    Array.from({ length: calls[act] ?? 0 }, (__, call) => call + 1).flatMap((at) => [
      { act, at, moment: "before" as const },
      { act, at, moment: "after" as const },
    ]),
  );
  const step = Math.max(1, all.length / tries);
  const first = seededRandom(seed).next() * step;
  const picked = [];
  for (let i = first; i < all.length; i += step) picked.push(all[Math.floor(i)]);
  return picked.filter((each) => each !== undefined);
}

async function dieAndComeBack(
  act: number,
  at: number,
  moment: "before" | "after",
): Promise<{ world: EngineWorld; place: string }> {
  const estate = await recorded.copyAt(marks[act] as RecordedEstate["mark"], seed + at);
  const point = new CrashPoint(at, moment);
  const world = new EngineWorld({ bench, pipeline }, estate);
  world.restart((store) => aroundStore(store, point.around));
  const { happens, works } = scenario[act] as Act;
  await happens(world);
  try {
    await works(world);
  } catch (error) {
    if (!isCrash(error)) throw error;
  }
  world.restart();
  await world.quiet();
  return { world, place: point.place ?? "never" };
}

describe("an instance that dies", () => {
  test(
    "leaves the tables as an undisturbed run makes them, each txn once, once another comes",
    { timeout: 1_800_000 },
    async () => {
      for (const { act, at, moment } of crashes()) {
        const { world, place } = await dieAndComeBack(act, at, moment);
        const where = `act ${act}, ${place}; again with: ${replay}`;
        expect(await world.everything(), where).toEqual(undisturbed[act]);
        const twice = [...(await commitsOfTxns(world))].filter(([, count]) => count !== 1);
        expect(twice, where).toEqual([]);
      }
    },
  );

  test("is only one of the calls of an undisturbed run, which itself keeps the law", async () => {
    const world = new EngineWorld({ bench, pipeline }, recorded);
    for (const name of ["silver.readings", "silver.bodies"]) {
      const { actual, lawful } = await judgeStream(world, name);
      expect(actual).toEqual(lawful);
    }
    for (const name of ["gold.by_device", "gold.by_site", "gold.with_device", "gold.total"]) {
      const { actual, lawful } = await judgeView(world, name);
      expect(actual).toEqual(lawful);
    }
    expect(undisturbed.at(-1)?.["bronze.events"]).toHaveLength(17);
    expect(await world.stateOf("silver.readings")).toBe("RUNNING");
  });
});
