/**
 * Completes package-lock.json with the native variants of packages for platforms that the registry in use does not
 * offer. npm leaves such optional variants out of the lockfile and then refuses it (`npm ci` asks for all of them);
 * on a machine of that platform they would be missing. To be run after every change of package-lock.json.
 *
 *   node tools/lockfile.mjs [--check]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const path = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));

const systems = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const processors = ["arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "x64"];

/** The platform that a variant's name tells, such as `@oxlint/binding-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) {
    throw new Error(`"${name}" is missing from package-lock.json, and its name tells no platform. Run: npm install`);
  }
  const libc = words.includes("musl") ? { libc: ["musl"] } : words.includes("gnu") ? { libc: ["glibc"] } : {};
  return { cpu: [cpu], ...libc, os: [os] };
}

/** Whether a package required from `folder` is in the lockfile: beside the requirer or in a folder above. */
function isLocked(folder, name) {
  for (let place = folder; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
    if (lock.packages[`${place === "" ? "" : `${place}/`}node_modules/${name}`] !== undefined) return true;
    if (place === "") return false;
  }
}

const added = {};
for (const [folder, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(folder, name)) continue;
    if (!/^\d/.test(version)) throw new Error(`${folder} asks for ${name} ${version}, which is no exact version.`);
    added[`node_modules/${name}`] = {
      version,
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...platformOf(name),
    };
  }
}

const addresses = Object.values(lock.packages).filter((entry) => entry.resolved !== undefined).length;
if (addresses > 0) throw new Error(`package-lock.json holds ${addresses} addresses; .npmrc keeps them out.`);
const count = Object.keys(added).length;
if (count > 0 && process.argv.includes("--check")) {
  throw new Error(`package-lock.json lacks ${count} variants for other platforms. Run: node tools/lockfile.mjs`);
}
if (count > 0) {
  const sorted = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, "en"));
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`);
}
console.log(`lockfile: ${count} variants for other platforms added`);
