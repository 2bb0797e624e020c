import { DyneError, limits } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import {
  mapExpression,
  schemaOf,
  type DataType,
  type Expression,
  type LogicalPlan,
  type StructField,
} from "../../plan/index.ts";
import { generatedColumns } from "./generated-columns.ts";
import { rulesOf, type TableRule } from "./table-rule.ts";

/**
 * The rows of a plan as they may be written to a table: the table's columns in its order, then those of the plan that the table has not
 * (such as `_change_type`). A column that the plan has not is computed where it is generated, else NULL.
 *
 * A row that breaks a rule of the table (NOT NULL, an invariant, a generated column of another value, a CHECK constraint) stops the job with
 * CONSTRAINT_VIOLATED, whose details name `rule` and `condition`, and show the `row`, or its beginning, as JSON. Every column of the
 * result must be read, as a write does: the check is a part of the first. A commit of such rows says so: `rowsAreGuarded`.
 *
 * Errors: those of `schemaOf` and `rulesOf`, INVALID_ARGUMENT for a plan with none of the table's columns.
 */
export function guardedPlan(table: Pick<Snapshot, "schema" | "metadata">, plan: LogicalPlan): LogicalPlan {
  const given = schemaOf(plan).fields;
  const wanted = table.schema.fields as Readonly<Record<string, StructField>>;
  if (!Object.keys(wanted).some((name) => Object.hasOwn(given, name)))
    throw new DyneError("INVALID_ARGUMENT", "The rows to be written have none of the table's columns.");
  const others = Object.keys(given).filter((name) => !Object.hasOwn(wanted, name));
  const valueOf = (name: string): Expression => {
    const generated = generatedColumns(table.schema).get(name)?.expression;
    if (Object.hasOwn(given, name)) return column(name);
    if (generated === undefined) return literal(null, wanted[name]!.type);
    return mapExpression(generated, (inner) => (inner.kind === "column" ? valueOf(inner.name) : undefined));
  };
  const aligned: LogicalPlan = {
    kind: "project",
    input: plan,
    columns: [
      ...Object.keys(wanted).map((name) => ({ name, expression: valueOf(name) })),
      ...others.map((name) => ({ name, expression: column(name) })),
    ],
  };
  return rowsKeeping(aligned, rulesOf(table));
}

/** The rows of a plan, each of which keeps these rules over its columns; see `guardedPlan` of one that does not. */
export function rowsKeeping(plan: LogicalPlan, rules: readonly TableRule[]): LogicalPlan {
  if (rules.length === 0) return plan;
  const fields = schemaOf(plan).fields as Readonly<Record<string, StructField>>;
  const row = rowText(fields);
  const columns = Object.keys(fields).map((name) => ({ name, expression: column(name) }));
  const [first, ...rest] = columns;
  const guarded = rules.reduce<Expression>((value, rule) => guard(value, rule, row), first!.expression);
  return { kind: "project", input: plan, columns: [{ name: first!.name, expression: guarded }, ...rest] };
}

function guard(value: Expression, { name, text, condition }: TableRule, row: Expression): Expression {
  const rule = JSON.stringify({ rule: name, condition: text });
  return call("guarded", value, condition, literal(rule, { kind: "string" }), row);
}

/** The beginning of a row as JSON, without nested columns: enough to find it by. */
function rowText(fields: Readonly<Record<string, StructField>>): Expression {
  const shown = Object.keys(fields).filter((name) => !nested.has(fields[name]!.type.kind));
  if (shown.length === 0) return literal("{}", { kind: "string" });
  const struct = call("named_struct", ...shown.flatMap((name) => [literal(name, { kind: "string" }), column(name)]));
  const whole: DataType = { kind: "integer" };
  return call("substring", call("to_json", struct), literal(1, whole), literal(limits.sampleCharacters, whole));
}

const nested: ReadonlySet<DataType["kind"]> = new Set(["struct", "array", "map"]);

function column(name: string): Expression {
  return { kind: "column", name };
}

function literal(value: string | number | null, type: DataType): Expression {
  return { kind: "literal", value, type };
}

function call(name: string, ...args: readonly Expression[]): Expression {
  return { kind: "call", name, args };
}
