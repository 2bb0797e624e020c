/**
 * A Functions host as a process of its own.
 *
 *   node local/functions-host/main.ts '{"hostJson": "/app/host.json", "settings": {"EVENTS": "Endpoint=…"}, "entries": ["/app/functions/hub.ts"]}'
 *
 * Standard output has one line,
 *
 *   {"ready":true,"functions":["hub-events","status"],"http":"http://127.0.0.1:7072","api":"http://127.0.0.1:7072/api"}
 *
 * without `http` and `api` where no function has an HTTP trigger; standard error has the log as JSON lines.
 * It stops in good order on SIGTERM, and when its standard input ends: start it with a pipe there and keep it open, so
 * that it cannot outlive who started it. It ends with 0, or with 1 if the app could not start.
 */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { z } from "zod";

import { systemClock, systemRandom } from "../../shared/core/index.ts";
import { awaitLock } from "../ownership/index.ts";
import { startFunctionsHost } from "./functions-host.ts";
import { jsonLinesLogger, logLevels } from "./json-lines-logger.ts";

const configSchema = z.object({
  /** Path of host.json. */
  hostJson: z.string().min(1),
  /** Application settings; they become environment variables before the app is loaded, as in the real host. */
  settings: z.record(z.string(), z.string()),
  /** Absolute paths of the modules that register functions. */
  entries: z.array(z.string().min(1)).min(1),
  /** The file that says whose the app's folder is; its owner is waited for. */
  lock: z.string().min(1).optional(),
  /** Where the HTTP functions listen, on loopback; 0 takes any port that is free. */
  httpPort: z.int().min(0).max(65_535).default(0),
  /** Run every timer once at the start. */
  pastDue: z.boolean().default(false),
  /** The least important lines that are written. */
  logLevel: z.enum(logLevels).default("info"),
});

/** What the process is told by its one argument, as JSON. */
export type FunctionsHostConfig = z.input<typeof configSchema>;

const writeLine = (line: string): boolean => process.stderr.write(line);

async function run(): Promise<void> {
  const config = configSchema.parse(JSON.parse(process.argv[2] ?? ""));
  const logger = jsonLinesLogger(writeLine, systemClock, config.logLevel);
  Object.assign(process.env, config.settings);
  const stopped = stopRequested();
  await using _lock = config.lock === undefined ? undefined : await awaitLock(config.lock);
  await using host = await startFunctionsHost({
    hostJson: JSON.parse(await readFile(config.hostJson, "utf8")),
    settings: config.settings,
    load: async () => {
      for (const entry of config.entries) await import(pathToFileURL(entry).href);
    },
    pastDue: config.pastDue,
    http: { port: config.httpPort },
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  process.stdout.write(
    `${JSON.stringify({ ready: true, functions: host.functions, http: host.http, api: host.api })}\n`,
  );
  logger.info("The Functions host stops.", { reason: await stopped });
}

/** Resolves with the reason when the process is to stop. */
function stopRequested(): Promise<string> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    // Ctrl-C reaches every process of the terminal; who started this one decides the order in which they stop.
    process.on("SIGINT", () => {});
    process.stdin.once("end", () => resolve("standard input ended"));
    process.stdin.once("error", () => resolve("standard input failed"));
    process.stdin.resume();
  });
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
try {
  await run();
  process.exit(0);
} catch (error) {
  jsonLinesLogger(writeLine, systemClock, "error").error("The Functions host could not start.", {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  process.exit(1);
}
