/** The namespace with a hub for each that the pipelines read. Nobody sends or reads with a key. */
import { ConsumerGroup } from "@pulumi/azure-native/eventhub/consumerGroup.js";
import { EventHub } from "@pulumi/azure-native/eventhub/eventHub.js";
import { Namespace } from "@pulumi/azure-native/eventhub/namespace.js";
import type { Output } from "@pulumi/pulumi";
import type { Hub } from "./demand.ts";
import type { Place } from "./place.ts";

export interface EventHubs {
  readonly fullyQualifiedNamespace: Output<string>;
  /** By name. */
  readonly hubs: Readonly<Record<string, EventHub>>;
  readonly consumerGroups: readonly ConsumerGroup[];
}

/** The longest that the tier Standard keeps events, at no price of its own: so long may a flow stand still and lose nothing. */
const retentionTimeInHours = 7 * 24;

/** Makes namespace, hubs and consumer groups. */
export function makeEventHubs(place: Place, demanded: readonly Hub[], throughputUnits: number): EventHubs {
  const namespace = new Namespace(
    "event-hubs",
    {
      ...place.located,
      namespaceName: place.names.eventHubs,
      sku: { name: "Standard", tier: "Standard", capacity: throughputUnits },
      disableLocalAuth: true,
      minimumTlsVersion: "1.2",
    },
    place.keep,
  );
  const hubs: Record<string, EventHub> = {};
  const consumerGroups: ConsumerGroup[] = [];
  for (const { name, partitions, consumerGroups: groups } of demanded) {
    const hub = makeHub(place, namespace, { name, partitions });
    hubs[name] = hub;
    for (const consumerGroupName of groups) {
      const args = { ...place.within, namespaceName: namespace.name, eventHubName: hub.name, consumerGroupName };
      consumerGroups.push(new ConsumerGroup(`hub/${name}/${consumerGroupName}`, args));
    }
  }
  const fullyQualifiedNamespace = namespace.serviceBusEndpoint.apply((endpoint) => new URL(endpoint).hostname);
  return { fullyQualifiedNamespace, hubs, consumerGroups };
}

function makeHub(place: Place, namespace: Namespace, { name, partitions }: Pick<Hub, "name" | "partitions">): EventHub {
  return new EventHub(
    `hub/${name}`,
    {
      ...place.within,
      namespaceName: namespace.name,
      eventHubName: name,
      partitionCount: partitions,
      retentionDescription: { cleanupPolicy: "Delete", retentionTimeInHours },
    },
    place.keep,
  );
}
