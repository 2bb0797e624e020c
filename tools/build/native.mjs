import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LaunchFailure } from "../launch/failure.mjs";
import { runNpm } from "../launch/packages.mjs";

/** Where the app runs: Flex Consumption, Linux with glibc on x64. */
const platform = "linux-x64";
const chooser = "@duckdb/node-bindings";
const library = `${chooser}-${platform}`;

/** Documentation and types are left behind; the license goes along. */
const kept = /^(package\.json|LICENSE.*|duckdb\.js|duckdb\.node|libduckdb\.so)$/;
const needed = { [chooser]: ["duckdb.js"], [library]: ["duckdb.node", "libduckdb.so"] };

/**
 * Finds DuckDB for the platform of the app, in the versions of package-lock.json: the installed one where it is of that platform, else one
 * that `fetch` brings into a cache below node_modules. Gives the folders by package.
 *
 * Throws LaunchFailure where a package is of another version, or lacks a file that the app loads.
 */
export async function findNative(root, fetch = fetchPackage) {
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  const lockOf = (name) => {
    const entry = packages[`node_modules/${name}`];
    if (entry === undefined) throw new LaunchFailure(`package-lock.json lacks ${name}. Run: node tools/lockfile.mjs`);
    return entry;
  };
  const installed = (name) => join(root, "node_modules", name);
  const found = new Map([[chooser, installed(chooser)]]);
  const isThere = (await versionIn(installed(library))) === lockOf(library).version;
  found.set(library, isThere ? installed(library) : await cached(root, library, lockOf(library), fetch));
  for (const [name, folder] of found) {
    const version = await versionIn(folder);
    if (version !== lockOf(name).version) {
      const what = version === undefined ? "is not there" : `has version ${version}`;
      throw new LaunchFailure(
        `${name} ${what}, and package-lock.json names ${lockOf(name).version}. Remove node_modules and start again by npm.`,
      );
    }
    const files = await readdir(folder);
    const missing = needed[name].find((file) => !files.includes(file));
    if (missing !== undefined) {
      throw new LaunchFailure(`${name} ${version} lacks ${missing}. Remove node_modules and start again by npm.`);
    }
  }
  return found;
}

/** Copies what the app needs of the packages found into `node_modules/` of a folder. */
export async function copyNative(found, folder) {
  for (const [name, from] of found) {
    const to = join(folder, "node_modules", name);
    await mkdir(to, { recursive: true });
    for (const file of (await readdir(from)).filter((file) => kept.test(file))) {
      await copyFile(join(from, file), join(to, file));
    }
  }
}

/** The folder of a package that was fetched before, or is now: complete, or not there at all. */
async function cached(root, name, entry, fetch) {
  const key = createHash("sha256")
    .update(JSON.stringify([name, entry]))
    .digest("hex")
    .slice(0, 16);
  const cache = join(root, "node_modules/.cache/dyne");
  const folder = join(cache, `native-${key}`);
  const inside = join(folder, "node_modules", name);
  if ((await versionIn(inside)) !== undefined) return inside;
  const fresh = join(cache, `native-${key}-${process.pid}`);
  try {
    await mkdir(fresh, { recursive: true });
    await fetch(root, fresh, name, entry);
    if ((await versionIn(join(fresh, "node_modules", name))) === undefined) {
      throw new LaunchFailure(
        `npm brought no ${name} ${entry.version}, which the app needs on its machine. Does the registry in use offer it? Ask by: npm view ${name}@${entry.version} version`,
      );
    }
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return inside;
}

/** Lets npm install one package with the version and the checksum of the lockfile. */
async function fetchPackage(root, folder, name, optionalEntry) {
  const entry = { ...optionalEntry };
  delete entry.optional;
  const manifest = { name: "dyne-native", private: true, dependencies: { [name]: entry.version } };
  const lock = {
    ...manifest,
    lockfileVersion: 3,
    requires: true,
    packages: { "": manifest, [`node_modules/${name}`]: entry },
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await writeFile(join(folder, "package-lock.json"), JSON.stringify(lock));
  await copyFile(join(root, ".npmrc"), join(folder, ".npmrc"));
  const [os, cpu] = platform.split("-");
  // npm passes over an optional package that it cannot get, without a word; one that is asked for it refuses on another platform, unless forced.
  const options = ["--force", `--os=${os}`, `--cpu=${cpu}`, "--libc=glibc", "--ignore-scripts"];
  await runNpm(process.execPath, ["ci", ...options], folder, `fetching ${name} ${entry.version}`);
}

async function versionIn(folder) {
  try {
    return JSON.parse(await readFile(join(folder, "package.json"), "utf8")).version;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
