/** Histories as data: what others commit to the tables of a random pipeline, and where the batches are cut. */
import fc from "fast-check";
import {
  DataFrame,
  lit,
  tablePath,
  when,
  type AnyColumn,
  type Column,
  type ColumnTypes,
} from "../../shared/pipeline/index.ts";
import { scansOf, type LogicalPlan, type LongType } from "../../shared/plan/index.ts";
import { isDyneError } from "../../shared/core/index.ts";
import { aroundStore, CrashPoint, expectCrash } from "../support/engine-faults.ts";
import { rewriteTable } from "../support/engine-foreign.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import type { BuiltPipeline, BuiltTable } from "./random-pipeline.ts";
import { textOf } from "./multiset.ts";
import { appendRows, sourceRow, type SourceRow } from "./source-table.ts";
import { condition, isNested, pick } from "./terms.ts";

/** `file`: which of the table's files is rewritten, counted around; null for all of them. */
export type Happening =
  | { readonly kind: "append"; readonly table: number; readonly rows: readonly SourceRow[] }
  /** Several commits at once. */
  | { readonly kind: "fill"; readonly table: number; readonly lists: readonly (readonly SourceRow[])[] }
  | { readonly kind: "append twice"; readonly table: number; readonly rows: readonly SourceRow[] }
  | {
      readonly kind: "delete";
      readonly table: number;
      readonly column: number;
      readonly how: number;
      readonly file: number | null;
    }
  | {
      readonly kind: "update";
      readonly table: number;
      readonly column: number;
      readonly how: number;
      readonly changed: number;
      readonly file: number | null;
    }
  | { readonly kind: "clear"; readonly table: number }
  | { readonly kind: "compact"; readonly table: number; readonly file: number | null }
  | { readonly kind: "run all" }
  | { readonly kind: "run one"; readonly table: number }
  /** Another instance comes, which has nothing of what this one knew. */
  | { readonly kind: "restart" }
  /** The instance dies at its n-th call of a store, or lives through the sweep; another one comes. */
  | { readonly kind: "crash"; readonly at: number; readonly moment: "before" | "after" }
  /** What the owner of a view can ask for. */
  | { readonly kind: "refresh view" | "reset view"; readonly table: number };

export const happeningNames = [
  "fill",
  "append",
  "append nothing",
  "append twice",
  "delete",
  "update",
  "clear",
  "compact",
  "run all",
  "run one",
  "restart",
  "crash",
  "refresh view",
  "reset view",
] as const;

const number = fc.nat(59);
const file = fc.option(fc.nat(9), { freq: 4 });
const fewRows = fc.array(sourceRow, { maxLength: 2, size: "max" });
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
  { weight: 2, arbitrary: fc.record({ kind: of("compact"), table: number, file }) },
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

/** What a history begins with: files of each source, so that what follows changes a part of them; and then what happens. */
export interface DrawnHistory {
  readonly before: readonly (readonly (readonly SourceRow[])[])[];
  readonly then: readonly Happening[];
}

const someRows = fc.array(sourceRow, { minLength: 1, maxLength: 4, size: "max" });
/** Most sources have enough files that a change is a small part of them. A smaller counterexample has few. */
const filled = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.array(someRows, { maxLength: 3, size: "max" }) },
  { weight: 4, arbitrary: fc.array(someRows, { minLength: 5, maxLength: 12, size: "max" }) },
);

export const drawnHistory: fc.Arbitrary<DrawnHistory> = fc.record({
  before: fc.array(filled, { minLength: 2, maxLength: 2 }),
  then: fc.array(happening, { minLength: 6, maxLength: 16, size: "max" }),
});

