/** Which files can hold a row for which a condition is true: by partition values and statistics, without reading them. */
import type { AddFile, Snapshot } from "../delta/index.ts";
import type { Expression, Literal, StructField } from "../plan/index.ts";
import { fileMatcher, type RowCondition } from "./row-condition.ts";

type FileTest = (file: AddFile) => boolean;
type TableForm = Pick<Snapshot, "schema" | "partitionBy">;

/** False only where no row of the file can make the condition true. Conditions that statistics say nothing of give true. */
export function filesMatching(form: TableForm, condition: Expression): FileTest {
  if (condition.kind === "literal") return () => condition.value === true;
  if (condition.kind !== "call") return anyFile;
  const { name, args } = condition;
  if (name === "and" || name === "or") {
    const tests = args.map((arg) => filesMatching(form, arg));
    return name === "and" ? (file) => tests.every((test) => test(file)) : (file) => tests.some((test) => test(file));
  }
  const leaf = rowConditionOf(form, name, args);
  if (leaf === "never") return () => false;
  return leaf === undefined ? anyFile : fileMatcher(form, [leaf]);
}

const anyFile: FileTest = () => true;

/** The comparison with its sides swapped. */
const swapped: Readonly<Record<string, string>> = {
  eq: "eq",
  eq_null_safe: "eq_null_safe",
  lt: "gt",
  le: "ge",
  gt: "lt",
  ge: "le",
};

/** A comparison of a column with constants; undefined for anything else, `never` where it is true of no value. */
export function rowConditionOf(
  form: TableForm,
  name: string,
  args: readonly Expression[],
): RowCondition | "never" | undefined {
  const [left, right] = args;
  if (left?.kind === "literal" && right?.kind === "column") {
    const other = swapped[name];
    return other === undefined ? undefined : rowConditionOf(form, other, [right, left]);
  }
  if (left?.kind !== "column" || !Object.hasOwn(form.schema.fields, left.name)) return undefined;
  const column = left.name;
  switch (name) {
    case "is_null":
      return { kind: "isnull", column };
    case "is_not_null":
      return { kind: "notnull", column };
    case "isin": {
      if (args.slice(1).some((arg) => arg.kind === "literal" && isInexact(form, column, arg))) return undefined;
      const values = literalValues(args.slice(1));
      if (values === undefined) return undefined;
      return values.length === 0 ? "never" : { kind: "in", column, values };
    }
    case "starts_with":
      return right?.kind === "literal" && typeof right.value === "string"
        ? { kind: "startswith", column, text: right.value }
        : undefined;
    case "eq":
    case "eq_null_safe":
    case "lt":
    case "le":
    case "gt":
    case "ge": {
      if (right?.kind !== "literal" || isInexact(form, column, right)) return undefined;
      if (right.value === null) return name === "eq_null_safe" ? { kind: "isnull", column } : "never";
      return { kind: name === "eq_null_safe" ? "eq" : name, column, value: right.value };
    }
    default:
      return undefined;
  }
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
function isInexact({ schema }: TableForm, column: string, { type }: Literal): boolean {
  const isFloat = (kind: string): boolean => kind === "float" || kind === "double";
  return isFloat(type.kind) && !isFloat((schema.fields as Readonly<Record<string, StructField>>)[column]!.type.kind);
}
