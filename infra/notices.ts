/**
 * Notices of new blobs (docs/adr/0007): Event Grid writes what happens in the account `lake` into the queue `notices`, whose messages start
 * Functions. What it cannot deliver within a day goes to the container `dead-letter` of the account `host`; the sweep finds what was lost.
 */
import { SystemTopic } from "@pulumi/azure-native/eventgrid/systemTopic.js";
import { SystemTopicEventSubscription } from "@pulumi/azure-native/eventgrid/systemTopicEventSubscription.js";
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { RunError, type Resource } from "@pulumi/pulumi";
import { noticesRights } from "./access.ts";
import type { Place } from "./place.ts";
import type { RoleSpread } from "./role-spread.ts";
import { assignRoles } from "./roles.ts";
import type { HostAccount, LakeAccount } from "./storage.ts";

const queueName = "notices";

/**
 * The calls after which a blob is whole. A file that is written through the DFS endpoint is created empty (CreateFile), then flushed; Spark
 * commits to a table by renaming.
 */
const completing = {
  key: "data.api",
  operatorType: "StringIn",
  values: ["CopyBlob", "FlushWithClose", "PutBlob", "PutBlockList", "RenameFile"],
} as const;

const inContainer = (name: string) => `/blobServices/default/containers/${name}/blobs/`;

/** Files that land, for the tables that are fed by them. */
const landing = { subjectBeginsWith: inContainer("landing"), advancedFilters: [completing] } as const;

/** Commits to any table of the lake, by whomever. One subscription for all: the filters of a topic are few, and the code knows its tables. */
const commits = {
  subjectBeginsWith: inContainer("lake"),
  subjectEndsWith: ".json",
  advancedFilters: [{ key: "subject", operatorType: "StringContains", values: ["/_delta_log/"] }, completing],
} as const;

/** Makes topic and subscriptions, the rights of their identity before them. Without tables that are fed by files, nothing tells of landed ones. */
export function makeNotices(
  place: Place,
  accounts: { readonly host: HostAccount; readonly lake: LakeAccount },
  options: { readonly identity: UserAssignedIdentity; readonly landsFiles: boolean; readonly spread: RoleSpread },
): void {
  const { host, lake } = accounts;
  const { identity, landsFiles, spread } = options;
  const queue = host.queues[queueName];
  if (queue === undefined) {
    throw new RunError(`The manifest has no queue "${queueName}", so no blob could start anything.`);
  }
  const roles = assignRoles(
    place,
    { name: "notices", identity },
    noticesRights(host, { name: queueName, scope: queue.id }),
    spread,
  );
  const topic = new SystemTopic("notices", {
    ...place.located,
    systemTopicName: place.names.noticesTopic,
    topicType: "Microsoft.Storage.StorageAccounts",
    source: lake.account.id,
    identity: { type: "UserAssigned", userAssignedIdentities: identity.id.apply((id) => ({ [id]: {} })) },
  });
  const route = { host, identity, topic, spread, dependsOn: [queue, host.containers["dead-letter"], ...roles] };
  if (landsFiles) subscribe(place, "landing", landing, route);
  subscribe(place, "commits", commits, route);
}

interface Route {
  readonly host: HostAccount;
  readonly identity: UserAssignedIdentity;
  readonly topic: SystemTopic;
  readonly spread: RoleSpread;
  readonly dependsOn: Resource[];
}

function subscribe(place: Place, name: string, filter: typeof landing | typeof commits, route: Route): void {
  const { host, identity, topic, spread, dependsOn } = route;
  const by = { type: "UserAssigned", userAssignedIdentity: identity.id };
  const resourceId = host.account.id;
  new SystemTopicEventSubscription(
    `notices/${name}`,
    {
      ...place.within,
      systemTopicName: topic.name,
      eventSubscriptionName: name,
      eventDeliverySchema: "EventGridSchema",
      filter: {
        ...filter,
        advancedFilters: filter.advancedFilters.map(({ values, ...rest }) => ({ ...rest, values: [...values] })),
        includedEventTypes: ["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed"],
      },
      deliveryWithResourceIdentity: {
        identity: by,
        destination: {
          endpointType: "StorageQueue",
          resourceId,
          queueName,
          queueMessageTimeToLiveInSeconds: 7 * 86_400,
        },
      },
      deadLetterWithResourceIdentity: {
        identity: by,
        deadLetterDestination: { endpointType: "StorageBlob", resourceId, blobContainerName: "dead-letter" },
      },
      retryPolicy: { eventTimeToLiveInMinutes: 1_440, maxDeliveryAttempts: 30 },
    },
    { dependsOn, hooks: { beforeCreate: [spread.isAwaited] } },
  );
}
