/** Histories as data: what others commit to the tables of a random pipeline, and where the batches are cut. */
import fc from "fast-check";
import { tablePath } from "../../shared/pipeline/index.ts";
import { scansOf } from "../../shared/plan/index.ts";
import { isDyneError } from "../../shared/core/index.ts";
import { aroundStore, CrashPoint, expectCrash } from "../support/engine-faults.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import type { BuiltPipeline, BuiltTable } from "./random-pipeline.ts";
import { appendRows, rowsText, sourceRow, type SourceRow } from "./source-table.ts";
import { appendWithColumn, changeTable, compact, turnOn, type TableChange } from "./table-change.ts";
import { pick } from "./terms.ts";

export type Happening =
  | { readonly kind: "append"; readonly table: number; readonly rows: readonly SourceRow[] }
  /** Several commits at once. */
  | { readonly kind: "fill"; readonly table: number; readonly lists: readonly (readonly SourceRow[])[] }
  | { readonly kind: "append twice"; readonly table: number; readonly rows: readonly SourceRow[] }
  | { readonly kind: "add column"; readonly table: number; readonly rows: readonly SourceRow[] }
  | (TableChange & { readonly table: number })
  | {
      readonly kind: "compact";
      readonly table: number;
      readonly by: "another engine" | "optimize" | "purge";
      /** One of the table's files, counted around, where it is another engine; null for all of them. */
      readonly file: number | null;
    }
  | {
      readonly kind: "turn on";
      readonly table: number;
      readonly what: "enableDeletionVectors" | "enableChangeDataFeed";
    }
  | { readonly kind: "run all" }
  | { readonly kind: "run one"; readonly table: number }
  /** Another instance comes, which has nothing of what this one knew. */
  | { readonly kind: "restart" }
  /** The instance dies at its n-th call of a store, or lives through the sweep; another one comes. */
  | { readonly kind: "crash"; readonly at: number; readonly moment: "before" | "after" }
  /** What the owner of a view can ask for. */
  | { readonly kind: "refresh view" | "reset view"; readonly table: number };

/** What a history may be made of, as coverage counts it. */
export const happeningNames = [
  "fill",
  "append",
  "append nothing",
  "append twice",
  "add column",
  "delete",
  "delete in a file",
  "update",
  "update in a file",
  "clear",
  "merge",
  "overwrite",
  "restore",
  "compact by another engine",
  "compact by optimize",
  "compact by purge",
  "turn on enableDeletionVectors",
  "turn on enableChangeDataFeed",
  "run all",
  "run one",
  "restart",
  "crash",
  "refresh view",
  "reset view",
] as const;

/** Under which name coverage counts it. */
export function happeningName(now: Happening): (typeof happeningNames)[number] {
  switch (now.kind) {
    case "append":
      return now.rows.length === 0 ? "append nothing" : "append";
    case "delete":
    case "update":
      return now.file === null ? now.kind : `${now.kind} in a file`;
    case "compact":
      return `compact by ${now.by}`;
    case "turn on":
      return `turn on ${now.what}`;
    default:
      return now.kind;
  }
}

const number = fc.nat(59);
const file = fc.option(fc.nat(9), { freq: 2 });
const fewRows = fc.array(sourceRow, { maxLength: 2, size: "max" });
const someRows = fc.array(sourceRow, { minLength: 1, maxLength: 4, size: "max" });
const manyRows = fc.array(sourceRow, { maxLength: 8, size: "max" });
const of = <const Kind extends string>(kind: Kind) => fc.constant(kind);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: of("append"), table: number, rows: fewRows }) },
  { weight: 3, arbitrary: fc.record({ kind: of("append"), table: number, rows: manyRows }) },
  { weight: 1, arbitrary: fc.record({ kind: of("append twice"), table: number, rows: fewRows }) },
  { weight: 8, arbitrary: fc.record({ kind: of("run all") }) },
  { weight: 2, arbitrary: fc.record({ kind: of("run one"), table: number }) },
  { weight: 4, arbitrary: fc.record({ kind: of("delete"), table: number, column: number, how: number, file }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: of("update"), table: number, column: number, how: number, changed: number, file }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: of("compact"),
      table: number,
      by: fc.constantFrom("another engine" as const, "optimize" as const, "purge" as const),
      file,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: of("merge"), table: number, rows: someRows, deletes: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: of("overwrite"), table: number, rows: someRows }) },
  { weight: 1, arbitrary: fc.record({ kind: of("restore"), table: number, version: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: of("add column"), table: number, rows: someRows }) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: "restart" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: of("crash"),
      at: fc.integer({ min: 1, max: 60 }),
      moment: fc.constantFrom("before" as const, "after" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("refresh view" as const, "reset view" as const), table: number }),
  },
  { weight: 1, arbitrary: fc.record({ kind: of("clear"), table: number }) },
);

/** What a history begins with: how changes are written, and files of each source, so that what follows changes a part of them; and then what happens. */
export interface DrawnHistory {
  readonly settings: readonly Extract<Happening, { kind: "turn on" }>[];
  readonly before: readonly (readonly (readonly SourceRow[])[])[];
  readonly then: readonly Happening[];
}

