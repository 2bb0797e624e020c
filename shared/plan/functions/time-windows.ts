/**
 * Windows of time: `{start, end}`, the end not included. They start at whole multiples of the step, counted from 1970 in UTC plus the start
 * time, before 1970 too. Lengths are whole microseconds.
 */
import type { DataType, StructType } from "../types.ts";
import type { Dialect, ScalarFunction, Spelling, SpellingContext, TypeRule } from "./function-definition.ts";
import { exactly } from "./type-rules.ts";

/** A row is in no more windows than this. */
export const windowsPerRowMax = 1_000;

/** `window(time, width, startTime)`: the window of `width` that a time lies in. NULL for NULL. */
const tumbling: ScalarFunction = {
  kind: "scalar",
  name: "window",
  deterministic: true,
  exactness: "exact",
  doc: {
    usage: "window(time: timestamp, width: duration): struct<start, end>",
    does: "The window of time of a width that a time lies in, its end not included.",
  },
  type: windowRule(1, windowOf),
  bindsArguments: true,
  checkLiterals: ([, width, startTime]) => lengthProblem(width, width, startTime),
  sql: spelled(([time, width, startTime], { dialect, args, bind }) => {
    const start = bind(startBefore(micros(dialect, time as string), width as string, startTime as string));
    return windowFrom(dialect, start, width as string, args[0] as DataType);
  }),
};

/** `windows(time, width, slide, startTime)`: all windows of `width` that start every `slide` and hold a time, the latest first. */
const sliding: ScalarFunction = {
  kind: "scalar",
  name: "windows",
  deterministic: true,
  exactness: "exact",
  doc: {
    usage: "windows(time: timestamp, width: duration, slide: duration): array<struct<start, end>>",
    does: "All windows of time of a width, starting every slide, that hold a time; the latest first.",
  },
  type: windowRule(2, (time) => ({ kind: "array", element: windowOf(time), containsNull: false })),
  bindsArguments: true,
  checkLiterals: ([, width, slide, startTime]) => lengthProblem(width, slide, startTime),
  sql: spelled(([time, width, slide, startTime], { dialect, args, bind }) => {
    const at = bind(micros(dialect, time as string));
    const start = `(${bind(startBefore(at, slide as string, startTime as string))} - i * ${slide})`;
    const count = `CAST(ceil(${width} / ${slide}) AS BIGINT)`;
    const holds = `${at} < ${start} + ${width}`;
    const each = windowFrom(dialect, start, width as string, args[0] as DataType);
    return dialect === "duckdb"
      ? `list_transform(list_filter(range(${count}), lambda i: ${holds}), lambda i: ${each})`
      : `transform(filter(sequence(0L, ${count} - 1L), i -> ${holds}), i -> ${each})`;
  }),
};

export const timeWindows = [tumbling, sliding] as const satisfies readonly ScalarFunction[];

/** A time, so many lengths, and the start time. */
function windowRule(lengths: number, result: (time: DataType) => DataType): TypeRule {
  const long = ["long"] as const;
  return exactly([["timestamp", "timestamp_ntz"], ...Array.from({ length: lengths + 1 }, () => long)], ([time]) =>
    result(time as DataType),
  );
}

function windowOf(time: DataType): StructType {
  return { kind: "struct", fields: { start: { type: time, nullable: true }, end: { type: time, nullable: true } } };
}

function lengthProblem(...lengths: readonly [width: unknown, step: unknown, startTime: unknown]): string | undefined {
  if (lengths.some((each) => each === undefined || each === null)) return "needs its lengths of time as literals";
  const [width, step, startTime] = lengths.map(Number) as [number, number, number];
  if (width < 1 || step < 1) return "needs lengths of time above 0";
  if (step > width) return "needs a slide that is not longer than the window, or rows would be in no window";
  if (Math.abs(startTime) >= step) return "needs a start time that is shorter than its step";
  return width / step > windowsPerRowMax ? `would put each row into more than ${windowsPerRowMax} windows` : undefined;
}

interface WindowContext extends SpellingContext {
  readonly dialect: Dialect;
}

/** One spelling for both dialects; NULL where the time is. */
function spelled(spell: (args: readonly string[], context: WindowContext) => string): ScalarFunction["sql"] {
  const of =
    (dialect: Dialect): Spelling =>
    (args, context) =>
      `CASE WHEN ${args[0]} IS NOT NULL THEN ${spell(args, { ...context, dialect })} END`;
  return { duckdb: of("duckdb"), spark: of("spark") };
}

function micros(dialect: Dialect, time: string): string {
  return dialect === "duckdb" ? `epoch_us(${time})` : `unix_micros(CAST(${time} AS timestamp))`;
}

/** The last start that is not after a moment. A remainder has its dividend's sign in both dialects, so it is made positive. */
function startBefore(at: string, step: string, startTime: string): string {
  return `(${at} - ((${at} - ${startTime}) % ${step} + ${step}) % ${step})`;
}

function windowFrom(dialect: Dialect, start: string, width: string, type: DataType): string {
  const moment = (micros: string): string => {
    const hasZone = type.kind === "timestamp";
    if (dialect === "duckdb") return `${hasZone ? "make_timestamptz" : "make_timestamp"}(${micros})`;
    return hasZone ? `timestamp_micros(${micros})` : `CAST(timestamp_micros(${micros}) AS timestamp_ntz)`;
  };
  return dialect === "duckdb"
    ? `{'start': ${moment(start)}, 'end': ${moment(`${start} + ${width}`)}}`
    : `named_struct('start', ${moment(start)}, 'end', ${moment(`${start} + ${width}`)})`;
}
