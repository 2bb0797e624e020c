/**
 * Opens the generation that a flow runs (SPEC.md 2, 3): the newest one where its plan is this build's; a first one where there is none.
 * All tables of a generation exist before its record is written. What the record decides is carried out lane by lane, see hand-over.ts.
 */
import { DyneError, generation, instantOfMs, lanesIn, placeColumn, type Generation } from "../core/index.ts";
import { FlowLog, type Continuation, type GenerationRecord } from "../checkpoint/index.ts";
import { assertNotAltered } from "./altered-tables.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver, FlowTable } from "./flow.ts";
import { assertFits, planChanged } from "./plan-change.ts";
import { isToBeEmptied } from "./swap.ts";
import { missingColumns } from "../table/index.ts";

export type OpenedGeneration =
  | { readonly kind: "open"; readonly record: GenerationRecord }
  /** A newer build runs the flow: stop quietly. */
  | { readonly kind: "superseded"; readonly by: number };

/** Why a flow gets a new generation, and what that does to its data and its place in the input. */
export type GenerationChange =
  /** The plan changed and the data stay: every lane goes on where it ends. A view is refreshed. */
  | { readonly reason: "plan" }
  /** A view is computed from its inputs again; its rows are replaced by the first batch, in one commit. */
  | {
      readonly reason: "refresh";
      /** Only where this generation is the newest: asked for again and again, or by two at once, it is one refresh. */
      readonly after?: number | undefined;
    }
  /** All rows go, in one commit per table, and the input is read from its start. */
  | { readonly reason: "reset" }
  /** Tables get the rows of versions of their own, by role and lane; the input goes on where each lane ends, or after batches named. */
  | {
      readonly reason: "restore";
      readonly versions: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
      readonly continues: Continuation;
    };

export async function openGeneration(context: EngineContext, driver: FlowDriver): Promise<OpenedGeneration> {
  const generations = await flowLog(context, driver).generations();
  const newest = generations.at(-1);
  if (newest === undefined) return createFirst(context, driver);
  if (newest.planFingerprint === driver.planFingerprint) {
    await addColumns(context, driver, newest);
    return { kind: "open", record: newest };
  }
  if (generations.some((record) => record.planFingerprint === driver.planFingerprint)) {
    return { kind: "superseded", by: newest.generation };
  }
  throw await planChanged(context, driver, newest);
}

/** True while no newer generation exists; probed by name before every new batch. */
export async function isNewest(context: EngineContext, driver: FlowDriver, current: Generation): Promise<boolean> {
  return (await flowLog(context, driver).generationAt(generation(current + 1))) === undefined;
}

/**
 * Takes the next entry of the flow's generations. Instances that run the one before stop at their next step; the next run of any lane
 * carries the change out. Where somebody else was first with the same change, that one counts. Throws INVALID_ARGUMENT for a flow that never
 * ran or cannot be reset, and for tables that somebody altered so that it could not be carried out; GENERATION_CHANGED where somebody else was first with another change.
 */
export async function raiseGeneration(
  context: EngineContext,
  driver: FlowDriver,
  wanted: GenerationChange,
): Promise<GenerationRecord> {
  const log = flowLog(context, driver);
  const newest = (await log.generations()).at(-1);
  if (newest === undefined) {
    throw new DyneError("INVALID_ARGUMENT", `${driver.flow} has not run yet, so there is nothing to ${wanted.reason}.`);
  }
  if (wanted.reason === "refresh" && newest.generation !== (wanted.after ?? newest.generation)) return newest;
  const change = await fitting(context, driver, newest, wanted);
  await assertNotAltered(context, driver, newest, change.reason);
  if (change.reason === "reset") await driver.assertResettable?.();
  const next = generation(newest.generation + 1);
  const goesOn = change.reason === "plan" && driver.isRecomputed !== true;
  const keepsState = goesOn || change.reason === "restore";
  const tables: Record<string, GenerationRecord["tables"][string]> = {};
  for (const table of driver.tables(next)) {
    const known = newest.tables[table.role];
    const isKept = known !== undefined && (keepsState || !table.role.startsWith("state:"));
    if (isKept && change.reason === "plan") await context.tables.open(known.root, known.path).addColumns(table.schema);
    const there = isKept ? await identified(context, known, keepsState) : undefined;
    tables[table.role] = there ?? (await createTable(context, table));
  }
  const { mine, record } = await log.putGeneration({
    format: 1,
    flow: driver.flow,
    generation: next,
    planFingerprint: driver.planFingerprint,
    position: driver.position,
    reason: change.reason,
    createdTime: instantOfMs(context.clock.nowMs()),
    tables,
    continues: change.reason === "restore" ? change.continues : { kind: goesOn ? "seal" : "start" },
    swap: await swapOf(context, driver, change, tables),
  });
  if (!mine && (record.reason !== change.reason || record.planFingerprint !== driver.planFingerprint)) {
    throw new DyneError(
      "GENERATION_CHANGED",
      `Somebody else began a ${record.reason} of ${driver.flow} at the same time, and that one counts. Look at the flow, then decide again about the ${change.reason}.`,
    );
  }
  context.logger.info("generation raised", { flow: driver.flow, generation: next, reason: record.reason });
  return record;
}

