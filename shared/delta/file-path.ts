/**
 * Paths of data files: percent-encoded in the log, relative to the table's root or absolute (PROTOCOL.md § Add File and Remove File), and
 * decoded in the store. Folders of partitions follow Hive's escaping, which is then percent-encoded once more: `at=10%253A30`.
 *
 *     part-0.parquet                                             read: below the table's root
 *     abfss://lake@account.dfs.core.windows.net/t/part-0.parquet read where it is in the table, or in `clonedFrom`, by the store's own address
 *     ../other/part-0.parquet, abfss://lake@other…, s3://…       refused
 */
import { DyneError } from "../core/index.ts";
import type { AddFile, DeletionVector } from "./actions.ts";
import type { DeltaLog } from "./log.ts";

/** What tells where a log's files are. */
export type FilePlace = Pick<DeltaLog, "path" | "clonedFrom"> & { readonly store: Pick<DeltaLog["store"], "pathOf"> };

/**
 * The path of a data file in the store. Throws PATH_OUTSIDE_TABLE for relative paths that lead out of the table, and for absolute ones that
 * lead neither into it nor into a folder of `clonedFrom`: a log must not make its reader touch other people's objects. Never asks the store.
 */
export function dataFilePath(log: FilePlace, file: Pick<AddFile, "path">): string {
  if (isAbsolutePath(file.path)) return absolutePath(log, file.path);
  const segments: string[] = [];
  for (const segment of decodeLogPath(file.path).split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined) throw outside(log.path, file.path);
  }
  if (segments.length === 0 || segments.some((segment) => segment.includes("\0"))) throw outside(log.path, file.path);
  return `${log.path}/${segments.join("/")}`;
}

function absolutePath({ store, path: root, clonedFrom = [] }: FilePlace, path: string): string {
  const there = store.pathOf(path, root.split("/", 1)[0]!);
  if (there !== undefined && [root, ...clonedFrom].some((folder) => there.startsWith(`${folder}/`))) return there;
  throw outside(root, path, there, clonedFrom);
}

/**
 * The path in the store of a folder that somebody names for `clonedFrom`: from `src`, `./src/` or an absolute path or URI that leads there.
 * Throws INVALID_ARGUMENT for what is not in the store, and for all of it. Never asks the store.
 */
export function cloneSource({ store, path: root }: FilePlace, folder: string): string {
  const isUri = /^[A-Za-z][A-Za-z0-9+.-]*:\//.test(folder);
  const isAbsolute = isUri || folder.startsWith("/");
  const address = isUri ? folder : encodeLogPath(folder);
  // What stores have addresses of are files: of one in the folder, which is then left away.
  const path = isAbsolute ? store.pathOf(`${address}/file`, root.split("/", 1)[0]!) : `${folder}/file`;
  const named = path?.split("/").filter((segment) => segment !== "" && segment !== ".");
  const segments = named?.slice(0, -1);
  if (segments !== undefined && segments.length > 0 && !segments.includes("..")) return segments.join("/");
  throw new DyneError(
    "INVALID_ARGUMENT",
    `clonedFrom of ${root} cannot be "${folder}", which is no folder within its store. Name the root of the other table as the store does, as in "${dirOf(root)}source".`,
    { details: { clonedFrom: folder } },
  );
}

/** What a path has before its last name. */
const dirOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

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
 * `file:///a` and `/a` are one file, as Spark's path canonicalisation has it. A relative path and an absolute one are two, to every reader
 * of Delta, even where both lead to one object.
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
  if (isAbsolutePath(path)) return decodeLogPath(path).replace(/^file:(?:\/\/localhost(?=\/))?\/*/i, "/");
  const decoded = decodeLogPath(path);
  return decoded.startsWith("./") ? decoded.slice(2) : decoded;
}

/** Whether the log names a file from the root of a file system on, or by a URI (RFC 2396): a scheme before the first slash, or a leading slash. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith("/") || (path.includes(":") && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path));
}

/** Says where the file is, where that is known: `clonedFrom` is spelled as the store spells it. */
function outside(root: string, path: string, there?: string, clonedFrom: readonly string[] = []): DyneError {
  const place = there === undefined ? "" : `; its path in the store is "${there}"`;
  const others = clonedFrom.length === 0 ? "" : `, nor inside ${clonedFrom.join(", ")}`;
  return new DyneError(
    "PATH_OUTSIDE_TABLE",
    `The log of ${root} names the file "${path}", which is not inside the table${others}${place}. Where the table is a shallow clone, open it with clonedFrom (--cloned-from), the folder of the table that it was made of in the same store; else copy the file into the table, by a deep clone.`,
    { details: { path } },
  );
}
