/** A table at one version (PROTOCOL.md § Action Reconciliation), and what a commit makes of it. */
import { DyneError, type ColumnMappingMode } from "../core/index.ts";
import type { Schema } from "../plan/index.ts";
import { ActiveFiles } from "./active-files.ts";
import type { DomainMetadata, Metadata, Protocol } from "./actions.ts";
import { columnMappingOf } from "./column-mapping.ts";
import type { DeltaCommit } from "./commit-file.ts";
import type { DeltaLog } from "./log.ts";
import { parseSchema } from "./schema.ts";
import { assertReadable } from "./table-features.ts";

/** Immutable. */
export interface Snapshot {
  readonly version: number;
  /** When the version was committed: see `DeltaCommit.timestampMs`. */
  readonly timestampMs: number;
  /** Of the version's commit file; undefined where only a checkpoint was read. */
  readonly etag: string | undefined;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  readonly columnMapping: ColumnMappingMode;
  readonly files: ActiveFiles;
  /** The last `txn.version` by appId (PROTOCOL.md § Transaction Identifiers). */
  readonly txns: ReadonlyMap<string, number>;
  /** The table's version that recorded it, by appId; absent where a checkpoint is all that is known of it. */
  readonly txnCommits: ReadonlyMap<string, number>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

/** The snapshot after the commit that follows it. Pure. */
export function advanceSnapshot(log: Pick<DeltaLog, "path">, snapshot: Snapshot, commit: DeltaCommit): Snapshot {
  if (commit.version !== snapshot.version + 1) {
    throw new DyneError("INVALID_ARGUMENT", `Version ${commit.version} does not follow version ${snapshot.version}.`);
  }
  return apply(log, snapshot, commit);
}

/** The snapshot of version 0. Pure. */
export function snapshotOfFirst(log: Pick<DeltaLog, "path">, commit: DeltaCommit): Snapshot {
  return apply(log, unborn, commit);
}

/**
 * The snapshot after a checkpoint, or after what several commits come to, given as one commit of the last version: on top of what came
 * before, or of nothing. Pure.
 */
export function snapshotOfMany(
  log: Pick<DeltaLog, "path">,
  before: Snapshot | undefined,
  commit: DeltaCommit,
): Snapshot {
  return apply(log, before ?? unborn, commit, true);
}

/** The empty state before the first commit. */
interface Unborn {
  readonly version: number;
  readonly files: ActiveFiles;
  readonly txns: ReadonlyMap<string, number>;
  readonly txnCommits: ReadonlyMap<string, number>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

const unborn: Unborn = {
  version: -1,
  files: ActiveFiles.empty,
  txns: new Map(),
  txnCommits: new Map(),
  domains: new Map(),
};

function apply(log: Pick<DeltaLog, "path">, before: Snapshot | Unborn, commit: DeltaCommit, ofMany = false): Snapshot {
  const known = "protocol" in before ? before : undefined;
  const protocol = commit.protocol ?? known?.protocol;
  const metadata = commit.metadata ?? known?.metadata;
  if (protocol === undefined) throw missing(log, commit.version, "protocol");
  if (metadata === undefined) throw missing(log, commit.version, "metaData");
  const schema = known !== undefined && metadata === known.metadata ? known.schema : parseSchema(metadata.schemaString);
  const isKnown = protocol === known?.protocol && metadata === known.metadata;
  if (!isKnown) {
    assertReadable(log.path, protocol, metadata, schema);
    assertPartitioning(log.path, metadata, schema);
  }
  return {
    version: commit.version,
    timestampMs: commit.timestampMs,
    etag: commit.etag,
    protocol,
    metadata,
    schema,
    partitionBy: metadata.partitionColumns,
    columnMapping: isKnown ? known.columnMapping : columnMappingOf(log.path, protocol, metadata, schema),
    files: before.files.after(commit.removes, commit.adds),
    txns: withEntries(
      before.txns,
      commit.txns.map(({ appId, version }) => [appId, version]),
    ),
    txnCommits: withTxnCommits(before.txnCommits, commit, ofMany),
    domains: withDomains(before.domains, commit.domains),
  };
}

function withEntries(
  map: ReadonlyMap<string, number>,
  entries: readonly (readonly [string, number])[],
): ReadonlyMap<string, number> {
  return entries.length === 0 ? map : new Map([...map, ...entries]);
}

/** Which of the commits recorded a txn is not known of several at once. */
function withTxnCommits(
  before: ReadonlyMap<string, number>,
  { txns, version }: DeltaCommit,
  ofMany: boolean,
): ReadonlyMap<string, number> {
  if (!ofMany)
    return withEntries(
      before,
      txns.map(({ appId }) => [appId, version]),
    );
  const known = new Map(before);
  for (const { appId } of txns) known.delete(appId);
  return known;
}

function assertPartitioning(path: string, { partitionColumns }: Metadata, schema: Schema): void {
  const unknown = partitionColumns.find((column) => !Object.hasOwn(schema.fields, column));
  if (unknown === undefined) return;
  throw new DyneError(
    "LOG_CORRUPT",
    `The table ${path} is partitioned by "${unknown}", which is no column of it. Restore the log from a copy.`,
  );
}

function withDomains(
  map: ReadonlyMap<string, DomainMetadata>,
  domains: readonly DomainMetadata[],
): ReadonlyMap<string, DomainMetadata> {
  if (domains.length === 0) return map;
  const changed = new Map(map);
  for (const domain of domains) {
    if (domain.removed) changed.delete(domain.domain);
    else changed.set(domain.domain, domain);
  }
  return changed;
}

function missing(log: Pick<DeltaLog, "path">, version: number, action: "protocol" | "metaData"): DyneError {
  return new DyneError(
    "LOG_CORRUPT",
    `The log of ${log.path} has no ${action} action up to version ${version}. Restore the log from a copy.`,
    { details: { version } },
  );
}
