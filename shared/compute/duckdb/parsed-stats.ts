/** `stats_parsed` of a checkpoint as the text that `stats` would have (PROTOCOL.md § Per-file Statistics, § Checkpoint Schema). */
import { DuckDBStructType, DuckDBTypeId, type DuckDBType } from "@duckdb/node-api";
import { identifier, stringLiteral } from "./identifier.ts";

/** An expression for the text of a value of this type; undefined where there is no such column. Decimals and longs keep their digits. */
export function parsedStatsText(value: string, type: DuckDBType | undefined): string | undefined {
  return type instanceof DuckDBStructType ? objectText(value, type) : undefined;
}

/** NULL where the struct is NULL; fields that are NULL, or cannot be a bound, are left out. */
function objectText(value: string, type: DuckDBStructType): string {
  const members = type.entryNames.flatMap((name, index) => {
    const text = valueText(`${value}.${identifier(name)}`, type.entryTypes[index]!);
    return text === undefined ? [] : [`${stringLiteral(`${JSON.stringify(name)}:`)} || ${text}`];
  });
  const joined = members.length === 0 ? "''" : `concat_ws(',', ${members.join(", ")})`;
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE '{' || ${joined} || '}' END`;
}

function valueText(value: string, type: DuckDBType): string | undefined {
  if (type instanceof DuckDBStructType) return objectText(value, type);
  switch (type.typeId) {
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.DECIMAL:
    case DuckDBTypeId.BOOLEAN:
      return `${value}::VARCHAR`;
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return `CASE WHEN isfinite(${value}) THEN ${value}::VARCHAR END`;
    case DuckDBTypeId.VARCHAR:
      return `CAST(to_json(${value}) AS VARCHAR)`;
    case DuckDBTypeId.DATE:
      return `'"' || ${value}::VARCHAR || '"'`;
    case DuckDBTypeId.TIMESTAMP:
      return `'"' || strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f') || '"'`;
    case DuckDBTypeId.TIMESTAMP_TZ:
      return `'"' || strftime(${value} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') || '"'`;
    default:
      return undefined;
  }
}
