/** Rows in the form of a table: columns by name, values by Spark's rules of store assignment, and what a table may gain. */
import { DyneError } from "../../core/index.ts";
import {
  isNumeric,
  sameType,
  schemaOf,
  typeName,
  type DataType,
  type Expression,
  type LogicalPlan,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import { generatedColumns } from "../constraints/generated-columns.ts";

type Fields = Readonly<Record<string, StructField>>;

export interface Aligned {
  /** The table's columns in its order; those that it gains come last. */
  readonly plan: LogicalPlan;
  /** The table's schema, with the columns that it gains. */
  readonly schema: Schema;
}

/**
 * The rows of a plan as rows of a table. Columns are matched by name, whatever their case; a column that the rows lack is NULL, and a generated
 * one is left out, to be computed. Numbers
 * become those of the column (one that does not fit fails the write), dates and times each other, and anything flat becomes text. With
 * `mergeSchema` columns and fields of structs that the table lacks are added to it, at the end and nullable.
 *
 * Errors: SCHEMA_MISMATCH naming the column and what to do.
 */
export function alignedRows(
  path: string,
  schema: Schema,
  plan: LogicalPlan,
  { mergeSchema = false }: { readonly mergeSchema?: boolean | undefined } = {},
): Aligned {
  const given = schemaOf(plan);
  const evolved = mergeSchema ? mergedSchema(path, schema, given) : schema;
  const names = byLowerCase(path, given);
  const known = new Set(Object.keys(evolved.fields).map((name) => name.toLowerCase()));
  const unknown = Object.keys(given.fields).filter((name) => !known.has(name.toLowerCase()));
  if (unknown.length > 0)
    throw mismatch(path, `has no column ${unknown.join(", ")}. Leave it out, or write with mergeSchema to add it`);
  const generated = generatedColumns(evolved);
  const columns = Object.entries<StructField>(evolved.fields).flatMap(([name, { type }]) => {
    const from = names.get(name.toLowerCase());
    if (from === undefined && generated.has(name)) return [];
    const expression: Expression =
      from === undefined
        ? { kind: "literal", value: null, type }
        : assigned(path, name, { kind: "column", name: from }, (given.fields as Fields)[from]!.type, type);
    return [{ name, expression }];
  });
  return { plan: { kind: "project", input: plan, columns }, schema: evolved };
}

/** A value of one type as a value of a column. Errors: SCHEMA_MISMATCH. */
export function assigned(path: string, column: string, value: Expression, from: DataType, to: DataType): Expression {
  if (sameType(from, to)) return value;
  if (value.kind === "literal" && value.value === null) return { kind: "literal", value: null, type: to };
  if (canCast(from, to)) return { kind: "cast", mode: "ansi", input: value, to };
  if (from.kind === "struct" && to.kind === "struct") return assignedStruct(path, column, value, from, to);
  throw mismatch(
    path,
    `has the column ${column} of type ${typeName(to)}, and the rows bring ${typeName(from)}. Cast it before it is written`,
  );
}

/** Spark's rules of store assignment under ANSI: what can be told to be meant. */
function canCast(from: DataType, to: DataType): boolean {
  const times = ["date", "timestamp", "timestamp_ntz"];
  if (isNumeric(from) && isNumeric(to)) return true;
  if (times.includes(from.kind) && times.includes(to.kind)) return true;
  return to.kind === "string" && !isNested(from) && from.kind !== "binary";
}

function isNested(type: DataType): boolean {
  return type.kind === "struct" || type.kind === "array" || type.kind === "map";
}

function assignedStruct(path: string, column: string, value: Expression, from: Schema, to: Schema): Expression {
  const names = byLowerCase(path, from);
  const known = new Set(Object.keys(to.fields).map((name) => name.toLowerCase()));
  const unknown = Object.keys(from.fields).find((name) => !known.has(name.toLowerCase()));
  if (unknown !== undefined)
    throw mismatch(path, `has no field ${column}.${unknown}. Leave it out, or write with mergeSchema to add it`);
  const args = Object.entries<StructField>(to.fields).flatMap(([name, { type }]): Expression[] => {
    const there = names.get(name.toLowerCase());
    const field: Expression =
      there === undefined
        ? { kind: "literal", value: null, type }
        : assigned(
            path,
            `${column}.${name}`,
            { kind: "field", input: value, name: there },
            (from.fields as Fields)[there]!.type,
            type,
          );
    return [{ kind: "literal", value: name, type: { kind: "string" } }, field];
  });
  return {
    kind: "case",
    branches: [
      {
        when: { kind: "call", name: "is_not_null", args: [value] },
        then: { kind: "call", name: "named_struct", args },
      },
    ],
    otherwise: undefined,
  };
}

/** A table's schema with the columns, and fields of structs, that another schema has beyond it: at the end, nullable. */
export function mergedSchema(path: string, schema: Schema, given: Schema): Schema {
  const names = byLowerCase(path, given);
  const kept = Object.entries<StructField>(schema.fields).map(([name, field]): [string, StructField] => {
    const there = names.get(name.toLowerCase());
    const type = there === undefined ? undefined : (given.fields as Fields)[there]!.type;
    if (type?.kind !== "struct" || field.type.kind !== "struct") return [name, field];
    return [name, { ...field, type: mergedSchema(path, field.type, type) }];
  });
  const known = new Set(Object.keys(schema.fields).map((name) => name.toLowerCase()));
  const added = Object.entries<StructField>(given.fields)
    .filter(([name]) => !known.has(name.toLowerCase()))
    .map(([name, { type }]): [string, StructField] => [name, { type: nullableType(type), nullable: true }]);
  return { kind: "struct", fields: Object.fromEntries([...kept, ...added]) };
}

/** Older rows have NULL in what is added, at every depth. */
function nullableType(type: DataType): DataType {
  switch (type.kind) {
    case "array":
      return { kind: "array", element: nullableType(type.element), containsNull: true };
    case "map":
      return { kind: "map", key: type.key, value: nullableType(type.value), valueContainsNull: true };
    case "struct":
      return {
        kind: "struct",
        fields: Object.fromEntries(
          Object.entries<StructField>(type.fields).map(([name, field]) => [
            name,
            { type: nullableType(field.type), nullable: true },
          ]),
        ),
      };
    default:
      return type;
  }
}

function byLowerCase(path: string, { fields }: Schema): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const name of Object.keys(fields)) {
    const other = names.get(name.toLowerCase());
    if (other !== undefined)
      throw mismatch(path, `cannot take both ${other} and ${name}: case does not tell names apart. Rename one`);
    names.set(name.toLowerCase(), name);
  }
  return names;
}

function mismatch(path: string, what: string): DyneError {
  return new DyneError("SCHEMA_MISMATCH", `${path} ${what}.`);
}
