/**
 * A schedule: everything that happens in one simulated run, as data that follows from one seed. Seeds of a block share their shape and
 * their input, so that the quiet run which they are compared with is made once.
 *
 *     act     what arrives, then runners at work side by side until all have ended
 *     runner  an instance of the engine that is rung some times; it may die at a call, and another one takes its place
 *     call    one call of a store or the hub, counted over the whole act; faults, jumps of the clock and an operator strike there
 */
import { seededRandom, type Random } from "../../shared/core/index.ts";
import type { FaultRates } from "../support/faulty-store.ts";
import { inputOf, type Input } from "./input.ts";
import { withRaises, type Raise } from "./raises.ts";
import { withReplays, type Replay } from "./replays.ts";
import { drawnFrom } from "./drawn.ts";
import { shapes, type AnyShape } from "./shapes.ts";

/** Seeds that share their input. */
export const blockSize = 8;

export interface Schedule {
  readonly seed: number;
  readonly shape: AnyShape;
  readonly input: Input;
  readonly acts: readonly Act[];
  readonly faults: FaultRates;
  /** How likely a runner loses its turn at a call, before it or, where answers are slow, after it. */
  readonly passRate: number;
  readonly slowAnswers: boolean;
  /** Everybody gets every lease and keeps it. */
  readonly leasesBelieved: boolean;
  /** Row order is permuted wherever the plan leaves it free. */
  readonly permutes: boolean;
}

export interface Act {
  /** By partition, how many events have been sent when the act begins. */
  readonly sentUntil: readonly number[];
  readonly landedUntil: number;
  /** From which of the drawn changes of sources to which they happen while the runners work, one after the other. */
  readonly changed: readonly [number, number];
  readonly runners: readonly Runner[];
  /** Tables that somebody else compacts meanwhile, and which of their files. */
  readonly optimized: readonly { readonly table: number; readonly which: number | undefined }[];
  readonly jumps: readonly { readonly atCall: number; readonly ms: number }[];
  /** Generations that an operator raises at once, between two calls of the others. */
  readonly raised: readonly (Raise & { readonly atCall: number })[];
}

export interface Runner {
  readonly steps: readonly Step[];
  /** Dies at this call of its own. */
  readonly dies: { readonly atCall: number; readonly moment: "before" | "after" } | undefined;
  /** Stands still at this call of its own until the others have ended, as a process does that is frozen. */
  readonly freezesAtCall: number | undefined;
  /** It has run before and remembers; false: it starts without knowing anything. */
  readonly isWarm: boolean;
}

export type Step =
  | { readonly kind: "sweep" }
  /** One flow, counted around. */
  | { readonly kind: "ring"; readonly flow: number }
  /** Events as the trigger brings them: what was sent last, perhaps with some from before, perhaps with a hole. */
  | { readonly kind: "payload"; readonly partition: number; readonly again: number; readonly hole: boolean }
  /** A landed file is announced, counted around. */
  | { readonly kind: "notice"; readonly file: number }
  | ({ readonly kind: "raise" } & Raise)
  | ({ readonly kind: "replay" } & Replay);

export function shapeOf(seed: number): AnyShape {
  if (seed >= drawnFrom) return "drawn";
  const block = Math.floor(seed / blockSize);
  return pick(seededRandom(block * 7_919 + 17), [...shapes, "silver", "silver", "gold", "joined"]);
}

/** The data seed of a block. */
export function inputSeedOf(seed: number): number {
  return Math.floor(seed / blockSize) * 31 + 7;
}

export function scheduleOf(seed: number): Schedule {
  const random = seededRandom(seed * 2_654_435 + 1);
  for (let i = 0; i < 4; i++) random.next();
  const shape = shapeOf(seed);
  const input = inputOf(shape, inputSeedOf(seed));
  const actCount = 1 + below(random, 3);
  return {
    seed,
    shape,
    input,
    acts: withReplays(
      withRaises(
        Array.from({ length: actCount }, (_, act) => drawAct(random, input, act, actCount)),
        { shape, input },
        seededRandom(seed * 40_503 + 11),
      ),
      shape,
      seededRandom(seed * 69_069 + 5),
    ),
    faults: pick(random, faultProfiles),
    passRate: pick(random, [0.05, 0.3, 0.3, 0.6]),
    slowAnswers: chance(random, 0.4),
    leasesBelieved: chance(random, 0.7),
    permutes: chance(random, 0.7),
  };
}

const faultProfiles: readonly FaultRates[] = [
  {},
  {},
  { lostRequest: 0.02, lostAnswer: 0.02, lateWrite: 0.02 },
  { lostAnswer: 0.12 },
  { lateWrite: 0.15 },
  { lostRequest: 0.05, lostAnswer: 0.05, lateWrite: 0.08 },
];

function drawAct(random: Random, input: Input, act: number, actCount: number): Act {
  const changes = input.drawn?.changes.length ?? 0;
  const changedUntil = (acts: number): number => Math.floor((changes * acts) / actCount);
  const share = (length: number): number =>
    act === actCount - 1 ? length : Math.floor((length * (act + random.next())) / actCount);
  return {
    sentUntil: input.partitions.map((events) => share(events.length)),
    landedUntil: Math.max(Math.min(1, input.files.length), share(input.files.length)),
    changed: [changedUntil(act), changedUntil(act + 1)],
    runners: Array.from({ length: chance(random, 0.6) ? 2 : 1 }, () => drawRunner(random)),
    optimized: chance(random, 0.25)
      ? Array.from({ length: 1 + below(random, 3) }, () => ({
          table: below(random, 8),
          which: chance(random, 0.5) ? below(random, 4) : undefined,
        }))
      : [],
    jumps: chance(random, 0.4)
      ? Array.from({ length: 1 + below(random, 3) }, () => ({
          atCall: 1 + below(random, 150),
          ms: pick(random, [-3_000, 700, 6_000, 20_000, 70_000, 4_000_000]),
        }))
      : [],
    raised: [],
  };
}

function drawRunner(random: Random): Runner {
  return {
    steps: Array.from({ length: 1 + below(random, 2) }, () => drawStep(random)),
    dies: chance(random, 0.4)
      ? { atCall: 1 + below(random, pick(random, [20, 60, 160])), moment: chance(random, 0.5) ? "before" : "after" }
      : undefined,
    freezesAtCall: chance(random, 0.25) ? 1 + below(random, 120) : undefined,
    isWarm: chance(random, 0.6),
  };
}

function drawStep(random: Random): Step {
  const kind = random.next();
  if (kind < 0.55) return { kind: "sweep" };
  if (kind < 0.65) return { kind: "ring", flow: below(random, 6) };
  if (kind < 0.9)
    return { kind: "payload", partition: below(random, 2), again: below(random, 4), hole: chance(random, 0.2) };
  return { kind: "notice", file: below(random, 4) };
}

const below = (random: Random, limit: number): number => Math.floor(random.next() * limit);
const chance = (random: Random, share: number): boolean => random.next() < share;
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;
