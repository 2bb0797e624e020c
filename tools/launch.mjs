/**
 * Starts every script of package.json on a bare clone: brings Node.js 24 and the packages that are missing, then runs
 * the wanted program and passes on its exit code and the signals meant for it.
 *
 *   node tools/launch.mjs <script> [arguments]
 *
 * Plain JavaScript without dependencies, for Node 20 and later: it runs before anything is installed. What it has to
 * say goes to stderr; stdout belongs to the program.
 */
import { Interruption, LaunchFailure } from "./launch/failure.mjs";
import { findNode } from "./launch/node.mjs";
import { ensurePackages } from "./launch/packages.mjs";
import { root } from "./launch/root.mjs";
import { runProgram } from "./launch/program.mjs";

const dyne = "cli/dyne.ts";
const test = "tools/test.mjs";

/**
 * By script: the program with its first arguments, the packages that it needs beyond those of every user, and settings of the environment
 * where it has none.
 */
const scripts = {
  start: { program: [dyne, "start"] },
  dev: { program: [dyne, "dev"] },
  dyne: { program: [dyne] },
  build: { program: ["tools/build.mjs"], dev: true },
  package: { program: ["tools/package.mjs"], dev: true },
  test: {
    program: [test, "types", "unit", "contracts", "golden", "infra", "model", "simulation", "oracle", "e2e"],
    dev: true,
  },
  "test:unit": { program: [test, "unit"], dev: true },
  "test:contracts": { program: [test, "contracts"], dev: true },
  "test:golden": { program: [test, "golden"], dev: true },
  "test:infra": { program: [test, "infra"], dev: true },
  "test:oracle": { program: [test, "oracle"], dev: true, settings: { ORACLE_RUNS: "500" } },
  "test:interop": { program: [test, "interop"], dev: true },
  "test:long": { program: [test, "long"], dev: true },
  "test:simulation": { program: [test, "simulation"], dev: true },
  "test:concurrency": { program: [test, "concurrency"], dev: true },
  "test:mutants": { program: ["test/simulation/mutants/run.ts"], dev: true },
  "test:e2e": { program: [test, "e2e"], dev: true },
  "test:kill": { program: [test, "e2e", "--", "test/e2e/kill.test.ts"], dev: true, settings: { KILLS: "50" } },
  "infra:diagram": { program: ["test/infra/diagram/write.ts"], dev: true },
  cost: { program: ["infra/cost/main.ts"] },
  bench: { program: ["tools/bench.mjs"], dev: true },
  check: { program: ["tools/check.mjs"], dev: true, folders: ["tools/layers"] },
  format: { program: ["node_modules/oxfmt/bin/oxfmt"], dev: true },
};

async function launch([name, ...args]) {
  const script = Object.hasOwn(scripts, name ?? "") ? scripts[name] : undefined;
  if (script === undefined) {
    throw new LaunchFailure(`There is no script "${name ?? ""}". There are: ${Object.keys(scripts).join(", ")}.`);
  }
  if (process.platform === "win32") {
    throw new LaunchFailure("dyne runs on Linux and macOS. On Windows, use it inside WSL: https://aka.ms/wsl");
  }
  const node = await findNode();
  await ensurePackages(root, { node, dev: script.dev === true });
  for (const folder of script.folders ?? []) {
    await ensurePackages(`${root}/${folder}`, { node, dev: false, what: `packages of ${folder}` });
  }
  await runProgram(node, [...script.program, ...args], script.settings);
}

try {
  await launch(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LaunchFailure || error instanceof Interruption)) throw error;
  process.stderr.write(`dyne: ${error.message}\n`);
  if (error instanceof Interruption) process.kill(process.pid, error.signal);
  process.exitCode = 1;
}
