/**
 * One operator on a query, described by numbers that always mean something: each picks among the columns that are there. So every description
 * is a query, and a smaller description is a simpler one.
 */
import fc from "fast-check";

export const aggregateNames = [
  "count()",
  "count",
  "countDistinct",
  "sum",
  "avg",
  "min",
  "max",
  "collectList",
  "collectSet",
  "maxBy",
  "minBy",
  "boolAnd",
  "boolOr",
  "bitXor",
  "stddevPop",
  "median",
  "mode",
  "countIf",
  "sum.filter",
] as const;
export const joinTypes = ["inner", "left", "right", "full", "semi", "anti", "cross"] as const;
export const windowNames = [
  "rowNumber",
  "rank",
  "denseRank",
  "ntile",
  "lag",
  "lead",
  "firstValue",
  "lastValue",
  "nthValue",
  "count over",
  "sum over",
  "min over",
  "running sum",
  "moving max",
] as const;

export type AggregateName = (typeof aggregateNames)[number];
export type DrawnJoinType = (typeof joinTypes)[number];
export type WindowName = (typeof windowNames)[number];

/** Every operator that a query may be made of, as coverage counts them. */
export const operatorNames = [
  "drop",
  "withColumns",
  "filter",
  "explode",
  "lambda",
  ...joinTypes.map((type) => `join ${type}` as const),
  "join by one name",
  "join of a grouping",
  "self join",
  "union",
  "union of itself",
  "intersect",
  "except",
  "distinct",
  "orderBy",
  "limit",
  "top-k",
  "dropDuplicates",
  ...windowNames,
  "window of all rows",
  "groupBy",
  "groupBy computed",
  "groupBy window",
  "groupBy sliding window",
  "groupBy()",
  ...aggregateNames,
] as const;
export type OperatorName = (typeof operatorNames)[number];

export type QueryStep =
  | { readonly op: "drop"; readonly column: number }
  | { readonly op: "compute"; readonly column: number; readonly how: number }
  | { readonly op: "filter"; readonly column: number; readonly how: number }
  | { readonly op: "explode"; readonly column: number; readonly outer: boolean }
  | { readonly op: "lambda"; readonly column: number; readonly how: number; readonly what: number }
  | JoinStep
  | {
      readonly op: "union";
      readonly how: "union" | "intersect" | "except";
      readonly table: number;
      /** Of the query's own rows, filtered by this; null: of another table's. */
      readonly own: number | null;
    }
  | { readonly op: "distinct" }
  | { readonly op: "orderBy"; readonly column: number }
  | { readonly op: "limit"; readonly column: number; readonly count: number; readonly descending: boolean }
  | { readonly op: "top"; readonly keys: readonly number[]; readonly order: number; readonly count: number }
  | { readonly op: "dropDuplicates"; readonly keys: readonly number[] }
  | WindowStep
  | GroupStep;

export interface JoinStep {
  readonly op: "join";
  readonly table: number;
  readonly type: DrawnJoinType;
  readonly on: number;
  /** A second pair of columns. */
  readonly and: number | null;
  readonly others: number;
  /** The right side: rows as they are, or one per group of them. */
  readonly right: "rows" | "groups";
  /** On a column that is called the same on both sides, and is one in the result. */
  readonly byName: boolean;
}

export interface WindowStep {
  readonly op: "window";
  readonly partition: number | null;
  readonly order: number;
  readonly column: number;
  readonly name: WindowName;
}

export interface GroupStep {
  readonly op: "group";
  readonly keys: readonly number[];
  /** The first key is computed from its column. */
  readonly computed: number | null;
  /** Beside the keys: the window of time that a row lies in, or those that slide over it. */
  readonly window: "tumbling" | "sliding" | null;
  readonly aggregates: readonly { readonly name: AggregateName; readonly column: number }[];
}

const number = fc.nat(59);
const groupKeys = fc.oneof(
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 5, arbitrary: fc.array(number, { minLength: 1, maxLength: 2 }) },
);
/** Half of the groups have aggregates only that take removed rows out again. */
const group = fc.oneof(
  groupOf(aggregateNames),
  groupOf(["count()", "count", "countDistinct", "sum", "avg", "countIf", "sum.filter"]),
);

function groupOf(names: readonly AggregateName[]): fc.Arbitrary<GroupStep> {
  return fc.record({
    op: fc.constant("group" as const),
    keys: groupKeys,
    computed: fc.option(number, { freq: 3 }),
    window: fc.option(fc.constantFrom("tumbling" as const, "sliding" as const), { freq: 2 }),
    aggregates: fc.array(fc.record({ name: fc.constantFrom(...names), column: number }), {
      minLength: 1,
      maxLength: 5,
      size: "max",
    }),
  });
}

const filter = fc.record({ op: fc.constant("filter" as const), column: number, how: number });
const compute = fc.record({ op: fc.constant("compute" as const), column: number, how: number });
const explode = fc.record({ op: fc.constant("explode" as const), column: number, outer: fc.boolean() });
const lambda = fc.record({ op: fc.constant("lambda" as const), column: number, how: number, what: number });
const without = fc.record({ op: fc.constant("drop" as const), column: number });
const orderBy = fc.record({ op: fc.constant("orderBy" as const), column: number });
const distinct = fc.record({ op: fc.constant("distinct" as const) });

