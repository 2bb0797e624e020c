/** Days and months of the calendar, times as numbers, and time zones. */
import {
  calling,
  dateType,
  doubleType,
  integerType,
  longType,
  orError,
  scalarEntry,
  stringType,
  timestampType,
} from "./define.ts";
import type { ScalarFunction, Spelling } from "./function-definition.ts";
import type { DataType } from "../types.ts";
import { exactly, integralKinds } from "./type-rules.ts";

const date = ["date"] as const;
const whole = ["byte", "short", "integer"] as const;
const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const dateUnits = ["year", "quarter", "month", "week"];

/** The value of a text literal that was rendered for DuckDB. */
export const literalText = (sql: string): string => sql.slice(1, -1).replaceAll("''", "'");

/** A moment as whole units since 1970, rounded down. */
function unix(name: string, unit: string, micros: number): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${name.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())}(time: timestamp): bigint`,
    does: `${unit} since 1970, rounded down.`,
    type: exactly([["timestamp"]], longType),
    duckdb: ([a]) =>
      `(CASE WHEN epoch_us(${a}) < 0 THEN (epoch_us(${a}) + 1) // ${micros} - 1 ELSE epoch_us(${a}) // ${micros} END)`,
    spark: calling(name),
  });
}

/** A moment from whole units since 1970. */
function moment(name: string, unit: string, micros: number): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${name.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())}(count: bigint): timestamp`,
    does: `The moment so many ${unit} after 1970; one outside of the calendar is an error of the row.`,
    ...(micros === 1 ? { difference: "the outermost numbers of 64 bits are errors" } : {}),
    type: exactly([integralKinds], timestampType),
    duckdb: ([a], { bind }) => {
      const count = `TRY_CAST(CAST(${a} AS HUGEINT) * ${micros} AS BIGINT)`;
      return orError(`TRY(make_timestamptz(${count}))`, [a as string], "the moment does not fit into timestamp", bind);
    },
    spark: calling(name),
  });
}

function zoneProblem(values: readonly unknown[]): string | undefined {
  const zone = values[1];
  const wrong = "needs the name of a time zone as a literal, such as Europe/Berlin";
  if (typeof zone !== "string" || !/^(?:[A-Z][A-Za-z]+\/[A-Za-z_/-]+|UTC)$/.test(zone)) return wrong;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return undefined;
  } catch {
    return wrong;
  }
}

function zoned(name: string, face: string, does: string, duckdb: Spelling): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${face}(time: timestamp, zone: string literal): timestamp`,
    does,
    difference: "what is known of a zone is what DuckDB knows, which may be older or newer than Spark's",
    type: exactly([["timestamp"], ["string"]], timestampType),
    checkLiterals: zoneProblem,
    duckdb,
    spark: calling(name),
  });
}

/** Months between two times, a month's rest being parts of 31 days. */
const monthsBetween: Spelling = ([end, start]) => {
  const months = `((year(${end}) - year(${start})) * 12 + month(${end}) - month(${start}))`;
  const isLast = (time: string): string => `day(${time}) = day(last_day(${time}))`;
  const seconds = (time: string): string => `(hour(${time}) * 3600 + minute(${time}) * 60 + second(${time}))`;
  const rest = `((day(${end}) - day(${start})) * 86400 + ${seconds(end as string)} - ${seconds(start as string)})`;
  const exact = `(${months} + CAST(${rest} AS DOUBLE) / 2678400::DOUBLE)`;
  return `CASE WHEN day(${end}) = day(${start}) OR (${isLast(end as string)} AND ${isLast(start as string)}) THEN CAST(${months} AS DOUBLE) ELSE floor(${exact} * 1e8 + 0.5::DOUBLE) / 1e8 END`;
};

const decimalSeconds: DataType = { kind: "decimal", precision: 16, scale: 6 };

