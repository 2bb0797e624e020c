/**
 * Takes a flow back to a version of its sink (SPEC.md 2). Restoring the sink alone would leave its state and its place in the input
 * behind, so one says which of the two is meant: keep the place, and what was read since stays gone; or rewind, and it is read again.
 */
import { batchOfTxn, DyneError, lanesIn, txnAppId, type LaneId } from "../core/index.ts";
import { FlowLog, LaneLog, type BatchOfLane, type CommitRecord, type GenerationRecord } from "../checkpoint/index.ts";
import type { Snapshot } from "../delta/index.ts";
import { missingColumns } from "../table/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver } from "./flow.ts";
import { firstOffsets } from "./offsets.ts";
import { raiseGeneration, type GenerationChange } from "./generation.ts";

/** Raises a generation whose sink has the rows of `version`. Throws VERSION_NOT_FOUND, and CHECKPOINT_CORRUPT where a rewind finds no place. */
export async function restoreFlow(
  context: EngineContext,
  driver: FlowDriver,
  version: number,
  position: "rewind" | "keep-position",
): Promise<void> {
  const records = { store: context.host, clock: context.clock, random: context.random };
  const newest = (await new FlowLog(records, driver.flow).generations()).at(-1);
  const sink = newest?.tables["sink"];
  if (newest === undefined || sink === undefined)
    throw new DyneError("INVALID_ARGUMENT", `${driver.flow} has not run yet, so there is nothing to restore.`);
  const table = context.tables.open(sink.root, sink.path);
  const [target, latest] = [await table.at(version), await table.latest()];
  if (
    missingColumns(latest.schema, target.schema).length > 0 ||
    latest.partitionBy.join() !== target.partitionBy.join()
  )
    throw tooOld(driver, version, "its columns or partitions are others now");
  const lanes = new Set([
    ...(await driver.lanes()),
    ...((await driver.replayLanes?.()) ?? []),
    ...lanesIn(latest.txns.keys(), context.pipeline, driver.flow),
  ]);
  if (position === "keep-position") {
    const versions = { sink: Object.fromEntries([...lanes].map((lane) => [lane, version])) };
    await raiseGeneration(context, driver, { reason: "restore", versions, continues: { kind: "seal" } });
  } else {
    await raiseGeneration(context, driver, await rewound(context, driver, newest, target, lanes));
  }
}

/** Where a flow stood when its sink was at a version: of each lane the last batch, and the versions of all tables after it. */
async function rewound(
  context: EngineContext,
  driver: FlowDriver,
  newest: GenerationRecord,
  target: Snapshot,
  lanes: Iterable<LaneId>,
): Promise<GenerationChange> {
  const versions: Record<string, Record<string, number | null>> = {};
  const batches: Record<string, BatchOfLane> = {};
  for (const lane of lanes) {
    const txn = target.txns.get(txnAppId(context.pipeline, driver.flow, lane));
    const commit = txn === undefined ? undefined : await commitOf(context, driver, lane, txn);
    if (txn !== undefined && commit === undefined)
      throw tooOld(driver, target.version, "the record of its batch was cleaned up");
    const last = commit ?? (await firstOffsets(context, driver.flow, newest.generation, lane));
    if (last !== undefined) batches[lane] = { generation: last.generation, batchId: last.batchId };
    for (const [role, owned] of Object.entries(newest.tables)) {
      const known = commit?.tables[role];
      if (known !== undefined && known.tableId !== owned.tableId)
        throw tooOld(driver, target.version, "its state was made anew since");
      // The sink holds each lane's rows as its last commit left them, in whichever files they are by now.
      const hasRows = known !== undefined && known.txn !== null;
      (versions[role] ??= {})[lane] = role === "sink" ? target.version : hasRows ? known.version : null;
    }
  }
  for (const [role, byLane] of Object.entries(versions)) await assertSeparable(context, driver, newest, role, byLane);
  return { reason: "restore", versions, continues: { kind: "batches", lanes: batches } };
}

/** Throws VERSION_NOT_FOUND where a version is gone, or lanes go back to different ones and somebody merged their files into one. */
async function assertSeparable(
  context: EngineContext,
  driver: FlowDriver,
  newest: GenerationRecord,
  role: string,
  byLane: Readonly<Record<string, number | null>>,
): Promise<void> {
  const owned = newest.tables[role];
  const versions = new Set(Object.values(byLane));
  for (const version of versions) {
    if (owned === undefined || version === null) continue;
    const { files } = await context.tables.open(owned.root, owned.path).at(version);
    if (versions.size > 1 && [...files].some(({ tags }) => typeof tags?.["lane"] !== "string"))
      throw tooOld(driver, version, `lanes of ${owned.path} were merged into one file`);
  }
}

/** The commit of the batch that a txn names. */
async function commitOf(
  { host, clock, random }: EngineContext,
  driver: FlowDriver,
  lane: LaneId,
  txn: number,
): Promise<CommitRecord | undefined> {
  const batch = batchOfTxn(txn);
  return new LaneLog({ store: host, clock, random }, driver.flow, batch.generation, lane).commitAt(batch.batchId);
}

function tooOld(driver: FlowDriver, version: number, why: string): DyneError {
  return new DyneError(
    "VERSION_NOT_FOUND",
    `${driver.flow} cannot be rewound to version ${version}: ${why}. Restore with keep-position, or reset the flow.`,
  );
}
