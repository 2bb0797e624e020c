/**
 * A variant some of whose values have columns of their own (Parquet's VariantShredding.md), put together again as JSON text.
 */
import { limits } from "../../core/index.ts";
import { brokenVariant } from "./variant-bytes.ts";
import type { VariantNames } from "./variant-names.ts";
import { spend, variantFields, variantText, type TextBudget, type VariantField } from "./variant-text.ts";

/** A group of the columns `value` and `typed_value`. */
export interface VariantGroup {
  readonly value: Uint8Array | undefined;
  readonly typed: TypedVariant | undefined;
}

/** What stands in `typed_value`. */
export type TypedVariant =
  | { readonly kind: "leaf"; /** JSON. */ readonly text: string }
  | { readonly kind: "array"; readonly elements: readonly VariantGroup[] }
  | { readonly kind: "object"; readonly fields: readonly (readonly [name: string, group: VariantGroup])[] };

/** The JSON text of a variant; `null` where it is missing. Throws DATA_ERROR as `variantText` does, and where columns contradict each other. */
export function shreddedText(names: VariantNames, group: VariantGroup, budget: TextBudget): string {
  return groupText(names, group, budget, 0) ?? "null";
}

/** Undefined where the value is missing. */
function groupText(
  names: VariantNames,
  { value, typed }: VariantGroup,
  budget: TextBudget,
  depth: number,
): string | undefined {
  if (depth > limits.variantNestingMax)
    throw brokenVariant(`its values lie in one another more than ${limits.variantNestingMax} deep`);
  if (typed === undefined) return value && variantText(names, value, budget, depth);
  if (typed.kind === "object") return objectText(names, typed, value, budget, depth);
  if (value !== undefined) throw brokenVariant("a value stands in two columns");
  if (typed.kind === "array") return arrayText(names, typed.elements, budget, depth);
  spend(budget, typed.text.length);
  return typed.text;
}

function arrayText(names: VariantNames, elements: readonly VariantGroup[], budget: TextBudget, depth: number): string {
  return `[${elements.map((element) => groupText(names, element, budget, depth + 1) ?? "null").join(",")}]`;
}

/** Fields of both columns, in the order of their names. */
function objectText(
  names: VariantNames,
  typed: Extract<TypedVariant, { readonly kind: "object" }>,
  value: Uint8Array | undefined,
  budget: TextBudget,
  depth: number,
): string {
  const rest = value === undefined ? [] : variantFields(names, value, budget, depth);
  if (rest === undefined) throw brokenVariant("what is left of an object is none");
  const fields: VariantField[] = [...rest];
  for (const [name, group] of typed.fields) {
    const text = groupText(names, group, budget, depth + 1);
    if (text !== undefined) fields.push([JSON.stringify(name), text]);
  }
  fields.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const twice = fields.find(([name], index) => name === fields[index + 1]?.[0]);
  if (twice !== undefined) throw brokenVariant(`an object has the field ${twice[0]} twice`);
  for (const [name] of fields) spend(budget, name.length + 2);
  return `{${fields.map(([name, field]) => `${name}:${field}`).join(",")}}`;
}
