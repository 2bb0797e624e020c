/** Doing settled steps at once leaves out states, and nothing that can become of the store. */
import { describe, expect, it } from "vitest";
import { explore, type Exploration } from "./explore.ts";
import { Interner } from "./intern.ts";
import { allRules, type Rules } from "./rules.ts";
import * as scenarios from "./scenarios.ts";
import type { Store } from "./store.ts";
import { WorldModel, type Scenario } from "./world.ts";

const { anyCut, oneBatch, oneEvent } = scenarios;

/** Every store that can come to be, and what the exploration says. */
function reach(scenario: Scenario, settles: boolean, rules: Partial<Rules> = {}) {
  const world = new WorldModel(scenario, { ...allRules, ...rules }, settles);
  const interner = new Interner();
  const stores = new Map<string, string>();
  const explored: Exploration = explore(
    {
      initial: world.initial,
      keyOf: (each) => world.keyOf(each),
      movesOf: (each) => world.movesOf(each),
      isDone: (each) => world.isDone(each),
      faultOf: (each) => {
        const key = interner.keyOf(each.store);
        if (!stores.has(key)) stores.set(key, textOf(each.store));
        return world.faultOf(each);
      },
    },
    400_000,
  );
  return { explored, stores: [...stores.values()].toSorted() };
}

function textOf(store: Store): string {
  const entries = Object.entries(store).map(([path, record]) => `${path} ${JSON.stringify(record)}`);
  return entries.toSorted().join("\n");
}

describe("settled steps", () => {
  it.each([
    { name: "two runners and a crash", scenario: scenarios.oneGeneration({ input: anyCut, faults: { crashes: 1 } }) },
    { name: "a put that lands late", scenario: scenarios.oneGeneration({ input: oneEvent, faults: { latePuts: 1 } }) },
    {
      name: "another build and a lost answer",
      scenario: scenarios.anotherBuild({ input: anyCut, faults: { lostAnswers: 1 } }),
    },
    { name: "two lanes", scenario: scenarios.twoLanes({ input: oneBatch }) },
  ])("of $name leave every store within reach", ({ scenario }) => {
    const settled = reach(scenario, true);
    const every = reach(scenario, false);
    expect(settled.stores).toEqual(every.stores);
    expect(settled.explored).toMatchObject({ kind: "holds" });
    expect(every.explored).toMatchObject({ kind: "holds" });
    expect(settled.explored.states).toBeLessThan(every.explored.states);
  });

  it("do not hide a rule that is taken out", () => {
    const scenario = scenarios.anotherBuild({ input: anyCut });
    for (const rules of [{ seals: false }, { sealVerified: false }, { continuesFromSeal: false }]) {
      const [settled, every] = [true, false].map((settles) => reach(scenario, settles, rules).explored.kind);
      expect({ settled, every }).toEqual({ settled: "broken", every: "broken" });
    }
  });
});
