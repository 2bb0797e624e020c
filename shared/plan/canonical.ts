/**
 * The canonical text of a plan: JSON with sorted keys, without what does not count. The order of struct fields counts, so structs are
 * lists of fields; a bigint is `{"$bigint":"5"}`. Example:
 *
 *     {"format":1,"plan":{"condition":{…},"input":{"kind":"scan","schema":{"fields":[["id",{"kind":"long"},true]],"kind":"struct"},…},"kind":"filter"}}
 */
import { createHash } from "node:crypto";
import type { LogicalPlan } from "./logical-plan.ts";
import type { StructFields } from "./types.ts";

const format = 1;

/** Equal plans give equal text, whatever the order in which their objects were made. Comments and descriptions do not count. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value));
}

/** SHA-256 of the canonical plan and its format version, in hex. `also` is what else decides the rows, such as expectations. */
export function planFingerprint(plan: LogicalPlan | undefined, also: Readonly<Record<string, unknown>> = {}): string {
  return createHash("sha256")
    .update(canonicalJson({ format, plan, ...also }))
    .digest("hex");
}

function canonical(value: unknown): unknown {
  if (typeof value === "bigint") return { $bigint: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
  if (Object.is(value, -0)) return { $number: "-0" };
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Readonly<Record<string, unknown>>;
  if (object["kind"] === "struct" && isFields(object["fields"])) {
    const fields = Object.entries(object["fields"]).map(([name, field]) => [
      name,
      canonical(field.type),
      field.nullable,
      ...metadata(field.metadata),
    ]);
    return { fields, kind: "struct" };
  }
  const entries = Object.entries(object).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, inner]) => [key, canonical(inner)]),
  );
}

function isFields(value: unknown): value is StructFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function metadata(given: Readonly<Record<string, unknown>> | undefined): readonly unknown[] {
  const rest = Object.entries(given ?? {}).filter(([key]) => key !== "comment");
  return rest.length === 0 ? [] : [canonical(Object.fromEntries(rest))];
}
