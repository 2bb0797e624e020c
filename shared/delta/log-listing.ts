/** What files a log has, by listing it. */
import { paddedNumber } from "../core/index.ts";
import { parseLogFileName, type LogFileName } from "./log-file-name.ts";
import { commitPath, logFolder, type DeltaLog } from "./log.ts";

/** A whole checkpoint: one file, or all parts of one in several. */
export interface ListedCheckpoint {
  readonly version: number;
  readonly form: "classic" | "v2";
  /** In the order of the parts. */
  readonly paths: readonly string[];
}

/** The commits from one version to another, both included, as one file. */
export interface ListedCompaction {
  readonly version: number;
  readonly lastVersion: number;
  readonly path: string;
}

/** What a listing of a log says. */
export interface LogListing {
  /** Versions of commit files, rising. */
  readonly commits: readonly number[];
  /** By rising version; of several of one version the last is the one to try first. */
  readonly checkpoints: readonly ListedCheckpoint[];
  readonly compactions: readonly ListedCompaction[];
}

/**
 * Lists a log, from `fromVersion` on where the caller knows a checkpoint there, and no further than `untilVersion`.
 * Throws LOG_CORRUPT for a version that no table can have.
 */
export async function listLog(
  log: DeltaLog,
  fromVersion = 0,
  untilVersion = Number.POSITIVE_INFINITY,
): Promise<LogListing> {
  const folder = `${logFolder(log)}/`;
  const commits: number[] = [];
  const whole: ListedCheckpoint[] = [];
  const compactions: ListedCompaction[] = [];
  const parts = new Map<string, string[]>();
  const after = fromVersion > 0 ? `${folder}${paddedNumber(fromVersion)}` : undefined;
  for await (const { path } of log.store.list(folder, { after })) {
    const name = path.slice(folder.length);
    // Versions come first; behind them are folders of files that have no place in a listing of versions.
    if (name > "9" && !/^\d/.test(name)) break;
    const file = parseLogFileName(name);
    if (file === undefined) continue;
    if (file.version > untilVersion) break;
    if (file.kind === "commit") commits.push(file.version);
    else if (file.kind === "compaction") compactions.push({ ...file, path });
    else if (file.part === undefined) whole.push({ version: file.version, form: file.form, paths: [path] });
    else if (addPart(parts, file, path)) whole.push(multiPart(parts, file));
  }
  return {
    commits: commits.sort((a, b) => a - b),
    checkpoints: whole.sort((a, b) => a.version - b.version || preference(a) - preference(b)),
    compactions,
  };
}

type Part = Extract<LogFileName, { kind: "checkpoint" }>;

/** True where the part makes its checkpoint whole. */
function addPart(parts: Map<string, string[]>, { version, ofParts }: Part, path: string): boolean {
  const key = `${version}.${ofParts}`;
  const known = parts.get(key) ?? [];
  known.push(path);
  parts.set(key, known);
  return known.length === ofParts;
}

function multiPart(parts: Map<string, string[]>, { version, ofParts }: Part): ListedCheckpoint {
  return { version, form: "classic", paths: (parts.get(`${version}.${ofParts}`) ?? []).toSorted() };
}

/** One file before several; a classic one before those whose files have to be followed to their sidecars. */
function preference({ form, paths }: ListedCheckpoint): number {
  return paths.length > 1 ? 0 : form === "v2" ? 1 : 2;
}

/** A commit as a listing has it. */
export interface ListedCommit {
  readonly version: number;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** What follows a version in a log. */
export interface ListedTail {
  readonly commits: number;
  readonly bytes: number;
  /** The commits after the last one that a compaction stands for. */
  readonly uncompacted: readonly ListedCommit[];
}

/** The commits after a version, up to another: by one listing. */
export async function logTailAfter(log: DeltaLog, afterVersion: number, toVersion: number): Promise<ListedTail> {
  const folder = `${logFolder(log)}/`;
  const after = afterVersion < 0 ? undefined : commitPath(log, afterVersion);
  const commits: ListedCommit[] = [];
  let bytes = 0;
  let compactedTo = afterVersion;
  for await (const { path, sizeBytes, etag } of log.store.list(folder, { after })) {
    const name = path.slice(folder.length);
    if (name > "9" && !/^\d/.test(name)) break;
    const file = parseLogFileName(name);
    if (file === undefined) continue;
    if (file.version > toVersion) break;
    if (file.kind === "compaction" && file.lastVersion <= toVersion)
      compactedTo = Math.max(compactedTo, file.lastVersion);
    if (file.kind !== "commit") continue;
    commits.push({ version: file.version, sizeBytes, etag });
    bytes += sizeBytes;
  }
  return { commits: commits.length, bytes, uncompacted: commits.filter(({ version }) => version > compactedTo) };
}