/** A history as one list: the sources filled, one file each at a time, and read once. */
export function happenings({ before, then }: DrawnHistory, built: BuiltPipeline): readonly Happening[] {
  const sources = built.tables.filter(({ kind }) => kind === "source").length;
  const filled = before
    .slice(0, sources)
    .flatMap((lists, table): Happening[] => (lists.length === 0 ? [] : [{ kind: "fill", table, lists }]));
  return [...filled, { kind: "run all" }, ...then];
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
      const sources = built.tables.filter(({ kind }) => kind === "source");
      const { name, variable } = pick(sources, now.table) as BuiltTable;
      const lists = now.kind === "fill" ? now.lists : now.kind === "append" ? [now.rows] : [now.rows, now.rows];
      await appendRows(world, name, lists, at * 5);
      return lists.map((rows) => `append to ${variable}:${rowsText(rows)}`).join("\n- ");
    }
    case "delete":
    case "update":
    case "clear":
      return changed(world, built, now);
    case "compact": {
      const table = pick(built.tables, now.table) as BuiltTable;
      const which = now.file ?? undefined;
      const outcome = await rewriteTable(world, table.name, { dataChange: false, which });
      return outcome === undefined ? undefined : `compact ${table.variable}${fileText(now.file)}`;
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

/** Changes rows of a table that nobody reads as a stream and that no query owns. */
async function changed(
  world: EngineWorld,
  built: BuiltPipeline,
  now: Extract<Happening, { kind: "delete" | "update" | "clear" }>,
): Promise<string | undefined> {
  const streamed = new Set(
    built.tables.flatMap(({ declared }) =>
      declared.query === undefined ? [] : scansOf(declared.query).streaming.map(({ source }) => source),
    ),
  );
  const table = pick(
    built.tables.filter(({ kind, name }) => kind !== "view" && !streamed.has(name)),
    now.table,
  );
  if (table === undefined || (await world.table(tablePath(table.name)).find()) === undefined) return undefined;
  if (now.kind === "clear") {
    const none = (plan: LogicalPlan): LogicalPlan => frameOf(plan).filter(() => lit(false, { kind: "boolean" })).plan;
    const outcome = await rewriteTable(world, table.name, { dataChange: true, keep: none });
    return outcome === undefined ? undefined : `delete every row of ${table.variable}`;
  }
  const names = Object.keys(table.frame.schema.fields);
  const name = pick(names, now.column) as string;
  const code = condition({ column: table.frame.columns[name] as AnyColumn, code: name }, now.how).code;
  const which = now.file ?? undefined;
  const conditionOf = (frame: DataFrame<ColumnTypes>) =>
    condition({ column: frame.columns[name] as AnyColumn, code: name }, now.how).column;
  if (now.kind === "delete") {
    const keep = (plan: LogicalPlan): LogicalPlan => {
      const frame = frameOf(plan);
      return frame.filter(() => conditionOf(frame).eqNullSafe(true).not()).plan;
    };
    const outcome = await rewriteTable(world, table.name, { dataChange: true, which, keep });
    return outcome === undefined ? undefined : `delete from ${table.variable} where ${code}${fileText(now.file)}`;
  }
  const target = pick(
    names.filter((each) => !isNested((table.frame.columns[each] as AnyColumn).type)),
    now.changed,
  );
  if (target === undefined) return undefined;
  const keep = (plan: LogicalPlan): LogicalPlan => {
    const frame = frameOf(plan);
    const before = frame.columns[target] as unknown as Column<LongType>;
    const nothing = lit(null, before.type);
    return frame.withColumns(() => ({ [target]: when(conditionOf(frame), nothing).otherwise(before) })).plan;
  };
  const outcome = await rewriteTable(world, table.name, { dataChange: true, which, keep });
  return outcome === undefined
    ? undefined
    : `update ${table.variable} set ${target} = null where ${code}${fileText(now.file)}`;
}

const frameOf = (plan: LogicalPlan): DataFrame<ColumnTypes> => new DataFrame(plan);
const fileText = (file: number | null): string => (file === null ? "" : ` (in its file ${file}, counted around)`);

const rowsText = (rows: readonly SourceRow[]): string =>
  rows.length === 0 ? " nothing" : rows.map((row) => `\n    ${sourceRowText(row)}`).join("");

function sourceRowText(row: SourceRow): string {
  return `{ ${Object.entries(row)
    .map(([name, value]) => `${name}: ${Object.is(value, -0) ? "-0" : textOf(value as string)}`)
    .join(", ")} }`;
}
