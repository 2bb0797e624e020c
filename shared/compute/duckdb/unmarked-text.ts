/** Texts of checkpoints whose writer did not mark them as texts: DuckDB has them as bytes. */
import { DuckDBListType, DuckDBMapType, DuckDBStructType, DuckDBTypeId, type DuckDBType } from "@duckdb/node-api";
import { identifier, stringLiteral } from "./identifier.ts";

/** An expression for the same value with texts in place of bytes, also within others. Fails for bytes that are no UTF-8. */
export function withTexts(value: string, type: DuckDBType): string {
  return holdsBytes(type) ? `CASE WHEN ${value} IS NULL THEN NULL ELSE ${textsIn(value, type, 0)} END` : value;
}

function holdsBytes(type: DuckDBType): boolean {
  if (type instanceof DuckDBStructType) return type.entryTypes.some(holdsBytes);
  if (type instanceof DuckDBListType) return holdsBytes(type.valueType);
  if (type instanceof DuckDBMapType) return holdsBytes(type.keyType) || holdsBytes(type.valueType);
  return type.typeId === DuckDBTypeId.BLOB;
}

function textsIn(value: string, type: DuckDBType, depth: number): string {
  if (!holdsBytes(type)) return value;
  const each = `"each${depth}"`;
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.map(
      (name, index) =>
        `${identifier(name)} := ${textsIn(`struct_extract(${value}, ${stringLiteral(name)})`, type.entryTypes[index]!, depth)}`,
    );
    return `struct_pack(${fields.join(", ")})`;
  }
  if (type instanceof DuckDBListType)
    return `list_transform(${value}, lambda ${each}: ${textsIn(each, type.valueType, depth + 1)})`;
  if (type instanceof DuckDBMapType) {
    const [key, entry] = [
      textsIn(`${each}.key`, type.keyType, depth + 1),
      textsIn(`${each}.value`, type.valueType, depth + 1),
    ];
    return `map_from_entries(list_transform(map_entries(${value}), lambda ${each}: struct_pack(k := ${key}, v := ${entry})))`;
  }
  return `decode(${value})`;
}
