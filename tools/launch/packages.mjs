import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { Interruption, npmFailure } from "./failure.mjs";
import { readState, stampPath } from "./installed.mjs";
import { withLock } from "./lock.mjs";
import { findNpm } from "./node.mjs";
import { passSignals } from "./program.mjs";

/** Nothing may be silent for longer than two seconds. */
const progressEveryMs = 1_500;

/** A registry that does not answer is given up after some 20 seconds, not after npm's usual 70. */
const npmOptions = [
  "--no-audit",
  "--no-fund",
  "--loglevel=error",
  "--fetch-retries=3",
  "--fetch-retry-mintimeout=2000",
  "--fetch-retry-maxtimeout=8000",
];

/**
 * Makes the packages of a folder fit its lockfile. Costs a few milliseconds where they do already.
 *
 * Where only the development packages are missing they are added beside the others, because a dyne that was started
 * before may be running from this very folder; in all other cases node_modules is made anew. One launcher at a time installs.
 */
export async function ensurePackages(folder, { node, dev, what = "packages" }) {
  if (isComplete(folder, dev)) return;
  await withLock(folder, async () => {
    if (isComplete(folder, dev)) return;
    const { kind, lock } = readState(folder, dev);
    const command = kind === "without dev" ? ["install", "--no-save"] : ["ci"];
    const omit = dev ? "--include=dev" : "--omit=dev";
    await runNpm(node, [...command, omit], folder, `installing ${what}`);
    writeStamp(folder, { lock, dev });
  });
}

function isComplete(folder, dev) {
  const { kind, lock, stamped } = readState(folder, dev);
  if (kind !== "complete") return false;
  if (!stamped) writeStamp(folder, { lock, dev });
  return true;
}

function writeStamp(folder, stamp) {
  if (existsSync(join(folder, "node_modules"))) writeFileSync(stampPath(folder), JSON.stringify(stamp));
}

/** Runs npm in a folder under `node`, with a line of progress every so often; its own output is shown only where it fails. */
export async function runNpm(node, args, folder, what) {
  const startedMs = Date.now();
  const say = (text) => process.stderr.write(`dyne: ${what}${text}\n`);
  const seconds = () => Math.round((Date.now() - startedMs) / 1000);
  say(" …");
  const timer = setInterval(() => say(`, ${seconds()} s`), progressEveryMs);
  try {
    const child = spawn(node, [findNpm(), ...args, ...npmOptions], {
      cwd: folder,
      env: npmEnvironment(node),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = [];
    child.stdout.on("data", (bytes) => output.push(bytes));
    child.stderr.on("data", (bytes) => output.push(bytes));
    const { code, asked } = await passSignals(child);
    if (asked !== undefined) throw new Interruption(asked);
    if (code !== 0) throw npmFailure(what, Buffer.concat(output).toString("utf8"));
    say(`, done in ${seconds()} s`);
  } finally {
    clearInterval(timer);
  }
}

/** The environment without what the outer npm tells its scripts, which would change what the inner one installs. */
function npmEnvironment(node) {
  const outer =
    /^npm_(config_(omit|include|production|global|prefix|workspace.*|dry_run|package_lock_only)|package_|lifecycle_)/i;
  const kept = Object.entries(process.env).filter(([name]) => !outer.test(name) && name !== "NODE_ENV");
  return { ...Object.fromEntries(kept), PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` };
}
