import { logicalPartitionValues, parseValue, type PartitionValues, type Snapshot } from "../delta/index.ts";
import type { DataType, StructField } from "../plan/index.ts";

/**
 * Tells partitions apart by their values, whatever the texts: writers spell one timestamp, number or NULL differently (PROTOCOL.md § Partition
 * Value Serialization). The values are as the log has them.
 */
export function partitionValueKey(
  table: Pick<Snapshot, "schema" | "partitionBy" | "columnMapping">,
  stored: PartitionValues,
): string {
  const { schema, partitionBy } = table;
  const values = logicalPartitionValues(table, stored);
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  return JSON.stringify(partitionBy.map((name) => valueKey(fields[name]!.type, values[name] ?? null)));
}

function valueKey(type: DataType, text: string | null): string | null {
  if (text === null || (text === "" && type.kind !== "string")) return null;
  if (type.kind === "string" || type.kind === "binary") return text;
  const value = parseValue(type, text);
  if (value === undefined) return `text ${text}`;
  if (type.kind === "decimal") return withoutZeros(String(value));
  return String(value === 0 ? 0 : value);
}

/** One text for one decimal, whatever zeros it is written with. */
function withoutZeros(text: string): string {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? [];
  const digits = `${whole === "" ? "0" : whole}${fraction === "" ? "" : `.${fraction}`}`;
  return digits === "0" ? digits : `${sign}${digits}`;
}
