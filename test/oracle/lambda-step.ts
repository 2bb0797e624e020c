/** Functions with lambdas over an array of a query, which read other columns of the row too. */
import {
  aggregate,
  exists,
  filter,
  forall,
  lit,
  long,
  size,
  transform,
  when,
  zipWith,
  type AnyColumn,
  type Column,
} from "../../shared/pipeline/index.ts";
import type { ArrayType, StringType } from "../../shared/plan/index.ts";
import type { QueryStep } from "./drawn-step.ts";
import { columnOf, extended, freshName, namesOf, termOf, type Query } from "./query.ts";
import { condition, derived, isNested, pick, type Term } from "./terms.ts";

/** The query with one more column, which a lambda computes; the same query where it has no array of values. */
export function lambdaOver(query: Query, step: Extract<QueryStep, { op: "lambda" }>): Query {
  const arrays = namesOf(query).filter((name) => {
    const { type } = columnOf(query, name);
    return type.kind === "array" && !isNested(type.element);
  });
  const name = pick(arrays, step.column);
  if (name === undefined) return query;
  const other = pick(
    namesOf(query).filter((each) => each !== name),
    step.how,
  );
  const value = lambdaOf(termOf(query, name), other === undefined ? undefined : termOf(query, other), step);
  const added = freshName(query, "l");
  const read = [name, ...(other === undefined ? [] : [other])].join(", ");
  return extended(
    query,
    query.frame.withColumns(() => ({ [added]: value.column })),
    `.withColumns(({ ${read} }) => ({ ${added}: ${value.code} }))`,
    "lambda",
  );
}

/** The code of a lambda is known once it was built: what it is built of says it. */
function lambdaOf(
  array: Term,
  other: Term | undefined,
  { how, what }: { readonly how: number; readonly what: number },
): Term {
  // Elements are taken for texts; those that are none have the same methods here.
  const xs = array.column as Column<ArrayType<StringType>>;
  let code = "";
  const told = (of: Term): Column<never> => {
    ({ code } = of);
    return of.column as Column<never>;
  };
  const test = (x: AnyColumn): Column<never> => told(condition({ column: x, code: "x" }, how));
  const outer = condition(other ?? array, how);
  const choices: readonly (() => Term)[] = [
    () => {
      const column = transform(xs, (x) => told(derived({ column: x, code: "x" }, how)));
      return { column, code: `transform(${array.code}, (x) => ${code})` };
    },
    () => {
      const column = filter(xs, (x) => test(x));
      return { column, code: `filter(${array.code}, (x) => ${code})` };
    },
    () => {
      const column = exists(xs, (x) => test(x));
      return { column, code: `exists(${array.code}, (x) => ${code})` };
    },
    () => {
      const column = forall(xs, (x) => test(x));
      return { column, code: `forall(${array.code}, (x) => ${code})` };
    },
    () => {
      const column = aggregate(xs, lit(0, long()), (sum, x) => when(test(x), sum.plus(1)).otherwise(sum));
      return {
        column,
        code: `aggregate(${array.code}, lit(0, long()), (sum, x) => when(${code}, sum.plus(1)).otherwise(sum))`,
      };
    },
    () => ({
      column: transform(xs, (_x, i) => when(outer.column, i).otherwise(-1)),
      code: `transform(${array.code}, (_x, i) => when(${outer.code}, i).otherwise(-1))`,
    }),
    () => ({
      column: transform(xs, (x) => size(filter(xs, (y) => y.ge(x)))),
      code: `transform(${array.code}, (x) => size(filter(${array.code}, (y) => y.ge(x))))`,
    }),
    () => ({
      column: zipWith(
        xs,
        filter(xs, (x) => x.isNotNull()),
        (x, y) => x.eqNullSafe(y),
      ),
      code: `zipWith(${array.code}, filter(${array.code}, (x) => x.isNotNull()), (x, y) => x.eqNullSafe(y))`,
    }),
  ];
  return pick(choices, what)!();
}
