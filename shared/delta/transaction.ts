/**
 * Commits to a table (PROTOCOL.md § Creation of New Log Entries): optimistic, by put-if-absent of the next version's file.
 *
 *   loop, at most `limits.commitAttemptsMax` times:
 *     ask the fences of the newest snapshot        → already committed | fenced | changed | go on
 *     are all files to remove still active?        → conflict | go on
 *     was the snapshot the newest long ago?        → bring it up to date first: version N+1 may have been, and been cleaned away
 *     put version N+1, one body, until it is known whose it is
 *       mine      → committed; the snapshot is advanced in memory
 *       another's → read the winners; do they conflict?  → conflict | again on top of them
 */
import { DyneError, isDyneError, limits } from "../core/index.ts";
import { verifiedPutIfAbsent } from "../storage/index.ts";
import type { Schema } from "../plan/index.ts";
import type { Action, Metadata, Protocol, Txn } from "./actions.ts";
import { columnMappingOf } from "./column-mapping.ts";
import { commitOf, encodeActions, parseCommit, type DeltaCommit } from "./commit-file.ts";
import {
  conflictChecker,
  conflictWithChange,
  inactiveRemoval,
  isolationLevelOf,
  type Conflict,
  type ConflictReason,
  type IsolationLevel,
  type ReadScope,
} from "./conflict.ts";
import { askFences, type Fence, type FenceVerdict } from "./fence.ts";
import { timed } from "./in-commit-timestamp.ts";
import { commitPath, type DeltaLog } from "./log.ts";
import { advanceSnapshot, type Snapshot } from "./snapshot.ts";
import { isTrusted } from "./trusted-snapshot.ts";
import { updateSnapshot } from "./update-snapshot.ts";
import { parseSchema } from "./schema.ts";
import { assertWritable, rulesInUse } from "./table-features.ts";
import { tableProperty } from "./table-properties.ts";

