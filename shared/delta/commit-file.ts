import { DyneError, limits } from "../core/index.ts";
import {
  parseAction,
  type Action,
  type AddFile,
  type CdcFile,
  type CommitInfo,
  type DomainMetadata,
  type Metadata,
  type Protocol,
  type RemoveFile,
  type Txn,
} from "./actions.ts";
import { commitPath, type DeltaLog } from "./log.ts";

/** One commit of a log, its actions sorted by kind. Within a kind they keep the order of the file. */
export interface DeltaCommit {
  readonly version: number;
  /**
   * Milliseconds since the epoch: the in-commit timestamp, else the one of commitInfo, else the time at which the file was written
   * (copying a table changes the last but not the others).
   */
  readonly timestampMs: number;
  /** Of the commit's file, which tells it from one that was written in its place; absent where it is not known. */
  readonly etag?: string | undefined;
  readonly commitInfo?: CommitInfo;
  readonly protocol?: Protocol;
  readonly metadata?: Metadata;
  readonly txns: readonly Txn[];
  readonly adds: readonly AddFile[];
  readonly removes: readonly RemoveFile[];
  readonly cdcs: readonly CdcFile[];
  readonly domains: readonly DomainMetadata[];
}

/** Reads one commit; undefined where there is none (yet). Throws LOG_CORRUPT where the file is not a commit. */
export async function readCommit(log: DeltaLog, version: number): Promise<DeltaCommit | undefined> {
  const stored = await log.store.get(commitPath(log, version));
  return stored && parseCommit(log, version, stored);
}

/** Takes the bytes of a commit file apart. */
export function parseCommit(
  log: Pick<DeltaLog, "path">,
  version: number,
  {
    bytes,
    lastModifiedMs,
    etag,
  }: { readonly bytes: Uint8Array; readonly lastModifiedMs: number; readonly etag: string },
): DeltaCommit {
  const path = commitPath(log, version);
  if (bytes.byteLength > limits.deltaCommitBytes) {
    throw new DyneError(
      "LIMIT_EXCEEDED",
      `${path} has ${bytes.byteLength} bytes, more than the limit of ${limits.deltaCommitBytes}. Checkpoint the table with its own writer first.`,
    );
  }
  const actions: Action[] = [];
  for (const [index, line] of new TextDecoder().decode(bytes).split("\n").entries()) {
    if (line.trim() === "") continue;
    const place = `${path} line ${index + 1}`;
    const action = parseAction(parseLine(line, place), place);
    if (action !== undefined) actions.push(action);
  }
  return { ...commitOf(version, actions, lastModifiedMs), etag };
}

/** Sorts actions into a commit. */
export function commitOf(version: number, actions: readonly Action[], writtenMs: number): DeltaCommit {
  let info: CommitInfo | undefined;
  let protocol: Protocol | undefined;
  let metadata: Metadata | undefined;
  const txns: Txn[] = [];
  const adds: AddFile[] = [];
  const removes: RemoveFile[] = [];
  const cdcs: CdcFile[] = [];
  const domains: DomainMetadata[] = [];
  for (const action of actions) {
    if ("add" in action) adds.push(action.add);
    else if ("remove" in action) removes.push(action.remove);
    else if ("cdc" in action) cdcs.push(action.cdc);
    else if ("txn" in action) txns.push(action.txn);
    else if ("domainMetadata" in action) domains.push(action.domainMetadata);
    else if ("metaData" in action) metadata = action.metaData;
    else if ("protocol" in action) protocol = action.protocol;
    else info = action.commitInfo;
  }
  return {
    version,
    timestampMs: info?.inCommitTimestamp ?? info?.timestamp ?? writtenMs,
    ...(info && { commitInfo: info }),
    ...(protocol && { protocol }),
    ...(metadata && { metadata }),
    txns,
    adds,
    removes,
    cdcs,
    domains,
  };
}

/** The bytes of a commit file: one action per line. */
export function encodeActions(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join(""));
}

function parseLine(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new DyneError("LOG_CORRUPT", `${place} is not JSON. Restore the log file from a copy.`, { cause });
  }
}