/** A change that also brings another plan has to fit the data that stay: a refresh takes the plan's new columns, a restore is refused. */
async function fitting(
  context: EngineContext,
  driver: FlowDriver,
  newest: GenerationRecord,
  change: GenerationChange,
): Promise<GenerationChange> {
  if (newest.planFingerprint === driver.planFingerprint || change.reason === "reset") return change;
  if (change.reason === "restore") throw await planChanged(context, driver, newest);
  await assertFits(context, driver, newest);
  return { reason: "plan" };
}

/** What the tables are set to: where they are emptied, for all lanes that exist or have ever written. */
async function swapOf(
  context: EngineContext,
  driver: FlowDriver,
  change: GenerationChange,
  tables: GenerationRecord["tables"],
): Promise<GenerationRecord["swap"]> {
  if (change.reason === "restore") return change.versions;
  if (change.reason !== "reset") return null;
  const lanes = new Set<string>([...(await driver.lanes()), ...((await driver.replayLanes?.()) ?? [])]);
  const emptied = Object.entries(tables).filter(([role]) => !role.startsWith("state:"));
  for (const [, { root, path }] of emptied) {
    const snapshot = await context.tables.open(root, path).latest();
    for (const lane of lanesIn(snapshot.txns.keys(), context.pipeline, driver.flow)) lanes.add(lane);
  }
  if (lanes.size === 0) return null;
  const empty = Object.fromEntries([...lanes].sort().map((lane) => [lane, null]));
  return Object.fromEntries(emptied.map(([role]) => [role, empty]));
}

async function createFirst(context: EngineContext, driver: FlowDriver): Promise<OpenedGeneration> {
  const first = generation(1);
  const tables: Record<string, GenerationRecord["tables"][string]> = {};
  for (const table of driver.tables(first)) tables[table.role] = await createTable(context, table);
  const { record } = await flowLog(context, driver).putGeneration({
    format: 1,
    flow: driver.flow,
    generation: first,
    planFingerprint: driver.planFingerprint,
    position: driver.position,
    reason: "created",
    createdTime: instantOfMs(context.clock.nowMs()),
    tables,
    continues: { kind: "start" },
    swap: null,
  });
  if (record.planFingerprint !== driver.planFingerprint) return openGeneration(context, driver);
  context.logger.info("flow created", { flow: driver.flow, tables: Object.keys(tables) });
  return { kind: "open", record };
}

/** A table that a reader has come to since, who needs the place of its rows, gets the hidden column here. Others are not looked at. */
async function addColumns(context: EngineContext, driver: FlowDriver, record: GenerationRecord): Promise<void> {
  for (const table of driver.tables(generation(record.generation))) {
    const owned = record.tables[table.role];
    if (table.role !== "sink" || owned === undefined || !Object.hasOwn(table.schema.fields, placeColumn)) continue;
    if (await isToBeEmptied(context, driver, record, table.role)) continue;
    await context.tables.open(owned.root, owned.path).addColumns(table.schema);
  }
}

async function createTable(context: EngineContext, table: FlowTable) {
  const handle = context.tables.open(table.root, table.path);
  const created = await handle.createIfAbsent({
    schema: table.schema,
    partitionBy: table.partitionBy,
    description: table.description,
  });
  // A table of a build that died, or of one beside this one, may lack the hidden column.
  const isWhole = missingColumns(created.schema, table.schema).length === 0;
  const { metadata } = isWhole ? created : await handle.addColumns(table.schema);
  return { root: table.root, path: table.path, tableId: metadata.id };
}

/**
 * The table that is at a path now: where somebody made it anew, a new generation takes that one. Undefined where there is none, which a
 * generation that keeps the data refuses with TABLE_NOT_FOUND.
 */
async function identified(context: EngineContext, owned: GenerationRecord["tables"][string], isRequired: boolean) {
  const table = context.tables.open(owned.root, owned.path);
  const snapshot = (await table.confirmed()) ?? (isRequired ? await table.latest() : undefined);
  return snapshot === undefined ? undefined : { ...owned, tableId: snapshot.metadata.id };
}

function flowLog(context: EngineContext, driver: FlowDriver): FlowLog {
  return new FlowLog({ store: context.host, clock: context.clock, random: context.random }, driver.flow);
}
