/**
 * Where a query does not tell which of two equal zeros it shows (SPEC.md 10): in what an aggregate or a window makes of doubles, and wherever
 * rows are chosen or numbered in an order in which equal zeros tie. Any other value that is shown keeps its sign, and a key is positive.
 */
import type { Row, RowValue } from "../../shared/compute/index.ts";
import { schemaOf, someExpression, typeOf } from "../../shared/plan/index.ts";
import type { DataType, Expression, LogicalPlan, StructField } from "../../shared/plan/index.ts";

/**
 * The columns with zeros of both signs. A file that has both in a column may hold them as one (docs/limits.md), and whatever is left of the
 * file later may so have the other sign.
 */
export function mixedZeros(rows: readonly Row[]): ReadonlySet<string> {
  const names = Object.keys(rows[0] ?? {});
  const has = (name: string, sign: RegExp): boolean => rows.some((row) => zeroIn(row[name], sign));
  return new Set(
    names.filter((name) => has(name, /(?<=[:[,])0\.0(?=[\],}])/) && has(name, /(?<=[:[,])-0\.0(?=[\],}])/)),
  );
}

/** Nested values are JSON text. */
const zeroIn = (value: RowValue | undefined, sign: RegExp): boolean =>
  typeof value === "string" ? sign.test(value) : value === 0 && sign.test(Object.is(value, -0) ? "[-0.0]" : "[0.0]");

/** The columns of a plan whose zeros may have either sign. */
export function openZeros(plan: LogicalPlan): ReadonlySet<string> {
  switch (plan.kind) {
    case "scan":
    // Its rows are one for all that are equal, and shown as keys are.
    case "distinct":
      return new Set();
    case "project":
      return plan.columns.some(({ expression }) => hasWindow(expression))
        ? columnsWithZeros(plan)
        : openAmong(plan.columns, plan.input);
    case "aggregate":
      return new Set(
        plan.aggregates
          .filter(({ expression }) => hasZeros(typeOf(expression, schemaOf(plan.input))))
          .map(({ name }) => name),
      );
    case "limit":
      return columnsWithZeros(plan);
    case "join":
      return new Set([...openZeros(plan.left), ...openZeros(plan.right)]);
    case "union":
      return new Set(plan.inputs.flatMap((input) => [...openZeros(input)]));
    case "explode":
      return new Set([...openZeros(plan.input), ...openAmong([{ name: plan.as, expression: plan.array }], plan.input)]);
    default:
      return openZeros(plan.input);
  }
}

function openAmong(
  columns: readonly { readonly name: string; readonly expression: Expression }[],
  input: LogicalPlan,
): ReadonlySet<string> {
  const open = openZeros(input);
  const reads = (expression: Expression): boolean =>
    someExpression(expression, (inner) => inner.kind === "column" && open.has(inner.name));
  const named = columns.filter(({ expression }) => reads(expression) && hasZeros(typeOf(expression, schemaOf(input))));
  return new Set(named.map(({ name }) => name));
}

const hasWindow = (expression: Expression): boolean => someExpression(expression, ({ kind }) => kind === "window");

/** The columns with doubles. */
export function columnsWithZeros(plan: LogicalPlan): ReadonlySet<string> {
  const fields = Object.entries<StructField>(schemaOf(plan).fields);
  return new Set(fields.filter(([, { type }]) => hasZeros(type)).map(([name]) => name));
}

function hasZeros(type: DataType): boolean {
  switch (type.kind) {
    case "float":
    case "double":
      return true;
    case "array":
      return hasZeros(type.element);
    case "map":
      return hasZeros(type.key) || hasZeros(type.value);
    case "struct":
      return Object.values<StructField>(type.fields).some((field) => hasZeros(field.type));
    default:
      return false;
  }
}
