/**
 * Makes the package that programs install: JavaScript and types of the public faces: `dyne`, `dyne/delta` and `dyne/testing`.
 *
 *   node tools/package.mjs [--out <folder>] [--json]
 *
 * Progress goes to stderr, the summary to stdout.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Interruption, LaunchFailure } from "./launch/failure.mjs";
import { runNpm } from "./launch/packages.mjs";
import { makePackage } from "./package/make.mjs";
import { root } from "./run.mjs";

const help = `Usage: npm run package -- [options]

Makes the npm package dyne: JavaScript with types of what pipelines import, dyne/delta and dyne/testing, and nothing else of the
checkout. Leaves the folder package/ and, of the same, the archive dyne-<version>.tgz. Equal sources give equal bytes.

Options:
  --out <folder>   where to leave both (default: packed, in the checkout); earlier ones there are replaced
  --json           print the summary as one line of JSON
  --help           print this`;

function optionsOf(args) {
  try {
    const flag = { type: "boolean", default: false };
    return parseArgs({ args, options: { out: { type: "string" }, json: flag, help: flag } }).values;
  } catch (error) {
    throw new LaunchFailure(
      `${error.message.replace(/[^.]$/, "$&.")} What there is, is told by: npm run package -- --help`,
    );
  }
}

async function run(args) {
  const options = optionsOf(args);
  if (options.help) return console.log(help);
  const out = options.out === undefined ? join(root, "packed") : resolve(options.out);
  await mkdir(out, { recursive: true });
  process.stderr.write("dyne: emitting JavaScript and types …\n");
  const folder = join(out, "package");
  const { name, version, files, bytes } = await makePackage({ root, folder });
  await runNpm(process.execPath, ["pack", "--ignore-scripts", "--pack-destination", out], folder, "packing");
  const archive = join(out, `${name}-${version}.tgz`);
  if (options.json) return console.log(JSON.stringify({ archive, folder, files: files.length, bytes }));
  console.log(`${archive}: ${files.length} files, ${Math.round(bytes / 1_000)} kB unpacked`);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LaunchFailure || error instanceof Interruption)) throw error;
  process.stderr.write(`dyne: ${error.message}\n`);
  if (error instanceof Interruption) process.kill(process.pid, error.signal);
  process.exitCode = 1;
}
