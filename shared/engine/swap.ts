/**
 * Sets the tables of a flow to what a new generation begins with: empty, or a version of their own (SPEC.md 2). One commit per table;
 * it records txn (g, 0) for every lane named, which fences whatever still runs of the generation before. Rows of other lanes stay.
 * A file without the tag `lane` belongs to all of them together.
 */
import {
  batchId,
  DyneError,
  generation,
  laneId,
  limits,
  txnAppId,
  txnVersion,
  unreachable,
  type LaneId,
} from "../core/index.ts";
import type { GenerationRecord, TableCommit } from "../checkpoint/index.ts";
import {
  featuresNeeded,
  fileKey,
  schemaString,
  supportsFeature,
  type Action,
  type AddFile,
  type Fence,
  type Snapshot,
} from "../delta/index.ts";
import { assertFilesThere, type DeltaTable } from "../table/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver, FlowTable } from "./flow.ts";

/** By role, where the tables stand after it. */
export type SwappedTables = Readonly<Record<string, TableCommit>>;

/**
 * Brings the swap of a generation into its tables, unless somebody did, as a lane that begins has to find them. Undefined where it has none;
 * `fenced` where a later one came before it. Safe to repeat.
 */
export async function swapTables(
  context: EngineContext,
  driver: FlowDriver,
  record: GenerationRecord,
  lane: LaneId,
): Promise<SwappedTables | "fenced" | undefined> {
  if (record.swap === null) return undefined;
  const tables: Record<string, TableCommit> = {};
  for (const [role, versions] of Object.entries(record.swap)) {
    const owned = record.tables[role];
    if (owned === undefined)
      throw new DyneError("CHECKPOINT_CORRUPT", `${driver.flow} has no table for ${role}. Reset the flow.`);
    const table = context.tables.open(owned.root, owned.path);
    const declared = driver.tables(generation(record.generation)).find((each) => each.role === role);
    const version = await swapTable(context, driver, record, table, {
      lane,
      tableId: owned.tableId,
      versions,
      declared,
    });
    if (version === "fenced") return "fenced";
    tables[role] = { tableId: owned.tableId, version, txn: txnOf(record) };
  }
  return tables;
}

interface Target {
  readonly tableId: string;
  /** Who asks. */
  readonly lane: LaneId;
  /** By lane, the version whose rows it gets; null for none. */
  readonly versions: Readonly<Record<string, number | null>>;
  readonly declared: FlowTable | undefined;
}

/** The version that holds the swap. */
async function swapTable(
  context: EngineContext,
  driver: FlowDriver,
  record: GenerationRecord,
  table: DeltaTable,
  target: Target,
): Promise<number | "fenced"> {
  const appIds = Object.keys(target.versions).map((lane) => txnAppId(context.pipeline, driver.flow, laneId(lane)));
  // A lane that is named tells by its own txn: another may have gone on in a later generation, and the swap of all was one commit.
  const asked = Object.hasOwn(target.versions, target.lane)
    ? txnAppId(context.pipeline, driver.flow, target.lane)
    : appIds[0];
  for (let attempt = 1; asked !== undefined && attempt <= limits.mergeAttemptsMax; attempt++) {
    const snapshot = await table.confirmed();
    if (snapshot?.metadata.id !== target.tableId) throw sinkChanged(driver, record, table.path);
    const recorded = snapshot.txns.get(asked) ?? -1;
    if (recorded > txnOf(record) + limits.batchIdMax) return "fenced";
    if (recorded >= txnOf(record)) return snapshot.txnCommits.get(asked) ?? snapshot.version;
    const result = await table.commit({
      actions: await swapActions(context, table, snapshot, target),
      fences: appIds.map((appId): Fence => ({ appId, version: txnOf(record), expected: snapshot.txns.get(appId) })),
      isBlindAppend: false,
      readsWholeTable: true,
      conflictsWithAppends: true,
      // Whole files come and go, which is all that a reader of changes has to know.
      movesNoRows: true,
      operation: record.reason.toUpperCase(),
      operationParameters: { flow: driver.flow, generation: String(record.generation) },
    });
    switch (result.kind) {
      case "committed":
        return result.version;
      case "fenced":
        return "fenced";
      // Whatever came in between is seen by the next try: another runner's swap, or a batch that was not fenced yet.
      case "already-committed":
      case "txn-changed":
      case "conflict":
        break;
      default:
        return unreachable(result);
    }
  }
  throw new DyneError(
    "STORAGE_UNAVAILABLE",
    `${table.path} kept being written while it was to be set for generation ${record.generation} of ${driver.flow}. It is tried again later.`,
  );
}

