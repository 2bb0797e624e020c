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
  "countIf",
  "sum.filter",
] as const;

/** Every operator that a query may be made of, as coverage counts them. */
export const operatorNames = [
  "drop",
  "withColumns",
  "filter",
  "explode",
  "join inner",
  "join left",
  "union",
  "distinct",
  "orderBy",
  "limit",
  "dropDuplicates",
  "window",
  "groupBy",
  "groupBy computed",
  "groupBy()",
  ...aggregateNames,
] as const;

export type QueryStep =
  | { readonly op: "drop"; readonly column: number }
  | { readonly op: "compute"; readonly column: number; readonly how: number }
  | { readonly op: "filter"; readonly column: number; readonly how: number }
  | { readonly op: "explode"; readonly column: number; readonly outer: boolean }
  | {
      readonly op: "join";
      readonly table: number;
      readonly on: number;
      readonly others: number;
      readonly left: boolean;
    }
  | { readonly op: "union"; readonly table: number }
  | { readonly op: "distinct" }
  | { readonly op: "orderBy"; readonly column: number }
  | { readonly op: "limit"; readonly column: number; readonly count: number; readonly descending: boolean }
  | { readonly op: "dropDuplicates"; readonly keys: readonly number[] }
  | { readonly op: "window"; readonly partition: number; readonly order: number; readonly how: number }
  | {
      readonly op: "group";
      readonly keys: readonly number[];
      readonly computed: number | null;
      readonly aggregates: readonly { readonly name: (typeof aggregateNames)[number]; readonly column: number }[];
    };

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

function groupOf(names: readonly (typeof aggregateNames)[number][]) {
  return fc.record({
    op: fc.constant("group" as const),
    keys: groupKeys,
    computed: fc.option(number, { freq: 3 }),
    aggregates: fc.array(fc.record({ name: fc.constantFrom(...names), column: number }), {
      minLength: 1,
      maxLength: 4,
      size: "max",
    }),
  });
}

const filter = fc.record({ op: fc.constant("filter" as const), column: number, how: number });
const compute = fc.record({ op: fc.constant("compute" as const), column: number, how: number });
const explode = fc.record({ op: fc.constant("explode" as const), column: number, outer: fc.boolean() });
const without = fc.record({ op: fc.constant("drop" as const), column: number });
const join = fc.record({
  op: fc.constant("join" as const),
  table: number,
  on: number,
  others: number,
  left: fc.boolean(),
});
const orderBy = fc.record({ op: fc.constant("orderBy" as const), column: number });

/** Operators on single rows: all that a stream may have. */
export const streamStep: fc.Arbitrary<QueryStep> = fc.oneof(
  { weight: 3, arbitrary: filter },
  { weight: 2, arbitrary: compute },
  { weight: 1, arbitrary: without },
  { weight: 1, arbitrary: explode },
  { weight: 2, arbitrary: join },
);

const anyStep: fc.Arbitrary<QueryStep> = fc.oneof(
  { weight: 5, arbitrary: streamStep },
  { weight: 4, arbitrary: group },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("union" as const), table: number }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("distinct" as const) }) },
  { weight: 1, arbitrary: orderBy },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("limit" as const),
      column: number,
      count: fc.integer({ min: 1, max: 8 }),
      descending: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("dropDuplicates" as const),
      keys: fc.array(number, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("window" as const), partition: number, order: number, how: number }),
  },
);

/** Steps that leave every column there: what is a partition stays one. */
export const rowSteps: fc.Arbitrary<readonly QueryStep[]> = fc.array(fc.oneof(filter, compute, explode), {
  maxLength: 2,
});
const distinct = fc.record({ op: fc.constant("distinct" as const) });
/** Groups that another operator can stand on: their sums are not inexact. */
const exactGroup = groupOf(["count()", "count", "countDistinct", "min", "max", "countIf"]);

/** Most of them have the form that can be refreshed by keys: row by row, one keyed operator or two, then row by row. */
export const viewSteps: fc.Arbitrary<readonly QueryStep[]> = fc.oneof(
  { weight: 6, arbitrary: around(group.map((only) => [only])) },
  {
    weight: 3,
    arbitrary: around(
      fc
        .tuple(
          fc.oneof({ weight: 2, arbitrary: exactGroup }, { weight: 1, arbitrary: distinct }),
          fc.array(fc.oneof(filter, compute), { maxLength: 1 }),
          fc.oneof({ weight: 3, arbitrary: group }, { weight: 1, arbitrary: distinct }),
        )
        .map(([lower, between, upper]) => [lower, ...between, upper]),
    ),
  },
  { weight: 1, arbitrary: around(distinct.map((only) => [only])) },
  { weight: 2, arbitrary: fc.array(anyStep, { minLength: 1, maxLength: 4, size: "max" }) },
);

function around(keyed: fc.Arbitrary<readonly QueryStep[]>): fc.Arbitrary<readonly QueryStep[]> {
  const above = fc.array(fc.oneof(filter, compute, orderBy), { maxLength: 1 });
  return fc.tuple(rowSteps, keyed, above).map((parts) => parts.flat());
}
