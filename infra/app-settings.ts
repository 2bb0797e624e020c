/**
 * The settings of the app, as shared/runtime reads them and as the Functions host reads its connections: addresses and the identity to come
 * with, never a key. What the plan decides by itself (runtime, package, time zone) must not be set and is not.
 */
import type { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { interpolate, type Input } from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import type { EventHubs } from "./event-hubs.ts";
import { instanceOf } from "./instance.ts";
import type { Logs } from "./logs.ts";
import type { HostAccount, LakeAccount } from "./storage.ts";

/** What the app talks to, and as whom. */
export interface Connections {
  readonly host: HostAccount;
  readonly lake: LakeAccount;
  /** Undefined where no hub is read. */
  readonly eventHubs: EventHubs | undefined;
  readonly vault: Vault;
  readonly logs: Logs;
  readonly identity: UserAssignedIdentity;
}

/** All settings by name. */
export function appSettings(
  { tenantId, api, instanceMemoryMb }: Config,
  connections: Connections,
): Readonly<Record<string, Input<string>>> {
  const { host, lake, eventHubs, vault, logs, identity } = connections;
  const instance = instanceOf(instanceMemoryMb);
  const hostEndpoints = host.account.primaryEndpoints;
  const lakeEndpoints = lake.account.primaryEndpoints;
  const byIdentity = (name: string) => ({
    [`${name}__credential`]: "managedidentity",
    [`${name}__clientId`]: identity.clientId,
  });
  return {
    AZURE_CLIENT_ID: identity.clientId,
    AzureWebJobsStorage__blobServiceUri: hostEndpoints.blob,
    AzureWebJobsStorage__queueServiceUri: hostEndpoints.queue,
    AzureWebJobsStorage__tableServiceUri: hostEndpoints.table,
    ...byIdentity("AzureWebJobsStorage"),
    ...(eventHubs !== undefined && {
      EVENTS__fullyQualifiedNamespace: eventHubs.fullyQualifiedNamespace,
      ...byIdentity("EVENTS"),
    }),
    // Not a connection of the Functions host: dyne opens it itself, as AZURE_CLIENT_ID.
    LAKE__blobServiceUri: lakeEndpoints.blob,
    NOTICES__queueServiceUri: hostEndpoints.queue,
    ...byIdentity("NOTICES"),
    KEY_VAULT__vaultUri: vault.properties.vaultUri.apply((uri) => uri ?? ""),
    APPLICATIONINSIGHTS_CONNECTION_STRING: logs.insights.connectionString,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: interpolate`Authorization=AAD;ClientId=${identity.clientId}`,
    // Alerts are made of it.
    DYNE_STATUS_LOG: "on",
    DYNE_DIRECTORY: "/tmp/dyne",
    DYNE_MEMORY_MB: String(instance.duckDbMemoryMb),
    DYNE_THREADS: String(instance.threads),
    DYNE_CACHE_MB: String(instance.cacheMb),
    DYNE_LOG_LEVEL: "info",
    ...(api === undefined ? {} : { DYNE_TENANT_ID: tenantId, DYNE_AUDIENCE: api.audience }),
  };
}
