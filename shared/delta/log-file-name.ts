/**
 * Names of the files in `_delta_log` (PROTOCOL.md § Delta Log Entries, § Checkpoints, § Log Compaction Files):
 *
 *   00000000000000000042.json                                                    a commit
 *   00000000000000000042.checkpoint.parquet                                      a classic checkpoint
 *   00000000000000000042.checkpoint.0000000001.0000000003.parquet                a part of one of several files
 *   00000000000000000042.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json    a V2 checkpoint; or .parquet
 *   00000000000000000004.00000000000000000042.compacted.json                     what the commits from 4 to 42 come to
 *   _sidecars/3a0d65cd-4056-49b8-937b-95f9e3ee90e5.parquet                       files of V2 checkpoints, named by these
 */
import { DyneError, paddedNumber } from "../core/index.ts";
import { logFolder, type DeltaLog } from "./log.ts";

/** What the name of a file says. */
export type LogFileName =
  | { readonly kind: "commit"; readonly version: number }
  | {
      readonly kind: "checkpoint";
      readonly version: number;
      readonly form: "classic" | "v2";
      /** From 1; with `ofParts` absent where the checkpoint is one file. */
      readonly part?: number;
      readonly ofParts?: number;
    }
  | { readonly kind: "compaction"; readonly version: number; readonly lastVersion: number };

const commitName = /^\d{20}\.json$/;
const checkpointName = /^\d{20}\.checkpoint(?:\.(\d{10})\.(\d{10})|\.([0-9a-fA-F-]{36}))?\.(json|parquet)$/;
const compactionName = /^(\d{20})\.(\d{20})\.compacted\.json$/;

/**
 * Undefined for every other file, and for names that mean nothing: a part beyond its parts, a compaction that ends before it begins.
 * Throws LOG_CORRUPT for a commit or checkpoint of a version that no table can have.
 */
export function parseLogFileName(name: string): LogFileName | undefined {
  if (commitName.test(name)) return { kind: "commit", version: versionOf(name) };
  const compaction = compactionName.exec(name);
  if (compaction !== null) {
    const [version, lastVersion] = [Number(compaction[1]), Number(compaction[2])];
    return lastVersion > version && Number.isSafeInteger(lastVersion)
      ? { kind: "compaction", version, lastVersion }
      : undefined;
  }
  const checkpoint = checkpointName.exec(name);
  if (checkpoint === null) return undefined;
  const [, part, ofParts, uuid, ending] = checkpoint;
  const version = versionOf(name);
  if (uuid !== undefined) return { kind: "checkpoint", version, form: "v2" };
  if (ending !== "parquet") return undefined;
  if (part === undefined) return { kind: "checkpoint", version, form: "classic" };
  const place = { part: Number(part), ofParts: Number(ofParts) };
  const exists = place.part >= 1 && place.part <= place.ofParts;
  return exists ? { kind: "checkpoint", version, form: "classic", ...place } : undefined;
}

/** The file of the commits from one version to another, both included (PROTOCOL.md § Log Compaction Files). */
export function compactionPath(log: Pick<DeltaLog, "path">, version: number, lastVersion: number): string {
  return `${logFolder(log)}/${paddedNumber(version)}.${paddedNumber(lastVersion)}.compacted.json`;
}

/**
 * The place of a sidecar in the store, by what its checkpoint calls it: a name, or a whole address whose last folders are those of
 * sidecars. It is always read from this table's own folder, so that a table can be copied (PROTOCOL.md § Sidecar File Information).
 * Throws PATH_OUTSIDE_TABLE for anything else.
 */
export function sidecarPath(log: Pick<DeltaLog, "path">, path: string): string {
  const name = /^(?:.*\/_delta_log\/_sidecars\/)?([^/]+)$/s.exec(decoded(path))?.[1];
  if (name !== undefined && name !== "." && name !== ".." && !name.includes("\0"))
    return `${logFolder(log)}/_sidecars/${name}`;
  throw new DyneError(
    "PATH_OUTSIDE_TABLE",
    `A checkpoint of ${log.path} names the sidecar "${path}", which is not a file of its folder _delta_log/_sidecars. Restore the checkpoint from a copy.`,
    { details: { path } },
  );
}

/** What cannot be decoded is no name, and is refused as it stands. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function versionOf(name: string): number {
  const version = Number(name.slice(0, 20));
  if (Number.isSafeInteger(version)) return version;
  throw new DyneError(
    "LOG_CORRUPT",
    `The log has a file ${name}, whose version is beyond what a table can have. Take the file away, or restore the log from a copy.`,
  );
}
