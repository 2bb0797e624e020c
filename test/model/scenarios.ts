/** The systems that are explored, each within bounds that keep it small. */
import { creation, generationAfter } from "./hand-over.ts";
import { path, type Change, type GenerationRecord, type Lane, type Role, type TableEntry } from "./records.ts";
import { appId, txn } from "./requests.ts";
import { allRules } from "./rules.ts";
import type { Input } from "./runner.ts";
import type { Store } from "./store.ts";
import type { Faults, Scenario } from "./world.ts";

const three: readonly Role[] = ["quarantine", "state", "sink"];
const two: readonly Role[] = ["quarantine", "sink"];

/** Two events, cut and computed in every way. */
export const anyRun: Input = { events: 2, variants: 2, isWhole: false };
/** One batch, with rows for every table. */
export const oneBatch: Input = { events: 2, variants: 1, isWhole: true };
/** One event, which reaches the sink. */
export const oneEvent: Input = { events: 1, variants: 1, isWhole: true };
/** Two batches: the first for the sink, the second for quarantine; or one for both. */
export const anyCut: Input = { events: 2, variants: 1, isWhole: false };

export interface Bounds {
  readonly input: Input;
  readonly faults?: Partial<Faults>;
}

/** A flow whose first generation was created. */
function created(build: string, roles: readonly Role[]): Store {
  const record = generationAfter(undefined, build, roles, "plan");
  const tables = record.tables.map(({ table }) => [path.entry(table, 0), creation(1)] as const);
  return { ...Object.fromEntries(tables), [path.generation(1)]: record };
}

function scenario({ input, faults }: Bounds, rest: Omit<Scenario, "input" | "faults">): Scenario {
  return { ...rest, input, faults: { crashes: 0, lostAnswers: 0, latePuts: 0, ...faults } };
}

/** Two runners of one build, on one lane. */
export function oneGeneration(bounds: Bounds): Scenario {
  const runner = { build: "A", roles: three, runs: ["a"] } as const;
  return scenario(bounds, {
    lanes: ["a"],
    initial: created("A", three),
    runners: [
      { ...runner, name: "first" },
      { ...runner, name: "second" },
    ],
    commands: [],
  });
}

/** The same before anything is there. */
export function nothingThere(bounds: Bounds): Scenario {
  return { ...oneGeneration(bounds), initial: {} };
}

/** The same as two runners of one build, with an operator who raises a generation at some time. */
export function changed(change: Change, bounds: Bounds): Scenario {
  return { ...oneGeneration(bounds), commands: [{ roles: three, change, knows: ["a"] }] };
}

/** A build with another plan, the first to keep state, comes beside the one before. */
export function anotherBuild(bounds: Bounds): Scenario {
  return scenario(bounds, {
    lanes: ["a"],
    initial: created("A", two),
    runners: [
      { name: "old", build: "A", roles: two, runs: ["a"] },
      { name: "new", build: "B", roles: three, runs: ["a"] },
    ],
    commands: [],
  });
}

/** The same with an operator, before or after or in the middle: up to three generations. */
export function anotherBuildAnd(change: Change, bounds: Bounds): Scenario {
  return { ...anotherBuild(bounds), commands: [{ roles: three, change, knows: ["a"] }] };
}

/** Two lanes append to the same tables. A runner of one of them may sleep for as long as it takes another build to go on with both. */
export function twoLanes(bounds: Bounds): Scenario {
  return scenario(bounds, {
    lanes: ["a", "b"],
    initial: created("A", two),
    runners: [
      { name: "old", build: "A", roles: two, runs: ["b"], rings: 1 },
      { name: "new", build: "B", roles: two, runs: ["a", "b"] },
    ],
    commands: [],
  });
}

/** The same, where an operator resets the flow, who knows of lane a alone: lane b begins while the generation is raised. */
export function lateLane(bounds: Bounds): Scenario {
  const roles: readonly Role[] = ["sink"];
  return scenario(bounds, {
    lanes: ["a", "b"],
    initial: created("A", roles),
    runners: [
      { name: "late", build: "A", roles, runs: ["b"], rings: 1 },
      { name: "other", build: "A", roles, runs: ["a", "b"] },
    ],
    commands: [{ roles, change: "reset", knows: ["a"] }],
  });
}

/** One runner takes one lane after the other through a reset. */
export function oneAfterTheOther(bounds: Bounds): Scenario {
  return scenario(bounds, {
    lanes: ["a", "b"],
    initial: created("A", two),
    runners: [{ name: "only", build: "A", roles: two, runs: ["a", "b"] }],
    commands: [{ roles: two, change: "reset", knows: ["a", "b"] }],
  });
}

/** The same, and a plan that goes on follows at some time: one lane may be in it while the other has not been swapped. */
export function oneAfterTheOtherAndOn(bounds: Bounds): Scenario {
  const knows: readonly Lane[] = ["a", "b"];
  return {
    ...oneAfterTheOther(bounds),
    commands: [
      { roles: two, change: "reset", knows },
      { roles: two, change: "plan", knows },
    ],
  };
}

/**
 * A reset has swapped all tables, a plan that goes on was raised after it, and nobody has come to the lane since: who carries it through both
 * may be overtaken by another reset.
 */
export function resetOnAndReset(bounds: Bounds): Scenario {
  const knows: readonly Lane[] = ["a"];
  const reset: GenerationRecord = {
    ...generationAfter(generationAfter(undefined, "A", two, "plan"), "A", two, "reset"),
    swap: { roles: two, lanes: knows },
  };
  const txns = { [appId(allRules, "a")]: txn(2, 0) };
  const swap: TableEntry = { ...creation(2), kind: "swap", removesBelow: 1, removesOf: knows, txns };
  const runner = { build: "A", roles: two, runs: knows } as const;
  return scenario(bounds, {
    lanes: knows,
    initial: {
      ...created("A", two),
      ...Object.fromEntries(reset.tables.map(({ table }) => [path.entry(table, 1), swap])),
      [path.generation(2)]: reset,
      [path.generation(3)]: generationAfter(reset, "A", two, "plan"),
    },
    runners: [
      { ...runner, name: "slow", rings: 1 },
      { ...runner, name: "other" },
    ],
    commands: [{ roles: two, change: "reset", knows }],
  });
}
