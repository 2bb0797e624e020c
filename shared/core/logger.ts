/** Fields of a log line: plain data, never secrets, never row contents beyond a bounded sample. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the engine reports what it does. `runtime` decides where lines go. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A logger that says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
