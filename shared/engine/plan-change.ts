/** What differs between the plan that made a flow's data and the one that is declared, as far as their tables tell, and what can be done about it. */
import { DyneError, generation, placeColumn } from "../core/index.ts";
import { FlowLog, type GenerationRecord } from "../checkpoint/index.ts";
import { typeName, type Schema, type StructField } from "../plan/index.ts";
import type { EngineContext } from "./context.ts";
import type { Snapshot } from "../delta/index.ts";
import type { FlowDriver, FlowTable } from "./flow.ts";

interface PlanChange {
  /** Columns that the declared table has and the data have not. */
  readonly added: readonly string[];
  /** Columns of the data that are not declared any more. */
  readonly gone: readonly string[];
  /** Columns of another type, each as `name: was → is`. */
  readonly retyped: readonly string[];
  /** The columns by which files are laid out are others. */
  readonly changesPartitions: boolean;
  /** What an operator remembers of earlier rows does not fit the new plan. */
  readonly changesState: boolean;
  /** Where the flow is in its input says nothing to the new plan: it reads another input, or in other lanes. */
  readonly changesPosition: boolean;
  /** The table is gone, or another one is in its place. */
  readonly isReplaced: boolean;
}

/** Compares what a flow declares with the tables of a generation, and with its places in the input. */
async function planChange(context: EngineContext, driver: FlowDriver, newest: GenerationRecord): Promise<PlanChange> {
  const declared = driver.tables(generation(newest.generation));
  const sink = await snapshotOf(context, newest, "sink");
  const { schema, partitionBy } = declared.find(({ role }) => role === "sink") as FlowTable;
  // What is computed again needs neither memory nor place.
  const goesOn = driver.isRecomputed !== true;
  return {
    ...columnChange(sink?.schema, schema),
    changesPartitions: sink !== undefined && sink.partitionBy.join() !== partitionBy.join(),
    changesState: goesOn && (await isStateChanged(context, declared, newest)),
    changesPosition: goesOn && isPositionChanged(driver.position, newest.position),
    isReplaced: sink?.metadata.id !== newest.tables["sink"]?.tableId,
  };
}

/** Names that differ in case alone are one column to Delta, so that a new one of them is no new column. */
function columnChange(was: Schema | undefined, is: Schema): Pick<PlanChange, "added" | "gone" | "retyped"> {
  const [before, after] = [columnsOf(was), columnsOf(is)];
  const namesBefore = new Map([...before.keys()].map((name) => [name.toLowerCase(), name]));
  const added = [...after].filter(([name]) => !namesBefore.has(name.toLowerCase()));
  const retyped = [...after].flatMap(([name, type]) => {
    const known = namesBefore.get(name.toLowerCase());
    if (known === undefined || (known === name && before.get(name) === type)) return [];
    return [known === name ? `${name}: ${before.get(name)} → ${type}` : `${known} → ${name}`];
  });
  const namesAfter = new Set([...after.keys()].map((name) => name.toLowerCase()));
  return {
    added: added.map(([name, type]) => `${name} ${type}`),
    gone: [...before.keys()].filter((name) => !namesAfter.has(name.toLowerCase())),
    retyped,
  };
}

async function isStateChanged(
  context: EngineContext,
  declared: readonly FlowTable[],
  newest: GenerationRecord,
): Promise<boolean> {
  const roles = new Set([...Object.keys(newest.tables), ...declared.map(({ role }) => role)]);
  for (const role of roles) {
    if (!role.startsWith("state:")) continue;
    const is = declared.find((table) => table.role === role)?.schema;
    const was = (await snapshotOf(context, newest, role))?.schema;
    if (is === undefined || was === undefined || shapeOf(is) !== shapeOf(was)) return true;
  }
  return false;
}

/** Rows are late by what lanes have seen of their event time: a longer delay would ask for what was forgotten by then. */
function isPositionChanged(is: FlowDriver["position"], was: GenerationRecord["position"]): boolean {
  if (is === null || was === null || was === undefined) return true;
  if (is.inputs.join() !== was.inputs.join() || is.watermark?.eventTime !== was.watermark?.eventTime) return true;
  return (is.watermark?.delayMs ?? 0) > (was.watermark?.delayMs ?? 0);
}

