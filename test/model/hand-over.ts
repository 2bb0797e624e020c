/** How lanes pass from one generation to the next (as `generation.ts`, `hand-over.ts` and `swap.ts`). */
import { nextStep } from "../../shared/engine/recovery.ts";
import { readHead, advance, rollForward, type Head } from "./lane.ts";
import { once, type Program } from "./program.ts";
import {
  path,
  type Change,
  type CommitRecord,
  type GenerationRecord,
  type Lane,
  type LaneEnd,
  type OffsetsRecord,
  type OutcomeRecord,
  type Role,
  type TableEntry,
  type TableStanding,
} from "./records.ts";
import { appId, generationOfTxn, get, overwrite, putIfAbsent, txn, txnsByLane, viewOf } from "./requests.ts";
import type { Rules } from "./rules.ts";

/** What a runner is, for as long as it lives. */
export interface Self {
  readonly build: string;
  /** The tables that its plan has. */
  readonly roles: readonly Role[];
}

const tableOf = (role: Role, g: number) => (role === "state" ? `state@${g}` : role);

const removesNothing = { removesBelow: 0, removesOf: null };

export function creation(g: number): TableEntry {
  return { kind: "create", generation: g, lane: null, batch: 0, variant: 0, rows: [], ...removesNothing, txns: {} };
}

/** The generation that a build's plan needs after the newest one. A state table is kept only where the data are. */
export function generationAfter(
  newest: GenerationRecord | undefined,
  build: string,
  roles: readonly Role[],
  change: Change,
): GenerationRecord {
  const generation = (newest?.generation ?? 0) + 1;
  const tables = roles.map((role) => {
    const isKept = role !== "state" || change === "plan" || change === "rewind" || change === "restore";
    const kept = isKept ? newest?.tables.find((table) => table.role === role) : undefined;
    return kept ?? { role, table: tableOf(role, generation) };
  });
  return { generation, build, tables, change, swap: null, seen: {} };
}

/** The tables that a change sets back. */
const swappedRoles: Readonly<Record<Change, readonly Role[]>> = {
  plan: [],
  refresh: [],
  reset: ["quarantine", "sink"],
  rewind: ["quarantine", "state", "sink"],
  restore: ["sink"],
};

/** Whose rows a change takes out: of all lanes that there are or that have ever written. */
export function* swapOf(
  { change, tables }: GenerationRecord,
  knows: readonly Lane[],
): Program<GenerationRecord["swap"]> {
  const swapped = tables.filter(({ role }) => swappedRoles[change].includes(role));
  if (swapped.length === 0) return null;
  const lanes = new Set(knows);
  for (const { table } of swapped) {
    const view = yield* viewOf(table);
    if (view !== undefined) for (const lane of txnsByLane(view).keys()) lanes.add(lane);
  }
  return { roles: swapped.map(({ role }) => role), lanes: [...lanes].toSorted() };
}

/** Creates the tables of a generation and takes its entry, or returns what another put there. */
export function* raise(
  rules: Rules,
  record: GenerationRecord,
  lanes: readonly Lane[],
): Program<{ readonly isMine: boolean; readonly record: GenerationRecord }> {
  const seen: Partial<Record<Lane, LaneEnd>> = {};
  if (!rules.continuesFromSeal) {
    for (const lane of lanes) {
      const head = yield* readHead(rules, record.generation - 1, lane);
      seen[lane] = endOf(head);
    }
  }
  const before = rules.tablesBeforeGeneration ? undefined : yield* putGeneration({ ...record, seen });
  for (const { table } of record.tables) yield* putIfAbsent(path.entry(table, 0), creation(record.generation));
  return before ?? (yield* putGeneration({ ...record, seen }));
}

function putGeneration(record: GenerationRecord) {
  return putIfAbsent(path.generation(record.generation), record);
}

/** Brings a lane to its `commits/0` and `offsets/0`, whoever may have begun to. */
export function* beginLane(
  rules: Rules,
  self: Self,
  record: GenerationRecord,
  lane: Lane,
): Program<"begun" | "superseded"> {
  const { generation: g } = record;
  if (g === 1) {
    yield* putIfAbsent(path.offsets(1, lane, 0), { start: 0, end: 0 });
    return "begun";
  }
  const before = yield* get<GenerationRecord>(path.generation(g - 1));
  if (before === undefined) throw new Error("generations have no gaps");
  if (record.change === "restore" && rules.endsLanesBeforeRestore) {
    for (const each of record.swap?.lanes ?? []) {
      const ended = yield* once(() => sealLane(rules, self, before, record, each, false));
      if (ended === "superseded") return ended;
    }
  }
  // The rows of a lane that the swap does not name are in the tables still: it can only go on where it ends.
  const isSwapped = record.swap?.lanes.includes(lane) === true;
  const swapped = yield* once(() => swapTables(rules, record, lane));
  if (swapped === "superseded" && isSwapped) return swapped;
  const end = yield* once(() => sealLane(rules, self, before, record, lane, isSwapped));
  if (end === "superseded") return end;
  const isFromStart = record.change === "refresh" || (record.change !== "restore" && isSwapped);
  const tables: Partial<Record<Role, TableStanding>> = {};
  for (const { role, table } of record.tables) {
    const kept = before.tables.some((each) => each.table === table) ? end.tables[role] : undefined;
    tables[role] = (isSwapped && swapped !== "superseded" ? swapped[role] : undefined) ??
      kept ?? { version: -1, txn: null };
  }
  const handsOn = rules.handsOnReplacement && record.change === "plan" && end.isReplacedNext;
  const isReplacedNext = record.change === "refresh" || handsOn;
  yield* putIfAbsent<CommitRecord>(path.commits(g, lane, 0), { tables, isReplacedNext });
  const position = isFromStart ? 0 : end.end;
  yield* putIfAbsent<OffsetsRecord>(path.offsets(g, lane, 0), { start: position, end: position });
  return "begun";
}

