import { DyneError } from "../../core/index.ts";
import { columnPathText, parseColumnPath } from "../../delta/index.ts";
import type { TableSession } from "../table-session.ts";
import { evolvedSchema } from "../write/evolved-schema.ts";
import type { Alteration } from "./alteration.ts";
import { assertFree, assertMapped, assertUnused, commitSchema, fieldAt } from "./altered-column.ts";
import { withStruct } from "./edited-schema.ts";
import { assertNoFlow, type AlterOptions } from "./flow-properties.ts";
import { statsColumnsAfter } from "./stats-columns.ts";
import { unchanged } from "../unchanged.ts";

/**
 * Gives a column, or a field of a struct, another name, written as in a path: one with a dot or a comma stands in backquotes. It stays the
 * same column: its files have a name of their own for it (PROTOCOL.md § Column Mapping).
 *
 * Errors: INVALID_ARGUMENT where the table does not map its columns, for a column that a constraint or a generated column uses, and for a name
 * that cannot be, and for a table that a flow writes; UNKNOWN_COLUMN; DUPLICATE_NAME.
 */
export async function renameColumn(
  { table }: Pick<TableSession, "table">,
  column: string,
  newColumn: string,
  options: AlterOptions = {},
): Promise<Alteration> {
  const newName = nameOf(newColumn);
  const snapshot = await table.latest();
  assertNoFlow(table.path, snapshot, options, "renaming a column");
  assertMapped(table, snapshot, "renamed");
  const { path, parent, name } = fieldAt(table, snapshot, column);
  if (name === newName) return unchanged(table, snapshot);
  assertUnused(table, snapshot, path, "renamed");
  const newPath = [...parent, newName];
  const schema = withStruct(snapshot.schema, parent, (fields) => {
    assertFree(
      table,
      fields.filter(([other]) => other !== name),
      newPath,
    );
    return fields.map(([other, field]) => [other === name ? newName : other, field]);
  });
  return commitSchema(table, snapshot, evolvedSchema(table, snapshot, schema), {
    operation: "RENAME COLUMN",
    operationParameters: { oldColumnPath: columnPathText(path), newColumnPath: columnPathText(newPath) },
    metadata: {
      partitionColumns: snapshot.partitionBy.map((by) => (parent.length === 0 && by === name ? newName : by)),
      configuration: statsColumnsAfter(snapshot.metadata.configuration, path, newPath),
    },
  });
}

/** The one name that a text spells. */
function nameOf(text: string): string {
  const [name, ...others] = parseColumnPath(text);
  if (name !== undefined && others.length === 0) return name;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `A column is given a new name, and stays where it is: ${JSON.stringify(text)} is a path. Write the name alone, in backquotes where it has dots of its own.`,
  );
}
