import {
  date,
  dateDiffDays,
  dateFormat,
  dateFromUnixDate,
  dateTrunc,
  day,
  dayname,
  dayofweek,
  dayofyear,
  decimal,
  fromUtcTimestamp,
  hour,
  integer,
  lastDay,
  long,
  makeDate,
  makeTimestamp,
  minute,
  month,
  monthname,
  monthsBetween,
  nextDay,
  quarter,
  second,
  string,
  timestamp,
  timestampMicros,
  timestampMillis,
  timestampNtz,
  timestampSeconds,
  toDate,
  toTimestamp,
  toUtcTimestamp,
  trunc,
  unixDate,
  unixMicros,
  unixMillis,
  unixSeconds,
  weekday,
  weekofyear,
  year,
  window,
  windows,
} from "../../../shared/plan/index.ts";
import type { Column, TimestampType } from "../../../shared/plan/index.ts";
import { also, given, probe } from "./probe.ts";

const dateParts = { year, quarter, month, day, dayofyear, dayofweek, weekday, weekofyear };
const clockParts = { hour, minute, second };
const units = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"] as const;
const counts = given(integer(), 0, 1, -1, 12, 400, -100_000);
const zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"];
const recent = given(
  timestamp(),
  "1970-01-01T00:00:00Z",
  "2024-03-31T00:59:59.999999Z",
  "2024-03-31T01:00:00Z",
  "2024-03-31T02:30:00Z",
  "2024-10-27T00:30:00Z",
  "2024-10-27T01:30:00Z",
  "2024-10-27T02:30:00.5Z",
  "2024-03-10T02:30:00Z",
  "2024-03-10T07:00:00Z",
  "2024-11-03T01:30:00Z",
  "2024-11-03T05:59:59Z",
  "2024-11-03T06:00:00Z",
  "1945-06-15T12:00:00Z",
  "2037-12-31T23:59:59Z",
  "2199-07-01T00:00:00Z",
  "2024-04-07T01:45:00Z",
  "2024-10-06T02:15:00Z",
  "1969-12-31T23:59:59.999999Z",
);
const of = <A, R>(calls: Readonly<Record<string, (a: A) => R>>, a: A): Readonly<Record<string, R>> =>
  Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, call(a)]));

