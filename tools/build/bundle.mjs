import { readdir } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { build, formatMessages } from "esbuild";
import { LaunchFailure } from "../launch/failure.mjs";

/** Left as they are in the bundles: the worker makes up the first one, and the second one loads a library of the machine. */
const external = ["@azure/functions-core", "@duckdb/node-bindings"];

/** Libraries that a bundled one tries to load and does without: Kerberos towards a proxy. */
const optional = ["kerberos"];

/**
 * What CommonJS expects of its module and ESM lacks. Of the banner esbuild knows nothing: only `require` stands in it, because that is the one
 * name which esbuild never gives away. Libraries of ours define a `__dirname` of their own.
 */
const banner = { js: 'const require = process.getBuiltinModule("module").createRequire(import.meta.url);' };
const define = { __filename: "import.meta.filename", __dirname: "import.meta.dirname" };

/**
 * Lets bundles require `node:http` instead of importing it. An import makes Node load every export at once, its WebSocket client among them,
 * which nobody here uses: a twentieth of the CPU time of loading the app.
 */
const requiredHttp = {
  name: "required-http",
  setup({ onResolve, onLoad }) {
    const namespace = "required";
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === "import-statement" ? { path: "node:http", namespace } : undefined,
    );
    onLoad({ filter: /^node:http$/, namespace }, () => ({ contents: 'module.exports = require("node:http");' }));
  },
};

/**
 * Bundles every file of `functions/` below `root` as `functions/<name>.js`. What they share is in `chunks/` and is loaded once by a worker,
 * which loads all of them: there is one app, one set of caches. Names stay as they are in the sources, so that stack traces can be read.
 *
 * Gives the files by path, their source maps by path, the legal comments of the sources, and the files (relative to `root`) that each bundle
 * holds. Throws LaunchFailure with esbuild's own words where the sources cannot be bundled, or where a bundle would look for a library that
 * is not there.
 */
export async function bundleFunctions(root) {
  const result = await runEsbuild(root, await entriesOf(root));
  const outdir = join(root, "dist/");
  const files = new Map(result.outputFiles.map(({ path, contents }) => [path.slice(outdir.length), contents]));
  const take = (ending) => {
    const taken = [...files].filter(([path]) => path.endsWith(ending));
    for (const [path] of taken) files.delete(path);
    return new Map(taken);
  };
  const maps = take(".map");
  const legalComments = [...take(".LEGAL.txt").values()].map((bytes) => new TextDecoder().decode(bytes)).sort();
  const outputs = Object.entries(result.metafile.outputs).filter(([path]) => path.endsWith(".js"));
  refuseMissing(outputs);
  const contents = new Map(
    outputs.map(([path, { inputs }]) => [
      path.slice("dist/".length),
      Object.entries(inputs).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
    ]),
  );
  return { files, maps, legalComments, contents };
}

async function entriesOf(root) {
  const names = (await readdir(join(root, "functions"))).filter((name) => name.endsWith(".ts")).sort();
  if (names.length === 0) throw new LaunchFailure("functions/ holds no file that could be bundled.");
  return names.map((name) => `functions/${name}`);
}

async function runEsbuild(root, entryPoints) {
  try {
    return await build({
      absWorkingDir: root,
      entryPoints,
      outbase: ".",
      outdir: "dist",
      write: false,
      bundle: true,
      splitting: true,
      chunkNames: "chunks/[name]-[hash]",
      format: "esm",
      platform: "node",
      target: "node24",
      external,
      banner,
      define,
      plugins: [requiredHttp],
      // Shorter identifiers would save another megabyte and no measurable time, and stack traces would say nothing.
      minifyWhitespace: true,
      minifySyntax: true,
      // Made every time, so that bundles are the same with and without them: their names depend on it.
      sourcemap: "external",
      sourcesContent: false,
      legalComments: "external",
      metafile: true,
      logLevel: "silent",
    });
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    const messages = await formatMessages(error.errors, { kind: "error", color: false });
    throw new LaunchFailure(`The functions cannot be bundled.\n${messages.join("").trimEnd()}`);
  }
}

/** esbuild leaves a library out in silence where a package only tries to load it. */
function refuseMissing(outputs) {
  for (const [, { imports, inputs }] of outputs) {
    for (const { path, external: isOutside } of imports) {
      if (!isOutside || isBuiltin(path) || external.includes(path) || optional.includes(path)) continue;
      throw new LaunchFailure(
        `"${path}" is neither installed nor part of Node.js, and a bundle with ${Object.keys(inputs).length} files would look for it. Add it to package.json, or name it in tools/build/bundle.mjs as one that is done without.`,
      );
    }
  }
}
