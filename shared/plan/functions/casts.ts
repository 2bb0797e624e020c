/** Spark's casts with ANSI on, spelled in DuckDB without a bare cast: a value that does not fit gives NULL, and the row an error. */
import type { DataType, DecimalType } from "../types.ts";
import { datePattern, timestampPattern } from "../literal.ts";
import { isIntegral, isNumeric, sameType } from "../type-name.ts";
import { duckdbType, quoteText } from "../sql/quoting.ts";
import { asDecimal } from "./type-rules.ts";

export interface CastRule {
  /** Whether a value that is not NULL may have no value of the other type. */
  readonly fallible: boolean;
  /** The value in DuckDB, NULL where it does not fit. The argument may be repeated. */
  readonly duckdb: (value: string) => string;
}

const safe = (duckdb: CastRule["duckdb"]): CastRule => ({ fallible: false, duckdb });
const fallible = (duckdb: CastRule["duckdb"]): CastRule => ({ fallible: true, duckdb });

/** How values of one type become values of another, or undefined where there is no such cast (or none that is exact). */
export function castRule(from: DataType, to: DataType): CastRule | undefined {
  if (sameType(from, to)) return safe((value) => value);
  const type = duckdbType(to);
  if (from.kind === "string") return fromText(to, type);
  if (to.kind === "string") return toText(from);
  if (isNumeric(from) && isNumeric(to)) return betweenNumbers(from, to, type);
  if (from.kind === "boolean" && isNumeric(to)) return safe((value) => `CAST(CAST(${value} AS INTEGER) AS ${type})`);
  if (isNumeric(from) && to.kind === "boolean") return safe((value) => `(${value} <> 0)`);
  const times = ["date", "timestamp", "timestamp_ntz"];
  if (!times.includes(from.kind) || !times.includes(to.kind)) return undefined;
  // The session's zone is UTC, so that each of these is a change of representation only.
  return safe((value) => `CAST(${value} AS ${type})`);
}

function fromText(to: DataType, type: string): CastRule | undefined {
  const matching = (pattern: string, value: string, then: string): string =>
    `CASE WHEN regexp_full_match(${value}, ${quoteText(pattern, "duckdb")}) THEN ${then} END`;
  const blanks = "[\\x00-\\x20]*";
  const number = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?";
  const trimmed = (value: string): string => `regexp_replace(${value}, '[\\x00-\\x20]+', '', 'g')`;
  if (isIntegral(to))
    return fallible((value) =>
      matching(`${blanks}[+-]?[0-9]+${blanks}`, value, `TRY_CAST(${trimmed(value)} AS ${type})`),
    );
  switch (to.kind) {
    case "decimal":
      return fallible((value) => matching(blanks + number + blanks, value, `TRY_CAST(${trimmed(value)} AS ${type})`));
    case "float":
    case "double":
      return fallible((value) =>
        matching(
          `${blanks}(${number}|(?i)[+-]?(inf|infinity|nan))${blanks}`,
          value,
          `TRY_CAST(${trimmed(value)} AS ${type})`,
        ),
      );
    case "boolean":
      return fallible(
        (value) =>
          `CASE WHEN lower(${trimmed(value)}) IN ('t', 'true', 'y', 'yes', '1') THEN TRUE WHEN lower(${trimmed(value)}) IN ('f', 'false', 'n', 'no', '0') THEN FALSE END`,
      );
    case "date":
      return fallible((value) => matching(datePattern, value, `TRY_CAST(${value} AS DATE)`));
    case "timestamp":
      return fallible((value) => matching(timestampPattern, value, `TRY_CAST(${value} AS ${type})`));
    case "timestamp_ntz":
      return fallible((value) =>
        matching(timestampPattern.replace(/\(Z.*$/, ""), value, `TRY_CAST(${value} AS TIMESTAMP)`),
      );
    default:
      return undefined;
  }
}

/** A decimal's text in DuckDB. Where a type has no digits before the point, DuckDB leaves out the zero that others write there. */
export function decimalText(value: string, { precision, scale }: DecimalType): string {
  const text = `CAST(${value} AS VARCHAR)`;
  return precision > scale ? text : `regexp_replace(${text}, '^(-?)[.]', '\\10.')`;
}

function toText(from: DataType): CastRule | undefined {
  if (isIntegral(from)) return safe((value) => `CAST(${value} AS VARCHAR)`);
  switch (from.kind) {
    case "decimal":
      return safe((value) => decimalText(value, from));
    case "boolean":
    case "date":
    case "timestamp_ntz":
      return safe((value) => `CAST(${value} AS VARCHAR)`);
    case "timestamp":
      return safe((value) => `CAST((${value} AT TIME ZONE 'UTC') AS VARCHAR)`);
    default:
      return undefined;
  }
}

function betweenNumbers(from: DataType, to: DataType, type: string): CastRule {
  if (to.kind === "double" || to.kind === "float") return safe((value) => `CAST(${value} AS ${type})`);
  if (to.kind === "decimal") {
    const given = asDecimal(from);
    const holds =
      given !== undefined && to.scale >= given.scale && to.precision - to.scale >= given.precision - given.scale;
    return (holds ? safe : fallible)((value) => `TRY_CAST(${value} AS ${type})`);
  }
  const widens =
    isIntegral(from) && (asDecimal(from) as DecimalType).precision <= (asDecimal(to) as DecimalType).precision;
  if (widens) return safe((value) => `CAST(${value} AS ${type})`);
  return fallible((value) => `TRY_CAST(${isIntegral(from) ? value : `trunc(${value})`} AS ${type})`);
}
