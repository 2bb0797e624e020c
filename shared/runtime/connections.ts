/** Clients of the services that the settings name, and the credential that they are reached with. */
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { DyneError } from "../core/index.ts";
import { AmqpEventHubReader, type EventHubReader } from "../sources/index.ts";
import { AzureBlobStore, type ObjectStore } from "../storage/index.ts";
import type { Connection, Settings } from "./settings.ts";

/** The two accounts of the settings. Throws INVALID_SETTING. */
export function openStores(settings: Settings): { readonly host: ObjectStore; readonly lake: ObjectStore } {
  const credential = credentialOf(settings);
  return {
    host: new AzureBlobStore(blobService("AzureWebJobsStorage", settings.host, credential)),
    lake: new AzureBlobStore(blobService("LAKE", settings.lake, credential)),
  };
}

/** The identity of the settings; without one, whoever runs the process. */
export function credentialOf(settings: Settings): TokenCredential {
  return settings.clientId === undefined
    ? new DefaultAzureCredential()
    : new ManagedIdentityCredential({ clientId: settings.clientId });
}

/** Reads hubs through dyne's own consumer group. The caller closes it. */
export function hubReader(connection: Connection, credential: TokenCredential): EventHubReader {
  return new AmqpEventHubReader(
    connection.kind === "identity"
      ? { kind: "identity", fullyQualifiedNamespace: connection.endpoint, credential }
      : connection,
  );
}

function blobService(name: string, connection: Connection, credential: TokenCredential): BlobServiceClient {
  return connection.kind === "identity"
    ? new BlobServiceClient(connection.endpoint, credential)
    : understood(name, () => BlobServiceClient.fromConnectionString(connection.connectionString));
}

/** Throws INVALID_SETTING. */
export function queueService(connection: Connection, credential: TokenCredential): QueueServiceClient {
  return connection.kind === "identity"
    ? new QueueServiceClient(connection.endpoint, credential)
    : understood("NOTICES", () => QueueServiceClient.fromConnectionString(connection.connectionString));
}

/** A client from a connection string that the SDK may not understand. */
function understood<Client>(name: string, open: () => Client): Client {
  try {
    return open();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "";
    throw new DyneError(
      "INVALID_SETTING",
      `${name} is not a connection string: ${reason}. Correct it in the app's settings.`,
      { cause },
    );
  }
}
