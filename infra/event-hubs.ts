/** The namespace with a hub for each that the pipelines read, and what lies in it kept as files. Nobody sends or reads with a key. */
import { ConsumerGroup } from "@pulumi/azure-native/eventhub/consumerGroup.js";
import { EventHub } from "@pulumi/azure-native/eventhub/eventHub.js";
import { getNamespace } from "@pulumi/azure-native/eventhub/getNamespace.js";
import { NamespaceNetworkRuleSet } from "@pulumi/azure-native/eventhub/namespaceNetworkRuleSet.js";
import { Namespace } from "@pulumi/azure-native/eventhub/namespace.js";
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import {
  CaptureIdentityType,
  CleanupPolicyRetentionDescription,
  DefaultAction,
  EncodingCaptureDescription,
  ManagedServiceIdentityType,
  PublicNetworkAccess,
  PublicNetworkAccessFlag,
  SkuName,
  SkuTier,
  TlsVersion,
} from "@pulumi/azure-native/types/enums/eventhub/index.js";
import type { Output, Resource } from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import type { Hub } from "./demand.ts";
import type { Place } from "./place.ts";
import type { RoleSpread } from "./role-spread.ts";
import type { LakeAccount } from "./storage.ts";

export interface EventHubs {
  readonly namespace: Namespace;
  readonly fullyQualifiedNamespace: Output<string>;
  /** By name. */
  readonly hubs: Readonly<Record<string, EventHub>>;
  readonly consumerGroups: readonly ConsumerGroup[];
}

/** Who writes what the hubs hold into the lake, once its roles have spread. */
export interface Capture {
  readonly identity: UserAssignedIdentity;
  readonly lake: LakeAccount;
  readonly dependsOn: readonly Resource[];
  readonly spread: RoleSpread;
}

/** The hub comes first, so that a folder of the container `capture` is a hub. Azure wants all of these parts. */
const archiveNameFormat = "{EventHub}/{Namespace}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}";

/** Makes namespace, hubs and consumer groups, or nothing where no hub is read; without `capture`, what a hub forgets is gone. */
export function makeEventHubs(
  place: Place,
  config: Config,
  demanded: readonly Hub[],
  capture: Capture | undefined,
): EventHubs | undefined {
  if (demanded.length === 0) return undefined;
  const namespace = makeNamespace(place, config, capture?.identity);
  if (config.network) closeToOutside(place, namespace);
  const hubs: Record<string, EventHub> = {};
  const consumerGroups: ConsumerGroup[] = [];
  for (const { name, partitions, consumerGroups: groups } of demanded) {
    const hub = makeHub(place, config, { namespace, name, partitions, capture });
    hubs[name] = hub;
    for (const consumerGroupName of groups) {
      const args = { ...place.within, namespaceName: namespace.name, eventHubName: hub.name, consumerGroupName };
      consumerGroups.push(new ConsumerGroup(`hub/${name}/${consumerGroupName}`, args, place.options));
    }
  }
  const fullyQualifiedNamespace = namespace.serviceBusEndpoint.apply((endpoint) => new URL(endpoint).hostname);
  return { namespace, fullyQualifiedNamespace, hubs, consumerGroups };
}

function makeNamespace(place: Place, config: Config, captures: UserAssignedIdentity | undefined): Namespace {
  const { eventHubsTier, processingUnits = 1, throughputUnits = 1, maximumThroughputUnits = 0 } = config;
  const isPremium = eventHubsTier === "Premium";
  const inflates = maximumThroughputUnits > throughputUnits;
  const units = inflates ? grownUnits(place, config, throughputUnits, maximumThroughputUnits) : throughputUnits;
  return new Namespace(
    "event-hubs",
    {
      ...place.located,
      namespaceName: place.names.eventHubs,
      sku: {
        name: SkuName[eventHubsTier],
        tier: SkuTier[eventHubsTier],
        capacity: isPremium ? processingUnits : units,
      },
      disableLocalAuth: true,
      minimumTlsVersion: TlsVersion.TlsVersion_1_2,
      ...(config.network && { publicNetworkAccess: PublicNetworkAccess.Disabled }),
      // Throughput grows by itself and never shrinks: Azure has no deflation.
      ...(inflates && { isAutoInflateEnabled: true, maximumThroughputUnits }),
      ...(captures !== undefined && {
        identity: { type: ManagedServiceIdentityType.UserAssigned, userAssignedIdentities: [captures.id] },
      }),
    },
    place.keep,
  );
}

/**
 * The throughput units that a namespace has grown to by itself, which an update of anything else about it would take away again; the least
 * where it is not made yet. Throws what Azure says where it cannot tell.
 */
async function grownUnits(place: Place, config: Config, least: number, most: number): Promise<number> {
  const resourceGroupName = config.existingResourceGroup ?? place.names.resourceGroup;
  try {
    const { sku } = await getNamespace({ resourceGroupName, namespaceName: place.names.eventHubs });
    return Math.min(most, Math.max(least, sku?.capacity ?? least));
  } catch (error) {
    if (/\b404\b|NotFound/.test(String(error))) return least;
    throw error;
  }
}

/** Senders need a way into the network, or a network of their own beside it. */
function closeToOutside(place: Place, namespace: Namespace): void {
  new NamespaceNetworkRuleSet(
    "event-hubs/network",
    {
      ...place.within,
      namespaceName: namespace.name,
      defaultAction: DefaultAction.Deny,
      publicNetworkAccess: PublicNetworkAccessFlag.Disabled,
      trustedServiceAccessEnabled: true,
    },
    place.options,
  );
}

function makeHub(
  place: Place,
  config: Config,
  {
    namespace,
    name,
    partitions,
    capture,
  }: Pick<Hub, "name" | "partitions"> & { readonly namespace: Namespace; readonly capture: Capture | undefined },
): EventHub {
  return new EventHub(
    `hub/${name}`,
    {
      ...place.within,
      namespaceName: namespace.name,
      eventHubName: name,
      partitionCount: partitions,
      retentionDescription: {
        cleanupPolicy: CleanupPolicyRetentionDescription.Delete,
        retentionTimeInHours: config.hubRetentionHours,
      },
      ...(capture !== undefined && { captureDescription: captured(config, capture) }),
    },
    capture === undefined
      ? place.keep
      : {
          ...place.keep,
          dependsOn: [...capture.dependsOn],
          // A hub that is captured from now on needs the role as much as one that is made.
          hooks: { beforeCreate: [capture.spread.isAwaited], beforeUpdate: [capture.spread.isAwaited] },
        },
  );
}

/** Avro files in the container `capture`, written by an identity; without one Azure would make a shared access signature from the account's key. */
function captured({ captureMinutes, captureMegabytes }: Config, { identity, lake }: Capture) {
  return {
    enabled: true,
    encoding: EncodingCaptureDescription.Avro,
    intervalInSeconds: captureMinutes * 60,
    sizeLimitInBytes: captureMegabytes * 1024 * 1024,
    skipEmptyArchives: true,
    destination: {
      name: "EventHubArchive.AzureBlockBlob",
      storageAccountResourceId: lake.account.id,
      blobContainer: lake.containers.capture.name,
      archiveNameFormat,
      identity: { type: CaptureIdentityType.UserAssigned, userAssignedIdentity: identity.id },
    },
  };
}