export interface CommitRequest extends ReadScope {
  /** What the actions were planned on, or anything newer: an older one costs requests, never correctness. */
  readonly base: Snapshot;
  /** What the commit does. `commitInfo` and the fences' `txn` are added. */
  readonly actions: readonly Action[];
  /** Adds rows and has read nothing of the table. */
  readonly isBlindAppend: boolean;
  /** The rows that it adds were held against the table's rules: constraints, invariants and generated columns. */
  readonly rowsAreGuarded?: boolean | undefined;
  /**
   * Every added row is new and every row of a removed file is gone, so that a change feed needs no change files to say what happened
   * (PROTOCOL.md § Change Data Files).
   */
  readonly movesNoRows?: boolean | undefined;
  /** For the table's history, such as "STREAMING UPDATE". */
  readonly operation: string;
  readonly operationParameters?: Readonly<Record<string, unknown>> | undefined;
  /** What the operation did, in numbers, for the table's history: by the names that Spark gives them. */
  readonly operationMetrics?: Readonly<Record<string, number>> | undefined;
  readonly fences?: readonly Fence[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a commit; `snapshot` is the newest that was seen. */
export type CommitOutcome =
  | {
      readonly kind: "committed";
      readonly version: number;
      readonly snapshot: Snapshot;
      /** As readers of the log will find it. */
      readonly commit: DeltaCommit;
    }
  /** An earlier run of the same batch committed it: by `version`, where the log still says. */
  | { readonly kind: "already-committed"; readonly version: number | undefined; readonly snapshot: Snapshot }
  | { readonly kind: "fenced"; readonly appId: string; readonly recorded: number; readonly snapshot: Snapshot }
  | {
      readonly kind: "txn-changed";
      readonly appId: string;
      readonly recorded: number | undefined;
      readonly snapshot: Snapshot;
    }
  | CommitConflict;

/** The actions cannot follow a commit that was not seen when they were planned: plan again, on `snapshot`. */
export interface CommitConflict {
  readonly kind: "conflict";
  /** The version that they cannot follow; the newest, where it is no longer known which. */
  readonly version: number;
  readonly reason: ConflictReason;
  /** A file that shows it, as the log names it. */
  readonly path?: string;
  /** What the other commit was, such as "OPTIMIZE"; absent where it is not known. */
  readonly operation?: string;
  readonly snapshot: Snapshot;
}

/** Who wrote a commit, in its commitInfo. */
export const engineInfo = "dyne/0.1.0";

/** The property that lets writers forget `txn` records; no table with fences may have it. */
export const transactionRetention = "delta.setTransactionRetentionDuration";

/**
 * Commits actions as one version, or says why not. Data files must be in the store already.
 *
 * Throws STORAGE_UNAVAILABLE where it stays unknown whether the commit was written. Calling again is safe with a fence, which recognises
 * the earlier commit; without one the actions could be committed twice. Throws UNSUPPORTED_FEATURE where the table must not be written.
 */
export async function commit(log: DeltaLog, request: CommitRequest): Promise<CommitOutcome> {
  validate(log, request);
  const fences = request.fences ?? [];
  const level = isolationLevelOf(request.base.metadata, request.actions);
  const conflictsWith = conflictChecker(request.actions, request, level);
  let snapshot = request.base;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
    const verdict = askFences(snapshot, fences);
    const removal = inactiveRemoval(snapshot, request.actions);
    let refusal = refusalOf(log, snapshot, request);
    if (verdict.kind !== "open" || !isTrusted(log, snapshot) || removal !== undefined || refusal !== undefined) {
      const seen = await caughtUp(log, snapshot, [], request, conflictsWith);
      if ("kind" in seen) return seen;
      snapshot = seen.snapshot;
      refusal = refusalOf(log, snapshot, request);
    }
    if (refusal !== undefined) throw refusal;
    const tried = await tryCommit(log, snapshot, request, level);
    if (tried.kind === "committed") return tried;
    const seen = await caughtUp(log, snapshot, [tried.winner], request, conflictsWith);
    if ("kind" in seen) return seen;
    snapshot = seen.snapshot;
    if (attempt > 1) await log.clock.sleep(log.random.next() * Math.min(1_000, 10 * 2 ** attempt), request.signal);
  }
  return { kind: "conflict", version: snapshot.version, reason: "contention", snapshot };
}

/** The newest snapshot, if the fences are open on it and the actions can follow all that came; else what became of the commit. */
async function caughtUp(
  log: DeltaLog,
  before: Snapshot,
  known: readonly DeltaCommit[],
  request: CommitRequest,
  conflictsWith: (winner: DeltaCommit) => Conflict | undefined,
): Promise<CommitOutcome | { readonly snapshot: Snapshot }> {
  const winners = [...known];
  const reached = known.reduce((at, winner) => advanceSnapshot(log, at, winner), before);
  const snapshot = await updateSnapshot(log, reached, (winner) => winners.push(winner));
  const verdict = askFences(snapshot, request.fences ?? []);
  if (verdict.kind !== "open") return closed(verdict, snapshot);
  const unseen = unseenConflict(before, winners, snapshot, request);
  if (unseen !== undefined) return unseen;
  return firstConflict(winners, snapshot, request, conflictsWith) ?? { snapshot };
}

type Try = Extract<CommitOutcome, { kind: "committed" }> | { readonly kind: "lost"; readonly winner: DeltaCommit };

/** One version, one body: whatever is answered, the same bytes are put until the version is decided (SPEC.md 23). */
async function tryCommit(
  log: DeltaLog,
  snapshot: Snapshot,
  request: CommitRequest,
  level: IsolationLevel,
): Promise<Try> {
  const version = snapshot.version + 1;
  const nowMs = log.clock.nowMs();
  const txns = (request.fences ?? []).map(({ appId, version: recorded }): Action => ({
    txn: { appId, version: recorded, lastUpdated: nowMs } satisfies Txn,
  }));
  const { actions: changes, inCommitTimestamp } = timed(snapshot, request.actions, nowMs);
  const info = commitInfo(log, request, { level, nowMs, inCommitTimestamp });
  const actions: readonly Action[] = [info, ...txns, ...changes];
  const put = await verifiedPutIfAbsent(log.store, commitPath(log, version), encodeActions(actions), {
    ...log,
    signal: request.signal,
  });
  if (put.kind === "exists") return { kind: "lost", winner: parseCommit(log, version, put) };
  const mine: DeltaCommit = { ...commitOf(version, actions, nowMs), etag: put.etag };
  return { kind: "committed", version, snapshot: advanceSnapshot(log, snapshot, mine), commit: mine };
}

function commitInfo(
  log: DeltaLog,
  request: CommitRequest,
  { level, nowMs, inCommitTimestamp }: { level: IsolationLevel; nowMs: number; inCommitTimestamp: number | undefined },
): Action {
  return {
    commitInfo: {
      // First, so that it is found without the rest (PROTOCOL.md § In-Commit Timestamps).
      ...(inCommitTimestamp !== undefined && { inCommitTimestamp }),
      timestamp: nowMs,
      operation: request.operation,
      operationParameters: request.operationParameters ?? {},
      ...(request.operationMetrics && { operationMetrics: metricTexts(request.operationMetrics) }),
      // What the actions were planned on, whatever others committed before them meanwhile.
      readVersion: request.base.version,
      isolationLevel: level,
      isBlindAppend: request.isBlindAppend,
      engineInfo,
      txnId: log.random.uuid(),
    },
  };
}

/** Numbers as Spark writes them into the log: as texts. */
function metricTexts(metrics: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, String(value)]));
}

/** Where commits in between were cleaned from the log, only what they left tells whether one of them conflicts. */
function unseenConflict(
  before: Snapshot,
  winners: readonly DeltaCommit[],
  snapshot: Snapshot,
  request: CommitRequest,
): CommitOutcome | undefined {
  if (before.version + winners.length === snapshot.version) return undefined;
  const conflict = conflictWithChange(before, snapshot, request.actions, request);
  return conflict && { kind: "conflict", version: snapshot.version, ...conflict, snapshot };
}

