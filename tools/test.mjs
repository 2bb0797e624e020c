/**
 * Runs test suites and ends with one plain line, `N passed, N failed, N skipped`.
 *
 *   node tools/test.mjs [types] unit contracts … [-- vitest's own options]
 *
 * `types` is the type check of the whole project; it counts only where it fails. A run without a single test fails.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageProgram, run } from "./run.mjs";

/** Counts of vitest's JSON report. A file that broke before its first test counts as one failed test. */
function countsOf(report) {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Servers and timers of the end-to-end tests leave a core idle half of the time: the other suites run beside them, and come first in the output. */
async function runBeside(suites, options) {
  const [slow, quick] = [suites.filter((suite) => suite === "e2e"), suites.filter((suite) => suite !== "e2e")];
  if (slow.length === 0 || quick.length === 0) return runSuites(suites, options);
  const folder = mkdtempSync(join(tmpdir(), "dyne-test-"));
  const outputPath = join(folder, "output.txt");
  const output = openSync(outputPath, "w");
  try {
    const all = await Promise.all([runSuites(quick, options), runSuites(slow, options, { output })]);
    process.stdout.write(readFileSync(outputPath));
    const sum = (count) => all.reduce((total, counts) => total + counts[count], 0);
    return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}

const memoryFolder = "/dev/shm";
const memoryFolderBytesMin = 4 * 2 ** 30;

/**
 * The environment of suites that keep nothing beyond a test: DuckDB writes thousands of small files for them, which go into memory where
 * there is room. Those that start the whole platform stay on the disk.
 */
function environmentOf(suites) {
  if (process.env.TMPDIR !== undefined || suites.includes("e2e")) return process.env;
  try {
    const { bavail, bsize } = statfsSync(memoryFolder);
    return bavail * bsize < memoryFolderBytesMin ? process.env : { ...process.env, TMPDIR: memoryFolder };
  } catch {
    return process.env;
  }
}

async function runSuites(suites, options, { output } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "dyne-test-"));
  const reportPath = join(folder, "report.json");
  try {
    const command = [
      ...packageProgram("vitest"),
      "run",
      ...suites.flatMap((suite) => ["--project", suite]),
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportPath}`,
      ...options,
    ];
    const exitCode = await run(command, { output, env: environmentOf(suites) });
    const counts = countsOf(JSON.parse(readFileSync(reportPath, "utf8")));
    if (counts.passed + counts.failed === 0) console.error("No test ran, which does not count as success.");
    const failed = counts.failed === 0 && (exitCode !== 0 || counts.passed === 0) ? 1 : counts.failed;
    return { ...counts, failed };
  } catch (error) {
    console.error(`The tests could not be run: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const suites = process.argv.slice(2);
const optionsAt = suites.findIndex((argument) => argument.startsWith("-"));
const options = optionsAt < 0 ? [] : suites.splice(optionsAt).filter((option) => option !== "--");
// By itself the simulation has time for more schedules than among all other tests.
if (suites.join() === "simulation") process.env.SIMULATION_RUNS ??= "2000";
const withTypes = suites[0] === "types";
if (withTypes) suites.shift();

let typeFailures = 0;
if (withTypes) {
  console.log("types: checking");
  typeFailures = (await run([...packageProgram("typescript", "tsc"), "-p", "."])) === 0 ? 0 : 1;
  console.log(typeFailures === 0 ? "types: right" : "types: wrong, see above");
}
const { passed, failed, skipped } = await runBeside(suites, options);
const allFailed = failed + typeFailures;
process.exitCode = allFailed === 0 ? 0 : 1;
console.log(`\n${passed} passed, ${allFailed} failed, ${skipped} skipped`);
