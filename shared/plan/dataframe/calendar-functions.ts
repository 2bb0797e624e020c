/** Functions of the calendar and of time zones, named as in Spark's DataFrame API. Each is NULL where an argument is. */
import type {
  DateType,
  DoubleType,
  IntegerType,
  IntegralType,
  LongType,
  StringType,
  TimestampNtzType,
  TimestampType,
} from "../data-type.ts";
import type { DecimalType } from "../types.ts";
import { literal, scalar } from "./column.ts";
import type { Column, TimeType } from "./column.ts";
import { textOf, wholeOf } from "./arguments.ts";
import type { Whole } from "./arguments.ts";

/** The quarter of the year, 1 to 4. */
export function quarter(time: Column<TimeType>): Column<IntegerType> {
  return scalar("quarter", [time]);
}
/** The day of the year, 1 to 366. */
export function dayofyear(time: Column<TimeType>): Column<IntegerType> {
  return scalar("dayofyear", [time]);
}
/** The day of the week, 1 for Sunday to 7 for Saturday. */
export function dayofweek(time: Column<TimeType>): Column<IntegerType> {
  return scalar("dayofweek", [time]);
}
/** The day of the week, 0 for Monday to 6 for Sunday. */
export function weekday(time: Column<TimeType>): Column<IntegerType> {
  return scalar("weekday", [time]);
}
/** The week of the ISO year, 1 to 53. */
export function weekofyear(time: Column<TimeType>): Column<IntegerType> {
  return scalar("weekofyear", [time]);
}
/** The second, 0 to 59, without its fraction. */
export function second(time: Column<TimestampType | TimestampNtzType>): Column<IntegerType> {
  return scalar("second", [time]);
}
/** The last day of the month. */
export function lastDay(day: Column<DateType>): Column<DateType> {
  return scalar("last_day", [day]);
}
/** The first day after a day that is the given day of the week. */
export function nextDay(
  day: Column<DateType>,
  weekday: "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday",
): Column<DateType> {
  return scalar("next_day", [day, textOf(weekday)]);
}
/** The first day of the unit that a day lies in; weeks start on Monday. */
export function trunc(day: Column<DateType>, unit: "year" | "quarter" | "month" | "week"): Column<DateType> {
  return scalar("trunc", [day, textOf(unit)]);
}
/** Months from `start` to `end`: whole ones between like days or last days of months, otherwise with parts of 31 days, to 8 digits. */
export function monthsBetween(end: Column<TimestampType>, start: Column<TimestampType>): Column<DoubleType> {
  return scalar("months_between", [end, start]);
}
/** The day of three numbers; one that is not in the calendar is an error of the row. */
export function makeDate(year: Whole, month: Whole, day: Whole): Column<DateType> {
  return scalar("make_date", [year, month, day].map(wholeOf));
}
/** The moment of six numbers in UTC; one that is not in the calendar is an error of the row. Seconds may be a decimal of six digits after the point. */
export function makeTimestamp(
  year: Whole,
  month: Whole,
  day: Whole,
  hour: Whole,
  minute: Whole,
  second: Whole | Column<DecimalType>,
): Column<TimestampType> {
  const seconds = typeof second === "number" ? wholeOf(second) : second;
  return scalar("make_timestamp", [...[year, month, day, hour, minute].map(wholeOf), seconds]);
}
/** Days since 1970. */
export function unixDate(day: Column<DateType>): Column<IntegerType> {
  return scalar("unix_date", [day]);
}
/** The day so many days after 1970; one outside of the calendar is an error of the row. */
export function dateFromUnixDate(days: Column<IntegerType>): Column<DateType> {
  return scalar("date_from_unix_date", [days]);
}
/** Seconds since 1970, rounded down. */
export function unixSeconds(time: Column<TimestampType>): Column<LongType> {
  return scalar("unix_seconds", [time]);
}
/** Milliseconds since 1970, rounded down. */
export function unixMillis(time: Column<TimestampType>): Column<LongType> {
  return scalar("unix_millis", [time]);
}
/** The moment so many seconds after 1970; one outside of the calendar is an error of the row. */
export function timestampSeconds(count: Column<IntegralType>): Column<TimestampType> {
  return scalar("timestamp_seconds", [count]);
}
/** The moment so many milliseconds after 1970; one outside of the calendar is an error of the row. */
export function timestampMillis(count: Column<IntegralType>): Column<TimestampType> {
  return scalar("timestamp_millis", [count]);
}
/** The moment so many microseconds after 1970. */
export function timestampMicros(count: Column<IntegralType>): Column<TimestampType> {
  return scalar("timestamp_micros", [count]);
}
/** The day of the week: Mon to Sun. */
export function dayname(day: Column<DateType>): Column<StringType> {
  return scalar("dayname", [day]);
}
/** The month: Jan to Dec. */
export function monthname(day: Column<DateType>): Column<StringType> {
  return scalar("monthname", [day]);
}
/** What the clocks of a zone, such as Europe/Berlin, show at a moment, as if it were UTC. */
export function fromUtcTimestamp(time: Column<TimestampType>, zone: string): Column<TimestampType> {
  return scalar("from_utc_timestamp", [time, textOf(zone)]);
}
/** The moment at which the clocks of a zone show a time that was read as UTC. */
export function toUtcTimestamp(time: Column<TimestampType>, zone: string): Column<TimestampType> {
  return scalar("to_utc_timestamp", [time, textOf(zone)]);
}
/** A time as text by a pattern of yyyy MM dd HH mm ss SSS SSSSSS DDD E EEEE MMM MMMM, quoted text and signs. */
export function dateFormat(time: Column<TimeType>, pattern: string): Column<StringType> {
  return scalar("date_format", [time, literal(pattern, { kind: "string" })]);
}
