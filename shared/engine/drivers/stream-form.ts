/** The columns that a stream declares, where the table that it reads maps its own. */
import type { Snapshot, TableForm } from "../../delta/index.ts";
import type { Schema, StructField } from "../../plan/index.ts";

/** The declared columns as the table has them in its files. */
export function formIn(
  { schema, columnMapping }: Snapshot,
  declared: Schema,
  partitionBy: readonly string[],
): TableForm {
  if (columnMapping === "none") return { schema: declared, partitionBy };
  const there = schema.fields as Readonly<Record<string, StructField>>;
  const fields = Object.entries<StructField>(declared.fields).map(([name, field]) => [name, there[name] ?? field]);
  return {
    schema: { kind: "struct", fields: Object.fromEntries(fields) as Schema["fields"] },
    partitionBy,
    columnMapping,
  };
}
