/**
 * Plays seeds one after another and says what is wrong with each. The quiet run of a block of seeds is made once. `TRACE=1` shows the
 * schedule and its last calls beside what is wrong.
 */
import { tablesOf } from "../support/engine-harness.ts";
import { inputSeedOf, scheduleOf, type Schedule } from "./schedule.ts";
import { playQuietly, Simulator, type Played } from "./simulator.ts";
import { verdictOn, type Quiet } from "./verdict.ts";

/** Everything waits for something that does not come: a schedule takes a fraction of a second, and some on a busy machine. */
const hangingMs = 90_000;

/** A schedule that failed. */
export interface Failure {
  readonly seed: number;
  /** What is wrong, and the one command that plays it again. */
  readonly message: string;
}

export class Seeds implements AsyncDisposable {
  /** How often each misfortune struck in all schedules played. */
  readonly met: Record<keyof Played["stage"]["met"], number> = {
    deaths: 0,
    freezes: 0,
    faults: 0,
    jumps: 0,
    turns: 0,
    raises: 0,
    replays: 0,
  };
  readonly #simulator: Simulator;
  #quiet: (Quiet & { readonly inputSeed: number }) | undefined;

  private constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  static async open(): Promise<Seeds> {
    return new Seeds(await Simulator.open());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulator[Symbol.asyncDispose]();
  }

  /** Undefined where all is right. After one that hangs nothing more can be played. */
  async failureOf(seed: number): Promise<Failure | undefined> {
    const schedule = scheduleOf(seed);
    const hanging = Promise.withResolvers<string[]>();
    const timer = setTimeout(() => hanging.resolve([`stuck: no end after ${hangingMs / 1_000} s`]), hangingMs);
    try {
      const wrong = await Promise.race([this.#wrongWith(schedule), hanging.promise]);
      return wrong.length === 0 ? undefined : failure(schedule, wrong, this.#simulator.lastCalls);
    } catch (error) {
      return failure(schedule, [textOf(error)], this.#simulator.lastCalls);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The digest of a schedule's calls: equal for equal runs. */
  async digestOf(seed: number): Promise<string> {
    const { stage } = await this.#simulator.play(scheduleOf(seed));
    return stage.digest;
  }

  async #wrongWith(schedule: Schedule): Promise<string[]> {
    const quiet = await this.#quietRun(schedule);
    const played = await this.#simulator.play(schedule);
    for (const [name, count] of Object.entries(played.stage.met)) this.met[name as keyof Seeds["met"]] += count;
    return verdictOn(schedule, played, quiet);
  }

  async #quietRun(schedule: Schedule): Promise<Quiet> {
    const inputSeed = inputSeedOf(schedule.seed);
    if (this.#quiet?.inputSeed === inputSeed) return this.#quiet;
    const world = await playQuietly(this.#simulator, schedule);
    this.#quiet = { inputSeed, world, tables: schedule.shape === "drawn" ? {} : await tablesOf(world) };
    return this.#quiet;
  }
}

function failure(schedule: Schedule, wrong: readonly string[], lastCalls: readonly string[]): Failure {
  const { seed, input: _, ...plan } = schedule;
  const message = [
    ...wrong.slice(0, 10),
    ...(process.env["TRACE"] === undefined ? [] : [`schedule: ${JSON.stringify(plan)}`, ...lastCalls]),
    `again with: SEED=${seed} npm run test:simulation`,
  ].join("\n");
  return { seed, message };
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(textOf)].join("\n");
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\n  because: ${textOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
