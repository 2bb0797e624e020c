/** The form of literals, checked when a pipeline is loaded. */
import { typeName } from "./type-name.ts";
import type { DataType, DecimalType } from "./types.ts";
import type { Expression, Literal } from "./expression.ts";

/** ISO-8601 date and time with a zone or without one (UTC is meant): the text form of timestamps everywhere in dyne. */
export const timestampPattern =
  "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-](0[0-9]|1[0-8]):?[0-5][0-9])?";
/** ISO-8601 calendar day. */
export const datePattern = "[0-9]{4}-[0-9]{2}-[0-9]{2}";

const bounds = {
  byte: [-128n, 127n],
  short: [-32_768n, 32_767n],
  integer: [-2_147_483_648n, 2_147_483_647n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/** What is wrong with a value as a literal of a type, as a sentence, or undefined. */
export function literalProblem(value: Literal["value"], type: DataType): string | undefined {
  if (value === null) return undefined;
  const wrong = `${typeof value === "bigint" ? `${value}n` : JSON.stringify(value)} is no value of the type ${typeName(type)}.`;
  return isValueOf(value, type) ? undefined : wrong;
}

/** A number as a literal of the digits that it is written with; undefined for what is none, or has more than 38. */
export function decimalLiteral(text: string): (Literal & { readonly type: DecimalType }) | undefined {
  const [, sign = "", before = "", after = ""] = /^(-?)(\d*)\.?(\d*)$/.exec(text) ?? [];
  const whole = before.replace(/^0+/, "");
  const precision = Math.max(whole.length + after.length, 1);
  if ((before === "" && after === "") || precision > 38) return undefined;
  const value = `${sign}${whole === "" ? "0" : whole}${after === "" ? "" : `.${after}`}`;
  return { kind: "literal", value, type: { kind: "decimal", precision, scale: after.length } };
}

/** The value of a literal, small whole numbers as numbers; undefined for what is none. */
export function literalValue(arg: Expression): unknown {
  if (arg.kind !== "literal") return undefined;
  return typeof arg.value === "bigint" && arg.type.kind !== "long" ? Number(arg.value) : arg.value;
}

/**
 * The value of a type that a text stands for, in the form of a literal; undefined where it stands for none. The texts are those of rows as
 * text: whole numbers by their digits, `NaN`, `Infinity`, ISO-8601 with up to six digits of a second, binary as base64.
 */
export function literalOfText(text: string, type: DataType): NonNullable<Literal["value"]> | undefined {
  const value = valueOfText(text, type);
  return value === undefined || !isValueOf(value, type) ? undefined : value;
}

function valueOfText(text: string, type: DataType): NonNullable<Literal["value"]> | undefined {
  switch (type.kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "byte":
    case "short":
    case "integer":
    case "long":
      return /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
    case "float":
    case "double":
      return numberOfText(text, type.kind);
    case "timestamp":
      return /[.]\d{7}/.test(text) ? undefined : text;
    case "timestamp_ntz":
      return /[.]\d{7}|(Z|[+-]\d{2}:?\d{2})$/.test(text.slice("2026-01-02".length)) ? undefined : text;
    default:
      return text;
  }
}

/** Undefined also for a number that the type can only have as an infinity. */
function numberOfText(text: string, kind: "float" | "double"): number | undefined {
  if (/^(NaN|-?Infinity)$/.test(text)) return Number(text);
  if (!/^-?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d{1,4})?$/.test(text)) return undefined;
  const value = kind === "float" ? Math.fround(Number(text)) : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function isValueOf(value: NonNullable<Literal["value"]>, type: DataType): boolean {
  switch (type.kind) {
    case "boolean":
      return typeof value === "boolean";
    case "byte":
    case "short":
    case "integer":
    case "long": {
      const whole =
        typeof value === "bigint"
          ? value
          : typeof value === "number" && Number.isSafeInteger(value)
            ? BigInt(value)
            : undefined;
      const [least, most] = bounds[type.kind];
      return whole !== undefined && whole >= least && whole <= most;
    }
    case "float":
      // A finite number beyond the greatest one of 32 bits would become an infinity.
      return typeof value === "number" && (!Number.isFinite(value) || Number.isFinite(Math.fround(value)));
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string" && value.isWellFormed();
    case "decimal":
      return isDecimal(String(value), type.precision, type.scale);
    case "date":
      return typeof value === "string" && new RegExp(`^${datePattern}$`).test(value) && isDay(value);
    case "timestamp":
    case "timestamp_ntz":
      return typeof value === "string" && new RegExp(`^${timestampPattern}$`).test(value) && isDay(value.slice(0, 10));
    case "binary":
      return (
        typeof value === "string" && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
      );
    default:
      return false;
  }
}

function isDecimal(text: string, precision: number, scale: number): boolean {
  const match = /^-?(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return false;
  const whole = (match[1] as string).replace(/^0+/, "");
  return whole.length <= precision - scale && (match[2] ?? "").length <= scale;
}

function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
