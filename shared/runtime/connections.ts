/** Clients of the services that the settings name: by the app's identity, or on loopback by a connection string. */
import type { TokenCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient, type QueueClient } from "@azure/storage-queue";
import { DyneError, sentence } from "../core/index.ts";
import { AmqpEventHubReader } from "../sources/amqp-event-hub-reader.ts";
import type { EventHubReader } from "../sources/index.ts";
import { AzureBlobStore, type ObjectStore } from "../storage/index.ts";
import { credentialOf } from "./credential.ts";
import { describeRefusal } from "./refusal.ts";
import type { Connection, Settings } from "./settings.ts";

/** The two accounts of the settings. Throws INVALID_SETTING. */
export function openStores(
  settings: Settings,
  credential: TokenCredential = credentialOf(settings.clientId),
): { readonly host: ObjectStore; readonly lake: ObjectStore } {
  return {
    host: new AzureBlobStore(blobService("AzureWebJobsStorage", settings.host, credential)),
    lake: new AzureBlobStore(blobService("LAKE", settings.lake, credential)),
  };
}

/** The namespace of the settings; whoever opens it closes it. Where there is none, nothing can be read and INVALID_SETTING says why. */
export function openHubReader({ events }: Settings, credential: TokenCredential): EventHubReader {
  if (events === undefined) return { describe: noHub, partition: noHub, read: noHub, sequenceAt: noHub, close };
  return new AmqpEventHubReader(
    events.kind === "identity"
      ? {
          kind: "identity",
          fullyQualifiedNamespace: events.endpoint,
          customEndpointAddress: events.customEndpointAddress,
          credential,
        }
      : events,
  );
}

async function noHub(): Promise<never> {
  throw new DyneError(
    "INVALID_SETTING",
    "No hub can be read: neither EVENTS__fullyQualifiedNamespace nor EVENTS is set. Set one in the app's settings.",
  );
}

async function close(): Promise<void> {}

/** The queues of the settings. Throws INVALID_SETTING. */
export function openQueues({ notices }: Settings, credential: TokenCredential): QueueServiceClient {
  return notices.kind === "identity"
    ? new QueueServiceClient(notices.endpoint, credential)
    : understood("NOTICES", () => QueueServiceClient.fromConnectionString(notices.connectionString));
}

/** How many messages wait in a queue, about; zero where there is no such queue. Throws what the SDK throws. */
export async function lengthOf(queue: QueueClient): Promise<number> {
  try {
    return (await queue.getProperties()).approximateMessagesCount ?? 0;
  } catch (error) {
    if (describeRefusal(error).status === 404) return 0;
    throw error;
  }
}

function blobService(name: string, connection: Connection, credential: TokenCredential): BlobServiceClient {
  return connection.kind === "identity"
    ? new BlobServiceClient(connection.endpoint, credential)
    : understood(name, () => BlobServiceClient.fromConnectionString(connection.connectionString));
}

/** A client from a connection string that the SDK may not understand. */
function understood<Client>(name: string, open: () => Client): Client {
  try {
    return open();
  } catch (cause) {
    throw new DyneError(
      "INVALID_SETTING",
      `${name} is not a connection string: ${sentence(cause)} Correct it in the app's settings.`,
      { cause },
    );
  }
}
