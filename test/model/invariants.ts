/** What must hold in every state of the store, whoever stopped wherever. */
import type { GenerationRecord, Lane, OffsetsRecord, Role, TableEntry } from "./records.ts";
import { path } from "./records.ts";
import { activeEntries, commitAt, entriesOf, isRemovedBy, generationsOf, lastCommit, type Store } from "./store.ts";

interface Tables {
  readonly name: string;
  readonly role: Role;
  readonly entries: readonly TableEntry[];
}

/** What is wrong with a store; undefined for nothing. `lanes` have `events` events each. */
export function faultOfStore(store: Store, lanes: readonly Lane[]): string | undefined {
  const generations = generationsOf(store);
  const tables = tablesOf(store, generations);
  return (
    missingTable(generations, tables) ??
    committedTwice(tables) ??
    differentRuns(tables) ??
    mixedGenerations(tables) ??
    uncoveredCommit(store, generations, tables, lanes) ??
    wrongRows(store, generations, tables, lanes)
  );
}

/** True where every lane of the newest generation has consumed its input. */
export function isConsumed(store: Store, lanes: readonly Lane[], events: number): boolean {
  const newest = generationsOf(store).at(-1);
  return newest !== undefined && lanes.every((lane) => endOf(store, newest.generation, lane) === events);
}

/** Where the last committed batch of a lane ended; undefined on one that was not begun. */
function endOf(store: Store, g: number, lane: Lane): number | undefined {
  const offsets = store[path.offsets(g, lane, lastCommit(store, g, lane) ?? 0)] as OffsetsRecord | undefined;
  return offsets?.end;
}

function tablesOf(store: Store, generations: readonly GenerationRecord[]): readonly Tables[] {
  const roles = new Map(generations.flatMap(({ tables }) => tables.map(({ table, role }) => [table, role] as const)));
  return [...roles].map(([name, role]) => ({ name, role, entries: entriesOf(store, name) }));
}

function missingTable(generations: readonly GenerationRecord[], tables: readonly Tables[]): string | undefined {
  const missing = tables.find(({ entries }) => entries.length === 0);
  return missing && `generation ${generations.length} is recorded and its table ${missing.name} is not there`;
}

function committedTwice(tables: readonly Tables[]): string | undefined {
  for (const { name, entries } of tables) {
    const seen = new Set<string>();
    for (const entry of entries) {
      const batch = `batch ${entry.batch} of lane ${entry.lane}, generation ${entry.generation}`;
      if (entry.kind === "batch" && seen.has(batch)) return `${name} has ${batch} twice`;
      if (entry.kind === "batch") seen.add(batch);
    }
  }
  return undefined;
}

function differentRuns(tables: readonly Tables[]): string | undefined {
  const variants = new Map<string, number>();
  for (const { entries } of tables) {
    for (const { kind, generation, lane, batch, variant } of entries) {
      if (kind !== "batch") continue;
      const name = `batch ${batch} of lane ${lane}, generation ${generation}`;
      if ((variants.get(name) ?? variant) !== variant) return `the tables have different runs of ${name}`;
      variants.set(name, variant);
    }
  }
  return undefined;
}

/** Once a lane's rows were swapped out or replaced for a generation, readers see nothing of that lane from the generations before. */
function mixedGenerations(tables: readonly Tables[]): string | undefined {
  for (const { name, entries } of tables) {
    const older = activeEntries(entries).find(
      ({ kind, lane, generation }) =>
        kind === "batch" && entries.some((each) => isRemovedBy(lane, each) && each.generation > generation),
    );
    if (older !== undefined)
      return `${name} shows rows of lane ${older.lane}, generation ${older.generation}, which a later one has taken out`;
  }
  return undefined;
}

/** What `commits` name is there: every txn in its table, or a later one. */
function uncoveredCommit(
  store: Store,
  generations: readonly GenerationRecord[],
  tables: readonly Tables[],
  lanes: readonly Lane[],
): string | undefined {
  for (const { generation, tables: owned } of generations) {
    for (const lane of lanes) {
      const last = lastCommit(store, generation, lane);
      const commit = last === undefined ? undefined : commitAt(store, generation, lane, last);
      for (const { role, table } of owned) {
        const named = commit?.tables[role]?.txn;
        if (named === undefined || named === null) continue;
        const entries = tables.find(({ name }) => name === table)?.entries ?? [];
        const isThere = entries.some(({ txns }) => Object.values(txns).includes(named));
        if (!isThere)
          return `commits/${last} of lane ${lane}, generation ${generation} names a txn that ${table} has not`;
      }
    }
  }
  return undefined;
}

/**
 * Each event is in the sink or in quarantine once, at most; and it is there if its batch is committed. Not looked at while a lane's rows
 * are taken over: between the first and the last table a reader may see one with the old rows, and one with the new.
 */
function wrongRows(
  store: Store,
  generations: readonly GenerationRecord[],
  tables: readonly Tables[],
  lanes: readonly Lane[],
): string | undefined {
  const shown = tables.filter(({ role }) => role !== "state").map(({ entries }) => entries);
  for (const lane of lanes) {
    const takers = shown.map((entries) => lastTaker(generations, entries, lane));
    const from = Math.max(...takers);
    if (takers.some((each) => each < from)) continue;
    const rows = shown.flatMap((entries) => activeEntries(entries).flatMap((e) => (e.lane === lane ? e.rows : [])));
    const twice = rows.find((event, index) => rows.indexOf(event) < index);
    if (twice !== undefined) return `event ${twice} of lane ${lane} is out twice`;
    const begun = generations.findLast(({ generation: g }) => g >= from && endOf(store, g, lane) !== undefined);
    if (begun === undefined || isToBeReplaced(store, begun.generation, lane)) continue;
    const first = keptFrom(store, generations, shown, lane);
    const end = endOf(store, begun.generation, lane) ?? 0;
    for (let event = first + 1; event <= end; event++)
      if (!rows.includes(event)) return `event ${event} of lane ${lane} is lost`;
  }
  return undefined;
}

/** The last generation that took a lane's rows out of a table to read the input again; 0 where none did. */
function lastTaker(generations: readonly GenerationRecord[], entries: readonly TableEntry[], lane: Lane): number {
  const takers = entries.filter(
    (each) => isRemovedBy(lane, each) && generations[each.generation - 1]?.change !== "restore",
  );
  return takers.at(-1)?.generation ?? 0;
}

/** Up to which event a restore has taken rows on purpose; all of them while it is not known where the input goes on. */
function keptFrom(
  store: Store,
  generations: readonly GenerationRecord[],
  shown: readonly (readonly TableEntry[])[],
  lane: Lane,
): number {
  const restored = shown
    .flat()
    .findLast((each) => isRemovedBy(lane, each) && generations[each.generation - 1]?.change === "restore");
  if (restored === undefined) return 0;
  const begun = store[path.offsets(restored.generation, lane, 0)] as OffsetsRecord | undefined;
  return begun?.end ?? Infinity;
}

function isToBeReplaced(store: Store, g: number, lane: Lane): boolean {
  return commitAt(store, g, lane, lastCommit(store, g, lane) ?? 0)?.isReplacedNext === true;
}
