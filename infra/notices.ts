/**
 * Notices of new blobs (docs/adr/0007): Event Grid writes what happens in the account `lake` into the queue `notices`, whose messages start
 * Functions. What it cannot deliver within a day goes to the container `dead-letter` of the account `host`; the sweep finds what was lost.
 */
import { SystemTopic } from "@pulumi/azure-native/eventgrid/systemTopic.js";
import { SystemTopicEventSubscription } from "@pulumi/azure-native/eventgrid/systemTopicEventSubscription.js";
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import {
  EventDeliverySchema,
  EventSubscriptionIdentityType,
  IdentityType,
} from "@pulumi/azure-native/types/enums/eventgrid/index.js";
import { RunError, type Input, type Output, type Resource } from "@pulumi/pulumi";
import { noticesRights } from "./access.ts";
import type { Config } from "./config.ts";
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

/** The lake's topic: an account has one, whoever made it. */
interface Topic {
  readonly id: Output<string> | undefined;
  readonly name: Input<string>;
  readonly resourceGroupName: Input<string>;
  /** Who delivers, and its id in the directory. */
  readonly principalId: Input<string>;
  readonly deliversBy: {
    readonly type: EventSubscriptionIdentityType;
    readonly userAssignedIdentity?: Input<string>;
  };
}

const byItself = { type: EventSubscriptionIdentityType.SystemAssigned };

/** Makes topic and subscriptions, the rights of their identity before them, and gives the topic, if it is the program's own. Without tables that are fed by files, nothing tells of landed ones. */
export function makeNotices(
  place: Place,
  config: Config,
  accounts: { readonly host: HostAccount; readonly lake: LakeAccount },
  options: {
    readonly identity: UserAssignedIdentity | undefined;
    readonly landsFiles: boolean;
    readonly spread: RoleSpread;
  },
): { readonly topicId: Output<string> | undefined } {
  const { host, lake } = accounts;
  const { identity, landsFiles, spread } = options;
  const queue = host.queues[queueName];
  if (queue === undefined) {
    throw new RunError(`The manifest has no queue "${queueName}", so no blob could start anything.`);
  }
  const topic = config.existingSystemTopic === undefined ? ownTopic(place, lake, identity) : existingTopic(config);
  const roles = assignRoles(
    place,
    { name: "notices", principalId: topic.principalId },
    noticesRights(host, { name: queueName, scope: queue.id }),
    spread,
  );
  const route = { host, topic, spread, dependsOn: [queue, host.containers["dead-letter"], ...roles] };
  if (landsFiles) subscribe(place, "landing", landing, route);
  subscribe(place, "commits", commits, route);
  return { topicId: topic.id };
}

/** Delivers by the identity that is given, or by one that Azure makes with the topic. */
function ownTopic(place: Place, lake: LakeAccount, given: UserAssignedIdentity | undefined): Topic {
  const { id, name, identity } = new SystemTopic(
    "notices",
    {
      ...place.located,
      systemTopicName: place.names.noticesTopic,
      topicType: "Microsoft.Storage.StorageAccounts",
      source: lake.account.id,
      identity:
        given === undefined
          ? { type: IdentityType.SystemAssigned }
          : {
              type: IdentityType.UserAssigned,
              userAssignedIdentities: given.id.apply((identityId) => ({ [identityId]: {} })),
            },
    },
    place.options,
  );
  if (given === undefined) {
    const principalId = identity.apply((own) => own?.principalId ?? "");
    return { id, name, ...place.within, principalId, deliversBy: byItself };
  }
  const deliversBy = { type: EventSubscriptionIdentityType.UserAssigned, userAssignedIdentity: given.id };
  return { id, name, ...place.within, principalId: given.principalId, deliversBy };
}

/** Somebody else's topic, such as the one that a policy of the subscription makes for every account. Throws a RunError where none is configured. */
function existingTopic({
  existingSystemTopic: id = "",
  existingSystemTopicPrincipalId: principalId = "",
}: Config): Topic {
  const [, resourceGroupName = "", name = ""] = /\/resourceGroups\/([^/]+)\/.*\/([^/]+)$/i.exec(id) ?? [];
  if (name === "") throw new RunError("There is no topic to deliver notices that has an identity of its own.");
  return { id: undefined, name, resourceGroupName, principalId, deliversBy: byItself };
}

interface Route {
  readonly host: HostAccount;
  readonly topic: Topic;
  readonly spread: RoleSpread;
  readonly dependsOn: Resource[];
}

function subscribe(place: Place, name: string, filter: typeof landing | typeof commits, route: Route): void {
  const { host, topic, spread, dependsOn } = route;
  const identity = topic.deliversBy;
  const resourceId = host.account.id;
  new SystemTopicEventSubscription(
    `notices/${name}`,
    {
      resourceGroupName: topic.resourceGroupName,
      systemTopicName: topic.name,
      eventSubscriptionName: name,
      eventDeliverySchema: EventDeliverySchema.EventGridSchema,
      filter: {
        ...filter,
        advancedFilters: filter.advancedFilters.map(({ values, ...rest }) => ({ ...rest, values: [...values] })),
        includedEventTypes: ["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed"],
      },
      deliveryWithResourceIdentity: {
        identity,
        destination: {
          endpointType: "StorageQueue",
          resourceId,
          queueName,
          queueMessageTimeToLiveInSeconds: 7 * 86_400,
        },
      },
      deadLetterWithResourceIdentity: {
        identity,
        deadLetterDestination: { endpointType: "StorageBlob", resourceId, blobContainerName: "dead-letter" },
      },
      retryPolicy: { eventTimeToLiveInMinutes: 1_440, maxDeliveryAttempts: 30 },
    },
    // One that delivers by another identity from now on needs the roles as much as one that is made.
    { ...place.options, dependsOn, hooks: { beforeCreate: [spread.isAwaited], beforeUpdate: [spread.isAwaited] } },
  );
}
