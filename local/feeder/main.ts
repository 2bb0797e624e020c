/**
 * The feeder of the sample's flights as a process of its own: `node main.ts '<config>'`, where the configuration is one
 * JSON object
 *
 *     {"connectionString": "…", "hub": "flights", "partitions": 4, "seed": 1, "events": 100000, "rate": 2500}
 *
 * Prints `{"sent":…,"next":[…]}` about once a second, and `{"done":true,"sent":…,"next":[…]}` when the hub holds the plan.
 * It stops on SIGTERM, on SIGINT, and when its standard input is closed; started again, it goes on.
 */
import { z } from "zod";
import { systemClock } from "../../shared/core/clock.ts";
import type { Logger } from "../../shared/core/logger.ts";
import { runFeeder } from "./feeder.ts";
import type { FeederProgress } from "./feeder.ts";
import { planFlights } from "./flights-plan.ts";

const configuration = z.strictObject({
  connectionString: z.string().min(1),
  hub: z.string().min(1),
  partitions: z.number().int().positive(),
  seed: z.number().int(),
  events: z.number().int().nonnegative(),
  rate: z.union([z.number().positive(), z.literal("max")]),
  sendTimeoutMs: z.number().positive().optional(),
});

const progressMs = 1_000;

const logger: Logger = {
  debug() {},
  info: (message, fields) => writeLog("info", message, fields),
  warn: (message, fields) => writeLog("warn", message, fields),
  error: (message, fields) => writeLog("error", message, fields),
};

function writeLog(level: string, message: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  const { seed, events, ...settings } = configuration.parse(JSON.parse(process.argv[2] ?? "{}"));
  const { partitions } = settings;
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once("SIGTERM", end).once("SIGINT", end);
  process.stdin.once("end", end).once("close", end).once("error", end).resume();

  let printedAtMs = systemClock.nowMs();
  const onProgress = (progress: FeederProgress) => {
    if (systemClock.nowMs() - printedAtMs < progressMs) return;
    printedAtMs = systemClock.nowMs();
    print(progress);
  };
  const plan = (from: readonly number[]) => planFlights({ seed, events, partitions, from });
  const result = await runFeeder({ ...settings, plan, clock: systemClock, logger, onProgress, signal: stop.signal });
  print({ done: !stop.signal.aborted, ...result });
  process.stdin.destroy();
}

try {
  await main();
} catch (error) {
  writeLog("error", error instanceof Error ? error.message : String(error));
  process.exit(1);
}
