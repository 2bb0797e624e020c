/**
 * Writes log compactions (PROTOCOL.md § Log Compaction Files): what the commits from one version to another come to, as one file beside
 * them, which whoever opens the table reads in their stead.
 *
 *   00000000000000000101.00000000000000000200.compacted.json
 *   {"txn":{"appId":"dyne/flights/silver.flights/0","version":4294967497}}
 *   {"add":{"path":"part-….parquet","partitionValues":{},"size":812,"modificationTime":1700000000000,"dataChange":false}}
 *   {"remove":{"path":"part-….parquet","deletionTimestamp":1700000000000,"dataChange":false}}
 *
 * Every removal stays, whatever its age, and so does every removed domain: what came before the range may have what they take away. The
 * commits stay too, for readers of changes and of older versions.
 */
import { limits } from "../core/index.ts";
import type { Action, AddFile, DomainMetadata, Metadata, Protocol, RemoveFile, Txn } from "./actions.ts";
import { assertExactTxns, keptFiles } from "./checkpoint.ts";
import { encodeActions, readCommit, type DeltaCommit } from "./commit-file.ts";
import { fileKey } from "./file-path.ts";
import { compactionPath } from "./log-file-name.ts";
import type { ListedCommit, ListedCompaction, ListedTail } from "./log-listing.ts";
import type { DeltaLog } from "./log.ts";
import type { Snapshot } from "./snapshot.ts";
import { assertWritable } from "./table-features.ts";

/** True where so many commits are in no compaction that reading them one by one is felt. Pure. */
export function isCompactionDue({ uncompacted }: Pick<ListedTail, "uncompacted">): boolean {
  const bytes = uncompacted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return uncompacted.length >= limits.compactionCommits && bytes <= limits.compactionBytesMax;
}

/**
 * Writes what listed commits come to, unless it is there already, and gives its place. `remembered` spares the reading of commits that are
 * known: only where they are the ones listed. `snapshot` is of the last of them, or later. Undefined, and nothing written, where a commit of
 * the range is missing or has become another. Safe to repeat, at any time and by several at once.
 * Throws UNSUPPORTED_FEATURE for a table that dyne does not write; LIMIT_EXCEEDED where an application's txn is beyond what is read exactly.
 */
export async function writeCompaction(
  log: DeltaLog,
  snapshot: Pick<Snapshot, "protocol" | "metadata" | "schema">,
  listed: readonly ListedCommit[],
  remembered: (version: number) => DeltaCommit | undefined = () => undefined,
): Promise<ListedCompaction | undefined> {
  assertWritable(log.path, snapshot.protocol, snapshot.metadata, snapshot.schema);
  const [first, last] = [listed[0]?.version, listed.at(-1)?.version];
  if (first === undefined || last === undefined || last === first) return undefined;
  const whole = new Reconciliation();
  for (let at = 0; at < listed.length; at += commitsAtOnce) {
    const commits = await Promise.all(
      listed.slice(at, at + commitsAtOnce).map((commit) => commitAsListed(log, commit, remembered)),
    );
    for (const [index, commit] of commits.entries()) {
      if (commit?.version !== first + at + index) return undefined;
      whole.add(commit);
    }
  }
  assertExactTxns(log, "log compaction", whole.txnVersions());
  const path = compactionPath(log, first, last);
  await log.store.putIfAbsent(path, encodeActions([...whole.actions()]));
  return { version: first, lastVersion: last, path };
}

const commitsAtOnce = 16;

/** A commit by its listing, so that one of a table that was there before is never taken for it. */
async function commitAsListed(
  log: DeltaLog,
  { version, etag }: ListedCommit,
  remembered: (version: number) => DeltaCommit | undefined,
): Promise<DeltaCommit | undefined> {
  const known = remembered(version);
  if (known?.etag === etag) return known;
  const commit = await readCommit(log, version);
  return commit?.etag === etag ? commit : undefined;
}

/** What commits come to, one after the other (PROTOCOL.md § Action Reconciliation): of each thing, what was said of it last. */
class Reconciliation {
  #protocol: Protocol | undefined;
  #metadata: Metadata | undefined;
  readonly #txns = new Map<string, Txn>();
  readonly #domains = new Map<string, DomainMetadata>();
  readonly #added = new Map<string, AddFile>();
  readonly #removed = new Map<string, RemoveFile>();

  add({ protocol, metadata, txns, domains, adds, removes }: DeltaCommit): void {
    this.#protocol = protocol ?? this.#protocol;
    this.#metadata = metadata ?? this.#metadata;
    for (const txn of txns) this.#txns.set(txn.appId, txn);
    for (const domain of domains) this.#domains.set(domain.domain, domain);
    for (const file of removes) {
      this.#added.delete(fileKey(file));
      this.#removed.set(fileKey(file), file);
    }
    for (const file of adds) {
      this.#removed.delete(fileKey(file));
      this.#added.set(fileKey(file), file);
    }
  }

  txnVersions(): ReadonlyMap<string, number> {
    return new Map([...this.#txns].map(([appId, { version }]) => [appId, version]));
  }

  *actions(): Generator<Action> {
    if (this.#protocol !== undefined) yield { protocol: this.#protocol };
    if (this.#metadata !== undefined) yield { metaData: this.#metadata };
    for (const txn of this.#txns.values()) yield { txn };
    for (const domainMetadata of this.#domains.values()) yield { domainMetadata };
    yield* keptFiles(this.#added.values(), this.#removed.values());
  }
}
