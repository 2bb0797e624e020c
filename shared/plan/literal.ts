/** The form of literals, checked when a pipeline is loaded. */
import { typeName } from "./type-name.ts";
import type { DataType } from "./types.ts";
import type { Literal } from "./expression.ts";

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