/** Ends a lane of a generation by a seal, and says where. Decided batches are rolled forward first, unless the swap has fenced them. */
function* sealLane(
  rules: Rules,
  self: Self,
  before: GenerationRecord,
  next: GenerationRecord,
  lane: Lane,
  isFenced: boolean,
): Program<LaneEnd | "superseded"> {
  const g = before.generation;
  const seen = next.seen[lane];
  if (seen !== undefined) return seen;
  let head = yield* readHead(rules, g, lane);
  if (head.end === undefined && g > 1 && rules.beginsBeforeSealing) {
    const begun = yield* once(() => beginLane(rules, self, before, lane));
    // Fenced by the swap of the very generation that goes on, the lane ends there with nothing; by a later one's, nobody goes on from here.
    if (rules.stopsWhereOvertaken && begun === "superseded" && !isFenced) return begun;
    head = yield* readHead(rules, g, lane);
  }
  for (;;) {
    const step = nextStep(head);
    if (step.kind === "sealed" || !rules.seals || (step.kind === "roll" && isFenced)) break;
    if (step.kind === "roll") {
      const { outcome } = step;
      const at = head;
      const rolled = yield* once(() => rollForward(rules, before, lane, at, outcome));
      if (rolled.kind !== "rolled") break;
      yield* putIfAbsent<CommitRecord>(path.commits(g, lane, head.batch + 1), {
        tables: rolled.tables,
        isReplacedNext: false,
      });
    } else {
      const outcome: OutcomeRecord = { seal: next.generation, variant: 0, rows: [] };
      const at = path.outcome(g, lane, head.batch + 1);
      if (!rules.sealIfAbsent) yield* overwrite(at, outcome);
      else yield* putIfAbsent(at, outcome);
      if (!rules.sealVerified) break;
    }
    head = yield* advance(rules, g, lane, head.batch);
  }
  return endOf(head);
}

function endOf(head: Head): LaneEnd {
  const { batch, tables, isReplacedNext } = head;
  return { batch, end: head.end ?? 0, tables, isReplacedNext };
}

/** Takes the rows out of the tables, each by one commit that fences every lane named, unless somebody did. */
function* swapTables(
  rules: Rules,
  record: GenerationRecord,
  lane: Lane,
): Program<CommitRecord["tables"] | "superseded"> {
  const tables: Partial<Record<Role, TableStanding>> = {};
  for (const { role, table } of record.tables) {
    if (record.swap?.roles.includes(role) !== true) continue;
    const swapped = yield* once(() => swapTable(rules, record, table, lane));
    if (swapped === "superseded") return swapped;
    tables[role] = swapped;
  }
  return tables;
}

function* swapTable(
  rules: Rules,
  record: GenerationRecord,
  table: string,
  lane: Lane,
): Program<TableStanding | "superseded"> {
  const mine = txn(record.generation, 0);
  const lanes = record.swap?.lanes ?? [];
  let lost: TableEntry | undefined;
  for (;;) {
    const again = rules.swapLooksAgain ? undefined : lost;
    const tried = yield* once(function* (): Program<TableStanding | "superseded" | { readonly lost: TableEntry }> {
      const view = yield* viewOf(table);
      if (view === undefined) throw new Error(`${table} does not exist`);
      const known = txnsByLane(view);
      const txnNow = rules.swapIsFenced ? mine : (known.get(lane) ?? null);
      const asked = rules.asksOwnLaneOfSwap && lanes.includes(lane) ? lane : lanes[0]!;
      const recorded = known.get(asked) ?? -1;
      const isLater = generationOfTxn(recorded) > record.generation;
      if (isLater || (!rules.laterBatchMeansSwapped && recorded > mine)) return "superseded";
      const isDone = rules.swapIsFenced ? recorded >= mine : view.swappedBy >= record.generation;
      if (isDone) return { version: view.version, txn: txnNow };
      const txns = Object.fromEntries(rules.swapIsFenced ? lanes.map((each) => [appId(rules, each), mine]) : []);
      const version = view.version + 1;
      const removesOf = rules.swapKeepsOthers ? lanes : null;
      const entry: TableEntry = {
        ...creation(record.generation),
        kind: "swap",
        removesBelow: version,
        removesOf,
        txns,
      };
      const put = yield* putIfAbsent(path.entry(table, version), again ?? entry);
      return put.isMine ? { version, txn: txnNow } : { lost: again ?? entry };
    });
    if (tried === "superseded" || "version" in tried) return tried;
    lost = tried.lost;
  }
}
