import type { ReceivedEventData } from "@azure/event-hubs";

import type { Random } from "../../shared/core/index.ts";
import { jsonData, longInForm, type RpcMetadata, type RpcTypedData } from "./rpc-data.ts";

/** Where a batch comes from. */
export interface EventHubPlace {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
}

/** The bodies of a batch, byte for byte: what a trigger of cardinality many with `dataType: "binary"` is given. */
export function eventHubData(events: readonly ReceivedEventData[]): RpcTypedData {
  return { collectionBytes: { bytes: events.map(bodyBytes) } };
}

/**
 * The binding data of a batch, with the losses of the real host: empty partition keys are left out of their array, and
 * the worker parses offsets and keys as JSON. Forms that differ from worker to worker (64-bit integers, the Z of a
 * time) are drawn from `random` per batch, so that a handler has to cope with all of them.
 * Source: github.com/Azure/azure-sdk-for-net, EventHubTriggerBindingStrategy.AddBindingData.
 */
export function eventHubMetadata(
  place: EventHubPlace,
  events: readonly ReceivedEventData[],
  random: Random,
): RpcMetadata {
  const form = (["number", "string", "long"] as const)[Math.floor(random.next() * 3)] ?? "number";
  const zone = random.next() < 0.25 ? "" : "Z";
  const time = (event: ReceivedEventData): string => event.enqueuedTimeUtc.toISOString().replace(/\.?0*Z$/, zone);
  return {
    PartitionKeyArray: {
      collectionString: { string: events.map((event) => event.partitionKey ?? "").filter((key) => key !== "") },
    },
    OffsetArray: { collectionString: { string: events.map((event) => event.offset) } },
    SequenceNumberArray: {
      collectionSint64: { sint64: events.map((event) => longInForm(event.sequenceNumber, form)) },
    },
    EnqueuedTimeUtcArray: jsonData(events.map(time)),
    PropertiesArray: jsonData(events.map((event) => event.properties ?? {})),
    SystemPropertiesArray: jsonData(
      events.map((event) => ({
        ...event.systemProperties,
        SequenceNumber: event.sequenceNumber,
        Offset: event.offset,
        PartitionKey: event.partitionKey,
        EnqueuedTimeUtc: time(event),
      })),
    ),
    PartitionContext: jsonData({
      FullyQualifiedNamespace: place.fullyQualifiedNamespace,
      EventHubName: place.eventHubName,
      ConsumerGroup: place.consumerGroup,
      PartitionId: place.partitionId,
    }),
  };
}

function bodyBytes(event: ReceivedEventData): Uint8Array {
  const body = event.body as unknown;
  if (body instanceof Uint8Array) return body;
  // Bodies of AMQP value or sequence sections have no bytes of their own; the host shows them as JSON.
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? null));
}
