import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { filesOf } from "../build/size.mjs";
import { packagesImported } from "./dependencies.mjs";
import { emit } from "./emit.mjs";

/** What can be imported of the package, and the source that it is made of, below `shared/`. */
const faces = { ".": "pipeline/index.ts", "./delta": "table/lake/index.ts", "./testing": "testing/index.ts" };

/**
 * Makes the package of the checkout `root` in `folder`, which is replaced when everything has succeeded:
 *
 *     package.json    the faces, and the packages that the JavaScript imports, in the versions that the checkout has
 *     README.md       tools/package/README.md
 *     LICENSE
 *     lib/            what the faces need of shared/, as JavaScript and types
 *
 * Gives its name and version, and its files with their sizes. Throws LaunchFailure where the sources do not compile.
 */
export async function makePackage({ root, folder }) {
  const own = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const fresh = join(dirname(folder), `.${basename(folder)}-${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  try {
    const lib = join(fresh, "lib");
    await mkdir(lib, { recursive: true });
    await emit({ root, sources: Object.values(faces), out: lib });
    const imported = await packagesImported(lib, Object.values(faces).map(emittedPath));
    await writeFile(join(fresh, "package.json"), `${JSON.stringify(manifestOf(own, imported), undefined, 2)}\n`);
    await copyFile(join(root, "tools/package/README.md"), join(fresh, "README.md"));
    await copyFile(join(root, "LICENSE"), join(fresh, "LICENSE"));
    const files = await filesOf(fresh);
    for (const { path } of files) await chmod(join(fresh, path), 0o644);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { name: own.name, version: own.version, files, bytes };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const emittedPath = (source) => source.replace(/\.ts$/, ".js");

/** The package's own package.json. A package that is imported and not among the checkout's dependencies would be missing elsewhere. */
function manifestOf({ name, version, description, license, os, engines, dependencies }, imported) {
  const missing = imported.find((each) => dependencies[each] === undefined);
  if (missing !== undefined) throw new Error(`shared/ imports "${missing}", which is none of dyne's dependencies.`);
  const exports = Object.entries(faces).map(([face, source]) => {
    const path = `./lib/${emittedPath(source)}`;
    return [face, { types: path.replace(/\.js$/, ".d.ts"), default: path }];
  });
  return {
    name,
    version,
    description,
    license,
    type: "module",
    engines,
    os,
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    files: ["lib"],
    dependencies: Object.fromEntries(imported.map((each) => [each, dependencies[each]])),
  };
}
