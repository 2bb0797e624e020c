/**
 * Paths of data files: percent-encoded and relative in the log (PROTOCOL.md § Add File and Remove File), decoded in the store.
 * Folders of partitions follow Hive's escaping, which is then percent-encoded once more: `at=10%253A30`.
 */
import { DyneError } from "../core/index.ts";
import type { AddFile, DeletionVector } from "./actions.ts";
import type { DeltaLog } from "./log.ts";

/**
 * The path of a data file in the store. Throws PATH_OUTSIDE_TABLE for absolute paths and for relative ones that lead out of the
 * table: a log must not make its reader touch other people's objects.
 */
export function dataFilePath(log: Pick<DeltaLog, "path">, file: Pick<AddFile, "path">): string {
  if (isAbsolute(file.path)) throw outside(log.path, file.path);
  const segments: string[] = [];
  for (const segment of decodeLogPath(file.path).split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined) throw outside(log.path, file.path);
  }
  if (segments.length === 0 || segments.some((segment) => segment.includes("\0"))) throw outside(log.path, file.path);
  return `${log.path}/${segments.join("/")}`;
}

/** A file's path below the table's root, as it stands in the log. */
export function encodeLogPath(relativePath: string): string {
  return relativePath
    .split("/")
    .map((segment) => encodeURIComponent(segment.toWellFormed()).replaceAll("%3D", "="))
    .join("/");
}

/** Undoes `encodeLogPath`, and any other writer's percent-encoding. */
export function decodeLogPath(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new DyneError(
      "LOG_CORRUPT",
      `The log names a file "${path}" that is not percent-encoded. Restore the log from a copy.`,
      { cause },
    );
  }
}

/**
 * What tells one logical file from another: its decoded path and its deletion vector (PROTOCOL.md § Add File and Remove File).
 * `file:///a` and `/a` are one file, as Spark's path canonicalisation has it.
 */
export function fileKey(file: { readonly path: string; readonly deletionVector?: DeletionVector | undefined }): string {
  const path = canonicalPath(file.path);
  return file.deletionVector === undefined ? path : `${path}\n${deletionVectorId(file.deletionVector)}`;
}

/** PROTOCOL.md § Deletion Vector Descriptor Schema, `uniqueId`. */
function deletionVectorId({ storageType, pathOrInlineDv, offset }: DeletionVector): string {
  return `${storageType}${pathOrInlineDv}${offset === undefined ? "" : `@${offset}`}`;
}

function canonicalPath(path: string): string {
  if (isAbsolute(path)) return decodeLogPath(path).replace(/^file:\/*/, "/");
  const decoded = decodeLogPath(path);
  return decoded.startsWith("./") ? decoded.slice(2) : decoded;
}

/** RFC 2396: a scheme before the first slash, or a leading slash. */
function isAbsolute(path: string): boolean {
  return path.startsWith("/") || (path.includes(":") && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path));
}

function outside(root: string, path: string): DyneError {
  return new DyneError(
    "PATH_OUTSIDE_TABLE",
    `The log of ${root} names the file "${path}", which is not inside the table. Copy the table's files into it (a shallow clone needs a deep one).`,
    { details: { path } },
  );
}
