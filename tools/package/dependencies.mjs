import { isBuiltin } from "node:module";
import { build } from "esbuild";

/** The packages that these JavaScript files below `folder`, and all that they import of it, import themselves, sorted. */
export async function packagesImported(folder, entryPoints) {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints,
    outdir: "unwritten",
    write: false,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    metafile: true,
  });
  const specifiers = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const names = specifiers.filter((path) => !isBuiltin(path)).map((path) => /^(@[^/]+\/)?[^/]+/.exec(path)[0]);
  return [...new Set(names)].sort();
}
