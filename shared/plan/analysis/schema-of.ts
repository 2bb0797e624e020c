/** The output schema of each node. */
import { DyneError, unreachable } from "../../core/errors.ts";
import { checkFieldNames } from "../data-type.ts";
import type { Aggregate, LogicalPlan, Project, Union } from "../logical-plan.ts";
import type { Expression } from "../expression.ts";
import { sameType, typeName } from "../type-name.ts";
import type { DataType, Schema, StructField } from "../types.ts";
import { childrenOf } from "../visit.ts";
import { assertNoVariant, checkCalls, requireBoolean, fieldOf, unknownColumn } from "./field-of.ts";
import { joinSchema } from "./join-columns.ts";

const cache = new WeakMap<LogicalPlan, Schema>();

/**
 * The columns of a plan, in order. Plans are frozen data, so each node is looked at once.
 * Errors: UNKNOWN_COLUMN, TYPE_MISMATCH, AMBIGUOUS_COLUMN, DUPLICATE_NAME, INVALID_PIPELINE, UNSUPPORTED_FEATURE.
 */
export function schemaOf(plan: LogicalPlan): Schema {
  const known = cache.get(plan);
  if (known !== undefined) return known;
  const schema = nodeSchema(plan);
  cache.set(plan, schema);
  return schema;
}

function nodeSchema(plan: LogicalPlan): Schema {
  switch (plan.kind) {
    case "scan":
      checkFieldNames(Object.keys(plan.schema.fields), `"${plan.source}"`);
      return plan.schema;
    case "project":
      return projectSchema(plan);
    case "filter": {
      const schema = schemaOf(plan.input);
      checkCalls(plan.condition, "scalar", "filter");
      requireBoolean(plan.condition, schema, "filter");
      return schema;
    }
    case "join":
      return joinSchema(plan, schemaOf(plan.left), schemaOf(plan.right));
    case "aggregate":
      return aggregateSchema(plan);
    case "union":
      return unionSchema(plan);
    case "distinct": {
      const schema = schemaOf(plan.input);
      assertNoVariant(schema, "distinct compares");
      return schema;
    }
    case "sort": {
      const schema = schemaOf(plan.input);
      for (const { by } of plan.orders) {
        checkCalls(by, "scalar", "orderBy");
        assertNoVariant(fieldOf(by, schema, "orderBy").type, "orderBy compares");
      }
      return schema;
    }
    case "limit":
      if (!Number.isSafeInteger(plan.count) || plan.count < 0)
        throw new DyneError("INVALID_ARGUMENT", `limit(${plan.count}) is no number of rows. Use 0 or more.`);
      return schemaOf(plan.input);
    case "explode": {
      const schema = schemaOf(plan.input);
      checkCalls(plan.array, "scalar", "explode");
      const { type } = fieldOf(plan.array, schema, "explode");
      if (type.kind !== "array") throw new DyneError("TYPE_MISMATCH", `explode needs an array, not ${typeName(type)}.`);
      return schemaFrom(
        [...Object.entries<StructField>(schema.fields), [plan.as, { type: type.element, nullable: true }]],
        "explode",
      );
    }
    case "watermark": {
      const schema = schemaOf(plan.input);
      const field = schema.fields[plan.eventTime];
      if (field === undefined) throw unknownColumn(plan.eventTime, Object.keys(schema.fields), "withWatermark");
      if (field.type.kind !== "timestamp") {
        throw new DyneError(
          "TYPE_MISMATCH",
          `withWatermark needs a timestamp, but "${plan.eventTime}" is ${typeName(field.type)}. Cast it with toTimestamp() first.`,
        );
      }
      return schema;
    }
    case "dropDuplicatesWithinWatermark": {
      const schema = schemaOf(plan.input);
      if (plan.keys.length === 0)
        throw new DyneError("INVALID_PIPELINE", "dropDuplicatesWithinWatermark has no keys. Name at least one column.");
      for (const key of plan.keys) fieldOf({ kind: "column", name: key }, schema, "dropDuplicatesWithinWatermark");
      return schema;
    }
    default:
      return unreachable(plan);
  }
}

