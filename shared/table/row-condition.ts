/** What rows are asked for, column by column: as an expression that decides, and as the files that need not be read for it. */
import { textAbovePrefix } from "../core/index.ts";
import { mayContainAny, mayDiffer, mayHaveNull, parseValue } from "../delta/index.ts";
import type { AddFile, ColumnPath, StatsValue, TableForm, ValueRange } from "../delta/index.ts";
import type { DataType, Expression, Literal, Schema, StructField } from "../plan/index.ts";

/** Comparisons as SQL has them: a NULL is neither equal nor different. NaN equals itself and is above every number. */
export type RowCondition =
  | {
      readonly kind: "eq" | "ne" | "lt" | "le" | "gt" | "ge";
      readonly column: string;
      /** In the form of a literal of the column's type. */
      readonly value: NonNullable<Literal["value"]>;
    }
  | { readonly kind: "in"; readonly column: string; readonly values: readonly NonNullable<Literal["value"]>[] }
  | { readonly kind: "startswith"; readonly column: string; readonly text: string }
  | { readonly kind: "isnull"; readonly column: string }
  | { readonly kind: "notnull"; readonly column: string };

type WithoutColumn<Condition> = Condition extends unknown ? Omit<Condition, "column"> : never;
/** A condition, whatever it is asked of. */
export type PlaceCondition = WithoutColumn<RowCondition>;

/** True for a row that meets all conditions; undefined where there are none. The columns are those of the schema. */
export function conditionExpression(schema: Schema, conditions: readonly RowCondition[]): Expression | undefined {
  return conditions
    .map((condition) => expressionOf(condition, typeOfColumn(schema, condition.column)))
    .reduce<Expression | undefined>((all, each) => (all === undefined ? each : call("and", all, each)), undefined);
}

/**
 * Tells of files of a version: false only where no row of the file can meet all conditions, by its partition values and statistics, without
 * reading it. Values are brought into the form of statistics once, not for each file: there may be thousands of both.
 */
export function fileMatcher(form: TableForm, conditions: readonly RowCondition[]): (file: AddFile) => boolean {
  const matchers = conditions.map((condition) =>
    placeMatcher(form, [condition.column], typeOfColumn(form.schema, condition.column), condition),
  );
  return (file) => matchers.every((matches) => matches(file));
}

/** The same of one condition on a column, or on a field within structs by the path to it. */
export function placeMatcher(
  form: TableForm,
  path: ColumnPath,
  type: DataType,
  condition: PlaceCondition,
): (file: AddFile) => boolean {
  if (condition.kind === "isnull") return (file) => mayHaveNull(form, file, path);
  if (condition.kind === "ne") {
    const value = statsValue(type, condition.value);
    if (value !== undefined) return (file) => mayDiffer(form, file, path, value);
  }
  const ranges = rangesOf(condition, type);
  return (file) => mayContainAny(form, file, path, ranges);
}

/** The type of a column that the schema has. */
export function typeOfColumn(schema: Schema, column: string): DataType {
  return (schema.fields as Readonly<Record<string, StructField>>)[column]!.type;
}

/** From one value to another in the order of a type, both included: wider where the file's statistics may be rounded otherwise. */
export function valueRange(type: DataType, min: StatsValue | undefined, max: StatsValue | undefined): ValueRange {
  if (type.kind !== "float") return { min, max };
  return {
    min: typeof min === "number" ? min - floatStep(min) : undefined,
    max: typeof max === "number" ? max + floatStep(max) : undefined,
  };
}

/** At least the distance to the next number of 32 bits: a bound may be written by its shortest text, or as the double that it is. */
function floatStep(value: number): number {
  return Math.abs(value) * 2 ** -22 + 2 ** -148;
}

function call(name: string, ...args: readonly Expression[]): Expression {
  return { kind: "call", name, args };
}

function expressionOf(condition: RowCondition, type: DataType): Expression {
  const column: Expression = { kind: "column", name: condition.column };
  const literal = (value: Literal["value"]): Expression => ({ kind: "literal", value, type });
  switch (condition.kind) {
    case "in":
      return call("isin", column, ...condition.values.map(literal));
    case "startswith":
      return call("starts_with", column, literal(condition.text));
    case "isnull":
      return call("is_null", column);
    case "notnull":
      return call("is_not_null", column);
    default:
      return call(condition.kind, column, literal(condition.value));
  }
}

/** Where values that meet the condition lie; one range at least. */
function rangesOf(
  condition: Exclude<PlaceCondition, { readonly kind: "isnull" }>,
  type: DataType,
): readonly ValueRange[] {
  switch (condition.kind) {
    case "ne":
    case "notnull":
      return [{}];
    case "startswith":
      return [{ min: condition.text, max: textAbovePrefix(condition.text) }];
    case "in":
      return [...new Set(condition.values)].map((value) => equalTo(type, value));
    case "eq":
      return [equalTo(type, condition.value)];
    case "lt":
    case "le":
      return [
        { ...valueRange(type, undefined, statsValue(type, condition.value)), maxExcluded: condition.kind === "lt" },
      ];
    case "gt":
    case "ge":
      return [
        { ...valueRange(type, statsValue(type, condition.value), undefined), minExcluded: condition.kind === "gt" },
      ];
  }
}

function equalTo(type: DataType, value: NonNullable<Literal["value"]>): ValueRange {
  const bound = statsValue(type, value);
  return valueRange(type, bound, bound);
}

/** A literal as statistics have values; undefined where there are no statistics of the type. */
function statsValue(type: DataType, value: NonNullable<Literal["value"]>): StatsValue | undefined {
  if (type.kind === "float" || type.kind === "double") return Number(value);
  return type.kind === "binary" ? undefined : parseValue(type, String(value));
}
