/**
 * What a row is ordered by, and the same as text, so that a page can begin after it. Times are numbers here, microseconds and days since
 * 1970, because not every time that a file can hold can be written as a literal.
 */
import { DyneError } from "../core/index.ts";
import type { RowValue } from "../compute/index.ts";
import { parseValue, type StatsValue } from "../delta/index.ts";
import { literalOfText, type DataType, type Expression } from "../plan/index.ts";

const long: DataType = { kind: "long" };
const day: DataType = { kind: "date" };

/** Orders as the column does. */
export function keyExpression(type: DataType, column: string): Expression {
  const value: Expression = { kind: "column", name: column };
  switch (type.kind) {
    case "timestamp":
      return { kind: "call", name: "unix_micros", args: [value] };
    case "timestamp_ntz": {
      const moment: Expression = { kind: "cast", mode: "ansi", input: value, to: { kind: "timestamp" } };
      return { kind: "call", name: "unix_micros", args: [moment] };
    }
    case "date":
      return {
        kind: "call",
        name: "date_diff_days",
        args: [value, { kind: "literal", value: "1970-01-01", type: day }],
      };
    default:
      return value;
  }
}

/** A value of `keyExpression` as text. */
export function keyText(value: RowValue): string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : String(value);
}

/** The value again, to compare with. Throws INVALID_CURSOR for a text that is no value of the column. */
export function keyLiteral(type: DataType, text: string | null): Expression {
  const of = keyType(type);
  const value = text === null ? null : literalOfText(text, of);
  if (value !== undefined) return { kind: "literal", value, type: of };
  throw new DyneError(
    "INVALID_CURSOR",
    "The cursor names a value that its column cannot have. Begin again without a cursor.",
  );
}

/** The value as a file's statistics have it; undefined where there are none of the type. The text is one that `keyLiteral` takes. */
export function keyBound(type: DataType, text: string): StatsValue | undefined {
  switch (type.kind) {
    case "timestamp":
    case "timestamp_ntz":
      return BigInt(text);
    case "date":
    case "float":
    case "double":
      return Number(text);
    case "binary":
      return undefined;
    default:
      return parseValue(type, text);
  }
}

function keyType(type: DataType): DataType {
  if (type.kind === "timestamp" || type.kind === "timestamp_ntz") return long;
  return type.kind === "date" ? { kind: "integer" } : type;
}
