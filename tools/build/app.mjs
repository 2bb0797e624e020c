import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LaunchFailure } from "../launch/failure.mjs";
import { bundleFunctions } from "./bundle.mjs";
import { copyNative, findNative } from "./native.mjs";
import { packagesOf, thirdPartyNotices } from "./notices.mjs";
import { checkSize, digestOf, filesOf } from "./size.mjs";
import { prepareTargets } from "./targets.mjs";
import { packZip } from "./zip.mjs";

/** Archives hold times; files that always have the same one make archives that are the same. */
const fileTime = new Date("2000-01-01T00:00:00Z");

const noticesName = "THIRD-PARTY-NOTICES.txt";
const builtNames = new Set(["host.json", "package.json", "functions", "chunks", "node_modules", noticesName]);

/**
 * Builds the app of the checkout `root` for Azure Functions into the folder `out`, its zip into the file `zip` and the source maps of its
 * bundles into the folder `maps` where they are given. `out` is replaced as a whole when everything else has succeeded; a failed build leaves
 * it as it was, and so does one that is refused because the zip or the maps would lie in it. `say` is told each step; between two steps `signal` ends the build.
 *
 *     host.json                     as it is
 *     package.json                  an ES module; `main` matches the bundles in functions/
 *     functions/<name>.js           one for each file of functions/
 *     chunks/<name>-<hash>.js       what they share
 *     node_modules/@duckdb/…        DuckDB for Linux on x64
 *     THIRD-PARTY-NOTICES.txt       the licenses of what is bundled
 *
 * Equal sources and packages give equal bytes. Gives the files with their sizes, the size of all, a hash of all, and size and hash of their
 * zip. Throws LaunchFailure where the user can put it right.
 */
export async function buildApp({ root, out, zip, maps, signal, say = () => undefined }) {
  const step = (what) => {
    signal?.throwIfAborted();
    say(what);
  };
  await refuseForeign(out);
  await prepareTargets({ out, zip, maps });
  step("bundling functions/");
  const [bundle, native] = await Promise.all([bundleFunctions(root), findNative(root)]);
  const fresh = join(dirname(out), `.${basename(out)}-${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  try {
    await writeFiles(fresh, bundle.files);
    await copyFile(join(root, "host.json"), join(fresh, "host.json"));
    await writeFile(join(fresh, "package.json"), await manifestText(root));
    const packages = packagesOf([...bundle.contents.values()].flat());
    const notices = await thirdPartyNotices(root, packages, bundle.legalComments);
    await writeFile(join(fresh, noticesName), notices);
    step("copying DuckDB for Linux on x64");
    await copyNative(native, fresh);
    const files = await filesOf(fresh);
    checkSize(files);
    for (const { path } of files) {
      await chmod(join(fresh, path), 0o644);
      await utimes(join(fresh, path), fileTime, fileTime);
    }
    const sha256 = await digestOf(fresh, files);
    step(zip === undefined ? "compressing, to know the size of an upload" : "compressing");
    const zipped = await packZip(fresh, files, zip);
    signal?.throwIfAborted();
    if (maps !== undefined) await writeFiles(maps, bundle.maps);
    await rm(out, { recursive: true, force: true });
    await rename(fresh, out);
    return { files, bytes: files.reduce((sum, file) => sum + file.bytes, 0), sha256, zip: zipped };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Whatever is in the way and holds anything else than a build does belongs to somebody. */
async function refuseForeign(out) {
  const names = await readdir(out).catch((error) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (names?.length === 0 || (names?.includes(noticesName) && names.every((name) => builtNames.has(name)))) return;
  throw new LaunchFailure(
    `${out} is there and is no earlier build. Remove it, or build elsewhere: npm run build -- --out <folder>`,
  );
}

async function manifestText(root) {
  const { name, version, license } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  return `${JSON.stringify({ name, version, private: true, license, type: "module", main: "functions/*.js" }, undefined, 2)}\n`;
}

async function writeFiles(folder, files) {
  for (const [path, contents] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), contents);
  }
}