/** Most sources have enough files that a change is a small part of them. A smaller counterexample has few. */
const filled = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.array(someRows, { maxLength: 3, size: "max" }) },
  { weight: 4, arbitrary: fc.array(someRows, { minLength: 5, maxLength: 12, size: "max" }) },
);

export const drawnHistory: fc.Arbitrary<DrawnHistory> = fc.record({
  settings: fc.array(
    fc.record({
      kind: of("turn on"),
      table: number,
      what: fc.constantFrom("enableDeletionVectors" as const, "enableChangeDataFeed" as const),
    }),
    { maxLength: 3, size: "max" },
  ),
  before: fc.array(filled, { minLength: 2, maxLength: 2 }),
  then: fc.array(happening, { minLength: 6, maxLength: 16, size: "max" }),
});

/** A history as one list: the sources filled, one file each at a time, and read once. */
export function happenings({ settings, before, then }: DrawnHistory, built: BuiltPipeline): readonly Happening[] {
  const sources = built.tables.filter(({ kind }) => kind === "source").length;
  const filled = before
    .slice(0, sources)
    .flatMap((lists, table): Happening[] => (lists.length === 0 ? [] : [{ kind: "fill", table, lists }]));
  return [...settings, ...filled, { kind: "run all" }, ...then];
}

/** Lets it happen, and says so as a line; undefined where it means nothing for this pipeline. */
export async function happen(
  world: EngineWorld,
  built: BuiltPipeline,
  now: Happening,
  at: number,
): Promise<string | undefined> {
  switch (now.kind) {
    case "append":
    case "append twice":
    case "fill": {
      const { name, variable } = sourceOf(built, now.table);
      const lists = now.kind === "fill" ? now.lists : now.kind === "append" ? [now.rows] : [now.rows, now.rows];
      await appendRows(world, name, lists, at * 5);
      return lists.map((rows) => `INSERT INTO ${variable}${rowsText(rows)}`).join("\n- ");
    }
    case "add column":
      return appendWithColumn(world, sourceOf(built, now.table), now.rows, at * 5);
    case "delete":
    case "update":
    case "clear":
    case "merge":
    case "overwrite":
    case "restore":
      return changed(world, built, now, at * 5);
    case "compact":
      return compact(world, pick(built.tables, now.table) as BuiltTable, now);
    case "turn on": {
      const table = pick(
        built.tables.filter(({ kind }) => kind !== "view"),
        now.table,
      );
      return table && turnOn(world, table, now.what);
    }
    case "run all":
      await world.engine.sweep();
      return "run all";
    case "run one": {
      const table = pick(built.tables, now.table) as BuiltTable;
      await world.engine.ring(table.name);
      return `run ${table.variable} and what reads it`;
    }
    case "restart":
      world.restart();
      return "restart";
    case "crash":
      return crashed(world, now);
    case "refresh view":
    case "reset view":
      return askedFor(world, built, now);
  }
}

async function crashed(
  world: EngineWorld,
  { at, moment }: Extract<Happening, { kind: "crash" }>,
): Promise<string | undefined> {
  const point = new CrashPoint(at, moment);
  world.restart((store) => aroundStore(store, point.around));
  try {
    await world.engine.sweep();
  } catch (error) {
    expectCrash(error);
  }
  world.restart();
  return `run all, and die ${point.place ?? "never"}; another instance comes`;
}

async function askedFor(
  world: EngineWorld,
  built: BuiltPipeline,
  { kind, table }: Extract<Happening, { kind: "refresh view" | "reset view" }>,
): Promise<string | undefined> {
  const view = pick(
    built.tables.filter((each) => each.kind === "view"),
    table,
  );
  if (view === undefined) return undefined;
  try {
    await (kind === "refresh view" ? world.engine.refresh(view.name) : world.engine.reset(view.name));
  } catch (error) {
    // A view of which no batch was begun yet has nothing to refresh.
    if (isDyneError(error, "INVALID_ARGUMENT")) return undefined;
    throw error;
  }
  return `${kind} ${view.variable}`;
}

/** Changes rows of a table that nobody reads as a stream and that no query owns; of a source, where the change brings rows. */
async function changed(
  world: EngineWorld,
  built: BuiltPipeline,
  now: TableChange & { readonly table: number },
  arrivedMinutes: number,
): Promise<string | undefined> {
  const streamed = new Set(
    built.pipeline.tables.flatMap(({ query }) =>
      query === undefined ? [] : scansOf(query).streaming.map(({ source }) => source),
    ),
  );
  const isOfSources = now.kind === "merge" || now.kind === "overwrite" || now.kind === "restore";
  const table = pick(
    built.tables.filter(({ kind, name }) => (isOfSources ? kind === "source" : kind !== "view") && !streamed.has(name)),
    now.table,
  );
  if (table === undefined || (await world.table(tablePath(table.name)).find()) === undefined) return undefined;
  return changeTable(world, table, now, arrivedMinutes);
}

function sourceOf({ tables }: BuiltPipeline, number: number): BuiltTable {
  return pick(
    tables.filter(({ kind }) => kind === "source"),
    number,
  ) as BuiltTable;
}
