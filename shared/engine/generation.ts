/**
 * Opens the generation that a flow runs (SPEC.md 2, 3): the newest one where its plan is this build's; a first one where there is none.
 * All tables of a generation exist, empty, before its record is written.
 */
import { DyneError, generation, instantOfMs, type Generation } from "../core/index.ts";
import { FlowLog, type GenerationRecord } from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver, FlowTable } from "./flow.ts";

export type OpenedGeneration =
  | { readonly kind: "open"; readonly record: GenerationRecord }
  /** A newer build runs the flow: stop quietly. */
  | { readonly kind: "superseded"; readonly by: number };

export async function openGeneration(context: EngineContext, driver: FlowDriver): Promise<OpenedGeneration> {
  const log = new FlowLog({ store: context.host, clock: context.clock, random: context.random }, driver.flow);
  const generations = await log.generations();
  const newest = generations.at(-1);
  if (newest === undefined) return createFirst(context, driver, log);
  if (newest.planFingerprint === driver.planFingerprint) return { kind: "open", record: newest };
  if (generations.some((record) => record.planFingerprint === driver.planFingerprint)) {
    return { kind: "superseded", by: newest.generation };
  }
  throw new DyneError(
    "PLAN_CHANGED",
    `The query of ${driver.flow} is not the one that made its data (generation ${newest.generation}). ` +
      "Put the query back, or give the table a new name so that it is built from the start.",
    { details: { flow: driver.flow, recorded: newest.planFingerprint, declared: driver.planFingerprint } },
  );
}

/** True while no newer generation exists; probed by name before every new batch. */
export async function isNewest(context: EngineContext, driver: FlowDriver, current: Generation): Promise<boolean> {
  const log = new FlowLog({ store: context.host, clock: context.clock, random: context.random }, driver.flow);
  return (await log.generationAt(generation(current + 1))) === undefined;
}

async function createFirst(context: EngineContext, driver: FlowDriver, log: FlowLog): Promise<OpenedGeneration> {
  const first = generation(1);
  const tables: Record<string, GenerationRecord["tables"][string]> = {};
  for (const table of driver.tables(first)) tables[table.role] = await createTable(context, table);
  const { record } = await log.putGeneration({
    format: 1,
    flow: driver.flow,
    generation: first,
    planFingerprint: driver.planFingerprint,
    reason: "created",
    createdTime: instantOfMs(context.clock.nowMs()),
    tables,
    continues: null,
  });
  if (record.planFingerprint !== driver.planFingerprint) return openGeneration(context, driver);
  context.logger.info("flow created", { flow: driver.flow, tables: Object.keys(tables) });
  return { kind: "open", record };
}

async function createTable(context: EngineContext, table: FlowTable) {
  const handle = context.tables.open(table.root, table.path);
  const snapshot = await handle.createIfAbsent({
    schema: table.schema,
    partitionBy: table.partitionBy,
    description: table.description,
  });
  return { root: table.root, path: table.path, tableId: snapshot.metadata.id };
}
