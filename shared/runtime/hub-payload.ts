/**
 * The Event Hubs trigger's payload as events. The host passes numbers as number, text or {low, high}, runs offsets and keys through JSON and
 * drops empty entries: what it says of each event is therefore read from `systemPropertiesArray`, and normalised.
 */
import { z } from "zod";
import { DyneError } from "../core/index.ts";
import type { HubEvent } from "../sources/index.ts";

const longLike = z
  .union([
    z.number(),
    z.string().regex(/^\d+$/).transform(Number),
    z.object({ low: z.number(), high: z.number() }).transform(({ low, high }) => high * 2 ** 32 + (low >>> 0)),
  ])
  .refine((value) => Number.isSafeInteger(value) && value >= 0);

const metadata = z.object({
  partitionContext: z.object({ partitionId: z.union([z.string(), z.number()]).transform(String) }),
  systemPropertiesArray: z.array(
    z.object({
      sequenceNumber: longLike,
      offset: z.union([z.string(), z.number()]).transform(String),
      partitionKey: z.string().nullish(),
      enqueuedTimeUtc: z.string(),
    }),
  ),
  propertiesArray: z.array(z.record(z.string(), z.unknown())),
});

/** A trigger's batch: all of one partition, in order. */
export interface HubPayload {
  readonly partition: string;
  readonly events: readonly HubEvent[];
}

/** The partition that a payload came from, which is all that a doorbell needs. Throws INVALID_MESSAGE where even that cannot be told. */
export function readHubPartition(triggerMetadata: unknown): string {
  const parsed = metadata.pick({ partitionContext: true }).safeParse(triggerMetadata);
  if (parsed.success) return parsed.data.partitionContext.partitionId;
  throw new DyneError(
    "INVALID_MESSAGE",
    "The Event Hubs trigger did not say which partition its events are of. Set cardinality many.",
    { cause: parsed.error },
  );
}

/** Reads a payload. Throws INVALID_MESSAGE where bodies and metadata do not belong together. */
export function readHubPayload(bodies: unknown, triggerMetadata: unknown): HubPayload {
  const parsed = metadata.safeParse(triggerMetadata);
  if (!parsed.success || !Array.isArray(bodies)) {
    throw new DyneError(
      "INVALID_MESSAGE",
      "The Event Hubs trigger gave a payload of an unknown form. Set cardinality many and dataType binary.",
      { cause: parsed.error },
    );
  }
  const { systemPropertiesArray, propertiesArray, partitionContext } = parsed.data;
  if (systemPropertiesArray.length !== bodies.length || propertiesArray.length !== bodies.length) {
    throw new DyneError(
      "INVALID_MESSAGE",
      `The Event Hubs trigger gave ${bodies.length} bodies, system properties of ${systemPropertiesArray.length} events and properties of ${propertiesArray.length}.`,
    );
  }
  const events = systemPropertiesArray.map((system, index): HubEvent => {
    const properties = propertiesArray[index];
    return {
      body: bodyBytes(bodies[index]),
      sequenceNumber: system.sequenceNumber,
      offset: system.offset,
      enqueuedTimeUs: enqueuedMicros(system.enqueuedTimeUtc),
      partitionKey: system.partitionKey || null,
      properties: properties !== undefined && Object.keys(properties).length > 0 ? properties : null,
    };
  });
  return { partition: partitionContext.partitionId, events };
}

function bodyBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new DyneError(
    "INVALID_MESSAGE",
    "An event's body is not bytes. Set dataType binary on the trigger, or bodies lose bytes on their way.",
  );
}

/** The host leaves the Z out at times; the time is UTC all the same. A hub knows milliseconds, so that is what is kept of it. */
function enqueuedMicros(text: string): bigint {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(?:Z|[+]00:00)?$/.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}.${(match[2] ?? "").padEnd(3, "0").slice(0, 3)}Z`);
  if (Number.isNaN(ms)) throw new DyneError("INVALID_MESSAGE", `"${text}" is not an enqueued time.`);
  return BigInt(ms) * 1000n;
}
