/**
 * Runs every check that needs no test run, and reports all that fail.
 *
 *   node tools/check.mjs [lint format layers unused tidy]     all of them without names
 */
import { join } from "node:path";
import { packageProgram, root, run } from "./run.mjs";

const checks = {
  lint: () => [...packageProgram("oxlint"), "--deny-warnings", "--report-unused-disable-directives"],
  format: () => [...packageProgram("oxfmt"), "--check"],
  layers: () => [process.execPath, join(root, "tools/layers/check.mjs")],
  unused: () => [...packageProgram("knip"), "--no-progress"],
  tidy: () => [process.execPath, join(root, "tools/tidy.mjs")],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`There is no check "${unknown[0]}". There are: ${Object.keys(checks).join(", ")}.`);
  process.exit(1);
}

const failed = [];
const names = asked.length > 0 ? asked : Object.keys(checks);
for (const name of names) {
  const startedMs = performance.now();
  console.log(`── ${name}`);
  if ((await run(checks[name]())) !== 0) failed.push(name);
  console.log(`   ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}
if (failed.includes("format")) console.log("Formatting is done by: npm run format");
console.log(
  `${names.length - failed.length} passed, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(", ")}` : ""}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
