import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { LaunchFailure } from "../launch/failure.mjs";

/** An instance unpacks the app before it can start, so its size is a part of every cold start. */
export const appBytesMax = 90_000_000;

const namedMax = 5;

/** The files below a folder, by path with forward slashes, in byte order, with their sizes. */
export async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(async (path) => ({ path: relative(folder, path), bytes: (await stat(path)).size })),
  );
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Throws LaunchFailure, naming the largest files, where all together are larger than an app may be. */
export function checkSize(files, bytesMax = appBytesMax) {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= bytesMax) return;
  const largest = files
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, namedMax)
    .map((file) => `\n  ${megabytes(file.bytes).padStart(8)}  ${file.path}`);
  throw new LaunchFailure(
    `The app has ${megabytes(bytes)}, and at most ${megabytes(bytesMax)} are allowed. Its largest files:${largest.join("")}`,
  );
}

/** Bytes as people read them. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A hash of all paths and contents: equal where two apps are equal, byte for byte, whatever compresses them. */
export async function digestOf(folder, files) {
  const all = createHash("sha256");
  for (const { path } of files) {
    const bytes = await readFile(join(folder, path));
    all.update(`${createHash("sha256").update(bytes).digest("hex")}  ${path}\n`);
  }
  return all.digest("hex");
}
