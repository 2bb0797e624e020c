import { columnPathText, findColumn, parseColumnPath, typeJson } from "../../delta/index.ts";
import { typeGiven, type DataType, type StructField } from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import { evolvedSchema } from "../write/evolved-schema.ts";
import type { Alteration } from "./alteration.ts";
import { assertFree, assertStruct, commitSchema } from "./altered-column.ts";
import { withStruct } from "./edited-schema.ts";
import { assertNoFlow, type AlterOptions } from "./flow-properties.ts";

/**
 * Adds columns, and fields of structs (`address.city`; `tags.element.name` within an array), by their paths: at the end, and nullable. Rows that
 * are there have NULL in them.
 *
 * Errors: DUPLICATE_NAME for one that is there, in whatever case; UNKNOWN_COLUMN for a struct that is not; INVALID_ARGUMENT for a name that
 * cannot be, for a place that is no struct, and for a table that a flow writes; UNSUPPORTED_FEATURE for a type that dyne does not write.
 */
export async function addColumns(
  { table }: Pick<TableSession, "table">,
  columns: Readonly<Record<string, DataType>>,
  options: AlterOptions = {},
): Promise<Alteration> {
  const snapshot = await table.latest();
  assertNoFlow(table.path, snapshot, options, "adding a column");
  let { schema } = snapshot;
  const added: { readonly column: Readonly<Record<string, unknown>> }[] = [];
  for (const [text, type] of Object.entries(columns)) {
    typeGiven(type, `The type of ${text}`);
    const path = parseColumnPath(text);
    const name = path.at(-1)!;
    const parent = findColumn(table.path, schema, path.slice(0, -1));
    assertStruct(table, parent, text);
    const field: StructField = { type, nullable: true };
    schema = withStruct(schema, parent.path, (fields) => {
      assertFree(table, fields, [...parent.path, name]);
      return [...fields, [name, field]];
    });
    added.push({
      column: { name: columnPathText([...parent.path, name]), type: typeJson(type), nullable: true, metadata: {} },
    });
  }
  return commitSchema(table, snapshot, evolvedSchema(table, snapshot, schema), {
    operation: "ADD COLUMNS",
    operationParameters: { columns: JSON.stringify(added) },
  });
}