function schemaFrom(fields: readonly (readonly [string, StructField])[], place: string): Schema {
  checkFieldNames(
    fields.map(([name]) => name),
    place,
  );
  return Object.freeze({ kind: "struct", fields: Object.freeze(Object.fromEntries(fields)) });
}

function projectSchema(plan: Project): Schema {
  const schema = schemaOf(plan.input);
  const fields = plan.columns.map(({ name, expression }) => {
    const place = `select, column "${name}"`;
    checkCalls(expression, "windows", place);
    return [name, withoutMetadata(fieldOf(expression, schema, place))] as const;
  });
  return schemaFrom(fields, "select");
}

/** Metadata (column mapping ids) belongs to a table's column, not to a column that is computed from it. */
function withoutMetadata({ type, nullable }: StructField): StructField {
  return { type, nullable };
}

function aggregateSchema(plan: Aggregate): Schema {
  const schema = schemaOf(plan.input);
  const groups = plan.groupBy.map(({ name, expression }) => {
    const place = `groupBy, column "${name}"`;
    checkCalls(expression, "scalar", place);
    const field = fieldOf(expression, schema, place);
    if (field.type.kind === "map")
      throw new DyneError("TYPE_MISMATCH", `groupBy cannot group by the map "${name}". Group by one of its values.`);
    assertNoVariant(field.type, "groupBy compares");
    return [name, withoutMetadata(field)] as const;
  });
  const grouped = new Map(plan.groupBy.map(({ name, expression }) => [name, expression]));
  const aggregates = plan.aggregates.map(({ name, expression }) => {
    const place = `agg, column "${name}"`;
    checkCalls(expression, "aggregates", place);
    checkGrouped(expression, grouped, place);
    return [name, { type: fieldOf(expression, schema, place).type, nullable: true }] as const;
  });
  return schemaFrom([...groups, ...aggregates], "agg");
}

/** Outside of aggregates, only grouping columns that are plain columns may be read: other values differ within a group. */
function checkGrouped(expression: Expression, grouped: ReadonlyMap<string, Expression>, place: string): void {
  if (expression.kind === "aggregate") return;
  if (expression.kind === "column") {
    const group = grouped.get(expression.name);
    if (group?.kind === "column" && group.name === expression.name) return;
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${expression.name}" in ${place} is neither grouped by nor aggregated. Add it to groupBy, or wrap it in min() or max().`,
    );
  }
  for (const child of childrenOf(expression)) checkGrouped(child, grouped, place);
}

function unionSchema(plan: Union): Schema {
  const [first, ...rest] = plan.inputs;
  if (first === undefined) throw new DyneError("INVALID_PIPELINE", "A union has no inputs. Give it at least one.");
  const schema = schemaOf(first);
  const fields = new Map(Object.entries<StructField>(schema.fields));
  for (const input of rest) {
    const other = schemaOf(input).fields as Readonly<Record<string, StructField>>;
    for (const name of Object.keys(other))
      if (!fields.has(name)) throw unknownColumn(name, [...fields.keys()], "the first side of union");
    for (const [name, field] of fields) {
      const match = other[name];
      if (match === undefined) throw unknownColumn(name, Object.keys(other), "a side of union");
      if (!sameType(match.type, field.type))
        throw new DyneError(
          "TYPE_MISMATCH",
          `"${name}" is ${typeName(field.type)} on one side of union and ${typeName(match.type)} on another. Cast one of them.`,
        );
      fields.set(name, { ...field, nullable: field.nullable || match.nullable });
    }
  }
  return schemaFrom([...fields], "union");
}

/** The type of a column of a plan. Errors: UNKNOWN_COLUMN. */
export function columnType(plan: LogicalPlan, name: string, place: string): DataType {
  return fieldOf({ kind: "column", name }, schemaOf(plan), place).type;
}
