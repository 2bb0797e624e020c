import { mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, isAbsolute } from "node:path";
import { LaunchFailure } from "../launch/failure.mjs";

/**
 * Makes the folders above what a build writes: the folder `out`, the file `zip` and the folder `maps`, all absolute, the latter two where they
 * are given. Throws LaunchFailure, before anything is built or made, where one of them could not be written or would be gone at the end: `out`
 * is replaced as a whole, with all that lies in it.
 */
export async function prepareTargets({ out, zip, maps }) {
  const targets = [
    { option: "--zip <file>", path: zip, isRight: (found) => found.isFile(), wrong: "is there and is no file" },
    { option: "--maps <folder>", path: maps, isRight: (found) => found.isDirectory(), wrong: "is there and no folder" },
  ].filter(({ path }) => path !== undefined);
  const realOut = await realPath(out);
  for (const { option, path, isRight, wrong } of targets) {
    if (isWithin(realOut, await realPath(path)))
      throw new LaunchFailure(
        `${path} would be gone at the end, because ${out} is replaced as a whole. Write it elsewhere: npm run build -- ${option}`,
      );
    const found = await existing(path);
    if (found !== undefined && !isRight(found))
      throw new LaunchFailure(`${path} ${wrong}. Remove it, or write elsewhere: npm run build -- ${option}`);
  }
  for (const { option, path } of [{ option: "--out <folder>", path: out }, ...targets]) {
    await mkdir(dirname(path), { recursive: true }).catch((error) => {
      throw new LaunchFailure(
        `${dirname(path)} cannot be made (${error.message}). Write elsewhere: npm run build -- ${option}`,
      );
    });
  }
}

async function existing(path) {
  return await stat(path).catch((error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
}

/** Where a path leads through all links, as far as there is something at it. */
async function realPath(path) {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error.code !== "ENOENT" && error.code !== "ENOTDIR") || parent === path) throw error;
    return join(await realPath(parent), basename(path));
  }
}

function isWithin(folder, path) {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !/^\.\.[/\\]/.test(way) && !isAbsolute(way));
}
