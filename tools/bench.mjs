/**
 * Runs benchmarks, each a program of its own in bench/.
 *
 *   node tools/bench.mjs                          all of them, one after another
 *   node tools/bench.mjs open-table --rounds 3    one, with its options
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.mjs";

const names = readdirSync(join(root, "bench"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length))
  .toSorted();

const [name, ...options] = process.argv.slice(2);
if (name !== undefined && !names.includes(name)) {
  console.error(
    `There is no benchmark "${name}". There are: ${names.join(", ")}. Options follow the name; all run without one.`,
  );
  process.exit(1);
}
let failed = 0;
for (const bench of name === undefined ? names : [name]) {
  if (name === undefined) console.error(`── ${bench}`);
  failed ||= await run([process.execPath, join(root, `bench/${bench}.ts`), ...options]);
}
process.exitCode = failed;