function sinkChanged({ flow }: FlowDriver, record: GenerationRecord, path: string): DyneError {
  return new DyneError(
    "SINK_CHANGED",
    `${path} is gone or another table than the one that generation ${record.generation} of ${flow} was to begin with. Reset the flow.`,
    { details: { flow, generation: record.generation, path } },
  );
}

/** True while a table of the generation still waits to be emptied, which then gives it the columns that are declared. */
export async function isToBeEmptied(
  context: EngineContext,
  driver: FlowDriver,
  record: GenerationRecord,
  role: string,
): Promise<boolean> {
  const owned = record.tables[role];
  const versions = Object.entries(record.swap?.[role] ?? {});
  const [first] = versions;
  if (owned === undefined || first === undefined || versions.some(([, version]) => version !== null)) return false;
  const { txns } = await context.tables.open(owned.root, owned.path).latest();
  return (txns.get(txnAppId(context.pipeline, driver.flow, laneId(first[0]))) ?? -1) < txnOf(record);
}

function txnOf(record: GenerationRecord): number {
  return txnVersion(generation(record.generation), batchId(0));
}

async function swapActions(
  context: EngineContext,
  table: DeltaTable,
  snapshot: Snapshot,
  { versions, declared }: Target,
): Promise<Action[]> {
  const nowMs = context.clock.nowMs();
  const wanted = new Map<string, AddFile>();
  for (const version of new Set(Object.values(versions))) {
    if (version === null) continue;
    for (const file of (await table.at(version)).files) {
      if (versionOf(file, versions) === version) wanted.set(fileKey(file), file);
    }
  }
  const removed = [...snapshot.files].filter(
    (file) => versionOf(file, versions) !== undefined && !wanted.has(fileKey(file)),
  );
  const added = [...wanted.values()].filter((file) => !snapshot.files.has(fileKey(file)));
  await assertFilesThere(table, added);
  const isEmptied = Object.values(versions).every((version) => version === null);
  return [
    ...(isEmptied && declared !== undefined ? schemaChange(table.path, snapshot, declared) : []),
    ...removed.map(({ path, partitionValues, size, deletionVector }): Action => ({
      remove: {
        path,
        deletionTimestamp: nowMs,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues,
        size,
        ...(deletionVector === undefined ? {} : { deletionVector }),
      },
    })),
    ...added.map((file): Action => ({ add: { ...file, dataChange: true } })),
  ];
}

/** The version that a file's rows are taken from; undefined for a lane that keeps what it has. */
function versionOf({ tags }: AddFile, versions: Target["versions"]): number | null | undefined {
  const lane = tags?.["lane"];
  if (typeof lane === "string") return versions[lane];
  const [first, ...others] = new Set(Object.values(versions));
  return others.length === 0 ? first : null;
}

/**
 * An emptied table takes the columns and partitions that the plan declares now. Columns that somebody mapped have their own names again: no
 * file of the version has others. The greatest id of a column stays, so that none is ever given twice.
 */
function schemaChange(
  path: string,
  { metadata, protocol, schema, partitionBy, columnMapping }: Snapshot,
  declared: FlowTable,
): Action[] {
  const wanted = schemaString(declared.schema);
  const isMapped = columnMapping !== "none";
  if (!isMapped && schemaString(schema) === wanted && partitionBy.join() === declared.partitionBy.join()) return [];
  const { "delta.columnMapping.mode": _mode, ...unmapped } = metadata.configuration;
  const configuration = isMapped ? unmapped : metadata.configuration;
  const features = [...featuresNeeded(declared.schema, configuration)];
  const missing = features.filter((feature) => !supportsFeature(protocol, feature));
  if (missing.length > 0) {
    throw new DyneError(
      "SCHEMA_MISMATCH",
      `The columns that are declared for ${path} now need ${missing.join(", ")}, which the table was not created with. Give the table a new name.`,
      { details: { features: missing } },
    );
  }
  return [{ metaData: { ...metadata, configuration, schemaString: wanted, partitionColumns: declared.partitionBy } }];
}
