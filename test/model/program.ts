/**
 * Programs of runners as plain data. A program is a generator that yields one request per I/O, so that it reads like the code it stands
 * for; its state is the name of its segment, the segment's arguments, and the answers received since. Running the generator again with
 * those answers brings it to where it was.
 */
import type { Interner } from "./intern.ts";
import type { ModelRecord } from "./records.ts";

/** One I/O. */
export type Request =
  | { readonly op: "get"; readonly path: string }
  /** The batch id of the last of `commits/`, by listing; undefined where there is none. */
  | { readonly op: "last-commit"; readonly generation: number; readonly lane: string }
  /** All records of `generations/`. */
  | { readonly op: "generations" }
  | { readonly op: "table"; readonly table: string }
  /** The rows of a table up to a version, included. */
  | { readonly op: "rows"; readonly table: string; readonly upTo: number }
  | { readonly op: "put"; readonly path: string; readonly record: ModelRecord; readonly overwrites?: boolean };

/** What happens inside a runner and costs no step. */
type Local =
  | { readonly op: "choose"; readonly from: number }
  | { readonly op: "open" }
  | { readonly op: "close"; readonly value: unknown };

/** What a segment ends with: the next segment, or an end of the pass. */
export type Next =
  | { readonly kind: "become"; readonly segment: string; readonly args: object }
  | { readonly kind: "idle" }
  /** The flow is FAILED: never right in this model, where nobody touches its tables but runners. */
  | { readonly kind: "failed"; readonly why: string };

export type Program<Result> = Generator<Request | Local, Result, unknown>;

/** By name; arguments are plain data. */
export type Segments = Readonly<Record<string, (args: never) => Program<Next>>>;

export interface ProgramState {
  readonly segment: string;
  readonly args: object;
  readonly answers: readonly unknown[];
}

/** A program at rest: what it asks next, or how its pass ended. */
export interface Resting {
  readonly state: ProgramState;
  readonly request: Request | undefined;
  readonly failure: string | undefined;
}

/** One of `0 … from − 1`, each of which is explored. */
export function* choose(from: number): Program<number> {
  return (yield { op: "choose", from }) as number;
}

/** Keeps of a part only what it returns, so that runners that will act the same are in the same state. */
export function* once<Result>(part: () => Program<Result>): Program<Result> {
  const known = (yield { op: "open" }) as { readonly value: Result } | undefined;
  if (known !== undefined) return known.value;
  const value = yield* part();
  yield { op: "close", value };
  return value;
}

/** Stands for all answers that a part received, at its depth among parts within parts. */
interface Remembered {
  readonly depth: number;
  readonly remembered: { readonly value: unknown };
}

const idle: ProgramState = { segment: "idle", args: {}, answers: [] };

export class ProgramRunner {
  readonly #segments: Segments;
  readonly #interner: Interner;
  readonly #rests = new Map<string, readonly Resting[]>();
  readonly #answered = new Map<string, readonly Resting[]>();

  constructor(segments: Segments, interner: Interner) {
    this.#segments = segments;
    this.#interner = interner;
  }

  /** All places where the program may rest after one more answer, one per choice that it makes on the way. */
  answer(state: ProgramState, answer: unknown): readonly Resting[] {
    const key = `${this.#interner.keyOf(state)} ${this.#interner.keyOf(answer)}`;
    const known = this.#answered.get(key);
    if (known !== undefined) return known;
    const rests = this.#rest({ ...state, answers: [...state.answers, answer] });
    this.#answered.set(key, rests);
    return rests;
  }

  start(segment: string, args: object): readonly Resting[] {
    return this.#rest({ segment, args, answers: [] });
  }

  #rest(state: ProgramState): readonly Resting[] {
    const key = this.#interner.keyOf(state);
    const known = this.#rests.get(key);
    if (known !== undefined) return known;
    const rests = this.#replay(state);
    this.#rests.set(key, rests);
    return rests;
  }

  #replay(state: ProgramState): readonly Resting[] {
    const program = (this.#segments[state.segment] as (args: object) => Program<Next>)(state.args);
    const kept: unknown[] = [];
    const opened: number[] = [];
    let given = 0;
    let turn = program.next();
    while (turn.done !== true) {
      const asked = turn.value;
      const isLeft = given < state.answers.length;
      if (asked.op === "open") {
        const remembered = isLeft ? rememberedOf(state.answers[given], opened.length) : undefined;
        if (remembered === undefined) opened.push(kept.length);
        else kept.push(state.answers[given++]);
        turn = program.next(remembered);
      } else if (asked.op === "close") {
        kept.length = opened.pop() ?? 0;
        kept.push({ depth: opened.length, remembered: { value: asked.value } } satisfies Remembered);
        turn = program.next();
      } else if (isLeft) {
        kept.push(state.answers[given]);
        turn = program.next(state.answers[given++]);
      } else {
        const rest = { ...state, answers: kept };
        if (asked.op !== "choose") return [{ state: rest, request: asked, failure: undefined }];
        return Array.from({ length: asked.from }, (_, choice) => this.answer(rest, choice)).flat();
      }
    }
    if (turn.value.kind === "become") return this.start(turn.value.segment, turn.value.args);
    const failure = turn.value.kind === "failed" ? turn.value.why : undefined;
    return [{ state: idle, request: undefined, failure }];
  }
}

function rememberedOf(answer: unknown, depth: number): Remembered["remembered"] | undefined {
  const isRemembered = typeof answer === "object" && answer !== null && "remembered" in answer;
  const found = isRemembered ? (answer as Remembered) : undefined;
  return found?.depth === depth ? found.remembered : undefined;
}
