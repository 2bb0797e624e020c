/** The whole system as plain data: the store, runners, operators, and the faults that are left; and every move that it can make. */
import type { Model, Move } from "./explore.ts";
import type { Self } from "./hand-over.ts";
import { Interner } from "./intern.ts";
import { faultOfStore, isConsumed } from "./invariants.ts";
import { ProgramRunner, type Request, type Resting } from "./program.ts";
import type { Lane, ModelRecord } from "./records.ts";
import type { PutAnswer } from "./requests.ts";
import type { Rules } from "./rules.ts";
import { segmentsOf, type Command, type Input } from "./runner.ts";
import { isPut, StoreSteps, type Put, type Store } from "./store.ts";

export interface Faults {
  /** A runner stops at any step, and may begin anew. */
  readonly crashes: number;
  /** A put is applied, and the runner does not learn it. */
  readonly lostAnswers: number;
  /** A put is not yet applied when the runner is told that its outcome is unknown. It lands at any time after, or never. */
  readonly latePuts: number;
}

export interface Runner extends Self {
  readonly name: string;
  /** The lanes that it is rung for. */
  readonly runs: readonly Lane[];
  /** How often it is rung; undefined for any number of times. */
  readonly rings?: number;
}

export interface Scenario {
  readonly input: Input;
  readonly lanes: readonly Lane[];
  readonly initial: Store;
  readonly runners: readonly Runner[];
  readonly commands: readonly Command[];
  readonly faults: Faults;
}

interface World {
  readonly store: Store;
  readonly inFlight: readonly Put[];
  /** Runners of the scenario, then an operator per command. */
  readonly actors: readonly Resting[];
  /** By actor, how often it may still begin; an operator gives one command. */
  readonly rings: readonly number[];
  readonly left: Faults;
}

const asleep: Resting = { state: { segment: "idle", args: {}, answers: [] }, request: undefined, failure: undefined };

export class WorldModel implements Model<World> {
  readonly initial: World;
  readonly #scenario: Scenario;
  readonly #interner = new Interner();
  readonly #steps = new StoreSteps(this.#interner);
  readonly #programs: ProgramRunner;
  readonly #faults = new WeakMap<Store, { readonly fault: string | undefined }>();
  /** By actor: a key for those that are the same but for their names. */
  readonly #kinds: readonly string[];

  readonly #settles: boolean;

  /** Without `settles` every step is a state of its own, also those that make no difference. */
  constructor(scenario: Scenario, rules: Rules, settles = true) {
    this.#settles = settles && rules.offsetsIfAbsent && rules.sealIfAbsent;
    this.#scenario = scenario;
    this.#programs = new ProgramRunner(segmentsOf(rules, scenario.input), this.#interner);
    this.#kinds = [
      ...scenario.runners.map((runner) => this.#interner.keyOf({ ...runner, name: "" })),
      ...scenario.commands.map((_, index) => `command ${index}`),
    ];
    this.initial = {
      store: scenario.initial,
      inFlight: [],
      actors: this.#kinds.map(() => asleep),
      rings: [...scenario.runners.map(({ rings = Infinity }) => rings), ...scenario.commands.map(() => 1)],
      left: scenario.faults,
    };
  }

  /** Actors of a kind are interchangeable, so their order does not count. */
  keyOf({ store, inFlight, actors, rings, left }: World): string {
    const kinds = actors
      .map(({ state }, index) => `${this.#kinds[index]}=${this.#interner.keyOf(state)}${rings[index]}`)
      .toSorted();
    const puts = inFlight.map((each) => this.#interner.keyOf(each)).toSorted();
    return `${this.#interner.keyOf(store)} ${puts.join()} ${kinds.join()} ${left.crashes}${left.lostAnswers}${left.latePuts}`;
  }

  faultOf({ store, actors }: World): string | undefined {
    const failure = actors.find((actor) => actor.failure !== undefined)?.failure;
    if (failure !== undefined) return failure;
    const known = this.#faults.get(store) ?? { fault: faultOfStore(store, this.#scenario.lanes) };
    this.#faults.set(store, known);
    return known.fault;
  }

  isDone({ store }: World): boolean {
    return isConsumed(store, this.#scenario.lanes, this.#scenario.input.events);
  }

  movesOf(world: World): readonly Move<World>[] {
    const settled = this.#settledMove(world);
    if (settled !== undefined) return settled;
    const moves: Move<World>[] = [];
    for (const [index, actor] of world.actors.entries()) {
      const { request } = actor;
      if (request === undefined) this.#awaken(world, index, moves);
      else this.#act(world, index, actor, request, moves);
    }
    for (const [index, late] of world.inFlight.entries()) {
      const [store] = this.#steps.put(world.store, late);
      const inFlight = world.inFlight.toSpliced(index, 1);
      moves.push({
        label: () => `late   lands ${late.path}${told(late.record)}`,
        next: { ...world, store, inFlight },
        isFault: true,
      });
    }
    return moves;
  }

  /**
   * A step that reads what will never be another has the same outcome whenever it is done, and changes nothing for anybody else. So it is
   * done at once, and no state in between is explored. Where records are overwritten nothing is ever settled. It must not end a pass, or a circle of such steps could keep all others waiting.
   */
  #settledMove(world: World): readonly Move<World>[] | undefined {
    if (!this.#settles) return undefined;
    for (const [index, actor] of world.actors.entries()) {
      const { request } = actor;
      if (request === undefined || !this.#isSettled(world, index, request)) continue;
      const answer = isPut(request)
        ? this.#steps.put(world.store, putOf(request))[1]
        : this.#steps.read(world.store, request);
      const rests = this.#programs.answer(actor.state, answer);
      if (rests.some((rest) => rest.request === undefined)) continue;
      return rests.map((rest) => ({
        label: () => this.#label(index, request, answer, "there already"),
        next: { ...world, actors: world.actors.with(index, rest) },
        isFault: false,
      }));
    }
    return undefined;
  }

  /** True where the store has the record, or nobody else will ever write it. */
  #isSettled(world: World, index: number, request: Request): boolean {
    if (request.op === "get") return request.path in world.store || this.#isOnly(world, index, request.path);
    if (request.op === "put") return request.path in world.store;
    return request.op === "last-commit" && this.#isOnly(world, index, `${request.generation}/${request.lane}/`);
  }

  /** True where the path is of a lane that no other actor will run any more. */
  #isOnly(world: World, index: number, at: string): boolean {
    const lane = /^\d+\/([ab])\//.exec(at)?.[1];
    if (lane === undefined || world.inFlight.length > 0) return false;
    return this.#scenario.runners.every(
      ({ runs }, each) =>
        each === index ||
        !runs.some((run) => run === lane) ||
        (world.rings[each] === 0 && world.actors[each]?.request === undefined),
    );
  }

