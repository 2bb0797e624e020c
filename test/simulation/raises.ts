/** New generations in the middle of a schedule: what is raised for which flow, and when. */
import { isDyneError, type Random } from "../../shared/core/index.ts";
import { FilesDriver } from "../../shared/engine/drivers/files-driver.ts";
import { HubDriver } from "../../shared/engine/drivers/hub-driver.ts";
import { StreamDriver } from "../../shared/engine/drivers/stream-driver.ts";
import type { FlowDriver } from "../../shared/engine/flow.ts";
import { raiseGeneration } from "../../shared/engine/generation.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import type { Act, Runner } from "./schedule.ts";
import type { Input } from "./input.ts";
import type { AnyShape, Shape } from "./shapes.ts";

/** `plan`: the plan goes on as it is, as with a build that computes the same in another way. */
export interface Raise {
  readonly flow: string;
  readonly reason: "reset" | "refresh" | "plan";
}

/** Rows that a reset removes must be read by no stream. Views follow, and a joined table is pinned. */
const raisesOf: Readonly<Record<Shape, readonly string[]>> = {
  bronze: ["reset bronze.events", "plan bronze.events"],
  lanes: ["reset silver.bodies", "plan silver.bodies", "plan bronze.events"],
  files: ["reset silver.notes", "plan silver.notes", "plan bronze.notes"],
  silver: ["reset silver.readings", "plan silver.readings", "plan bronze.events"],
  placed: ["reset silver.readings", "plan silver.readings", "plan silver.parsed", "plan bronze.events"],
  joined: ["reset silver.readings", "plan silver.readings", "reset bronze.sites", "plan bronze.sites"],
  gold: [
    "reset silver.readings",
    "plan silver.readings",
    "refresh gold.by_device",
    "refresh gold.total",
    "reset gold.by_device",
    "plan bronze.events",
  ],
};

/** How many schedules raise anything. */
const raisingShare = 0.4;

/** The acts of a schedule with raises among the steps of runners, where they die and fail as any step does, and by an operator. */
export function withRaises(
  acts: readonly Act[],
  { shape, input }: { readonly shape: AnyShape; readonly input: Input },
  random: Random,
): Act[] {
  const choices = shape === "drawn" ? (input.drawn?.raises ?? []) : raisesOf[shape];
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const drawn = (): Raise => {
    const [reason = "", flow = ""] = (choices[below(choices.length)] ?? "").split(" ");
    return { flow, reason: reason as Raise["reason"] };
  };
  if (random.next() >= raisingShare) return [...acts];
  const raisingRunner = (runner: Runner): Runner => {
    if (random.next() < 0.6) return runner;
    return {
      ...runner,
      steps: runner.steps.toSpliced(below(runner.steps.length + 1), 0, { kind: "raise", ...drawn() }),
    };
  };
  return acts.map((act) => ({
    ...act,
    runners: act.runners.map(raisingRunner),
    raised: Array.from({ length: below(3) }, () => ({ atCall: 1 + below(below(2) === 0 ? 40 : 160), ...drawn() })),
  }));
}

/** Raises a generation as the instance does. False where the flow has not run yet, or somebody was first with another change. */
export async function raise(world: EngineWorld, { flow, reason }: Raise): Promise<boolean> {
  try {
    if (reason === "reset") await world.engine.reset(flow);
    else if (reason === "refresh") await world.engine.refresh(flow);
    else await goOn(world, flow);
    return true;
  } catch (error) {
    if (isDyneError(error, "INVALID_ARGUMENT") || isDyneError(error, "GENERATION_CHANGED")) return false;
    throw error;
  }
}

async function goOn(world: EngineWorld, flow: string): Promise<void> {
  const context = world.context();
  const drivers = new Map<string, FlowDriver>();
  for (const declared of world.engine.flows) {
    if (declared.kind === "hub") drivers.set(declared.id, new HubDriver(context, declared));
    if (declared.kind === "files") drivers.set(declared.id, new FilesDriver(context, declared));
    if (declared.kind !== "stream") continue;
    const upstream = drivers.get(declared.stream.writtenBy);
    if (upstream !== undefined) drivers.set(declared.id, new StreamDriver(context, declared, upstream));
  }
  const driver = drivers.get(flow);
  if (driver === undefined) throw new Error(`${flow} has no plan that goes on`);
  await raiseGeneration(context, driver, { reason: "plan" });
}
