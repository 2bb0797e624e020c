/**
 * Carries a decided batch into its tables, one fenced Delta commit each, then logs the commit (SPEC.md 1, 2). Never computes; only
 * the merge of a sink whose files were rewritten by somebody else is done again, as the next `outcome/N.k`.
 */
import {
  batchId,
  DyneError,
  generation,
  instantOfMs,
  limits,
  txnAppId,
  txnVersion,
  type FlowId,
} from "../core/index.ts";
import {
  layout,
  type CommitRecord,
  type LaneLog,
  type OutcomeRecord,
  type TableCommit,
  type TableOutcome,
} from "../checkpoint/index.ts";
import { progressOf, stateProgress } from "./batch-progress.ts";
import type { EngineContext } from "./context.ts";
import type { BatchContext, FlowDriver } from "./flow.ts";
import { encodeLogPath, type Action, type Fence, type Snapshot } from "../delta/index.ts";
import { missingColumns, type DeltaTable } from "../table/index.ts";

export type RollResult =
  | { readonly kind: "committed"; readonly record: CommitRecord; readonly outcome: OutcomeRecord }
  /** A newer owner was in a table: stop quietly. */
  | { readonly kind: "fenced"; readonly role: string };

export async function rollForward(
  context: EngineContext,
  driver: FlowDriver,
  log: LaneLog,
  batch: BatchContext,
  first: OutcomeRecord,
  spentMs: Readonly<Record<string, number>>,
): Promise<RollResult> {
  const startedMs = context.clock.nowMs();
  await verifyOldFiles(context, batch, first);
  const committed: Record<string, TableCommit> = {};
  let outcome = first;
  for (const role of Object.keys(batch.generation.tables)) {
    for (let attempt = 1; ; attempt++) {
      const result = await commitTable(
        context,
        driver,
        batch,
        role,
        outcome.tables.find((table) => table.role === role),
      );
      if (result.kind === "fenced") return { kind: "fenced", role };
      if (result.kind === "committed") {
        committed[role] = result.commit;
        break;
      }
      if (attempt >= limits.mergeAttemptsMax) {
        throw new DyneError(
          "STORAGE_UNAVAILABLE",
          `The files of ${driver.flow} were rewritten ${attempt} times during one merge. It is tried again later.`,
        );
      }
      outcome = await redoMerge(context, driver, log, batch, outcome, role);
    }
  }
  const { record } = await log.putCommit({
    format: 1,
    flow: driver.flow,
    lane: batch.lane,
    generation: batch.offsets.generation,
    batchId: batch.offsets.batchId,
    committedTime: instantOfMs(context.clock.nowMs()),
    tables: committed,
    continues: null,
    progress: progressOf(batch, outcome, {
      durationMs: { ...spentMs, commit: context.clock.nowMs() - startedMs },
      states: stateProgress(context, batch, outcome, committed),
    }),
  });
  await dropStaged(context, driver.flow, batch, outcome);
  return { kind: "committed", record, outcome };
}

/** Staged rows are for doing the merge again; once the commit is logged nobody will. */
async function dropStaged(
  context: EngineContext,
  flow: FlowId,
  batch: BatchContext,
  outcome: OutcomeRecord,
): Promise<void> {
  const path = layout.staged(flow, generation(batch.offsets.generation));
  for (const { staged } of outcome.tables) {
    if (staged === null || staged.keys.length === 0) continue;
    for (const file of [...staged.rows, ...staged.keys]) await context.host.delete(`${path}/${file.path}`);
  }
}

type TableResult =
  | { readonly kind: "committed"; readonly commit: TableCommit }
  | { readonly kind: "fenced" }
  | { readonly kind: "conflict" };

async function commitTable(
  context: EngineContext,
  driver: FlowDriver,
  batch: BatchContext,
  role: string,
  outcome: TableOutcome | undefined,
): Promise<TableResult> {
  const owned = batch.generation.tables[role];
  if (owned === undefined)
    throw new DyneError("CHECKPOINT_CORRUPT", `${driver.flow} has no table for ${role}. Reset the flow.`);
  const before = batch.lastCommit?.tables[role];
  const isEmpty =
    outcome === undefined || (outcome.add.length === 0 && outcome.remove.length === 0 && outcome.cdc.length === 0);
  if (isEmpty) {
    return {
      kind: "committed",
      commit: before ?? { tableId: owned.tableId, version: outcome?.baseVersion ?? -1, txn: null },
    };
  }
  const table = context.tables.open(owned.root, owned.path);
  const mine = txnVersion(generation(batch.offsets.generation), batchId(batch.offsets.batchId));
  const appId = txnAppId(context.pipeline, driver.flow, batch.lane);
  const fence: Fence = { appId, version: mine, expected: before?.txn ?? undefined };
  for (let attempt = 1; attempt <= limits.mergeAttemptsMax; attempt++) {
    await assertOurs(driver, batch, role, table);
    const result = await table.commit({
      actions: actionsOf(context, outcome),
      fences: [fence],
      isBlindAppend: outcome.remove.length === 0,
      operation: outcome.remove.length > 0 ? "MERGE" : "STREAMING UPDATE",
      operationParameters: { flow: driver.flow, lane: batch.lane, batchId: String(batch.offsets.batchId) },
    });
    switch (result.kind) {
      case "committed":
        return { kind: "committed", commit: { tableId: owned.tableId, version: result.version, txn: mine } };
      case "already-committed":
        return {
          kind: "committed",
          commit: { tableId: owned.tableId, version: result.version ?? result.snapshot.version, txn: mine },
        };
      case "fenced":
        return { kind: "fenced" };
      case "conflict":
        if (result.reason === "file-removed") return { kind: "conflict" };
        // Columns may have been added meanwhile: the table is looked at again, and the same rows go on top.
        if (result.reason === "metadata-changed" || result.reason === "protocol-changed") continue;
        if (result.reason === "contention") throw contended(owned.path);
        throw sinkChanged(driver.flow, batch, owned.path, result.reason);
      case "txn-changed":
        throw sinkChanged(
          driver.flow,
          batch,
          owned.path,
          `its txn is ${result.recorded ?? "absent"}, not ${before?.txn ?? "absent"}`,
        );
    }
  }
  throw contended(owned.path);
}

