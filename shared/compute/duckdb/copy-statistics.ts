/**
 * Delta's per-file statistics from what COPY … RETURN_STATS reports (PROTOCOL.md § Per-file Statistics).
 *
 *     {"numRecords":2,"minValues":{"id":1},"maxValues":{"id":7},"nullCount":{"id":0}}
 */
import { boundJson } from "../../core/index.ts";
import type { Schema, StructField } from "../../plan/index.ts";

export type CopyStatistics = readonly {
  readonly key: string;
  readonly value: readonly { readonly key: string; readonly value: string }[];
}[];

/** By column and, of structs, field, as COPY calls them. */
type Facts = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The JSON of a file's statistics, of the columns of a schema as the file calls them. Columns without trustworthy bounds have none. */
export function statisticsText(rowCount: number, reported: CopyStatistics, schema: Schema): string {
  const facts = new Map(reported.map(({ key, value }) => [key, new Map(value.map((fact) => [fact.key, fact.value]))]));
  const { minValues, maxValues, nullCount } = membersOf(schema, "", facts);
  return `{"numRecords":${rowCount},"minValues":{${minValues.join(",")}},"maxValues":{${maxValues.join(",")}},"nullCount":{${nullCount.join(",")}}}`;
}

/** Members of the three JSON objects. */
interface Members {
  readonly minValues: string[];
  readonly maxValues: string[];
  readonly nullCount: string[];
}

function membersOf({ fields }: Schema, prefix: string, reported: Facts): Members {
  const members: Members = { minValues: [], maxValues: [], nullCount: [] };
  for (const [name, { type }] of Object.entries<StructField>(fields)) {
    const key = `${prefix}"${name.replaceAll('"', '""')}"`;
    const member = (json: string): string => `${JSON.stringify(name)}:${json}`;
    if (type.kind === "struct") {
      const inner = membersOf(type, `${key}.`, reported);
      for (const kind of ["minValues", "maxValues", "nullCount"] as const)
        if (inner[kind].length > 0) members[kind].push(member(`{${inner[kind].join(",")}}`));
      continue;
    }
    const facts = reported.get(key);
    const nulls = facts?.get("null_count");
    if (nulls !== undefined) members.nullCount.push(member(nulls));
    const [min, max] = [facts?.get("min"), facts?.get("max")];
    // NaN is above all numbers and in no bound.
    if (min === undefined || max === undefined || facts?.get("has_nan") === "true") continue;
    const low = boundJson(type.kind, min, "min");
    const high = boundJson(type.kind, max, "max");
    if (low !== undefined) members.minValues.push(member(low));
    if (high !== undefined) members.maxValues.push(member(high));
  }
  return members;
}
