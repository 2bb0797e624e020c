/** How far a flow is behind its inputs: events of a hub, versions of tables. */
import { isDyneError, laneOfFile, limits, type Clock, type LaneId } from "../core/index.ts";
import type { InputRange, LaneHead } from "../checkpoint/index.ts";
import type { DeltaCommit } from "../delta/index.ts";
import { tablePath, type Flow } from "../pipeline/index.ts";
import type { DeltaTable, TableCatalog } from "../table/index.ts";

/** Where hubs end: those who read hubs fit. */
export interface HubHeads {
  describe(hub: string): Promise<{ readonly epochUs: bigint; readonly partitions: readonly string[] }>;
  partition(
    hub: string,
    partition: string,
  ): Promise<{ readonly beginSequence: number; readonly untilSequence: number }>;
}

export type InputLag =
  | {
      readonly kind: "hub";
      readonly hub: string;
      /** All partitions together; null where one of them is not known. */
      readonly eventsBehind: number | null;
      /** Empty where the hub does not answer. */
      readonly partitions: readonly { readonly partition: string; readonly eventsBehind: number | null }[];
    }
  | {
      readonly kind: "table";
      readonly table: string;
      /**
       * Versions that hold something to read for the lane that is furthest behind: rows of other lanes, and files that were only merged, are
       * not. Null where there is no such table yet, or it is not the one that was read.
       */
      readonly versionsBehind: number | null;
    };

export interface LagContext {
  readonly tables: TableCatalog;
  readonly clock: Clock;
  /** Absent where hubs cannot be asked. */
  readonly hubs?: HubHeads | undefined;
}

/** By lane, where each stands. */
export type Heads = readonly { readonly lane: LaneId; readonly head: LaneHead }[];

/**
 * One entry per input that is read by its changes: what is only looked up is read as it stands, and landed files are not listed for this.
 * A hub that does not answer within five seconds is left out. Errors: those of reading Delta logs.
 */
export async function inputLag(context: LagContext, flow: Flow, heads: Heads): Promise<readonly InputLag[]> {
  if (flow.kind === "hub")
    return flow.lanes.kind === "partitions" ? [await hubLag(context, flow, flow.lanes.hub, heads)] : [];
  const read = flow.inputs.filter(({ mode }) => flow.kind === "view" || mode === "streaming");
  const lags: InputLag[] = [];
  for (const { table } of read) {
    const lanes = flow.kind === "stream" && flow.lanes.kind === "partitions" ? "by-file" : "one";
    lags.push(await tableLag(context.tables.open("lake", tablePath(table)), table, heads, lanes));
  }
  return lags;
}

async function tableLag(input: DeltaTable, table: string, heads: Heads, lanes: "one" | "by-file"): Promise<InputLag> {
  const newest = await input.find();
  const read = heads.map(({ lane, head }) => ({ lane, range: rangeOf(head, table, "delta") }));
  const isSame = read.every(({ range }) => range === undefined || range.tableId === newest?.metadata.id);
  if (newest === undefined || !isSame) return { kind: "table", table, versionsBehind: null };
  let versionsBehind = read.length === 0 ? newest.version + 1 : 0;
  for (const { lane, range } of read) {
    const isForLane = (commit: DeltaCommit): boolean =>
      [...commit.adds, ...commit.removes].some(
        (file) => file.dataChange && (lanes === "one" || laneOfFile(file) === lane),
      );
    const behind = await versionsAfter(input, range?.toVersion ?? -1, newest.version, isForLane);
    versionsBehind = Math.max(versionsBehind, behind);
  }
  return { kind: "table", table, versionsBehind };
}

/** How many versions after one there are for somebody; all of them where they are many, or are no longer in the log one by one. */
async function versionsAfter(
  input: DeltaTable,
  version: number,
  newestVersion: number,
  isForThem: (commit: DeltaCommit) => boolean,
): Promise<number> {
  const all = Math.max(0, newestVersion - version);
  if (version < 0 || all > limits.lagVersionsMax) return all;
  try {
    return (await input.changes(version, newestVersion)).filter(isForThem).length;
  } catch (error) {
    if (isDyneError(error, "DATA_LOSS")) return all;
    throw error;
  }
}

async function hubLag({ hubs, clock }: LagContext, flow: Flow, hub: string, heads: Heads): Promise<InputLag> {
  const unknown: InputLag = { kind: "hub", hub, eventsBehind: null, partitions: [] };
  if (hubs === undefined) return unknown;
  const { source } = flow.output;
  const fromStart = source?.kind === "eventHub" && source.startingPosition === "earliest";
  const told = await within(clock, limits.hubHeadMs, async () => {
    const { epochUs, partitions } = await hubs.describe(hub);
    return Promise.all(
      partitions.map(async (partition) => {
        const { beginSequence, untilSequence } = await hubs.partition(hub, partition);
        const head = heads.find(({ lane }) => lane === partition)?.head;
        const range = head && rangeOf(head, hub, "hub");
        const begun = range === undefined ? (fromStart ? beginSequence : null) : range.untilSequence;
        const isSame = range === undefined || Date.parse(range.epoch) === Number(epochUs / 1000n);
        const eventsBehind = begun === null || !isSame ? null : Math.max(0, untilSequence - begun);
        return { partition, eventsBehind };
      }),
    );
  });
  if (told === undefined) return unknown;
  const known = told.flatMap(({ eventsBehind }) => (eventsBehind === null ? [] : [eventsBehind]));
  const eventsBehind = known.length < told.length ? null : known.reduce((sum, events) => sum + events, 0);
  return { kind: "hub", hub, eventsBehind, partitions: told };
}

/** Undefined where the hub does not answer, or not in time. */
async function within<T>(clock: Clock, ms: number, ask: () => Promise<T>): Promise<T | undefined> {
  const finished = new AbortController();
  const asking = ask().catch(() => undefined);
  try {
    return await Promise.race([asking, clock.sleep(ms, finished.signal).then(() => undefined)]);
  } finally {
    finished.abort();
  }
}

function rangeOf<Kind extends InputRange["kind"]>(
  { lastOffsets }: LaneHead,
  name: string,
  kind: Kind,
): Extract<InputRange, { kind: Kind }> | undefined {
  const range = lastOffsets?.inputs[name];
  return range?.kind === kind ? (range as Extract<InputRange, { kind: Kind }>) : undefined;
}
