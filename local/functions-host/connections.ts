/**
 * The services that a binding's `connection` names, found in the settings as the real host finds them: a connection string under the name
 * itself, or settings below it, and then an identity.
 *
 *     EVENTS=Endpoint=sb://…                    EVENTS__fullyQualifiedNamespace=….servicebus.windows.net
 *     NOTICES=…QueueEndpoint=http://…           NOTICES__queueServiceUri=https://…
 *     AzureWebJobsStorage=…                     AzureWebJobsStorage__blobServiceUri=https://…
 *
 * Beside them `X__credential=managedidentity` and `X__clientId` name the identity; without them it is the default credential's. Source:
 * learn.microsoft.com/azure/azure-functions/functions-reference, § Configure an identity-based connection.
 */
import { EventHubConsumerClient, type EventHubConsumerClientOptions } from "@azure/event-hubs";
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { DyneError } from "../../shared/core/index.ts";
import type { Settings } from "./settings.ts";

/** Where a connection is used, for messages. */
interface Use {
  readonly settings: Settings;
  readonly functionName: string;
}

/** The blobs of a connection. Throws INVALID_SETTING, as the other two do. */
export function openBlobService(name: string, use: Use): BlobServiceClient {
  const found = connection(name, "blobServiceUri", use);
  return found.kind === "identity"
    ? new BlobServiceClient(found.address, found.credential)
    : BlobServiceClient.fromConnectionString(found.connectionString);
}

/** The queues of a connection. */
export function openQueueService(name: string, use: Use): QueueServiceClient {
  const found = connection(name, "queueServiceUri", use);
  return found.kind === "identity"
    ? new QueueServiceClient(found.address, found.credential)
    : QueueServiceClient.fromConnectionString(found.connectionString);
}

/** A hub of a connection, and the namespace's name without its port: a hub that comes back at another free port is still the same hub. */
export function openHub(
  name: string,
  {
    hub,
    consumerGroup,
    ...options
  }: EventHubConsumerClientOptions & { readonly hub: string; readonly consumerGroup: string },
  use: Use,
): { readonly client: EventHubConsumerClient; readonly fullyQualifiedNamespace: string } {
  const found = connection(name, "fullyQualifiedNamespace", use);
  if (found.kind === "connection-string") {
    const fullyQualifiedNamespace = namespaceOf(found.connectionString, use);
    return {
      client: new EventHubConsumerClient(consumerGroup, found.connectionString, hub, options),
      fullyQualifiedNamespace,
    };
  }
  // Not a setting of the real host: the namespace's own name leads nowhere on a laptop.
  const customEndpointAddress = setting(name, "customEndpointAddress", use.settings);
  const client = new EventHubConsumerClient(consumerGroup, found.address, hub, found.credential, {
    ...options,
    ...(customEndpointAddress !== undefined && { customEndpointAddress }),
  });
  return { client, fullyQualifiedNamespace: found.address };
}

/** Why a hub could not be used: the SDK throws the errors of all its tries together, under no message. */
export function reasonOf(error: unknown): string {
  return String(error instanceof AggregateError ? (error.errors.at(-1) ?? error) : error);
}

type Connection =
  | { readonly kind: "connection-string"; readonly connectionString: string }
  | { readonly kind: "identity"; readonly address: string; readonly credential: TokenCredential };

function connection(name: string, address: string, use: Use): Connection {
  const connectionString = setting(name, undefined, use.settings);
  if (connectionString !== undefined) return { kind: "connection-string", connectionString };
  const found = setting(name, address, use.settings);
  if (found === undefined) {
    throw new DyneError(
      "INVALID_SETTING",
      `Function "${use.functionName}" uses the connection "${name}", but neither ${name} holds a connection string nor ${name}__${address} an address.`,
    );
  }
  return { kind: "identity", address: found, credential: credential(name, use) };
}

function credential(name: string, { settings, functionName }: Use): TokenCredential {
  const kind = setting(name, "credential", settings);
  if (kind === undefined) return new DefaultAzureCredential();
  if (kind !== "managedidentity") {
    throw new DyneError(
      "INVALID_SETTING",
      `${name}__credential of function "${functionName}" is "${kind}". Set it to managedidentity, or remove it.`,
    );
  }
  const clientId = setting(name, "clientId", settings);
  return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
}

function setting(name: string, part: string | undefined, settings: Settings): string | undefined {
  const key = part === undefined ? name : `${name}__${part}`;
  return settings[key] ?? settings[`AzureWebJobs${key}`];
}

function namespaceOf(connectionString: string, { functionName }: Use): string {
  const endpoint = /(?:^|;)\s*Endpoint=([^;]+)/i.exec(connectionString)?.[1];
  if (endpoint === undefined || !URL.canParse(endpoint)) {
    throw new DyneError("INVALID_SETTING", `The connection of function "${functionName}" has no Endpoint=sb://….`);
  }
  return new URL(endpoint).hostname;
}
