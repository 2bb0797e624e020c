/** Processes of the local platform: told what to do by one JSON argument, ready when they print one JSON line, gone when we are gone. */
import { spawn, type ChildProcess } from "node:child_process";
import { DyneError, followLines, limits, sentence } from "../../shared/core/index.ts";

export interface ChildOptions {
  /** For messages. */
  readonly name: string;
  /** Absolute path of the entry module. */
  readonly entry: string;
  readonly config: unknown;
  /** Where it works; our own folder otherwise. */
  readonly directory?: string;
  readonly heapMb?: number;
  /** Variables that have to be there before the process begins, beside those that every child gets. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Every line that the process writes to its standard error. */
  readonly onLog: (line: string) => void;
  /** Every JSON line of its standard output after the first. */
  readonly onLine?: (line: Readonly<Record<string, unknown>>) => void;
}

/** A running child; disposing of it asks it to stop and waits. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The first line that it printed. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves with the exit code when it has ended. */
  readonly exited: Promise<number | null>;
}

const readyLimitMs = 60_000;
const stopLimitMs = 20_000;
const lastLinesMax = 20;
const lastWordsMs = 1_000;

/** Starts a process and waits for its first line. Throws STORAGE_UNAVAILABLE with its last words where it ends before that. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const heap = options.heapMb === undefined ? [] : [`--max-old-space-size=${options.heapMb}`];
  const child = spawn(process.execPath, [...heap, options.entry, JSON.stringify(options.config)], {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: options.directory,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      TMPDIR: process.env["TMPDIR"] ?? "",
      NODE_NO_WARNINGS: "1",
      ...options.environment,
    },
    detached: true,
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  const ready = firstLine(child, options);
  // Who stops is not to be brought down by a pipe that is closed already.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on("error", () => undefined);
  try {
    return { pid: child.pid ?? 0, ready: await ready, exited, [Symbol.asyncDispose]: () => stop(child, exited) };
  } catch (error) {
    await stop(child, exited);
    throw error;
  }
}

function firstLine(child: ChildProcess, options: ChildOptions): Promise<Readonly<Record<string, unknown>>> {
  const lastLines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const fail = (reason: string) =>
    reject(
      new DyneError(
        "STORAGE_UNAVAILABLE",
        `${options.name} did not start: ${sentence(reason)} Its last words: ${lastLines.join(" | ") || "none"}`,
      ),
    );
  const timer = setTimeout(() => fail(`it was not ready after ${readyLimitMs / 1000} s`), readyLimitMs);
  let isReady = false;
  const hear = (line: string) => {
    const value = parse(line);
    if (value === undefined) return;
    if (isReady) return options.onLine?.(value);
    isReady = true;
    clearTimeout(timer);
    resolve(value);
  };
  const log = (line: string) => {
    if (lastLines.push(line) > lastLinesMax) lastLines.shift();
    options.onLog(line);
  };
  const leaveOut = (error: DyneError) => log(`A line of ${options.name} is left out: ${error.message}`);
  if (child.stdout !== null) followLines(child.stdout, limits.lineBytes, hear, leaveOut);
  if (child.stderr !== null) followLines(child.stderr, limits.lineBytes, log, leaveOut);
  child.once("error", (error) => fail(error.message));
  child.once("exit", (code, signal) => {
    clearTimeout(timer);
    const ended = () => fail(`it ended with ${code ?? signal}`);
    // What it said last may still be in its pipes, which somebody else may hold open for ever.
    child.once("close", ended);
    setTimeout(ended, lastWordsMs).unref();
  });
  return promise;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopLimitMs);
  await exited;
  clearTimeout(timer);
}
