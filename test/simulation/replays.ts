/**
 * Backfills in the middle of a schedule: a part of the hub is asked for again while it is read for the first time, tables are made anew
 * and runners die. Bronze holds those events already, or will by its live lane, so that all must be as if nobody had asked.
 */
import { instantText, laneId, replayLane, type Random } from "../../shared/core/index.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import type { Act, Runner, Schedule } from "./schedule.ts";
import type { AnyShape } from "./shapes.ts";

export interface Replay {
  readonly partition: number;
  /** Parts of the partition's events, in hundredths. */
  readonly from: number;
  readonly until: number;
  /** Another step of the same job goes on where it was. */
  readonly job: number;
}

/** How many schedules with a hub replay anything. */
const replayingShare = 0.35;
const stepMs = 5_000;

export function withReplays(acts: readonly Act[], shape: AnyShape, random: Random): Act[] {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  if (shape === "files" || shape === "drawn" || random.next() >= replayingShare) return [...acts];
  const drawn = (): Replay => ({
    partition: below(2),
    from: below(2) === 0 ? 0 : below(100),
    until: below(3) === 0 ? below(100) : 1_000,
    job: below(2),
  });
  const replayingRunner = (runner: Runner): Runner => {
    if (random.next() < 0.4) return runner;
    const steps = [...runner.steps];
    for (let n = 1 + below(2); n > 0; n--) steps.splice(below(steps.length + 1), 0, { kind: "replay", ...drawn() });
    return { ...runner, steps };
  };
  return acts.map((act) => ({ ...act, runners: act.runners.map(replayingRunner) }));
}

/** Takes a replay as far as the instance can. True where it found something to do. */
export async function replay(world: EngineWorld, { partition, from, until, job }: Replay): Promise<boolean> {
  const { hub } = world.estate;
  const { beginSequence, untilSequence } = await hub.partition("events", String(partition));
  const at = (share: number): number => beginSequence + Math.floor(((untilSequence - beginSequence) * share) / 100);
  const generations = (await world.hostPaths()).filter((path) => path.includes("/bronze.events/generations/"));
  const part = {
    kind: "hub",
    epoch: instantText((await hub.describe()).epochUs),
    generation: generations.length,
    fromSequence: at(from),
    untilSequence: at(until),
  } as const;
  const lane = replayLane(laneId(String(partition)));
  const result = await world.engine.replay("bronze.events", lane, `job-${job}`, part, stepMs);
  return result.kind === "ran";
}

export function hasReplays({ acts }: Pick<Schedule, "acts">): boolean {
  return acts.some(({ runners }) => runners.some(({ steps }) => steps.some(({ kind }) => kind === "replay")));
}

/** Asks for everything once more, which also finishes what dead instances left. */
export async function finishReplays(world: EngineWorld): Promise<void> {
  const all = { from: 0, until: 100, job: 2 };
  for (const partition of [0, 1]) while (await replay(world, { partition, ...all }));
}