/** The error that stops a flow whose plan is not the one that made its data: what changed, and each way on with what it does to the data. */
export async function planChanged(
  context: EngineContext,
  driver: FlowDriver,
  newest: GenerationRecord,
): Promise<DyneError> {
  const change = await planChange(context, driver, newest);
  const { flow } = driver;
  const ways = [
    ...(canContinue(change) ? [`"dyne flow continue ${flow}" ${whatContinuingDoes(driver)}`] : []),
    ...(driver.isRecomputed === true && canContinue(change)
      ? []
      : [`"dyne flow reset ${flow}" empties it and reads its input again from the start`]),
    "putting the query back leaves all as it was",
  ];
  return new DyneError(
    "PLAN_CHANGED",
    `The query of ${flow} is not the one that made its data (generation ${newest.generation}): ${described(change)}. Its data stay as they are until you choose: ${ways.join("; ")}.`,
    { details: { flow, recorded: newest.planFingerprint, declared: driver.planFingerprint } },
  );
}

/** Throws INVALID_ARGUMENT where a flow has not run yet, or its plan is the one that made its data. */
export async function assertChanged(context: EngineContext, { flow, planFingerprint }: FlowDriver): Promise<void> {
  const { host: store, clock, random } = context;
  const newest = (await new FlowLog({ store, clock, random }, flow).generations()).at(-1);
  if (newest === undefined)
    throw new DyneError("INVALID_ARGUMENT", `${flow} has not run yet, so there is nothing to continue.`);
  if (newest.planFingerprint === planFingerprint)
    throw new DyneError("INVALID_ARGUMENT", `The query of ${flow} has not changed, so there is nothing to continue.`);
}

/** Throws INVALID_ARGUMENT where a flow cannot keep its data and go on with the declared plan. */
export async function assertFits(context: EngineContext, driver: FlowDriver, newest: GenerationRecord): Promise<void> {
  const change = await planChange(context, driver, newest);
  if (canContinue(change)) return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${driver.flow} cannot keep its data and go on with the new query: ${described(change)}. Reset it, or give it a new name.`,
  );
}

function canContinue({ retyped, changesPartitions, changesState, changesPosition, isReplaced }: PlanChange): boolean {
  return retyped.length === 0 && !changesPartitions && !changesState && !changesPosition && !isReplaced;
}

function whatContinuingDoes(driver: FlowDriver): string {
  return driver.isRecomputed === true
    ? "computes it again, and readers see the old rows until the new ones replace them"
    : "keeps the rows there are and computes new ones by the new query";
}

function described(change: PlanChange): string {
  const { added, gone, retyped, changesPartitions, changesState, changesPosition, isReplaced } = change;
  const parts = [
    ...(added.length === 0 ? [] : [`new columns ${added.join(", ")}`]),
    ...(gone.length === 0 ? [] : [`columns no longer declared ${gone.join(", ")}`]),
    ...(retyped.length === 0 ? [] : [`columns of another type or spelling ${retyped.join(", ")}`]),
    ...(isReplaced ? ["its table is gone, or another one is in its place"] : []),
    ...(changesPartitions ? ["other partition columns"] : []),
    ...(changesPosition ? ["another input, or another watermark than its places in the input are told by"] : []),
    ...(changesState ? ["other keys or times to remember rows by"] : []),
  ];
  return parts.length === 0 ? "its columns are the same, what they hold is computed in another way" : parts.join("; ");
}

async function snapshotOf(
  context: EngineContext,
  { tables }: GenerationRecord,
  role: string,
): Promise<Snapshot | undefined> {
  const owned = tables[role];
  return owned === undefined ? undefined : await context.tables.open(owned.root, owned.path).find();
}

/** The hidden place of a row comes and goes with those who read it, which is no change of the plan. */
function columnsOf(schema: Schema | undefined): ReadonlyMap<string, string> {
  const fields = Object.entries((schema?.fields ?? {}) as Readonly<Record<string, StructField>>);
  return new Map(fields.filter(([name]) => name !== placeColumn).map(([name, { type }]) => [name, typeName(type)]));
}

const shapeOf = (schema: Schema): string =>
  [...columnsOf(schema)]
    .map((column) => column.join(" "))
    .sort()
    .join(", ");
