/** Plays schedules on the real engine: two instances and a foreigner over one estate in memory, in an order that the seed decides. */
import { limits, seededRandom, type Random } from "../../shared/core/index.ts";
import type { Pipeline } from "../../shared/pipeline/index.ts";
import { isCrash, isPassing } from "../support/engine-faults.ts";
import { rewriteTable } from "../support/engine-foreign.ts";
import { EngineBench, EngineWorld } from "../support/engine-harness.ts";
import { toSend } from "../support/engine-model.ts";
import { changeSources, isDrawnFlow, makeSources, type DrawnInput } from "./drawn.ts";
import type { SentEvent } from "./input.ts";
import { PermutedCompute } from "./permuted-compute.ts";
import type { Act, Runner, Schedule, Step } from "./schedule.ts";
import { raise } from "./raises.ts";
import { finishReplays, hasReplays, replay } from "./replays.ts";
import { pipelineOf } from "./shapes.ts";
import { Stage, type Instance } from "./stage.ts";

/** How often a step is rung again when the store did not answer. */
const triesMax = 3;
/** Sweeps after which all must be at rest. */
const sweepsMax = 30;
/** Something that never ends is told as what is missing then. */
const runMs = 60_000;

const runnerNames = ["a", "b"] as const;
type RunnerName = (typeof runnerNames)[number];

/** What a schedule leaves. */
export interface Played {
  /** The estate at rest, as an instance sees it that comes afterwards. */
  readonly world: EngineWorld;
  readonly stage: Stage;
}

/** Randomness that begins again with every schedule. */
class RepeatedRandom implements Random {
  #inner = seededRandom(0);

  reseed(seed: number): void {
    this.#inner = seededRandom(seed);
  }

  next(): number {
    return this.#inner.next();
  }

  uuid(): string {
    return this.#inner.uuid();
  }
}

export class Simulator implements AsyncDisposable {
  /** An instance of DuckDB each: one that waits for its turn within a job must not keep another from computing. */
  readonly #benches: Readonly<Record<RunnerName | "c", EngineBench>>;
  readonly #random: RepeatedRandom;
  #lastStage: Stage | undefined;

  private constructor(benches: Readonly<Record<RunnerName | "c", EngineBench>>, random: RepeatedRandom) {
    this.#benches = benches;
    this.#random = random;
  }

  static async open(): Promise<Simulator> {
    const random = new RepeatedRandom();
    const open = () => EngineBench.open(random);
    return new Simulator({ a: await open(), b: await open(), c: await open() }, random);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bench of Object.values(this.#benches)) await bench[Symbol.asyncDispose]();
  }

  /** Compute without permutations, for whoever looks at the result. */
  get bench(): EngineBench {
    return this.#benches.a;
  }

  /** The last calls of the schedule that was played last, oldest first; also where it did not come to its end. */
  get lastCalls(): readonly string[] {
    return this.#lastStage?.lastCalls ?? [];
  }

  /** Plays a schedule until all is at rest. Errors that no queue would answer by ringing again are thrown. */
  async play(schedule: Schedule): Promise<Played> {
    this.#random.reseed(schedule.seed);
    const stage = new Stage(schedule);
    this.#lastStage = stage;
    const pipeline = pipelineFor(schedule);
    const play = new Play(schedule, stage, pipeline, (name) => this.#bench(name, schedule));
    const outside = new EngineWorld({ bench: this.bench, pipeline }, stage.estate);
    stage.operator = (change) => raise(outside, change);
    if (schedule.input.drawn !== undefined) await makeSources(schedule.input.drawn, this.bench, stage.estate);
    let before: Act | undefined;
    for (const act of schedule.acts) {
      await arrive(schedule, outside, before, act);
      await play.act(act, before);
      before = act;
    }
    await stage.heal();
    stage.clock.advance(2 * limits.leaseSeconds * 1_000);
    const world = new EngineWorld({ bench: this.bench, pipeline }, stage.estate);
    await world.quiet(sweepsMax);
    if (hasReplays(schedule)) await finishReplays(world);
    // A clock that jumped within a refresh lets its view rest for hours, which a run of all that there is does not.
    await world.engine.runAvailable(AbortSignal.timeout(runMs));
    await world.quiet(sweepsMax);
    return { world, stage };
  }

  #bench(name: RunnerName | "c", { permutes, seed }: Schedule): Pick<EngineBench, "compute" | "directory"> {
    const { compute, directory } = this.#benches[name];
    const random = seededRandom(seed * 31 + name.charCodeAt(0));
    return { compute: permutes ? new PermutedCompute(compute, random) : compute, directory };
  }
}

function pipelineFor({ shape, input }: Pick<Schedule, "shape" | "input">): Pipeline {
  return shape === "drawn" ? (input.drawn as DrawnInput).built.pipeline : pipelineOf(shape);
}

/** Sends and lands what the act brings. */
async function arrive(
  { input }: Pick<Schedule, "input">,
  { estate }: EngineWorld,
  before: Act | undefined,
  { sentUntil, landedUntil }: Pick<Act, "sentUntil" | "landedUntil">,
): Promise<void> {
  for (const [partition, events] of input.partitions.entries()) {
    const sent = events.slice(before?.sentUntil[partition] ?? 0, sentUntil[partition]);
    estate.hub.send(String(partition), withProperties(sent));
  }
  for (const { path, text } of input.files.slice(before?.landedUntil ?? 0, landedUntil))
    await estate.lake.put(path, new TextEncoder().encode(text));
}

/** Everything at once, taken in by one instance that nothing happens to. */
export async function playQuietly(simulator: Simulator, schedule: Schedule): Promise<EngineWorld> {
  const { input } = schedule;
  const { estate } = new Stage(schedule);
  if (input.drawn !== undefined) await makeSources(input.drawn, simulator.bench, estate);
  const world = new EngineWorld({ bench: simulator.bench, pipeline: pipelineFor(schedule) }, estate);
  const sentUntil = input.partitions.map((events) => events.length);
  await arrive({ input }, world, undefined, { sentUntil, landedUntil: input.files.length });
  if (input.drawn !== undefined) await changeSources(input.drawn, world, [0, input.drawn.changes.length]);
  await world.quiet(sweepsMax);
  return world;
}

function withProperties(events: readonly SentEvent[]) {
  return toSend(events).map((event, index) => {
    const properties = events[index]?.properties;
    return properties === undefined ? event : { ...event, properties };
  });
}

type BenchOf = (name: RunnerName | "c") => Pick<EngineBench, "compute" | "directory">;
type Life = Instance & { readonly world: EngineWorld };

/** The runners of one schedule through its acts. */
class Play {
  readonly #schedule: Schedule;
  readonly #stage: Stage;
  readonly #pipeline: Pipeline;
  readonly #bench: BenchOf;
  readonly #living = new Map<RunnerName, Life>();
  #lives = 0;

