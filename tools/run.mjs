import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** The checkout. */
export const root = resolve(import.meta.dirname, "..");

/**
 * The command line of a program that comes with a package, run by this Node: `["node", "…/oxlint", …]`.
 * `folder` is where the package is installed.
 */
export function packageProgram(name, program = name, folder = root) {
  const manifestPath = join(folder, "node_modules", name, "package.json");
  const { bin } = createRequire(import.meta.url)(manifestPath);
  const path = typeof bin === "string" ? bin : bin[program];
  return [process.execPath, join(dirname(manifestPath), path)];
}

/**
 * Runs a command in the checkout, its output shown as it comes, or written to the file that `output` is open on. Gives the exit code; 1
 * where a signal ended it.
 */
export function run([command, ...args], { output = "inherit", env = process.env } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["inherit", output, output] });
    child.on("error", fail);
    child.on("close", (code) => done(code ?? 1));
  });
}
