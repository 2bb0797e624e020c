import { DyneError } from "../../core/index.ts";
import { columnPathText, findColumn, isWidening, parseColumnPath, tableProperty, typeJson } from "../../delta/index.ts";
import { sameType, typeGiven, typeName, type DataType } from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import type { Alteration } from "./alteration.ts";
import { assertUnused, commitSchema } from "./altered-column.ts";
import { widenedSchema } from "./edited-schema.ts";
import { assertNoFlow, type AlterOptions } from "./flow-properties.ts";
import { unchanged } from "../unchanged.ts";

/**
 * Gives a column, a field, or the elements, keys or values of an array or a map (`tags.element`, `sizes.value`) a wider type, in which
 * every value is the same one (PROTOCOL.md § Type Widening). A type that is there already is `unchanged`; safe to repeat.
 *
 * Errors: INVALID_ARGUMENT where `delta.enableTypeWidening` is not set, for a column that a constraint or a generated column uses, and for
 * a type that is no wider; UNKNOWN_COLUMN; UNSUPPORTED_FEATURE for FLOAT partition columns, whose texts another type reads differently.
 */
export async function widenColumn(
  { table }: Pick<TableSession, "table">,
  column: string,
  type: DataType,
  options: AlterOptions = {},
): Promise<Alteration> {
  typeGiven(type, `The type of ${column}`);
  const snapshot = await table.latest();
  assertNoFlow(table.path, snapshot, options, "widening a column");
  const { path, type: before } = findColumn(table.path, snapshot.schema, parseColumnPath(column));
  if (sameType(before, type)) return unchanged(table, snapshot);
  const text = columnPathText(path);
  if (!tableProperty(snapshot.metadata.configuration, "delta.enableTypeWidening"))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The type of ${text} of ${table.path} stays: set delta.enableTypeWidening to true first, which readers of the table must know.`,
    );
  if (!isWidening(before, type))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${text} of ${table.path} is ${typeName(before)}, and ${typeName(type)} is no wider type that Delta allows. Write its rows to a new table.`,
    );
  if (before.kind === "float" && snapshot.partitionBy.includes(path[0]!))
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${table.path} is partitioned by ${text}, whose texts mean other numbers as DOUBLE. Write its rows to a new table.`,
    );
  assertUnused(table, snapshot, path, "widened");
  const schema = widenedSchema(snapshot.schema, path, type);
  return commitSchema(table, snapshot, schema, {
    operation: "CHANGE COLUMN",
    operationParameters: { column: text, fromType: typeJson(before), toType: typeJson(type) },
  });
}
