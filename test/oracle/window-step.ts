/** Operators that choose among rows or look at their neighbours. */
import {
  count,
  denseRank,
  firstValue,
  lag,
  lastValue,
  lead,
  max,
  min,
  nthValue,
  ntile,
  rank,
  rowNumber,
  sum,
  type AnyColumn,
  type Column,
} from "../../shared/pipeline/index.ts";
import type { LongType } from "../../shared/plan/index.ts";
import type { QueryStep, WindowName, WindowStep } from "./drawn-step.ts";
import { columnOf, extended, freshName, hasInexact, namesAt, namesOf, orderedNames, type Query } from "./query.ts";
import { pick } from "./terms.ts";

/** A new column with a window function's value for every row. */
export function windowed(query: Query, step: WindowStep): Query {
  const names = orderedNames(query);
  const partition = step.partition === null ? undefined : pick(names, step.partition);
  const order = pick(names, step.order);
  if (order === undefined || (step.partition !== null && partition === undefined) || hasInexact(query)) return query;
  const partitionBy = partition === undefined ? [] : [columnOf(query, partition)];
  const orderBy = [columnOf(query, order)];
  const made = windowValue(query, step, { partitionBy, orderBy });
  if (made === undefined) return query;
  const added = freshName(query, "w");
  const parts = [
    ...(partition === undefined ? [] : [`partitionBy: [t.${partition}]`]),
    ...(made.isOrdered ? [`orderBy: [t.${order}]`] : []),
    ...(made.rows === undefined ? [] : [`rows: ${made.rows}`]),
  ];
  const code = `.withColumns((t) => ({ ${added}: ${made.code}.over({ ${parts.join(", ")} }) }))`;
  const frame = query.frame.withColumns(() => ({ [added]: made.column }));
  return extended(query, frame, code, step.name, ...(partition === undefined ? ["window of all rows"] : []));
}

interface Windows {
  readonly partitionBy: readonly AnyColumn[];
  readonly orderBy: readonly AnyColumn[];
}

interface WindowValue {
  readonly column: AnyColumn;
  readonly code: string;
  readonly isOrdered: boolean;
  /** The frame as code. */
  readonly rows?: string;
}

function windowValue(query: Query, { name, column }: WindowStep, window: Windows): WindowValue | undefined {
  const { partitionBy } = window;
  const any = pick(orderedNames(query), column) as string;
  const whole = pick(
    orderedNames(query).filter((each) => isSmallNumber(query, each)),
    column,
  );
  const value = columnOf(query, any) as Column<LongType>;
  const number = whole === undefined ? undefined : (columnOf(query, whole) as Column<LongType>);
  const moving = { from: -1, to: 1 } as const;
  const running = { from: undefined, to: 0 } as const;
  const values: Record<WindowName, () => WindowValue | undefined> = {
    rowNumber: () => ({ column: rowNumber().over(window), code: "rowNumber()", isOrdered: true }),
    rank: () => ({ column: rank().over(window), code: "rank()", isOrdered: true }),
    denseRank: () => ({ column: denseRank().over(window), code: "denseRank()", isOrdered: true }),
    ntile: () => ({ column: ntile(3).over(window), code: "ntile(3)", isOrdered: true }),
    lag: () => ({ column: lag(value).over(window), code: `lag(t.${any})`, isOrdered: true }),
    lead: () => ({ column: lead(value, 2).over(window), code: `lead(t.${any}, 2)`, isOrdered: true }),
    firstValue: () => ({ column: firstValue(value).over(window), code: `firstValue(t.${any})`, isOrdered: true }),
    lastValue: () => ({
      column: lastValue(value, { ignoreNulls: true }).over({ ...window, rows: moving }),
      code: `lastValue(t.${any}, { ignoreNulls: true })`,
      isOrdered: true,
      rows: JSON.stringify(moving),
    }),
    nthValue: () => ({
      column: nthValue(value, 2).over({ ...window, rows: moving }),
      code: `nthValue(t.${any}, 2)`,
      isOrdered: true,
      rows: JSON.stringify(moving),
    }),
    "sum over": () =>
      number && { column: sum(number).over({ partitionBy }), code: `sum(t.${whole})`, isOrdered: false },
    "count over": () => ({ column: count().over({ partitionBy }), code: "count()", isOrdered: false }),
    "min over": () => ({ column: min(value).over({ partitionBy }), code: `min(t.${any})`, isOrdered: false }),
    "running sum": () =>
      number && {
        column: sum(number).over({ ...window, rows: running }),
        code: `sum(t.${whole})`,
        isOrdered: true,
        rows: JSON.stringify(running),
      },
    "moving max": () => ({
      column: max(value).over({ ...window, rows: moving }),
      code: `max(t.${any})`,
      isOrdered: true,
      rows: JSON.stringify(moving),
    }),
  };
  return values[name]();
}

/** Whole numbers whose sums stay in the range of their type: all but those at its end. */
function isSmallNumber(query: Query, name: string): boolean {
  const { kind } = columnOf(query, name).type;
  return kind === "integer" || (kind === "long" && !name.includes("big"));
}

/** The first rows of each key; an even number of them as people write it by hand. */
export function topped(query: Query, { keys, order, count: rows }: Extract<QueryStep, { op: "top" }>): Query {
  const names = namesAt(orderedNames(query), keys);
  const by = pick(orderedNames(query), order);
  if (names.length === 0 || by === undefined || hasInexact(query)) return query;
  const column = columnOf(query, by);
  if (rows % 2 === 1) {
    const first = query.frame.topK({ by: names, orderBy: () => [column.desc()], count: rows });
    const options = `by: ${JSON.stringify(names)}, orderBy: (t) => [t.${by}.desc()], count: ${rows}`;
    return extended(query, first, `.topK({ ${options} })`, "top-k");
  }
  const added = freshName(query, "w");
  const window = { partitionBy: names.map((name) => columnOf(query, name)), orderBy: [column.desc()] };
  const numbered = query.frame.withColumns(() => ({ [added]: rowNumber().over(window) }));
  const frame = numbered.filter((columns) => (columns[added] as unknown as Column<LongType>).le(rows));
  const parts = `partitionBy: [${names.map((name) => `t.${name}`).join(", ")}], orderBy: [t.${by}.desc()]`;
  const code = `.withColumns((t) => ({ ${added}: rowNumber().over({ ${parts} }) })).filter(({ ${added} }) => ${added}.le(${rows}))`;
  return extended(query, frame, code, "top-k");
}

/** The first rows of all. */
export function limited(query: Query, step: Extract<QueryStep, { op: "limit" }>): Query {
  const name = pick(orderedNames(query), step.column);
  if (name === undefined || hasInexact(query)) return query;
  const direction = step.descending ? "desc" : "asc";
  const frame = query.frame.orderBy((columns) => [(columns[name] as Column<LongType>)[direction]()]).limit(step.count);
  return extended(query, frame, `.orderBy(({ ${name} }) => [${name}.${direction}()]).limit(${step.count})`, "limit");
}

/** One row for each key. */
export function deduplicated(query: Query, step: Extract<QueryStep, { op: "dropDuplicates" }>): Query {
  const keys = namesAt(orderedNames(query), step.keys);
  if (keys.length === 0 || hasInexact(query) || namesOf(query).includes("_row_number")) return query;
  const code = `.dropDuplicates(${JSON.stringify(keys)})`;
  return extended(query, query.frame.dropDuplicates(keys), code, "dropDuplicates");
}