function joinOf(...types: readonly DrawnJoinType[]): fc.Arbitrary<JoinStep> {
  return fc.record({
    op: fc.constant("join" as const),
    table: number,
    type: fc.constantFrom(...types),
    on: number,
    and: fc.option(number, { freq: 3 }),
    others: number,
    right: fc.oneof(
      { weight: 3, arbitrary: fc.constant("rows" as const) },
      { weight: 1, arbitrary: fc.constant("groups" as const) },
    ),
    byName: fc.boolean(),
  });
}
const join = joinOf("inner", "inner", "left", "left", "right", "full", "semi", "anti", "cross");

const union = fc.record({
  op: fc.constant("union" as const),
  how: fc.constantFrom("union" as const, "union" as const, "intersect" as const, "except" as const),
  table: number,
  own: fc.option(number, { freq: 2 }),
});
const limit = fc.record({
  op: fc.constant("limit" as const),
  column: number,
  count: fc.integer({ min: 1, max: 8 }),
  descending: fc.boolean(),
});
const top = fc.record({
  op: fc.constant("top" as const),
  keys: fc.array(number, { minLength: 1, maxLength: 2 }),
  order: number,
  count: fc.integer({ min: 1, max: 3 }),
});
const dropDuplicates = fc.record({
  op: fc.constant("dropDuplicates" as const),
  keys: fc.array(number, { minLength: 1, maxLength: 2 }),
});
const window: fc.Arbitrary<WindowStep> = fc.record({
  op: fc.constant("window" as const),
  partition: fc.option(number, { freq: 6 }),
  order: number,
  column: number,
  name: fc.constantFrom(...windowNames),
});

/** Operators on single rows: all that a stream may have. */
export const streamStep: fc.Arbitrary<QueryStep> = fc.oneof(
  { weight: 3, arbitrary: filter },
  { weight: 2, arbitrary: compute },
  { weight: 1, arbitrary: without },
  { weight: 1, arbitrary: explode },
  { weight: 1, arbitrary: lambda },
  { weight: 2, arbitrary: joinOf("inner", "left", "semi", "anti", "cross") },
);

/** Operators that look at more than one row. */
const wide: fc.Arbitrary<QueryStep> = fc.oneof(
  { weight: 6, arbitrary: join },
  { weight: 5, arbitrary: group },
  { weight: 3, arbitrary: union },
  { weight: 2, arbitrary: distinct },
  { weight: 5, arbitrary: window },
  { weight: 2, arbitrary: top },
  { weight: 2, arbitrary: dropDuplicates },
  { weight: 1, arbitrary: limit },
);
const narrow: fc.Arbitrary<QueryStep> = fc.oneof(
  { weight: 3, arbitrary: filter },
  { weight: 3, arbitrary: compute },
  { weight: 1, arbitrary: without },
  { weight: 2, arbitrary: explode },
  { weight: 2, arbitrary: lambda },
);

/** Steps that leave every column there: what is a partition stays one. */
export const rowSteps: fc.Arbitrary<readonly QueryStep[]> = fc.array(fc.oneof(filter, compute, explode, lambda), {
  maxLength: 2,
});
/** Groups that another operator can stand on: their sums are not inexact. */
const exactGroup = groupOf(["count()", "count", "countDistinct", "min", "max", "maxBy", "boolOr", "countIf"]);
const lowerGroup = fc.oneof({ weight: 2, arbitrary: exactGroup }, { weight: 1, arbitrary: distinct });
const upperGroup = fc.oneof({ weight: 3, arbitrary: group }, { weight: 1, arbitrary: distinct });
const between = fc.array(fc.oneof(filter, compute), { maxLength: 1 });

/** Groups, groups over groups, joins below and above groups, choices by key, and whatever else follows each other. */
export const viewSteps: fc.Arbitrary<readonly QueryStep[]> = fc.oneof(
  { weight: 4, arbitrary: around(group.map((only) => [only])) },
  {
    weight: 2,
    arbitrary: around(
      fc.tuple(lowerGroup, between, upperGroup).map(([lower, steps, upper]) => [lower, ...steps, upper]),
    ),
  },
  { weight: 1, arbitrary: around(distinct.map((only) => [only])) },
  { weight: 3, arbitrary: around(join.map((only) => [only])) },
  {
    weight: 3,
    arbitrary: around(fc.tuple(join, between, upperGroup).map(([lower, steps, upper]) => [lower, ...steps, upper])),
  },
  {
    weight: 2,
    arbitrary: around(fc.tuple(exactGroup, between, join).map(([lower, steps, upper]) => [lower, ...steps, upper])),
  },
  {
    weight: 4,
    arbitrary: around(
      fc
        .oneof(
          { weight: 5, arbitrary: window },
          { weight: 1, arbitrary: top },
          { weight: 1, arbitrary: dropDuplicates },
          { weight: 2, arbitrary: union },
        )
        .map((only) => [only]),
    ),
  },
  {
    weight: 3,
    arbitrary: around(fc.tuple(wide, between, wide).map(([lower, steps, upper]) => [lower, ...steps, upper])),
  },
  {
    weight: 2,
    arbitrary: fc.array(fc.oneof({ weight: 2, arbitrary: narrow }, { weight: 3, arbitrary: wide }, orderBy), {
      minLength: 1,
      maxLength: 4,
      size: "max",
    }),
  },
);

function around(keyed: fc.Arbitrary<readonly QueryStep[]>): fc.Arbitrary<readonly QueryStep[]> {
  const above = fc.array(fc.oneof(filter, compute, orderBy), { maxLength: 1 });
  return fc.tuple(rowSteps, keyed, above).map((parts) => parts.flat());
}
