import { accessSync, constants, existsSync, readFileSync, realpathSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { LaunchFailure } from "./failure.mjs";
import { ensurePackages } from "./packages.mjs";
import { root } from "./root.mjs";

const oldestMajor = 24;
const pinnedFolder = join(root, "tools/node");

/** The Node.js to run under: this one where it is new enough, else the pinned one, installed where it is missing. */
export async function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= oldestMajor) return process.execPath;
  const path = pinnedPath();
  if (path === undefined) {
    throw new LaunchFailure(
      `dyne needs Node.js ${oldestMajor}, and none is pinned for ${process.platform} ${process.arch}. Install it and repeat.`,
    );
  }
  await ensurePackages(pinnedFolder, { node: process.execPath, dev: false, what: `Node.js ${oldestMajor}` });
  if (!existsSync(path))
    throw new LaunchFailure(`npm installed no Node.js at ${path}. Install Node.js ${oldestMajor}.`);
  return path;
}

/** Where the pinned Node.js of this platform is or will be, as the lockfile tells; undefined where there is none. */
function pinnedPath() {
  const { packages } = JSON.parse(readFileSync(join(pinnedFolder, "package-lock.json"), "utf8"));
  const fits = ([, { os, cpu }]) => os?.includes(process.platform) && cpu?.includes(process.arch);
  const found = Object.entries(packages).find(fits);
  return found && join(pinnedFolder, found[0], found[1].bin.node);
}

/**
 * npm's own JavaScript, so that it runs under the Node.js of our choice: under an old one it silently picks old versions.
 */
export function findNpm() {
  const candidates = [
    process.env.npm_execpath,
    join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js"),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "npm")),
  ];
  for (const candidate of candidates) {
    const path = candidate && realPath(candidate);
    if (path && basename(path) === "npm-cli.js") return path;
  }
  throw new LaunchFailure("npm was not found. Install Node.js together with npm: https://nodejs.org");
}

function realPath(path) {
  try {
    accessSync(path, constants.R_OK);
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
