/** The death of an instance, as the engine meets it: from one call of a store on, no call comes through. */
import type { Random } from "../core/index.ts";
import type { Around, Operation } from "./store-calls.ts";

/**
 * Where an instance dies, in the order of a batch: before its input is logged, before what it computed is decided, before the decision is
 * committed to a table, before the commit is logged. A number is a seed, of which follows at which call of a store.
 */
export type CrashPlace = "offsets" | "outcome" | "sink" | "commit" | number;

/** The death of an instance. No error of dyne's, so that nothing tries again. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** True where nothing but the death made the error. */
export function isCrash(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isCrash);
  return error instanceof Crash || (error instanceof Error && isCrash(error.cause));
}

/** At which of its calls, on average, an instance dies by a seed: a batch makes about twenty. */
const callsMean = 40;

/** A death that is to come. All calls of an instance's stores go through it. */
export class ComingCrash {
  readonly #momentOf: (operation: Operation) => "before" | "after" | undefined;
  #place: string | undefined;

  /** `flow` is whose batch dies, undefined for any; `sinkPath` where its table is. */
  constructor(at: CrashPlace, random: Random, flow?: string, sinkPath?: string) {
    this.#momentOf = typeof at === "number" ? byChance(random) : atWrite(pathTest(at, flow, sinkPath));
  }

  /** Where the instance died; undefined while it lives. */
  get place(): string | undefined {
    return this.#place;
  }

  readonly around: Around = async (operation, work) => {
    if (this.#place !== undefined) throw new Crash(`after the death at ${this.#place}`);
    const moment = this.#momentOf(operation);
    if (moment === undefined) return work();
    this.#place = `${moment} ${operation.name} of ${operation.path}`;
    if (moment === "after") await work();
    throw new Crash(this.#place);
  };
}

function byChance(random: Random) {
  let left = 1 + Math.floor(-Math.log(1 - random.next()) * callsMean);
  const moment = random.next() < 0.5 ? ("before" as const) : ("after" as const);
  return () => (--left === 0 ? moment : undefined);
}

function atWrite(isLast: (path: string) => boolean) {
  return ({ path, writes }: Operation) => (writes && isLast(path) ? ("before" as const) : undefined);
}

/** Entries of logs and versions of tables have twenty digits; the first of each only says that there is one. */
function pathTest(at: Exclude<CrashPlace, number>, flow?: string, sinkPath = ""): (path: string) => boolean {
  if (at === "sink")
    return (path) =>
      path.startsWith(sinkPath) && /\/_delta_log\/\d{20}\.json$/.test(path) && !/\/0{20}\.json$/.test(path);
  const log = { offsets: "offsets", outcome: "outcome", commit: "commits" }[at];
  return (path) =>
    path.startsWith(flow === undefined ? "" : `checkpoints/${flow}/`) &&
    new RegExp(`/${log}/\\d{20}(\\.\\d+)?$`).test(path) &&
    !/\/0{20}$/.test(path);
}
