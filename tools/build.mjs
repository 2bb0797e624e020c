/**
 * Builds the folder that is deployed to Azure Functions.
 *
 *   node tools/build.mjs [--out <folder>] [--maps <folder>] [--json]
 *
 * Progress goes to stderr, the summary to stdout.
 */
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { mkdir } from "node:fs/promises";
import { buildApp } from "./build/app.mjs";
import { appBytesMax, megabytes } from "./build/size.mjs";
import { Interruption, LaunchFailure } from "./launch/failure.mjs";
import { root } from "./run.mjs";

const help = `Usage: npm run build -- [options]

Builds the app for Azure Functions (Flex Consumption: Linux on x64, Node.js 24): host.json, one bundle for each
file of functions/, and DuckDB for that platform, whatever this machine is. At most ${megabytes(appBytesMax)}. Equal
sources give equal bytes. It is published as a zip of what is in the folder.

Options:
  --out <folder>   where to build (default: dist, in the checkout); an earlier build there is replaced
  --maps <folder>  write the source maps of the bundles too, to read stack traces with; they are not deployed
  --json           print the summary as one line of JSON
  --help           print this`;

function optionsOf(args) {
  try {
    const text = { type: "string" };
    const flag = { type: "boolean", default: false };
    return parseArgs({ args, options: { out: text, maps: text, json: flag, help: flag } }).values;
  } catch (error) {
    throw new LaunchFailure(`${error.message} What there is, is told by: npm run build -- --help`);
  }
}

/** Aborted when somebody asks for the end, so that nothing half-built is left behind. */
function stopSignal() {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort(new Interruption(name)));
  return stop.signal;
}

async function run(args) {
  const options = optionsOf(args);
  if (options.help) return console.log(help);
  const out = options.out === undefined ? join(root, "dist") : resolve(options.out);
  const maps = options.maps === undefined ? undefined : resolve(options.maps);
  await mkdir(dirname(out), { recursive: true });
  const startedMs = performance.now();
  const say = (step) => process.stderr.write(`dyne: ${step} …\n`);
  const { files, bytes, zippedBytes, sha256 } = await buildApp({ root, out, maps, say, signal: stopSignal() });
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  if (options.json)
    return console.log(JSON.stringify({ folder: out, files: files.length, bytes, zippedBytes, sha256, seconds }));
  console.log(
    `${out}: ${files.length} files, ${megabytes(bytes)}, about ${megabytes(zippedBytes)} zipped, built in ${seconds} s\nsha256 ${sha256}`,
  );
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LaunchFailure || error instanceof Interruption)) throw error;
  process.stderr.write(`dyne: ${error.message}\n`);
  if (error instanceof Interruption) process.kill(process.pid, error.signal);
  process.exitCode = 1;
}