/**
 * Throws SINK_CHANGED where the table is gone, is another one, or cannot take what the flow writes. What the version in memory says of that is
 * looked at again in the newest one, where somebody may have put it right.
 */
async function assertOurs(driver: FlowDriver, batch: BatchContext, role: string, table: DeltaTable): Promise<void> {
  const known = await table.confirmed();
  if (faultOf(driver, batch, role, known) === undefined) return;
  const fault = faultOf(driver, batch, role, known && (await table.find()));
  if (fault !== undefined) throw sinkChanged(driver.flow, batch, table.path, fault);
}

/** Why a batch is not committed to a version of a table; undefined where it is. */
function faultOf(
  driver: FlowDriver,
  { generation: { generation: number, tables } }: BatchContext,
  role: string,
  snapshot: Snapshot | undefined,
): string | undefined {
  if (snapshot === undefined) return "it is gone";
  if (snapshot.metadata.id !== tables[role]?.tableId) return "it is another table";
  if (snapshot.columnMapping !== "none")
    return "its columns are mapped, and flows write them by their own names; where Spark sets delta.columnMapping.mode to none, the flow can be resumed";
  const declared = driver.tables(generation(number)).find((each) => each.role === role);
  const lacking = declared === undefined ? [] : missingColumns(snapshot.schema, declared.schema);
  return lacking.length > 0 ? `it has no column ${lacking.join(", ")}` : undefined;
}

function contended(path: string): DyneError {
  return new DyneError(
    "STORAGE_UNAVAILABLE",
    `${path} has too many writers at once. The batch is rolled forward later.`,
  );
}

function sinkChanged(flow: FlowId, batch: BatchContext, path: string, detail: string): DyneError {
  const { batchId, generation } = batch.offsets;
  return new DyneError(
    "SINK_CHANGED",
    `${path} is not where the batch before ${batchId} of ${flow} lane ${batch.lane} left it: ${detail}. Somebody restored, replaced or wrote it ` +
      "under the flow's name. Decide which data counts, then reset the flow.",
    { details: { flow, lane: batch.lane, generation, batchId, path } },
  );
}

function actionsOf(context: EngineContext, outcome: TableOutcome): Action[] {
  const nowMs = context.clock.nowMs();
  return [
    ...outcome.remove.map((file): Action => ({
      remove: {
        path: encodeLogPath(file.path),
        deletionTimestamp: nowMs,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues: file.partitionValues,
        size: file.sizeBytes,
        ...(file.deletionVector === undefined ? {} : { deletionVector: file.deletionVector }),
      },
    })),
    ...outcome.add.map((file): Action => ({
      add: {
        path: encodeLogPath(file.path),
        partitionValues: file.partitionValues,
        size: file.sizeBytes,
        modificationTime: nowMs,
        dataChange: true,
        stats: file.stats,
        ...(file.tags === undefined ? {} : { tags: file.tags }),
      },
    })),
    ...outcome.cdc.map((file): Action => ({
      cdc: {
        path: encodeLogPath(file.path),
        partitionValues: file.partitionValues,
        size: file.sizeBytes,
        dataChange: false,
      },
    })),
  ];
}

async function redoMerge(
  context: EngineContext,
  driver: FlowDriver,
  log: LaneLog,
  batch: BatchContext,
  outcome: OutcomeRecord,
  role: string,
): Promise<OutcomeRecord> {
  const redo = outcome.redo + 1;
  const existing = await log.outcomeAt(batchId(outcome.batchId), redo);
  if (existing !== undefined) return existing;
  if (driver.merge === undefined || role !== "sink") {
    throw new DyneError(
      "SINK_CHANGED",
      `Files that batch ${outcome.batchId} of ${driver.flow} replaces in ${role} are gone, and the flow has no merge to do again. Reset the flow.`,
    );
  }
  const tables = await driver.merge(batch, outcome);
  const { record } = await log.putOutcome({
    ...outcome,
    redo,
    attempt: context.random.uuid(),
    createdTime: instantOfMs(context.clock.nowMs()),
    tables: [...tables],
  });
  return record;
}

/** Files of an outcome that waited long may have been vacuumed by somebody else: committing them would point at nothing. */
async function verifyOldFiles(context: EngineContext, batch: BatchContext, outcome: OutcomeRecord): Promise<void> {
  const ageMs = context.clock.nowMs() - Date.parse(outcome.createdTime);
  if (ageMs <= limits.outcomeTrustedMs) return;
  for (const table of outcome.tables) {
    const owned = batch.generation.tables[table.role];
    if (owned === undefined) continue;
    const store = owned.root === "host" ? context.host : context.lake;
    for (const file of table.add) {
      if ((await store.head(`${owned.path}/${file.path}`)) === undefined) {
        throw new DyneError(
          "FILE_MISSING",
          `${owned.path}/${file.path} was written for batch ${outcome.batchId} of ${outcome.flow} and is gone before it was committed. Restore it, or reset the flow.`,
        );
      }
    }
  }
}
