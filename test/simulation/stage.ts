/** Where a schedule is played: stores and a hub that fail as it says, one clock, and turns at every call, so that a seed gives one order of events. */
import { VirtualClock } from "../../shared/testing/virtual-clock.ts";
import { createHash } from "node:crypto";
import { seededRandom, DyneError, type Random } from "../../shared/core/index.ts";
import { MemoryEventHub, type EventHubReader } from "../../shared/sources/index.ts";
import { MemoryStore, type ObjectStore } from "../../shared/storage/index.ts";
import { aroundStore, Baton, CrashPoint, isPassing, withoutLeases, type Around } from "../support/engine-faults.ts";
import { startMs, type Estate } from "../support/engine-harness.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import type { Raise } from "./raises.ts";
import type { Act, Runner, Schedule } from "./schedule.ts";

/** Calls of one schedule, many times what one needs. Beyond them it does not come to rest. */
const callsMax = 3_000;
/** Calls that are shown where a schedule fails. */
const callsShown = 40;

/** Entries of a log are created once; nothing replaces or removes them. */
const isLogEntry = (path: string): boolean => /\/(offsets|outcome|commits|generations)\/|\/_delta_log\//.test(path);

export class Stage {
  readonly clock = new VirtualClock(startMs);
  readonly hub = new MemoryEventHub("events", 2, BigInt(startMs - 86_400_000) * 1000n);
  /** What nobody may do to a log. */
  readonly violations: string[] = [];
  /** How often each misfortune struck. */
  readonly met = { deaths: 0, freezes: 0, faults: 0, jumps: 0, turns: 0, raises: 0, replays: 0 };
  /** Raises generations while the others stand between two calls. */
  operator: (raise: Raise) => Promise<boolean> = async () => false;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #stores: Readonly<Record<"host" | "lake", ObjectStore>>;
  readonly #faulty: Readonly<Record<"host" | "lake", FaultyStore>>;
  readonly #trace = createHash("sha256");
  readonly #shown: string[] = [];
  #calls = 0;
  #callsOfAct = 0;
  #act: Act | undefined;
  #baton: Baton;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#random = seededRandom(schedule.seed * 69_069 + 5);
    this.#baton = new Baton(this.#random, []);
    const store = (): ObjectStore => this.#guarded(new MemoryStore({ clock: this.clock, random: this.#random }));
    this.#stores = { host: store(), lake: store() };
    const faulty = (inner: ObjectStore): FaultyStore =>
      new FaultyStore(inner, { random: this.#random, rates: schedule.faults });
    this.#faulty = { host: faulty(this.#stores.host), lake: faulty(this.#stores.lake) };
  }

  /** The estate as it is: no faults, no turns. */
  get estate(): Estate {
    const counted: Around = (_operation, work) => {
      this.#count();
      return work();
    };
    return this.#estate(0, {
      host: aroundStore(this.#stores.host, counted),
      lake: aroundStore(this.#stores.lake, counted),
    });
  }

  /** A digest of the runners' calls: equal for equal runs. */
  get digest(): string {
    return this.#trace.copy().digest("hex");
  }

  /** The last calls, oldest first. */
  get lastCalls(): readonly string[] {
    return this.#shown.slice(-callsShown);
  }

  /** These take turns from now on; each of them has to `run`. */
  begin(act: Act, names: readonly string[]): Baton {
    if (names.length === 0) throw new Error("an act without runners");
    this.met.turns += this.#baton.passes;
    this.#act = act;
    this.#callsOfAct = 0;
    this.#baton = new Baton(this.#random, names, this.#schedule.passRate);
    this.#baton.begin();
    return this.#baton;
  }

  /** What an instance sees of the estate, for as long as it lives. */
  instance(name: string, lifeSeed: number): Instance {
    const fate = new Fate();
    const around: Around = async (operation, work) => {
      if (fate.isFreezing()) {
        this.met.freezes++;
        this.#baton.freeze(name);
      }
      await this.#turn(name, operation);
      const lived = fate.death.place === undefined;
      try {
        return await fate.death.around(operation, work);
      } catch (error) {
        if (isPassing(error)) this.met.faults++;
        throw error;
      } finally {
        if (lived && fate.death.place !== undefined) this.met.deaths++;
        if (this.#schedule.slowAnswers && operation.name !== "renew") await this.#baton.turn(name);
      }
    };
    const leased = (store: ObjectStore): ObjectStore => (this.#schedule.leasesBelieved ? withoutLeases(store) : store);
    const stores = {
      host: aroundStore(leased(this.#faulty.host), around),
      lake: aroundStore(leased(this.#faulty.lake), around),
    };
    return { estate: this.#estate(lifeSeed, stores), fate, wrapHub: (hub) => this.#faultyHub(hub, around) };
  }

  /** What somebody sees who takes turns with the runners and has no faults. */
  seenByForeigner(name: string): Estate {
    const around: Around = async (operation, work) => {
      await this.#turn(name, operation);
      return work();
    };
    return this.#estate(99, {
      host: aroundStore(this.#stores.host, around),
      lake: aroundStore(this.#stores.lake, around),
    });
  }

  /** No more faults; writes that are under way land. */
  async heal(): Promise<void> {
    await this.#faulty.host.heal();
    await this.#faulty.lake.heal();
  }

  #estate(lifeSeed: number, stores: Pick<Estate, "host" | "lake">): Estate {
    const random = seededRandom(this.#schedule.seed * 1_000 + lifeSeed);
    return { clock: this.clock, random, hub: this.hub, arrivals: 0, ...stores };
  }

  /** Waits for the turn. What a lease does by itself never waits: its holder may be computing meanwhile. */
  async #turn(name: string, operation: Parameters<Around>[0]): Promise<void> {
    if (operation.name === "renew" || operation.name === "release") return;
    await this.#baton.turn(name);
    this.#count();
    const callOfAct = ++this.#callsOfAct;
    const line = `${name} ${operation.name} ${operation.path}`;
    this.#trace.update(`${line}\n`);
    this.#shown.push(line);
    if (this.#shown.length > 4 * callsShown) this.#shown.splice(0, 3 * callsShown);
    for (const { atCall, ms } of this.#act?.jumps ?? []) {
      if (atCall !== callOfAct) continue;
      this.met.jumps++;
      this.clock.advance(ms);
    }
    for (const raise of this.#act?.raised ?? [])
      if (raise.atCall === callOfAct && (await this.operator(raise))) this.met.raises++;
  }

  #count(): void {
    if (++this.#calls > callsMax) throw new Error(`stuck: more than ${callsMax} calls`);
  }

  #guarded(inner: ObjectStore): ObjectStore {
    return aroundStore(inner, ({ name, path, writes }, work) => {
      if (writes && name !== "putIfAbsent" && isLogEntry(path)) this.violations.push(`${name} ${path}`);
      return work();
    });
  }

  #faultyHub(hub: EventHubReader, around: Around): EventHubReader {
    const rate = this.#schedule.faults.lostRequest ?? 0;
    const call = <T>(name: string, path: string, work: () => Promise<T>): Promise<T> =>
      around({ name, path: `hub/${path}`, writes: false }, async () => {
        if (this.#random.next() < rate) throw new DyneError("HUB_UNAVAILABLE", `${name} ${path}: request lost.`);
        return work();
      });
    return {
      describe: (name) => call("describe", name, () => hub.describe(name)),
      partition: (name, partition) => call("partition", `${name}/${partition}`, () => hub.partition(name, partition)),
      read: (range, signal) => call("read", `${range.hub}/${range.partition}`, () => hub.read(range, signal)),
      sequenceAt: (name, partition, timeUs) =>
        call("sequenceAt", `${name}/${partition}`, () => hub.sequenceAt(name, partition, timeUs)),
      close: () => hub.close(),
    };
  }
}

/** One life of a runner. */
export interface Instance {
  readonly estate: Estate;
  readonly fate: Fate;
  readonly wrapHub: (hub: EventHubReader) => EventHubReader;
}

/** What an act has in store for an instance, counted in its own calls of that act. */
export class Fate {
  #death = new CrashPoint(0, "before");
  #freezesAtCall: number | undefined;
  #calls = 0;

  get death(): CrashPoint {
    return this.#death;
  }

  enter({ dies, freezesAtCall }: Pick<Runner, "dies" | "freezesAtCall">): void {
    this.#death = new CrashPoint(dies?.atCall ?? 0, dies?.moment ?? "before");
    this.#freezesAtCall = freezesAtCall;
    this.#calls = 0;
  }

  /** Counts a call. True where the instance stands still before it. */
  isFreezing(): boolean {
    return ++this.#calls === this.#freezesAtCall;
  }
}
