/** Dates and times. The session's zone is UTC in both dialects. */
import type { DataType } from "../types.ts";
import { typeName } from "../type-name.ts";
import type { ScalarFunction, Spelling, TypeRule } from "./function-definition.ts";
import { exactly } from "./type-rules.ts";

const timeKinds = ["date", "timestamp", "timestamp_ntz"] as const;

function part(name: string, kinds: readonly DataType["kind"][]): ScalarFunction {
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness: "exact",
    type: exactly([kinds], { kind: "integer" }),
    sql: { duckdb: ([a]) => `CAST(${name}(${a}) AS INTEGER)`, spark: ([a]) => `${name}(${a})` },
  };
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
  part("year", timeKinds),
  part("month", timeKinds),
  part("day", timeKinds),
  part("hour", ["timestamp", "timestamp_ntz"]),
  part("minute", ["timestamp", "timestamp_ntz"]),
  {
    kind: "scalar",
    name: "date_trunc",
    deterministic: true,
    exactness: "exact",
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
    type: exactly([["timestamp"]], { kind: "long" }),
    sql: { duckdb: ([time]) => `epoch_us(${time})`, spark: ([time]) => `unix_micros(${time})` },
  },
  plus("seconds"),
  plus("minutes"),
  plus("hours"),
  plus("days"),
  plus("months"),
] as const satisfies readonly ScalarFunction[];