  constructor(schedule: Schedule, stage: Stage, pipeline: Pipeline, bench: BenchOf) {
    this.#schedule = schedule;
    this.#stage = stage;
    this.#pipeline = pipeline;
    this.#bench = bench;
  }

  async act(act: Act, before: Act | undefined): Promise<void> {
    const runners = act.runners.map((runner, index) => [runnerNames[index] as RunnerName, runner] as const);
    const names: string[] = runners.map(([name]) => name);
    const foreigner = act.optimized.length > 0 || act.changed[0] < act.changed[1];
    if (foreigner) names.push("c");
    const baton = this.#stage.begin(act, names);
    const ends = await Promise.allSettled([
      ...runners.map(([name, runner]) => baton.run(name, () => this.#runner(name, runner, act, before))),
      ...(foreigner ? [baton.run("c", () => this.#foreigner(act))] : []),
    ]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async #runner(name: RunnerName, runner: Runner, act: Act, before: Act | undefined): Promise<void> {
    let life = (runner.isWarm ? this.#living.get(name) : undefined) ?? this.#born(name);
    this.#living.delete(name);
    life.fate.enter(runner);
    for (const step of runner.steps) {
      for (let attempt = 1; attempt <= triesMax; attempt++) {
        try {
          await this.#step(life.world, step, act, before);
          break;
        } catch (error) {
          if (!isExpected(error)) throw error;
        }
        if (life.fate.death.place !== undefined) life = this.#born(name);
      }
    }
    if (life.fate.death.place === undefined) this.#living.set(name, life);
  }

  /** An instance that knows nothing yet. */
  #born(name: RunnerName): Life {
    const instance = this.#stage.instance(name, ++this.#lives);
    const { estate, wrapHub } = instance;
    const world = new EngineWorld({ bench: this.#bench(name), pipeline: this.#pipeline, wrapHub }, estate);
    return { ...instance, world };
  }

  async #step(world: EngineWorld, step: Step, act: Act, before: Act | undefined): Promise<void> {
    const { engine } = world;
    switch (step.kind) {
      case "sweep":
        return engine.sweep();
      case "ring": {
        const flow = engine.flows[step.flow % engine.flows.length];
        return flow && engine.ring(flow.id);
      }
      case "payload":
        return engine.hubEvents("events", String(step.partition), await this.#payload(step, act, before));
      case "notice": {
        const { files } = this.#schedule.input;
        const file = files[step.file % Math.max(1, act.landedUntil)];
        return file && engine.blobCreated(file.path);
      }
      case "replay":
        if (await replay(world, step)) this.#stage.met.replays++;
        return;
      case "raise":
        if (await raise(world, step)) this.#stage.met.raises++;
        return;
    }
  }

  /** What was sent since the last act as the host brings it, with properties altered on the way. */
  async #payload({ partition, again, hole }: Extract<Step, { kind: "payload" }>, act: Act, before: Act | undefined) {
    const until = act.sentUntil[partition] ?? 0;
    const from = Math.max(0, (before?.sentUntil[partition] ?? 0) - again);
    const range = { hub: "events", partition: String(partition), fromSequence: from, untilSequence: until };
    const events = await this.#stage.hub.read(range);
    return events
      .filter((_, index) => !hole || index !== Math.floor(events.length / 2))
      .map((event) => (event.properties === null ? event : { ...event, properties: { altered: true } }));
  }

  /** Compacts tables; of drawn pipelines not the sources, because the files of sources are what its changes know. */
  async #foreigner({ optimized, changed }: Act): Promise<void> {
    const foreigner = new EngineWorld(
      { bench: this.#bench("c"), pipeline: this.#pipeline },
      this.#stage.seenByForeigner("c"),
    );
    const { drawn } = this.#schedule.input;
    const flows = foreigner.engine.flows.filter((flow) => drawn === undefined || isDrawnFlow(flow));
    if (drawn !== undefined) await changeSources(drawn, foreigner, changed);
    for (const { table, which } of optimized) {
      const flow = flows[table % flows.length];
      if (flow !== undefined) await rewriteTable(foreigner, flow.output.name, { dataChange: false, which });
    }
  }
}

/** Death, or a service that did not answer, in any of the flows. */
function isExpected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isExpected);
  return isCrash(error) || isPassing(error);
}
