/** Dates and times. The session's zone is UTC in both dialects. */
import type { DataType } from "../types.ts";
import { typeName } from "../type-name.ts";
import type { ScalarFunction, Spelling, TypeRule } from "./function-definition.ts";
import { calling, integerType, scalarEntry } from "./define.ts";
import { exactly } from "./type-rules.ts";

const timeKinds = ["date", "timestamp", "timestamp_ntz"] as const;

const clockKinds = ["timestamp", "timestamp_ntz"] as const;

/** A part of a time as a whole number. */
function part(name: string, does: string, kinds: readonly DataType["kind"][], duckdb = `${name}($)`): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${name}(time: ${kinds.includes("date") ? "date | " : ""}timestamp): int`,
    does,
    type: exactly([kinds], integerType),
    binds: false,
    duckdb: ([a]) => `CAST(${duckdb.replace("$", () => a as string)} AS INTEGER)`,
    spark: calling(name),
  });
}

const units = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"];

type Unit = "seconds" | "minutes" | "hours" | "days" | "months";
const sparkIntervals: Record<Unit, (count: string) => string> = {
  seconds: (count) => `make_dt_interval(0, 0, 0, ${count})`,
  minutes: (count) => `make_dt_interval(0, 0, ${count})`,
  hours: (count) => `make_dt_interval(0, ${count})`,
  days: (count) => `make_dt_interval(${count})`,
  months: (count) => `make_ym_interval(0, ${count})`,
};

/** Adds a count of units; a result outside of the calendar is a row error. */
function plus(unit: Unit): ScalarFunction {
  const dates = unit === "days" || unit === "months";
  const type: TypeRule = (args) => {
    const typed = exactly(
      [dates ? timeKinds : ["timestamp", "timestamp_ntz"], ["byte", "short", "integer"]],
      ([time]) => time as DataType,
    )(args);
    return "mismatch" in typed ? typed : { result: typed.result, args: [typed.result, { kind: "integer" }] };
  };
  const duckdb: Spelling = ([time, count], { result, bind }) => {
    const sum = `${time} + to_${unit}(${count})`;
    const value = bind(`TRY(${result.kind === "date" ? `CAST(${sum} AS DATE)` : sum})`);
    const error = {
      when: `(${value} IS NULL AND ${time} IS NOT NULL AND ${count} IS NOT NULL)`,
      message: `'the result of adding ${unit} does not fit into ${typeName(result)}'`,
    };
    return { sql: value, errors: [error] };
  };
  return {
    kind: "scalar",
    name: `plus_${unit}`,
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: `time.plus${unit[0]?.toUpperCase()}${unit.slice(1)}(count: int)`,
      does: `The time so many ${unit} later; a result outside of the calendar is an error of the row.`,
    },
    type,
    bindsArguments: true,
    sql: {
      duckdb,
      spark: ([time, count], { result }) => {
        if (result.kind !== "date") return `(${time} + ${sparkIntervals[unit](count as string)})`;
        return unit === "days" ? `date_add(${time}, ${count})` : `add_months(${time}, ${count})`;
      },
    },
  };
}

/** Parts of times and arithmetic on them. Weeks start on Monday. */
export const timeFunctions = [
  part("year", "The year.", timeKinds),
  part("quarter", "The quarter of the year, 1 to 4.", timeKinds),
  part("month", "The month, 1 to 12.", timeKinds),
  part("day", "The day of the month.", timeKinds),
  part("dayofyear", "The day of the year, 1 to 366.", timeKinds),
  part("dayofweek", "The day of the week, 1 for Sunday to 7 for Saturday.", timeKinds, "dayofweek($) + 1"),
  part("weekday", "The day of the week, 0 for Monday to 6 for Sunday.", timeKinds, "isodow($) - 1"),
  part("weekofyear", "The week of the ISO year, 1 to 53.", timeKinds, "week($)"),
  part("hour", "The hour, 0 to 23.", clockKinds),
  part("minute", "The minute, 0 to 59.", clockKinds),
  part("second", "The second, 0 to 59, without its fraction.", clockKinds),
  {
    kind: "scalar",
    name: "date_trunc",
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: "dateTrunc(unit: string literal, time: timestamp): timestamp",
      does: "The start of the unit that a time lies in; weeks start on Monday.",
    },
    type: (args) => {
      const typed = exactly([["string"], ["timestamp", "timestamp_ntz"]], (types) => types[1] as DataType)(args);
      return typed;
    },
    checkLiterals: ([unit]) =>
      typeof unit === "string" && units.includes(unit)
        ? undefined
        : `needs one of the units ${units.join(", ")} as a literal`,
    sql: {
      duckdb: ([unit, time]) => `date_trunc(${unit}, ${time})`,
      spark: ([unit, time]) => `date_trunc(${unit}, ${time})`,
    },
  },
  {
    kind: "scalar",
    name: "date_diff_days",
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: "dateDiffDays(end: date, start: date): int",
      does: "Days from the start to the end; Spark's datediff.",
    },
    type: exactly([["date"], ["date"]], { kind: "integer" }),
    sql: {
      duckdb: ([end, start]) => `CAST(${end} - ${start} AS INTEGER)`,
      spark: ([end, start]) => `datediff(${end}, ${start})`,
    },
  },
  {
    kind: "scalar",
    name: "unix_micros",
    deterministic: true,
    exactness: "exact",
    doc: { usage: "unixMicros(time: timestamp): bigint", does: "Microseconds since 1970." },
    type: exactly([["timestamp"]], { kind: "long" }),
    sql: { duckdb: ([time]) => `epoch_us(${time})`, spark: ([time]) => `unix_micros(${time})` },
  },
  plus("seconds"),
  plus("minutes"),
  plus("hours"),
  plus("days"),
  plus("months"),
] as const satisfies readonly ScalarFunction[];
