import type { Clock, LogFields, Logger } from "../../shared/core/index.ts";

/** The levels of a log, the most talkative first. */
export const logLevels = ["debug", "info", "warn", "error"] as const satisfies readonly (keyof Logger)[];

/** One of them. */
export type LogLevel = (typeof logLevels)[number];

/** A logger that writes one JSON object per line, `{"time","level","message",…fields}`, from `minimum` on. */
export function jsonLinesLogger(write: (line: string) => void, clock: Clock, minimum: LogLevel): Logger {
  const log = (level: LogLevel) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(minimum)) return () => {};
    return (message: string, fields: LogFields = {}) =>
      write(`${JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), level, message, ...fields })}\n`);
  };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}
