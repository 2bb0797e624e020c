import { columnPathText } from "../../delta/index.ts";
import type { TableSession } from "../table-session.ts";
import { evolvedSchema } from "../write/evolved-schema.ts";
import type { Alteration } from "./alteration.ts";
import { assertFree, assertMapped, assertUnused, commitSchema, fieldAt } from "./altered-column.ts";
import { withStruct } from "./edited-schema.ts";
import { statsColumnsAfter } from "./stats-columns.ts";

/**
 * Gives a column, or a field of a struct, another name. It stays the same column: its files have a name of their own for it
 * (PROTOCOL.md § Column Mapping).
 *
 * Errors: INVALID_ARGUMENT where the table does not map its columns, for a column that a constraint or a generated column uses, and for a name
 * that cannot be; UNKNOWN_COLUMN; DUPLICATE_NAME.
 */
export async function renameColumn(
  { table }: Pick<TableSession, "table">,
  column: string,
  newName: string,
): Promise<Alteration> {
  const snapshot = await table.latest();
  assertMapped(table, snapshot, "renamed");
  const { path, parent, name } = fieldAt(table, snapshot, column);
  if (name === newName) return { kind: "unchanged", version: snapshot.version };
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