/** Functions of the calendar. */
export const calendarFunctions = [
  scalarEntry({
    name: "last_day",
    usage: "lastDay(day: date): date",
    does: "The last day of the month.",
    type: exactly([date], dateType),
    binds: false,
    duckdb: calling("last_day"),
    spark: calling("last_day"),
  }),
  scalarEntry({
    name: "next_day",
    usage: "nextDay(day: date, weekday: string literal): date",
    does: "The first day after a day that is the given day of the week: monday to sunday.",
    type: exactly([date, ["string"]], dateType),
    checkLiterals: ([, name]) =>
      typeof name === "string" && weekdays.includes(name)
        ? undefined
        : `needs one of ${weekdays.join(", ")} as a literal`,
    duckdb: ([a, name]) => {
      const target = weekdays.indexOf(literalText(name as string)) + 1;
      return `(${a} + CAST((${target} - isodow(${a}) + 6) % 7 + 1 AS INTEGER))`;
    },
    spark: calling("next_day"),
  }),
  scalarEntry({
    name: "trunc",
    usage: "trunc(day: date, unit: string literal): date",
    does: "The first day of the year, quarter, month or week that a day lies in.",
    type: exactly([date, ["string"]], dateType),
    checkLiterals: ([, unit]) =>
      typeof unit === "string" && dateUnits.includes(unit)
        ? undefined
        : `needs one of ${dateUnits.join(", ")} as a literal`,
    binds: false,
    duckdb: ([a, unit]) => `CAST(date_trunc(${unit}, ${a}) AS DATE)`,
    spark: calling("trunc"),
  }),
  scalarEntry({
    name: "months_between",
    usage: "monthsBetween(end: timestamp, start: timestamp): double",
    does: "Months from the start to the end: whole ones between like days or last days of months, otherwise with parts of 31 days, to 8 digits.",
    type: exactly([["timestamp"], ["timestamp"]], doubleType),
    duckdb: monthsBetween,
    spark: calling("months_between"),
  }),
  scalarEntry({
    name: "make_date",
    usage: "makeDate(year: int, month: int, day: int): date",
    does: "The day of three numbers; one that is not in the calendar is an error of the row.",
    type: exactly([whole, whole, whole], dateType),
    duckdb: (args, { bind }) => orError(`TRY(make_date(${args.join(", ")}))`, args, "there is no such day", bind),
    spark: calling("make_date"),
  }),
  scalarEntry({
    name: "make_timestamp",
    usage: "makeTimestamp(year: int, month: int, day: int, hour: int, minute: int, second: decimal): timestamp",
    does: "The moment of six numbers in UTC; one that is not in the calendar is an error of the row.",
    type: (args) => {
      const seconds = [...whole, "decimal"] as const;
      const typed = exactly([whole, whole, whole, whole, whole, seconds], timestampType)(args);
      if ("mismatch" in typed) return typed;
      const last = args[5] as DataType;
      if (last.kind === "decimal" && (last.scale > 6 || last.precision - last.scale > 10))
        return { mismatch: "needs seconds of at most 6 digits after the point" };
      return { result: typed.result, args: [...args.slice(0, 5), decimalSeconds] };
    },
    duckdb: (args, { bind }) => {
      const [y, m, d, h, min, s] = args as [string, string, string, string, string, string];
      const inRange = `${h} BETWEEN 0 AND 23 AND ${min} BETWEEN 0 AND 59 AND ${s} BETWEEN 0 AND 60`;
      const time = `to_hours(${h}) + to_minutes(${min}) + to_microseconds(CAST(${s} * 1000000 AS BIGINT))`;
      const value = `CASE WHEN ${inRange} THEN TRY(timezone('UTC', CAST(make_date(${y}, ${m}, ${d}) AS TIMESTAMP) + (${time}))) END`;
      return orError(value, args, "there is no such moment", bind);
    },
    spark: calling("make_timestamp"),
  }),
  scalarEntry({
    name: "unix_date",
    usage: "unixDate(day: date): int",
    does: "Days since 1970.",
    type: exactly([date], integerType),
    binds: false,
    duckdb: ([a]) => `CAST(${a} - DATE '1970-01-01' AS INTEGER)`,
    spark: calling("unix_date"),
  }),
  scalarEntry({
    name: "date_from_unix_date",
    usage: "dateFromUnixDate(days: int): date",
    does: "The day so many days after 1970; one outside of the calendar is an error of the row.",
    difference: "days more than 5 million years away are errors",
    type: exactly([whole], dateType),
    duckdb: ([a], { bind }) =>
      orError(`TRY(DATE '1970-01-01' + CAST(${a} AS INTEGER))`, [a as string], "the day does not fit into date", bind),
    spark: calling("date_from_unix_date"),
  }),
  unix("unix_seconds", "Seconds", 1_000_000),
  unix("unix_millis", "Milliseconds", 1_000),
  moment("timestamp_seconds", "seconds", 1_000_000),
  moment("timestamp_millis", "milliseconds", 1_000),
  moment("timestamp_micros", "microseconds", 1),
  ...(
    [
      ["dayname", "%a", "The day of the week: Mon to Sun."],
      ["monthname", "%b", "The month: Jan to Dec."],
    ] as const
  ).map(([name, format, does]) =>
    scalarEntry({
      name,
      usage: `${name}(day: date): string`,
      does,
      type: exactly([date], stringType),
      binds: false,
      duckdb: ([a]) => `strftime(${a}, '${format}')`,
      spark: calling(name),
    }),
  ),
  zoned(
    "from_utc_timestamp",
    "fromUtcTimestamp",
    "What the clocks of a zone show at a moment, as if it were UTC.",
    ([a, zone]) => `timezone('UTC', timezone(${zone}, ${a}))`,
  ),
  zoned(
    "to_utc_timestamp",
    "toUtcTimestamp",
    "The moment at which the clocks of a zone show a time that was read as UTC.",
    // Of a time that clocks show twice, Spark takes the earlier moment, DuckDB the later. Clocks go back by an hour, or by half of one.
    ([a, zone], { bind }) => {
      const local = bind(`timezone('UTC', ${a})`);
      const later = bind(`timezone(${zone}, ${local})`);
      const earlier = (minutes: number): string => `${later} - to_minutes(${minutes})`;
      const isShown = (minutes: number): string => `timezone(${zone}, ${earlier(minutes)}) = ${local}`;
      return `CASE WHEN ${isShown(60)} THEN ${earlier(60)} WHEN ${isShown(30)} THEN ${earlier(30)} ELSE ${later} END`;
    },
  ),
] as const satisfies readonly ScalarFunction[];
