/** The store as plain data, and what one I/O does to it. */
import type { Interner } from "./intern.ts";
import type { Request } from "./program.ts";
import {
  path,
  type CommitRecord,
  type GenerationRecord,
  type Lane,
  type ModelRecord,
  type TableEntry,
} from "./records.ts";
import type { PutAnswer, TableView } from "./requests.ts";

/** By path. */
export type Store = Readonly<Record<string, ModelRecord>>;

export interface Put {
  readonly path: string;
  readonly record: ModelRecord;
  readonly overwrites: boolean;
}

export type Read = Exclude<Request, { readonly op: "put" }>;

export function isPut(request: Request): request is Extract<Request, { readonly op: "put" }> {
  return request.op === "put";
}

/** Does each I/O on each store once: equal stores are the same object. */
export class StoreSteps {
  readonly #interner: Interner;
  readonly #stores = new Map<string, Store>();
  readonly #puts = new Map<string, readonly [Store, PutAnswer]>();
  readonly #answers = new Map<string, { readonly answer: unknown }>();

  constructor(interner: Interner) {
    this.#interner = interner;
  }

  put(store: Store, asked: Put): readonly [Store, PutAnswer] {
    const key = `${this.#interner.keyOf(store)} ${this.#interner.keyOf(asked)}`;
    const known = this.#puts.get(key);
    if (known !== undefined) return known;
    const [after, answer] = put(store, asked);
    const storeKey = this.#interner.keyOf(after);
    const same = this.#stores.get(storeKey) ?? after;
    this.#stores.set(storeKey, same);
    this.#puts.set(key, [same, answer]);
    return [same, answer];
  }

  read(store: Store, request: Read): unknown {
    const key = `${this.#interner.keyOf(store)} ${this.#interner.keyOf(request)}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known.answer;
    const answer = read(store, request);
    this.#answers.set(key, { answer });
    return answer;
  }
}

function read(store: Store, request: Read): unknown {
  switch (request.op) {
    case "get":
      return store[request.path];
    case "generations":
      return generationsOf(store);
    case "last-commit":
      return lastCommit(store, request.generation, request.lane);
    case "table":
      return viewOf(entriesOf(store, request.table));
    case "rows":
      return activeEntries(entriesOf(store, request.table).slice(0, request.upTo + 1)).flatMap(({ rows }) => rows);
  }
}

/** Puts a record where there is none, or over the one that is there. */
function put(store: Store, { path: at, record, overwrites }: Put): readonly [Store, PutAnswer] {
  const there = store[at];
  if (there !== undefined && !overwrites) return [store, { kind: "exists", record: there }];
  return [{ ...store, [at]: record }, { kind: "created" }];
}

export function generationsOf(store: Store): readonly GenerationRecord[] {
  return inOrder(store, 1, path.generation) as readonly GenerationRecord[];
}

export function entriesOf(store: Store, table: string): readonly TableEntry[] {
  return inOrder(store, 0, (version) => path.entry(table, version)) as readonly TableEntry[];
}

/** The entries whose rows readers see. */
export function activeEntries(entries: readonly TableEntry[]): readonly TableEntry[] {
  const removes = entries.filter(({ removesBelow }) => removesBelow > 0);
  return entries.filter(
    ({ lane }, version) => !removes.some((each) => version < each.removesBelow && isRemovedBy(lane, each)),
  );
}

/** Whether rows of the lane go with the entry, where they come before it. */
export function isRemovedBy(lane: Lane | null, { removesBelow, removesOf }: TableEntry): boolean {
  return removesBelow > 0 && (removesOf === null || (lane !== null && removesOf.includes(lane)));
}

export function lastCommit(store: Store, g: number, lane: string): number | undefined {
  const start = `${g}/${lane}/commits/`;
  let last: number | undefined;
  for (const at of Object.keys(store)) {
    if (at.startsWith(start)) last = Math.max(last ?? 0, Number(at.slice(start.length)));
  }
  return last;
}

export function commitAt(store: Store, g: number, lane: string, batch: number): CommitRecord | undefined {
  return store[`${g}/${lane}/commits/${batch}`] as CommitRecord | undefined;
}

function viewOf(entries: readonly TableEntry[]): TableView | undefined {
  if (entries.length === 0) return undefined;
  const txns: Record<string, { txn: number; version: number }> = {};
  let swappedBy = 0;
  for (const [version, entry] of entries.entries()) {
    for (const [appId, txn] of Object.entries(entry.txns)) txns[appId] = { txn, version };
    if (entry.kind === "swap") swappedBy = entry.generation;
  }
  return { version: entries.length - 1, txns, swappedBy };
}

function inOrder(store: Store, first: number, name: (index: number) => string): readonly ModelRecord[] {
  const found: ModelRecord[] = [];
  for (let index = first; ; index++) {
    const record = store[name(index)];
    if (record === undefined) return found;
    found.push(record);
  }
}
