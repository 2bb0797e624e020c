/** Which files can hold a row for which a condition is true: by partition values and statistics, without reading them. */
import type { AddFile, ColumnPath, TableForm } from "../delta/index.ts";
import type { DataType, Expression, Literal, StructField } from "../plan/index.ts";
import { placeMatcher, type PlaceCondition, type RowCondition } from "./row-condition.ts";

type FileTest = (file: AddFile) => boolean;

/**
 * False only where no row of the file can make the condition true. Conditions that statistics say nothing of give true. A condition that is
 * negated is true where the condition itself is false: of NULL, neither is.
 */
export function filesMatching(form: TableForm, condition: Expression): FileTest {
  return testOf(form, condition, true);
}

const anyFile: FileTest = () => true;
const noFile: FileTest = () => false;

/** Tells of files that can have a row for which the condition is `wanted`. */
function testOf(form: TableForm, condition: Expression, wanted: boolean): FileTest {
  if (condition.kind === "literal") return condition.value === wanted ? anyFile : noFile;
  if (condition.kind === "column" || condition.kind === "field") {
    const place = placeOf(form, condition);
    return place?.type.kind === "boolean"
      ? placeMatcher(form, place.path, place.type, { kind: "eq", value: wanted })
      : anyFile;
  }
  if (condition.kind !== "call") return anyFile;
  const { name, args } = condition;
  if (name === "not" && args[0] !== undefined) return testOf(form, args[0], !wanted);
  if (name === "and" || name === "or") {
    const tests = args.map((arg) => testOf(form, arg, wanted));
    // Not all of them are true where one is false.
    return (name === "and") === wanted
      ? (file) => tests.every((test) => test(file))
      : (file) => tests.some((test) => test(file));
  }
  const asked = wanted ? name : negated[name];
  const found = asked === undefined ? undefined : comparisonOf(form, asked, args);
  if (found === undefined) return anyFile;
  const { place, condition: comparison } = found;
  return comparison === "never" ? noFile : placeMatcher(form, place.path, place.type, comparison);
}

/** The comparison with its sides swapped. */
const swapped: Readonly<Record<string, string>> = {
  eq: "eq",
  eq_null_safe: "eq_null_safe",
  ne: "ne",
  lt: "gt",
  le: "ge",
  gt: "lt",
  ge: "le",
};

/** The comparison that is true where this one is false. */
const negated: Readonly<Record<string, string>> = {
  eq: "ne",
  ne: "eq",
  lt: "ge",
  le: "gt",
  gt: "le",
  ge: "lt",
  is_null: "is_not_null",
  is_not_null: "is_null",
};

/** A column of the table, or a field within its structs. */
interface Place {
  readonly path: ColumnPath;
  readonly type: DataType;
}

interface Comparison {
  readonly place: Place;
  /** `never` where it is true of no value. */
  readonly condition: PlaceCondition | "never";
}

/**
 * A comparison of a column of the table with constants, which is true of just the same rows; undefined for anything else, `never` where it is
 * true of no value.
 */
export function rowConditionOf(
  form: TableForm,
  name: string,
  args: readonly Expression[],
): RowCondition | "never" | undefined {
  // Of a pattern only the beginning is told.
  const found = name === "like" ? undefined : comparisonOf(form, name, args);
  if (found === undefined || found.place.path.length > 1) return undefined;
  return found.condition === "never" ? "never" : { ...found.condition, column: found.place.path[0]! };
}

function comparisonOf(form: TableForm, name: string, args: readonly Expression[]): Comparison | undefined {
  const [left, right] = args;
  if (left === undefined) return undefined;
  if (left.kind === "literal" && right !== undefined && right.kind !== "literal") {
    const other = swapped[name];
    return other === undefined ? undefined : comparisonOf(form, other, [right, left]);
  }
  const place = placeOf(form, left);
  const condition = place && conditionOf(place.type, name, args.slice(1));
  return condition && { place, condition };
}

function placeOf(form: TableForm, expression: Expression): Place | undefined {
  if (expression.kind !== "column" && expression.kind !== "field") return undefined;
  const outer = expression.kind === "column" ? { path: [], type: form.schema } : placeOf(form, expression.input);
  if (outer?.type.kind !== "struct" || !Object.hasOwn(outer.type.fields, expression.name)) return undefined;
  const { type } = outer.type.fields[expression.name] as StructField;
  return { path: [...outer.path, expression.name], type };
}

function conditionOf(type: DataType, name: string, args: readonly Expression[]): Comparison["condition"] | undefined {
  const [right] = args;
  switch (name) {
    case "is_null":
      return { kind: "isnull" };
    case "is_not_null":
      return { kind: "notnull" };
    case "isin": {
      if (args.some((arg) => arg.kind === "literal" && isInexact(type, arg))) return undefined;
      const values = literalValues(args);
      if (values === undefined) return undefined;
      return values.length === 0 ? "never" : { kind: "in", values };
    }
    case "starts_with":
      return right?.kind === "literal" && typeof right.value === "string"
        ? { kind: "startswith", text: right.value }
        : undefined;
    case "like":
      return right?.kind === "literal" && typeof right.value === "string" ? likeCondition(right.value) : undefined;
    case "eq":
    case "eq_null_safe":
    case "ne":
    case "lt":
    case "le":
    case "gt":
    case "ge": {
      if (right?.kind !== "literal" || isInexact(type, right)) return undefined;
      if (right.value === null) return name === "eq_null_safe" ? { kind: "isnull" } : "never";
      return { kind: name === "eq_null_safe" ? "eq" : name, value: right.value };
    }
    default:
      return undefined;
  }
}

/** What a text that is like a pattern begins with; the whole text where the pattern has nothing else. A backslash takes what follows it as it is. */
function likeCondition(pattern: string): PlaceCondition {
  const [start = ""] = /^(?:\\[^]|[^\\%_])*/.exec(pattern) ?? [];
  const text = start.replaceAll(/\\([^])/g, "$1");
  return start.length === pattern.length ? { kind: "eq", value: text } : { kind: "startswith", text };
}

/** The constants that are not NULL, which equals nothing; undefined where one is no constant. */
function literalValues(args: readonly Expression[]): readonly NonNullable<Literal["value"]>[] | undefined {
  const values: NonNullable<Literal["value"]>[] = [];
  for (const arg of args) {
    if (arg.kind !== "literal") return undefined;
    if (arg.value !== null) values.push(arg.value);
  }
  return values;
}

/** True where rows are compared as doubles, and statistics would be by all their digits. */
function isInexact(column: DataType, { type }: Literal): boolean {
  const isFloat = (kind: string): boolean => kind === "float" || kind === "double";
  return isFloat(type.kind) && !isFloat(column.kind);
}
