import { explore, type Exploration } from "./explore.ts";
import { allRules, type Rules } from "./rules.ts";
import { WorldModel, type Scenario } from "./world.ts";

const statesMax = 3_000_000;

/** Explores a scenario under the rules, all but those given, and tells how many states that took. */
export function exploring(name: string, scenario: Scenario, rules: Partial<Rules> = {}): Exploration {
  const explored = explore(new WorldModel(scenario, { ...allRules, ...rules }), statesMax);
  console.info(`${name}: ${explored.kind} after ${explored.states.toLocaleString("en")} states`);
  if (explored.kind === "broken") console.info([explored.reason, ...folded(explored.trace)].join("\n  "));
  return explored;
}

/** What one actor reads without a pause stands on one line. */
function folded(trace: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const step of trace) {
    const [who = "", what] = step.split(" reads ");
    const last = lines.at(-1);
    if (what !== undefined && last?.startsWith(`${who} reads `)) lines[lines.length - 1] = `${last}, ${what}`;
    else lines.push(step);
  }
  return lines;
}
