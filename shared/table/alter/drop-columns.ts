import { DyneError } from "../../core/index.ts";
import { columnPathText } from "../../delta/index.ts";
import type { TableSession } from "../table-session.ts";
import type { Alteration } from "./alteration.ts";
import { assertMapped, assertUnused, commitSchema, fieldAt } from "./altered-column.ts";
import { withStruct } from "./edited-schema.ts";
import { assertNoFlow, type AlterOptions } from "./flow-properties.ts";
import { statsColumnsAfter } from "./stats-columns.ts";
import { unchanged } from "../unchanged.ts";

/**
 * Drops columns, and fields of structs. Their values stay in the files that have them, and nobody reads them any more: a column that is later
 * added by the same name is another one.
 *
 * Errors: INVALID_ARGUMENT where the table does not map its columns, for partition columns, for columns that a constraint or a generated column
 * uses, for the last field of a struct or the last column beside partition columns, and for a table that a flow writes; UNKNOWN_COLUMN.
 */
export async function dropColumns(
  { table }: Pick<TableSession, "table">,
  columns: readonly string[],
  options: AlterOptions = {},
): Promise<Alteration> {
  const snapshot = await table.latest();
  assertNoFlow(table.path, snapshot, options, "dropping a column");
  if (columns.length === 0) return unchanged(table, snapshot);
  assertMapped(table, snapshot, "dropped");
  let { schema } = snapshot;
  let { configuration } = snapshot.metadata;
  const dropped: string[] = [];
  for (const column of columns) {
    const { path, parent, name } = fieldAt(table, { schema }, column);
    if (parent.length === 0 && snapshot.partitionBy.includes(name))
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${table.path} is partitioned by ${name}, which cannot be dropped. Write its rows to a new table.`,
      );
    assertUnused(table, snapshot, path, "dropped");
    schema = withStruct(schema, parent, (fields) => {
      const kept = fields.filter(([other]) => other !== name);
      const isLast = kept.every(([other]) => parent.length === 0 && snapshot.partitionBy.includes(other));
      if (!isLast) return kept;
      const place = parent.length === 0 ? table.path : `${columnPathText(parent)} of ${table.path}`;
      throw new DyneError("INVALID_ARGUMENT", `${place} would be left without a column. Keep one, or drop all of it.`);
    });
    configuration = statsColumnsAfter(configuration, path, undefined);
    dropped.push(columnPathText(path));
  }
  return commitSchema(table, snapshot, schema, {
    operation: "DROP COLUMNS",
    operationParameters: { columns: JSON.stringify(dropped) },
    metadata: { configuration },
  });
}
