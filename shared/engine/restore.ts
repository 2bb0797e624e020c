/**
 * Takes a flow back to a version of its sink (SPEC.md 2). Restoring the sink alone would leave its state and its place in the input
 * behind, so one says which of the two is meant: keep the place, and what was read since stays gone; or rewind, and it is read again.
 */
import { batchOfTxn, DyneError, lanesIn, txnAppId, type LaneId } from "../core/index.ts";
import { FlowLog, LaneLog, type BatchOfLane, type CommitRecord } from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver } from "./flow.ts";
import { raiseGeneration } from "./generation.ts";

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
  const lanes = new Set([...(await driver.lanes()), ...lanesIn(latest.txns.keys(), context.pipeline, driver.flow)]);
  if (position === "keep-position") {
    const versions = { sink: Object.fromEntries([...lanes].map((lane) => [lane, version])) };
    await raiseGeneration(context, driver, { reason: "restore", versions, continues: { kind: "seal" } });
    return;
  }
  const versions: Record<string, Record<string, number | null>> = {};
  const batches: Record<string, BatchOfLane> = {};
  for (const lane of lanes) {
    const txn = target.txns.get(txnAppId(context.pipeline, driver.flow, lane));
    const commit = txn === undefined ? undefined : await commitOf(context, driver, lane, txn);
    if (txn !== undefined && commit === undefined)
      throw tooOld(driver, version, "the record of its batch was cleaned up");
    if (commit !== undefined) batches[lane] = { generation: commit.generation, batchId: commit.batchId };
    for (const [role, owned] of Object.entries(newest.tables)) {
      const known = commit?.tables[role];
      if (known !== undefined && known.tableId !== owned.tableId)
        throw tooOld(driver, version, "its state was made anew since");
      const before = known === undefined || known.txn === null ? null : known.version;
      if (before !== null) await context.tables.open(owned.root, owned.path).at(before);
      (versions[role] ??= {})[lane] = before;
    }
  }
  await raiseGeneration(context, driver, {
    reason: "restore",
    versions,
    continues: { kind: "batches", lanes: batches },
  });
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
