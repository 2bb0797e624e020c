/**
 * What must be known and held while a table of flows is kept in shape (SPEC.md 1, 12, 13): files that open batches have written and not
 * committed yet, versions that consumers or a swap have still to read, and the leases under which a keyed table is rewritten.
 */
import { batchId, generation, laneId, limits, txnAppId, txnVersion, type LaneId } from "../core/index.ts";
import {
  FlowLog,
  LaneLog,
  LeaseKeeper,
  layout,
  type GenerationRecord,
  type OutcomeRecord,
  type RecordContext,
} from "../checkpoint/index.ts";
import type { KeepFiles } from "../table/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver } from "./flow.ts";
import { neededFrom, type TableReader } from "./readers.ts";

type Writer = Pick<FlowDriver, "flow" | "merge">;

/** The table at a path of the lake, as vacuum asks. `writers` are the flows that may write it, `readers` those that read it. */
export function keptFiles(
  context: EngineContext,
  path: string,
  writers: readonly Writer[],
  readers: readonly TableReader[],
): KeepFiles {
  const records = recordsOf(context);
  return {
    openFiles: async () => {
      const paths: string[] = [];
      for (const writer of writers) {
        for (const record of await generationsOf(records, writer, path))
          paths.push(...(await openPaths(records, writer, record, path)));
      }
      return paths;
    },
    neededFrom: async () => {
      let needed = await neededFrom(records, readers);
      for (const writer of writers) {
        const newest = (await generationsOf(records, writer, path)).at(-1);
        if (newest !== undefined) needed = Math.min(needed, await swapNeeds(context, writer, newest, path));
      }
      return needed;
    },
  };
}

/**
 * Does work while no batch of a flow whose sink is merged runs anywhere; a flow that only appends is not kept from it, because appends and
 * rewrites do not get in each other's way. Undefined where a batch runs now: try again. `signal` aborts when a lease is lost.
 */
export async function underLeases<Result>(
  context: EngineContext,
  writer: Writer,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<{ readonly result: Result } | undefined> {
  await using held = new AsyncDisposableStack();
  const signals: AbortSignal[] = [];
  const newest = (await new FlowLog(recordsOf(context), writer.flow).generations()).at(-1);
  if (writer.merge !== undefined && newest !== undefined) {
    const path = layout.lease(writer.flow, generation(newest.generation), laneId("0"));
    const lease = await LeaseKeeper.acquire(context.host, path, context);
    if (lease === undefined) return undefined;
    signals.push(held.use(lease).signal);
  }
  return { result: await work(AbortSignal.any(signals)) };
}

function recordsOf({ host: store, clock, random }: EngineContext): RecordContext {
  return { store, clock, random };
}

/** The generations of a flow that write the table, oldest first. */
async function generationsOf(
  records: RecordContext,
  { flow }: Writer,
  path: string,
): Promise<readonly GenerationRecord[]> {
  const all = await new FlowLog(records, flow).generations();
  return all.filter(({ tables }) => rolesAt(tables, path).length > 0);
}

function rolesAt(tables: GenerationRecord["tables"], path: string): readonly string[] {
  return Object.entries(tables).flatMap(([role, owned]) =>
    owned.root === "lake" && owned.path === path ? [role] : [],
  );
}

/** Files that the open batches of a generation have in store for the table, of every lane that has begun, backfills included. */
async function openPaths(
  records: RecordContext,
  { flow }: Writer,
  record: GenerationRecord,
  path: string,
): Promise<readonly string[]> {
  const g = generation(record.generation);
  const roles = rolesAt(record.tables, path);
  const paths: string[] = [];
  for (const lane of await new FlowLog(records, flow).lanes(g)) {
    for (const outcome of await openOutcomes(new LaneLog(records, flow, g, lane))) {
      for (const table of outcome.tables.filter(({ role }) => roles.includes(role)))
        paths.push(...[...table.add, ...table.cdc].map((file) => `${path}/${file.path}`));
    }
  }
  return paths;
}

/** What the batch after the last commit is decided to be, with each merge that was done again. */
async function openOutcomes(log: LaneLog): Promise<readonly OutcomeRecord[]> {
  const { openOutcome } = await log.head();
  if (openOutcome === undefined) return [];
  const outcomes = [openOutcome];
  for (let redo = 1; redo <= limits.mergeAttemptsMax; redo++) {
    const next = await log.outcomeAt(batchId(openOutcome.batchId), redo);
    if (next === undefined) break;
    outcomes.push(next);
  }
  return outcomes;
}

/** The oldest version that a generation has still to set the table to; infinity where it has done so, or has none. */
async function swapNeeds(
  context: EngineContext,
  { flow }: Writer,
  record: GenerationRecord,
  path: string,
): Promise<number> {
  const snapshot = await context.tables.open("lake", path).find();
  const isDone = (lane: LaneId): boolean =>
    (snapshot?.txns.get(txnAppId(context.pipeline, flow, lane)) ?? -1) >=
    txnVersion(generation(record.generation), batchId(0));
  let needed = Number.POSITIVE_INFINITY;
  for (const role of rolesAt(record.tables, path)) {
    for (const [lane, version] of Object.entries(record.swap?.[role] ?? {}))
      if (version !== null && !isDone(laneId(lane))) needed = Math.min(needed, version);
  }
  return needed;
}
