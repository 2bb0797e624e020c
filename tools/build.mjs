/**
 * Builds the folder that is deployed to Azure Functions.
 *
 *   node tools/build.mjs [--out <folder>] [--zip <file>] [--maps <folder>] [--json]
 *
 * Progress goes to stderr, the summary to stdout.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildApp } from "./build/app.mjs";
import { appBytesMax, megabytes } from "./build/size.mjs";
import { Interruption, LaunchFailure } from "./launch/failure.mjs";
import { root } from "./run.mjs";

const help = `Usage: npm run build -- [options]

Builds the app for Azure Functions (Flex Consumption: Linux on x64, Node.js 24): host.json, one bundle for each
file of functions/, and DuckDB for that platform, whatever this machine is. At most ${megabytes(appBytesMax)}. Equal
sources give equal bytes. What is published is the zip of it; "pulumi up" makes and publishes one by itself.

Options:
  --out <folder>   where to build (default: dist, in the checkout); an earlier build there is replaced
  --zip <file>     write the zip too, replacing an earlier one; it cannot lie in the folder of --out
  --maps <folder>  write the source maps of the bundles too, to read stack traces with; they are not deployed,
                   and cannot lie in the folder of --out
  --json           print the summary as one line of JSON
  --help           print this`;

function optionsOf(args) {
  try {
    const text = { type: "string" };
    const flag = { type: "boolean", default: false };
    const { values } = parseArgs({ args, options: { out: text, zip: text, maps: text, json: flag, help: flag } });
    const empty = Object.keys(values).find((name) => values[name] === "");
    if (empty !== undefined) throw new Error(`Option '--${empty}' has an empty path.`);
    return values;
  } catch (error) {
    throw new LaunchFailure(
      `${error.message.replace(/[^.]$/, "$&.")} What there is, is told by: npm run build -- --help`,
    );
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
  const zip = options.zip === undefined ? undefined : resolve(options.zip);
  const startedMs = performance.now();
  const say = (step) => process.stderr.write(`dyne: ${step} …\n`);
  const built = await buildApp({ root, out, zip, maps, say, signal: stopSignal() });
  const { files, bytes, sha256 } = built;
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  if (options.json) {
    const zipped = { zip: zip ?? null, zippedBytes: built.zip.bytes, zipSha256: built.zip.sha256 };
    return console.log(JSON.stringify({ folder: out, files: files.length, bytes, sha256, ...zipped, seconds }));
  }
  const size = `${files.length} files, ${megabytes(bytes)}, ${megabytes(built.zip.bytes)} zipped`;
  console.log(`${out}: ${size}, built in ${seconds} s\nsha256 ${sha256}`);
  if (zip !== undefined) console.log(`${zip}\nsha256 ${built.zip.sha256}`);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LaunchFailure || error instanceof Interruption)) throw error;
  process.stderr.write(`dyne: ${error.message}\n`);
  if (error instanceof Interruption) process.kill(process.pid, error.signal);
  process.exitCode = 1;
}
