/**
 * `host.json`, the parts that decide how triggers behave, with the defaults of the real host.
 *
 *   { "version": "2.0",
 *     "extensions": {
 *       "eventHubs": { "maxEventBatchSize": 1000, "minEventBatchSize": 1, "maxWaitTime": "00:00:05" },
 *       "queues": { "maxPollingInterval": "00:00:01", "batchSize": 2, "newBatchThreshold": 0, "visibilityTimeout": "00:00:30", "maxDequeueCount": 5 },
 *       "http": { "routePrefix": "api", "maxOutstandingRequests": -1, "customHeaders": { "X-Content-Type-Options": "nosniff" } } } }
 *
 * Source: learn.microsoft.com/azure/azure-functions/functions-host-json, functions-bindings-event-hubs,
 * functions-bindings-storage-queue, functions-bindings-http-webhook.
 */
import { validateHeaderName, validateHeaderValue } from "node:http";

import { z } from "zod";

import { DyneError } from "../../shared/core/index.ts";

const timeSpanPattern = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(\.\d{1,7})?$/;

/** A .NET time span, `[d.]hh:mm:ss[.fffffff]`, in milliseconds. */
const timeSpanMs = z.string().transform((text, context): number => {
  const found = timeSpanPattern.exec(text);
  if (!found) {
    context.addIssue({ code: "custom", message: `"${text}" is not a time span such as "00:00:05"` });
    return z.NEVER;
  }
  const [, days = "0", hours, minutes, seconds, fraction = "0"] = found;
  return (
    (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 +
    Number(fraction) * 1000
  );
});

const eventHubsSchema = z.object({
  maxEventBatchSize: z.int().min(1).max(10_000).default(100),
  minEventBatchSize: z.int().min(1).default(1),
  maxWaitTime: timeSpanMs.default(60_000),
  batchCheckpointFrequency: z.int().min(1).default(1),
  initialOffsetOptions: z
    .object({
      type: z.enum(["fromStart", "fromEnd", "fromEnqueuedTime"]).default("fromStart"),
      enqueuedTimeUtc: z.string().optional(),
    })
    .default({ type: "fromStart" }),
});

const queuesSchema = z
  .object({
    maxPollingInterval: timeSpanMs.default(60_000),
    visibilityTimeout: timeSpanMs.default(0),
    batchSize: z.int().min(1).max(32).default(16),
    maxDequeueCount: z.int().min(1).default(5),
    newBatchThreshold: z.int().min(0).optional(),
    messageEncoding: z.enum(["base64", "none"]).default("base64"),
  })
  .transform((queues) => ({
    ...queues,
    newBatchThreshold: queues.newBatchThreshold ?? Math.floor(queues.batchSize / 2),
  }));

const httpSchema = z.object({
  /** What all routes begin with; empty for none. */
  routePrefix: z
    .string()
    .regex(/^[^/].*[^/]$|^[^/]?$/, "A route prefix is written without a slash at its ends")
    .default("api"),
  /** Requests beyond it are answered with 429; -1 for no bound, as on the Flex Consumption plan. */
  maxOutstandingRequests: z.int().min(-1).default(-1),
  customHeaders: z
    .record(z.string().refine(isHeaderName, "not a header's name"), z.string().refine(isHeaderValue, "not sendable"))
    .default({}),
});

function isHeaderName(name: string): boolean {
  return passes(() => validateHeaderName(name));
}

function isHeaderValue(value: string): boolean {
  return passes(() => validateHeaderValue("value", value));
}

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

const hostJsonSchema = z.object({
  version: z.literal("2.0"),
  extensions: z
    .object({
      eventHubs: eventHubsSchema.prefault({}),
      queues: queuesSchema.prefault({}),
      http: httpSchema.prefault({}),
    })
    .prefault({}),
});

/** The parsed file; time spans are in milliseconds. */
export type HostJson = z.output<typeof hostJsonSchema>;

/** Reads the parsed JSON of a `host.json`. Errors: `INVALID_SETTING`, naming the field. */
export function parseHostJson(json: unknown): HostJson {
  const parsed = hostJsonSchema.safeParse(json);
  if (!parsed.success)
    throw new DyneError("INVALID_SETTING", `host.json is not valid: ${z.prettifyError(parsed.error)}`);
  const { minEventBatchSize, maxEventBatchSize } = parsed.data.extensions.eventHubs;
  if (minEventBatchSize > maxEventBatchSize) {
    throw new DyneError("INVALID_SETTING", "host.json is not valid: minEventBatchSize is above maxEventBatchSize.");
  }
  return parsed.data;
}
