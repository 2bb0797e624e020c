import { systemClock, type Clock, type Logger, type LogFields } from "../core/index.ts";

const levels = ["debug", "info", "warn", "error"] as const;
type Level = (typeof levels)[number];

/** Lines of JSON, from a level on, to a sink such as stderr. */
export function jsonLogger(from: Level, write: (line: string) => void, clock: Clock = systemClock): Logger {
  const log =
    (level: Level) =>
    (message: string, fields: LogFields = {}) => {
      if (levels.indexOf(level) < levels.indexOf(from)) return;
      write(
        `${JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), level, message, ...fields }, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))}\n`,
      );
    };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}
