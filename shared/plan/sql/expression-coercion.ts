/** Types that Spark brings together by itself (Spark SQL § ANSI compliance, type coercion), as casts that the expression then has. */
import { commonType } from "../functions/index.ts";
import type { Expression, Literal } from "../expression.ts";
import { castRule } from "../functions/casts.ts";
import { decimalLiteral, literalOfText } from "../literal.ts";
import { isIntegral, isNumeric, sameType } from "../type-name.ts";
import type { DataType } from "../types.ts";

/** An expression whose type is known. NULL has no type of its own: it takes that of its neighbours. */
export interface Typed {
  readonly expression: Expression;
  readonly type: DataType;
  readonly isNull?: boolean;
}

/** NULL before anything is known of its type. */
export const untypedNull: Typed = {
  expression: { kind: "literal", value: null, type: { kind: "string" } },
  type: { kind: "string" },
  isNull: true,
};

/** Values that are to be compared or chosen from, as values of one type; undefined where Spark has none for them. */
export function alike(values: readonly Typed[]): readonly Typed[] | undefined {
  const typed = values.filter(({ isNull }) => isNull !== true);
  let type = typed[0]?.type;
  for (const value of typed.slice(1)) type = type && typeOfBoth(type, value.type);
  if (type === undefined) return typed.length === 0 ? values : undefined;
  const wanted = type;
  // The table of functions widens by itself what has a common type: only texts and NULLs need help.
  const coerced = values.map((value) =>
    value.isNull === true || (value.type.kind === "string" && wanted.kind !== "string") ? castTo(value, wanted) : value,
  );
  return coerced.every((value) => value !== undefined) ? coerced : undefined;
}

/** With a text, the other type decides: whole numbers as 64 bits, other numbers as doubles. */
function typeOfBoth(a: DataType, b: DataType): DataType | undefined {
  if (a.kind === "string" && b.kind !== "string") return typeBesideText(b);
  if (b.kind === "string" && a.kind !== "string") return typeBesideText(a);
  return commonType(a, b);
}

function typeBesideText(type: DataType): DataType {
  if (isIntegral(type)) return { kind: "long" };
  return isNumeric(type) ? { kind: "double" } : type;
}

/** A value as one of a type, as Spark would cast it; a literal becomes another literal. Undefined where there is no such cast. */
export function castTo(value: Typed, type: DataType): Typed | undefined {
  if (value.isNull === true) return { expression: { kind: "literal", value: null, type }, type };
  if (sameType(value.type, type)) return value;
  const { expression } = value;
  if (expression.kind === "literal" && typeof expression.value === "string" && value.type.kind === "string") {
    const literal = literalOfText(asTime(expression.value.trim(), type), type);
    return literal === undefined ? undefined : { expression: { kind: "literal", value: literal, type }, type };
  }
  if (castRule(value.type, type) === undefined) return undefined;
  return { expression: { kind: "cast", mode: "ansi", input: expression, to: type }, type };
}

/** A day is a time too: its beginning. */
function asTime(text: string, { kind }: DataType): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  return isDay && (kind === "timestamp" || kind === "timestamp_ntz") ? `${text}T00:00:00` : text;
}

/** A number as Spark types it: `1`, `1L`, `1.5`, `1e3`, `1.5BD`. Undefined for one that its type cannot have. */
export function numberLiteral(text: string, sign: "" | "-" = ""): Typed | undefined {
  const [, digits = "", suffix = ""] = /^(.*?)(BD|[LSYDF])?$/i.exec(text) ?? [];
  const literal = (value: Literal["value"], type: DataType): Typed => ({
    expression: { kind: "literal", value, type },
    type,
  });
  const whole = (kind: "byte" | "short" | "integer" | "long"): Typed | undefined => {
    const value = /^\d+$/.test(digits) ? literalOfText(sign + digits, { kind }) : undefined;
    return value === undefined ? undefined : literal(value, { kind });
  };
  switch (suffix.toUpperCase()) {
    case "Y":
      return whole("byte");
    case "S":
      return whole("short");
    case "L":
      return whole("long");
    case "D":
    case "F": {
      const type: DataType = { kind: suffix.toUpperCase() === "D" ? "double" : "float" };
      const value = literalOfText(sign + digits, type);
      return value === undefined ? undefined : literal(value, type);
    }
    case "BD":
      return decimalNumber(sign + digits);
    default:
      if (/[eE]/.test(digits)) return numberLiteral(`${digits}D`, sign);
      return /^\d+$/.test(digits)
        ? (whole("integer") ?? whole("long") ?? decimalNumber(sign + digits))
        : decimalNumber(sign + digits);
  }
}

function decimalNumber(text: string): Typed | undefined {
  const expression = decimalLiteral(text);
  return expression && { expression, type: expression.type };
}
