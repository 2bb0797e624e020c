/** Type rules that several functions share. */
import type { DataType, DecimalType } from "../types.ts";
import { hasVariant, holdsMap, isIntegral, isNumeric, sameType, typeName } from "../type-name.ts";
import type { Mismatch, TypeRule } from "./function-definition.ts";

const integralDigits = { byte: 3, short: 5, integer: 10, long: 20 } as const;
const integralWidth = { byte: 1, short: 2, integer: 3, long: 4 } as const;

/** A whole number type as the decimal type that holds all its values; a decimal as it is. */
export function asDecimal(type: DataType): DecimalType | undefined {
  if (type.kind === "decimal") return type;
  if (!isIntegral(type)) return undefined;
  return { kind: "decimal", precision: integralDigits[type.kind as keyof typeof integralDigits], scale: 0 };
}

/** The type that values of both types are widened to for comparing or choosing, or undefined where Spark has none without a cast. */
export function commonType(a: DataType, b: DataType): DataType | undefined {
  if (sameType(a, b)) return a;
  if (isNumeric(a) && isNumeric(b)) return commonNumeric(a, b);
  const kinds = new Set([a.kind, b.kind]);
  if (kinds.has("date") && kinds.has("timestamp")) return { kind: "timestamp" };
  if (kinds.has("date") && kinds.has("timestamp_ntz")) return { kind: "timestamp_ntz" };
  return undefined;
}

function commonNumeric(a: DataType, b: DataType): DataType | undefined {
  if (isIntegral(a) && isIntegral(b)) {
    const width = (type: DataType): number => integralWidth[type.kind as keyof typeof integralWidth];
    return width(a) >= width(b) ? a : b;
  }
  const [left, right] = [asDecimal(a), asDecimal(b)];
  if (left === undefined || right === undefined) return { kind: "double" };
  const scale = Math.max(left.scale, right.scale);
  const precision = Math.max(left.precision - left.scale, right.precision - right.scale) + scale;
  return precision <= 38 ? { kind: "decimal", precision, scale } : undefined;
}

/** All arguments widened to one type, which `result` turns into the result's type. */
export function common(least: number, most: number, result: (type: DataType) => DataType | Mismatch): TypeRule {
  return (args) => {
    const count = checkCount(args, least, most);
    if (count !== undefined) return count;
    let type = args[0] as DataType;
    for (const other of args.slice(1)) {
      const wider = commonType(type, other);
      if (wider === undefined)
        return { mismatch: `needs values of one type, not ${typeName(type)} and ${typeName(other)}` };
      type = wider;
    }
    if (hasVariant(type)) return { mismatch: "cannot compare variants, nor choose one of them" };
    const of = result(type);
    return "mismatch" in of ? of : { result: of, args: args.map(() => type) };
  };
}

/** Exactly these kinds of arguments, as they are. */
export function exactly(
  kinds: readonly (readonly DataType["kind"][])[],
  result: DataType | ((args: readonly DataType[]) => DataType),
): TypeRule {
  return (args) => {
    const count = checkCount(args, kinds.length, kinds.length);
    if (count !== undefined) return count;
    for (const [index, allowed] of kinds.entries()) {
      const type = args[index] as DataType;
      if (!allowed.includes(type.kind)) return { mismatch: `needs ${allowed.join(" or ")}, not ${typeName(type)}` };
    }
    return { result: typeof result === "function" ? result(args) : result, args };
  };
}

/** Any arguments in the given number. */
export function anything(least: number, most: number, result: (args: readonly DataType[]) => DataType): TypeRule {
  return (args) => checkCount(args, least, most) ?? { result: result(args), args };
}

function checkCount(args: readonly DataType[], least: number, most: number): Mismatch | undefined {
  if (args.length >= least && args.length <= most) return undefined;
  const count = least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  return { mismatch: `needs ${count} argument${count === "1" ? "" : "s"}, not ${args.length}` };
}

/** True for the rule's refusal. */
export function isMismatch(result: object | Mismatch): result is Mismatch {
  return "mismatch" in result;
}

export const integralKinds = ["byte", "short", "integer", "long"] as const;
export const numericKinds = [...integralKinds, "float", "double", "decimal"] as const;
/** Types whose values can be told apart and have an order: maps and variants have none, wherever they are. */
export function isComparable(type: DataType): boolean {
  return !holdsMap(type) && !hasVariant(type);
}
/** Types with an order that both dialects share as it is: of nested values they place NULLs differently. */
export function isOrdered(type: DataType): boolean {
  return isComparable(type) && type.kind !== "array" && type.kind !== "struct";
}
/** Types whose equal values are the same in both dialects: of floating-point numbers there are two zeros. */
export function isKey(type: DataType): boolean {
  return isOrdered(type) && type.kind !== "double" && type.kind !== "float";
}
