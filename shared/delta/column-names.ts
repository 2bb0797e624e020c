import { DyneError, isImpossibleName, needsMapping, type ColumnMappingMode } from "../core/index.ts";
import type { DataType, Schema, StructField } from "../plan/index.ts";

/**
 * Asserts the names of columns, and of fields at every depth, that a table is to have and does not have yet: names that every reader of
 * dyne takes, different in more than case, and without the characters that Parquet files of Spark cannot have in a name, unless the files have names of their own.
 *
 * Throws DUPLICATE_NAME and INVALID_ARGUMENT.
 */
export function assertNames(schema: Schema, mode: ColumnMappingMode, before?: DataType): void {
  assertWithin(schema, mode, before, "");
}

function assertWithin(type: DataType, mode: ColumnMappingMode, before: DataType | undefined, place: string): void {
  if (type.kind === "array")
    return assertWithin(type.element, mode, before?.kind === "array" ? before.element : undefined, place);
  if (type.kind === "map") {
    assertWithin(type.key, mode, before?.kind === "map" ? before.key : undefined, place);
    return assertWithin(type.value, mode, before?.kind === "map" ? before.value : undefined, place);
  }
  if (type.kind !== "struct") return;
  const there = before?.kind === "struct" ? (before.fields as Readonly<Record<string, StructField>>) : {};
  const taken = new Map<string, string>();
  for (const [name, field] of Object.entries<StructField>(type.fields)) {
    const known = Object.hasOwn(there, name) ? there[name] : undefined;
    if (known === undefined) assertName(`${place}${name}`, name, mode);
    const other = taken.get(name.toLowerCase());
    if (other !== undefined && (known === undefined || !Object.hasOwn(there, other)))
      throw new DyneError(
        "DUPLICATE_NAME",
        `There would be two columns "${place}${other}" and "${place}${name}". Column names differ in more than case.`,
      );
    taken.set(name.toLowerCase(), name);
    assertWithin(field.type, mode, known?.type, `${place}${name}.`);
  }
}

function assertName(shown: string, name: string, mode: ColumnMappingMode): void {
  if (name === "")
    throw new DyneError("INVALID_ARGUMENT", `"${shown}" cannot be a column: its name is empty. Give it one.`);
  if (isImpossibleName(name))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(shown)} cannot be a column: ${JSON.stringify(name)} is a name that dyne cannot read. Choose one that does not begin with "__dyne", is not "__proto__" and is all text.`,
    );
  if (mode !== "none" || !needsMapping(name)) return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `"${shown}" cannot be a column: without column mapping a name has none of " ,;{}()\\n\\t=". Rename it, or set delta.columnMapping.mode to name.`,
  );
}