  #awaken(world: World, index: number, moves: Move<World>[]): void {
    const left = world.rings[index] ?? 0;
    if (left === 0) return;
    const rung: World = { ...world, rings: world.rings.with(index, left - 1) };
    for (const rest of this.#beginnings(index))
      if (rest.request !== undefined) this.#act(rung, index, rest, rest.request, moves);
  }

  #beginnings(index: number): readonly Resting[] {
    const { runners, commands } = this.#scenario;
    const runner = runners[index];
    if (runner === undefined) return this.#programs.start("command", commands[index - runners.length]!);
    const { build, roles } = runner;
    return runner.runs.flatMap((lane) => this.#programs.start("pass", { self: { build, roles }, lane }));
  }

  #act(world: World, index: number, actor: Resting, request: Request, moves: Move<World>[]): void {
    const { left } = world;
    const answered = (next: Omit<World, "actors">, answer: unknown, how: string, isFault: boolean) => {
      for (const rest of this.#programs.answer(actor.state, answer)) {
        const actors = world.actors.with(index, rest);
        moves.push({ label: () => this.#label(index, request, answer, how), next: { ...next, actors }, isFault });
      }
    };
    if (isPut(request)) {
      const asked = putOf(request);
      const [store, answer] = this.#steps.put(world.store, asked);
      answered({ ...world, store }, answer, answer.kind, false);
      const unknown: PutAnswer = { kind: "unknown" };
      const lost = { ...left, lostAnswers: left.lostAnswers - 1 };
      if (left.lostAnswers > 0) answered({ ...world, store, left: lost }, unknown, `${answer.kind}, answer lost`, true);
      const late = { ...left, latePuts: left.latePuts - 1 };
      const inFlight = [...world.inFlight, asked];
      if (left.latePuts > 0) answered({ ...world, inFlight, left: late }, unknown, "on its way", true);
    } else {
      answered(world, this.#steps.read(world.store, request), "", false);
    }
    if (left.crashes > 0 && world.actors[index]?.request !== undefined) {
      const actors = world.actors.with(index, asleep);
      const crashed = { ...left, crashes: left.crashes - 1 };
      moves.push({
        label: () => `${this.#nameOf(index)} crashes`,
        next: { ...world, actors, left: crashed },
        isFault: true,
      });
    }
  }

  #nameOf(index: number): string {
    return (this.#scenario.runners[index]?.name ?? "operator").padEnd(6);
  }

  #label(index: number, request: Request, answer: unknown, how: string): string {
    const name = this.#nameOf(index);
    switch (request.op) {
      case "put":
        return `${name} puts ${request.path}${told(request.record)}: ${how}`;
      case "get":
        return `${name} reads ${request.path}${answer === undefined ? " (not there)" : ""}`;
      case "last-commit":
        return `${name} reads the list ${request.generation}/${request.lane}/commits`;
      case "generations":
        return `${name} reads the list generations`;
      case "table":
        return `${name} reads the log of ${request.table}`;
      case "rows":
        return `${name} reads the rows of ${request.table}`;
    }
  }
}

const puts = new WeakMap<Request, Put>();

function putOf(request: Extract<Request, { readonly op: "put" }>): Put {
  const { path, record, overwrites = false } = request;
  const asked = puts.get(request) ?? { path, record, overwrites };
  puts.set(request, asked);
  return asked;
}

/** A record in a few words. */
function told(record: ModelRecord): string {
  if ("build" in record) return ` (build ${record.build}, ${record.change})`;
  if ("seal" in record)
    return record.seal === null ? ` (run ${record.variant}, rows ${record.rows.join()})` : ` (seal by ${record.seal})`;
  if ("start" in record) return ` (events ${record.start + 1} to ${record.end})`;
  if (!("kind" in record) || record.kind === "create") return "";
  if (record.kind === "swap") return ` (swap for generation ${record.generation})`;
  const { generation, lane, batch, variant, rows } = record;
  return ` (generation ${generation}, lane ${lane}, batch ${batch}, run ${variant}, rows ${rows.join()})`;
}
