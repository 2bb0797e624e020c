/** What runners ask of the store, as parts of their programs. */
import { batchId, flowId, generation, laneId, txnAppId, txnVersion } from "../../shared/core/index.ts";
import { askFences, type Fence } from "../../shared/delta/fence.ts";
import { once, type Program } from "./program.ts";
import { path, type Lane, type ModelRecord, type TableEntry } from "./records.ts";
import type { Rules } from "./rules.ts";

/** A table as its log says, without rows. */
export interface TableView {
  readonly version: number;
  /** By appId: the last txn, and the version that recorded it. */
  readonly txns: Readonly<Record<string, { readonly txn: number; readonly version: number }>>;
  /** The generation of the last swap; 0 before any. */
  readonly swappedBy: number;
}

export type PutAnswer =
  | { readonly kind: "created" }
  | { readonly kind: "exists"; readonly record: ModelRecord }
  | { readonly kind: "unknown" };

const flow = flowId("model.sink");
const flowTxns = "dyne/p/model.sink/";

export const txn = (g: number, batch: number): number => txnVersion(generation(g), batchId(batch));
export const generationOfTxn = (recorded: number): number => Math.floor(recorded / 2 ** 32);

export function appId(rules: Rules, lane: Lane): string {
  return txnAppId("p", flow, laneId(rules.laneInTxn ? lane : "0"));
}

/** By lane, what a table recorded. */
export function txnsByLane(view: TableView): ReadonlyMap<Lane, number> {
  return new Map(Object.entries(view.txns).map(([id, { txn }]) => [id.slice(flowTxns.length) as Lane, txn]));
}

export function* get<Kind extends ModelRecord>(at: string): Program<Kind | undefined> {
  return (yield { op: "get", path: at }) as Kind | undefined;
}

export function* viewOf(table: string): Program<TableView | undefined> {
  return (yield { op: "table", table }) as TableView | undefined;
}

/** As `verifiedPutIfAbsent`: knows afterwards whose record it is. Equal records of two writers count as one. */
export function* putIfAbsent<Kind extends ModelRecord>(
  at: string,
  record: Kind,
): Program<{ readonly isMine: boolean; readonly record: Kind }> {
  for (;;) {
    const put = (yield { op: "put", path: at, record }) as PutAnswer;
    if (put.kind === "created") return { isMine: true, record };
    const there = put.kind === "exists" ? (put.record as Kind) : yield* get<Kind>(at);
    if (there !== undefined) return { isMine: JSON.stringify(there) === JSON.stringify(record), record: there };
  }
}

export function* overwrite(at: string, record: ModelRecord): Program<void> {
  yield { op: "put", path: at, record, overwrites: true };
}

export type TableCommit =
  | { readonly kind: "committed"; readonly version: number }
  | { readonly kind: "fenced" }
  | { readonly kind: "failed"; readonly why: string };

export interface TableCommitRequest {
  readonly table: string;
  readonly fence: Fence;
  /** Else the txn is recorded, and nobody looks at it. */
  readonly isFenced: boolean;
  /** Takes the place of all that is there. */
  readonly replaces: boolean;
  readonly entry: Omit<TableEntry, "txns" | "removesBelow" | "removesOf">;
}

/** As `commit` of a Delta table with one fence. */
export function* commitTable(rules: Rules, request: TableCommitRequest): Program<TableCommit> {
  let isAskingFence = true;
  for (;;) {
    const asks = isAskingFence;
    const tried: TableCommit | "again" | "unknown" = yield* once(() => tryCommit(rules, request, asks));
    if (tried === "unknown") isAskingFence = rules.afterUnknown === "asks-fence";
    else if (tried !== "again") return tried;
  }
}

function* tryCommit(
  rules: Rules,
  { table, fence, isFenced, replaces, entry }: TableCommitRequest,
  isAskingFence: boolean,
): Program<TableCommit | "again" | "unknown"> {
  const view = yield* viewOf(table);
  if (view === undefined) return { kind: "failed", why: `${table} does not exist` };
  if (isAskingFence && isFenced) {
    const closed = askTable(view, fence, table);
    if (closed !== undefined) return closed;
  }
  const version = view.version + 1;
  const txns = { [fence.appId]: fence.version };
  const record: TableEntry = { ...entry, removesBelow: replaces ? version : 0, removesOf: null, txns };
  if (rules.afterUnknown === "same-put") {
    const put = yield* putIfAbsent(path.entry(table, version), record);
    return put.isMine ? { kind: "committed", version } : "again";
  }
  const put = (yield { op: "put", path: path.entry(table, version), record }) as PutAnswer;
  if (put.kind === "unknown") return "unknown";
  return put.kind === "created" ? { kind: "committed", version } : "again";
}

function askTable(view: TableView, fence: Fence, table: string): TableCommit | undefined {
  const recorded = Object.entries(view.txns);
  const snapshot = {
    txns: new Map(recorded.map(([id, { txn }]) => [id, txn])),
    txnCommits: new Map(recorded.map(([id, { version }]) => [id, version])),
  };
  const verdict = askFences(snapshot, [fence]);
  if (verdict.kind === "already-committed") return { kind: "committed", version: verdict.version ?? view.version };
  if (verdict.kind === "fenced") return { kind: "fenced" };
  if (verdict.kind === "open") return undefined;
  return { kind: "failed", why: `SINK_CHANGED: ${table} has ${verdict.recorded}, expected ${fence.expected}` };
}
