import { DyneError, limits } from "../core/index.ts";
import type {
  Action,
  AddFile,
  CdcFile,
  CommitInfo,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  Txn,
} from "./actions.ts";
import { commitPath, type DeltaLog } from "./log.ts";
import { parseAction } from "./parse-action.ts";

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

/**
 * Reads one commit; undefined where there is none (yet). Throws LOG_CORRUPT where the file is not a commit, LIMIT_EXCEEDED where it is too
 * large to be read.
 */
export async function readCommit(
  log: DeltaLog,
  version: number,
  signal?: AbortSignal,
): Promise<DeltaCommit | undefined> {
  const stored = await log.store.get(commitPath(log, version), { bytesMax: limits.deltaCommitBytes, signal });
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
  const actions: Action[] = [];
  for (const { value, place } of parseLines(bytes, commitPath(log, version))) {
    const action = parseAction(value, place);
    if (action !== undefined) actions.push(action);
  }
  return { ...commitOf(version, actions, lastModifiedMs), etag };
}

/** The values of a file of JSON lines, and where they stand. Throws LOG_CORRUPT, naming the line, for one that is not JSON. */
export function* parseLines(
  bytes: Uint8Array,
  path: string,
): Generator<{ readonly value: unknown; readonly place: string }> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let start = 0, number = 1; start < bytes.byteLength; number++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.byteLength : newline;
    const place = `${path} line ${number}`;
    const value = parseLine(decoder, bytes.subarray(start, end), place);
    if (value !== undefined) yield { value, place };
    start = end + 1;
  }
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

/** Undefined for an empty line. */
function parseLine(decoder: InstanceType<typeof TextDecoder>, line: Uint8Array, place: string): unknown {
  try {
    const text = decoder.decode(line);
    return text.trim() === "" ? undefined : (JSON.parse(text) as unknown);
  } catch (cause) {
    throw new DyneError("LOG_CORRUPT", `${place} is not JSON. Restore the log file from a copy.`, { cause });
  }
}
