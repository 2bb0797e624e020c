/**
 * Plays seeds until one fails:
 *
 *     node test/simulation/mutants/hunt.ts <first> <seedsMax> [shape,shape]
 *
 * Ends with 0 where all are right, with 42 at the first that is wrong, which it prints. What hangs is wrong too: an event loop that has
 * nothing left to do ends the process with Node's 13.
 */
import { shapeOf } from "../schedule.ts";
import { Seeds } from "../seeds.ts";

const [first = "0", seedsMax = "100", shapes = ""] = process.argv.slice(2);
const wanted = shapes === "" ? undefined : new Set(shapes.split(","));
let played = 0;
const seeds = await Seeds.open();
try {
  for (let seed = Number(first); played < Number(seedsMax); seed++) {
    if (wanted !== undefined && !wanted.has(shapeOf(seed))) continue;
    played++;
    const failure = await seeds.failureOf(seed);
    if (failure === undefined) continue;
    console.log(`after ${played} of ${seedsMax} schedules: ${failure.message}`);
    process.exitCode = 42;
    break;
  }
} finally {
  await seeds[Symbol.asyncDispose]();
}
if (process.exitCode === undefined) console.log(`${played} schedules are right`);