/** Dates, times, zones, and times as text. */
export const timeProbes = [
  probe("days", { d: date() }, ({ d }) => ({
    ...of(dateParts, d),
    lastDay: lastDay(d),
    nextMonday: nextDay(d, "monday"),
    nextSunday: nextDay(d, "sunday"),
    unixDate: unixDate(d),
    ...Object.fromEntries(
      (["year", "quarter", "month", "week"] as const).map((unit) => [`trunc ${unit}`, trunc(d, unit)]),
    ),
    dayname: dayname(d),
    monthname: monthname(d),
    format: dateFormat(d, "yyyy/MM/dd EEE MMM"),
    long: dateFormat(d, "EEEE, dd MMMM yyyy 'day' DDD"),
  })),
  probe("moments", { t: timestamp() }, ({ t }) => ({
    ...of(dateParts, t),
    ...of(clockParts, t),
    unixSeconds: unixSeconds(t),
    unixMillis: unixMillis(t),
    unixMicros: unixMicros(t),
    ...Object.fromEntries(units.map((unit) => [`trunc ${unit}`, dateTrunc(unit, t)])),
    date: toDate(t),
    format: dateFormat(t, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"),
    millis: dateFormat(t, "HH:mm:ss,SSS"),
  })),
  probe("local times", { t: timestampNtz() }, ({ t }) => ({
    ...of(dateParts, t),
    ...of(clockParts, t),
    ...Object.fromEntries(units.map((unit) => [`trunc ${unit}`, dateTrunc(unit, t)])),
    format: dateFormat(t, "yyyyMMdd HHmmss E"),
  })),
  probe("windows of time", { t: timestamp(), n: timestampNtz() }, ({ t, n }) => ({
    window: window(t, "10 minutes"),
    local: window(n, "7 days"),
    sliding: windows(t, "1 hour", "20 minutes"),
    uneven: windows(n, "5 minutes", "2 minutes"),
  })),
  probe("days between", { a: date(), b: date() }, ({ a, b }) => ({ days: dateDiffDays(a, b) })),
  probe("months between", { a: timestamp(), b: timestamp() }, ({ a, b }) => ({ months: monthsBetween(a, b) })),
  probe("times later", { d: date(), t: timestamp(), n: counts }, ({ d, t, n }) => ({
    days: d.plusDays(n),
    months: d.plusMonths(n),
    seconds: t.plusSeconds(n),
    minutes: t.plusMinutes(n),
    hours: t.plusHours(n),
    timeDays: t.plusDays(n),
    timeMonths: t.plusMonths(n),
  })),
  probe(
    "moments of numbers",
    {
      n: also(long(), 1_700_000_000, 253_402_300_799, 9_223_372_036_854n, 9_223_372_036_855n, -9_223_372_036_854_775n),
    },
    ({ n }) => ({
      seconds: timestampSeconds(n),
      millis: timestampMillis(n),
    }),
  ),
  probe(
    "moments of microseconds",
    { n: given(long(), 0, -1, 1, 1_700_000_000_123_456, -62_135_596_800_000_000n) },
    ({ n }) => ({ micros: timestampMicros(n) }),
  ),
  probe("days of numbers", { n: given(integer(), 0, 1, -1, 20_000, -719_162, 2_932_896) }, ({ n }) => ({
    date: dateFromUnixDate(n),
  })),
  probe(
    "days of three numbers",
    {
      y: given(integer(), 1, 1582, 1970, 2024, 2023, 9999),
      m: given(integer(), 0, 1, 2, 12, 13),
      d: given(integer(), 0, 1, 29, 31, 32),
    },
    ({ y, m, d }) => ({ date: makeDate(y, m, d) }),
  ),
  probe(
    "moments of six numbers",
    {
      y: given(integer(), 1, 1970, 2024),
      m: given(integer(), 2, 12, 13),
      d: given(integer(), 1, 29, 31),
      h: given(integer(), 0, 23, 24, -1),
      s: given(decimal(8, 6), "0", "59.999999", "60", "60.000001", "61", "-1"),
    },
    ({ y, m, d, h, s }) => ({ timestamp: makeTimestamp(y, m, d, h, 59, s), whole: makeTimestamp(y, m, d, h, 0, 7) }),
  ),
  ...zones.map((zone) =>
    probe(`the zone ${zone}`, { t: recent }, ({ t }: { t: Column<TimestampType> }) => ({
      from: fromUtcTimestamp(t, zone),
      to: toUtcTimestamp(t, zone),
    })),
  ),
  probe(
    "texts of days",
    {
      a: given(
        string(),
        "",
        "2024-02-29",
        "2023-02-29",
        "0001-01-01",
        "9999-12-31",
        "2024-2-29",
        "2024-13-01",
        " 2024-02-29",
        "2024-02-29x",
        "24-02-29",
      ),
    },
    ({ a }) => ({ date: toDate(a, "yyyy-MM-dd") }),
  ),
  probe(
    "texts of days in other patterns",
    { a: given(string(), "29.02.2024", "31.04.2024", "01.01.1970", "1.1.1970", "29-02-2024", "29.02.2024 ") },
    ({ a }) => ({ date: toDate(a, "dd.MM.yyyy") }),
  ),
  probe(
    "texts of moments",
    {
      a: given(
        string(),
        "2024-02-29 23:59:59",
        "2024-02-30 00:00:00",
        "2024-02-29 24:00:00",
        "2024-02-29 23:60:00",
        "2024-02-29T23:59:59",
        "1900-01-01 00:00:60",
        "x",
      ),
    },
    ({ a }) => ({ pattern: toTimestamp(a, "yyyy-MM-dd HH:mm:ss"), time: toTimestamp(a, "yyyy-MM-dd'T'HH:mm:ss") }),
  ),
  probe(
    "texts of moments with fractions",
    {
      a: given(
        string(),
        "20240229235959123",
        "20240229235959.123",
        "2024-02-29 23:59:59.123456",
        "2024-02-29 23:59:59.12",
        "2024-02-29 23:59:59.",
        "2024-02-29 23:59:59",
        "2024-02-29 23:59:59.1234567",
        "20240229235959.1",
      ),
    },
    ({ a }) => ({ millis: toTimestamp(a, "yyyyMMddHHmmss.SSS"), micros: toTimestamp(a, "yyyy-MM-dd HH:mm:ss.SSSSSS") }),
  ),
];