function firstConflict(
  winners: readonly DeltaCommit[],
  snapshot: Snapshot,
  request: CommitRequest,
  conflictsWith: (winner: DeltaCommit) => Conflict | undefined,
): CommitConflict | undefined {
  for (const winner of winners) {
    const conflict = conflictsWith(winner);
    const operation = winner.commitInfo?.operation;
    if (conflict !== undefined)
      return {
        kind: "conflict",
        version: winner.version,
        ...conflict,
        ...(operation !== undefined && { operation }),
        snapshot,
      };
  }
  const removal = inactiveRemoval(snapshot, request.actions);
  return removal && { kind: "conflict", version: snapshot.version, ...removal, snapshot };
}

function closed(verdict: Exclude<FenceVerdict, { kind: "open" }>, snapshot: Snapshot): CommitOutcome {
  return { ...verdict, snapshot };
}

function validate(log: DeltaLog, { actions, isBlindAppend, fences = [] }: CommitRequest): void {
  const fenced = new Set(fences.map(({ appId }) => appId));
  if (fenced.size < fences.length) throw invalid(log, "has two fences of one appId");
  if (fences.some(({ appId }) => typeof appId !== "string" || appId === ""))
    throw invalid(log, "has a fence whose appId is not a text, or an empty one");
  if (fences.some(({ version }) => !Number.isSafeInteger(version)))
    throw invalid(log, "has a fence whose version is not a whole number");
  if (actions.some((action) => "txn" in action && fenced.has(action.txn.appId)))
    throw invalid(log, "records a txn that its fence records too");
  if (actions.some((action) => "commitInfo" in action))
    throw invalid(log, "brings a commitInfo; the commit writes its own");
  if (isBlindAppend && actions.some((action) => "remove" in action))
    throw invalid(log, "is called a blind append and removes files");
}

/** Why a commit is not allowed on a snapshot, which somebody may have changed since. */
function refusalOf(log: DeltaLog, snapshot: Snapshot, request: CommitRequest): DyneError | undefined {
  try {
    assertCommitAllowed(log, snapshot, request);
    return undefined;
  } catch (error) {
    if (isDyneError(error)) return error;
    throw error;
  }
}

/** What the newest protocol, schema and properties ask of a writer. */
function assertCommitAllowed(log: DeltaLog, snapshot: Snapshot, request: CommitRequest): void {
  const { actions, fences = [], movesNoRows = false } = request;
  const protocol = actions.find((action) => "protocol" in action)?.protocol ?? snapshot.protocol;
  const metadata = actions.find((action) => "metaData" in action)?.metaData ?? snapshot.metadata;
  const schema = metadata === snapshot.metadata ? snapshot.schema : parseSchema(metadata.schemaString);
  assertWritable(log.path, snapshot.protocol, snapshot.metadata, snapshot.schema);
  if (protocol !== snapshot.protocol || metadata !== snapshot.metadata) assertMetadata(log, protocol, metadata, schema);
  const removesRows = actions.some((action) => "remove" in action && action.remove.dataChange);
  const addsRows = actions.some((action) => "add" in action && action.add.dataChange);
  const rules = addsRows && request.rowsAreGuarded !== true ? rulesInUse(metadata, schema) : [];
  if (rules.length > 0) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `The commit adds rows to ${log.path} that were not held against its ${rules.join(", ")}. Write them by appendRows, or another operation that looks at them; where a flow writes the table, drop them.`,
      { details: { features: rules } },
    );
  }
  if (removesRows && tableProperty(metadata.configuration, "delta.appendOnly")) {
    throw invalid(
      log,
      "removes rows from a table whose property delta.appendOnly is true: unset it, or leave the rows",
    );
  }
  if (fences.length > 0 && metadata.configuration[transactionRetention] !== undefined) {
    throw invalid(
      log,
      `has a fence, and the table's property ${transactionRetention} lets its record expire: unset it`,
    );
  }
  const removed = actions.filter((action) => "remove" in action).length;
  const hasChangeFeed = tableProperty(metadata.configuration, "delta.enableChangeDataFeed");
  if (
    hasChangeFeed &&
    !movesNoRows &&
    removesRows &&
    addsRows &&
    removed < snapshot.files.size &&
    !actions.some((action) => "cdc" in action)
  ) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `The table ${log.path} has its change feed on, and the commit rewrites files without change files (PROTOCOL.md § Writer Requirements for AddCDCFile). Turn delta.enableChangeDataFeed off for it.`,
      { details: { features: ["changeDataFeed"] } },
    );
  }
}

/** A table that nobody could open again is not committed. */
function assertMetadata(log: DeltaLog, protocol: Protocol, metadata: Metadata, schema: Schema): void {
  assertWritable(log.path, protocol, metadata, schema);
  columnMappingOf(log.path, protocol, metadata, schema);
}

function invalid(log: DeltaLog, what: string): DyneError {
  return new DyneError("INVALID_ARGUMENT", `The commit to ${log.path} ${what}.`);
}
