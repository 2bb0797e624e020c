import { DyneError } from "../../core/index.ts";
import { typeName, type Schema, type StructField } from "../../plan/index.ts";

/** Holds a declared schema against a table's. Errors: SCHEMA_MISMATCH naming the column. */
export function assertColumns(path: string, there: Schema, declared: Schema): void {
  const fields = there.fields as Readonly<Record<string, StructField>>;
  for (const [name, { type }] of Object.entries<StructField>(declared.fields)) {
    const found = fields[name]?.type;
    if (found !== undefined && typeName(found) === typeName(type)) continue;
    throw new DyneError(
      "SCHEMA_MISMATCH",
      `${path} has ${found === undefined ? "no column" : `the column ${typeName(found)}`} ${name}, declared as ${typeName(type)}. Declare the columns that it has.`,
    );
  }
}
