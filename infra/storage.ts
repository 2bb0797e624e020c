/**
 * The two storage accounts (docs/adr/0009): `host` is flat and holds what makes the app run, `lake` is hierarchical and holds data. Neither has
 * keys: whoever comes needs an identity and a role.
 */
import { BlobContainer } from "@pulumi/azure-native/storage/blobContainer.js";
import { BlobServiceProperties } from "@pulumi/azure-native/storage/blobServiceProperties.js";
import { Queue } from "@pulumi/azure-native/storage/queue.js";
import { StorageAccount } from "@pulumi/azure-native/storage/storageAccount.js";
import type { Place } from "./place.ts";

const hostContainers = ["checkpoints", "deployments", "dead-letter"] as const;
const lakeContainers = ["landing", "lake", "quarantine", "capture"] as const;

export interface HostAccount {
  readonly account: StorageAccount;
  readonly containers: Readonly<Record<(typeof hostContainers)[number], BlobContainer>>;
  /** By name. */
  readonly queues: Readonly<Record<string, Queue>>;
}

export interface LakeAccount {
  readonly account: StorageAccount;
  readonly containers: Readonly<Record<(typeof lakeContainers)[number], BlobContainer>>;
}

/** How long a blob or container of the lake can be brought back after it was deleted. */
const softDeleteDays = 7;

/** The account of the Functions host, of deployments, queues, dead letters, and of dyne's checkpoints and leases. */
export function makeHost(place: Place, queueNames: readonly string[]): HostAccount {
  const account = makeAccount(place, "host", { isHnsEnabled: false });
  const off = { enabled: false };
  // Leases and checkpoints are rewritten every few seconds: every version kept of them would be paid for.
  new BlobServiceProperties("host/blobs", {
    ...place.within,
    accountName: account.name,
    blobServicesName: "default",
    isVersioningEnabled: false,
    changeFeed: off,
    deleteRetentionPolicy: off,
    containerDeleteRetentionPolicy: off,
  });
  return {
    account,
    containers: makeContainers(place, account, "host", hostContainers),
    queues: makeQueues(place, account, queueNames),
  };
}

/** The account of landed files, tables, quarantine and capture. */
export function makeLake(place: Place): LakeAccount {
  const account = makeAccount(place, "lake", { isHnsEnabled: true });
  const softDelete = { enabled: true, days: softDeleteDays };
  new BlobServiceProperties("lake/blobs", {
    ...place.within,
    accountName: account.name,
    blobServicesName: "default",
    deleteRetentionPolicy: softDelete,
    containerDeleteRetentionPolicy: softDelete,
  });
  return { account, containers: makeContainers(place, account, "lake", lakeContainers) };
}

function makeAccount(place: Place, name: "host" | "lake", { isHnsEnabled }: { isHnsEnabled: boolean }): StorageAccount {
  return new StorageAccount(
    name,
    {
      ...place.located,
      accountName: place.names[name],
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
      accessTier: "Hot",
      isHnsEnabled,
      allowSharedKeyAccess: false,
      defaultToOAuthAuthentication: true,
      allowBlobPublicAccess: false,
      allowCrossTenantReplication: false,
      isLocalUserEnabled: false,
      enableHttpsTrafficOnly: true,
      minimumTlsVersion: "TLS1_2",
    },
    place.keep,
  );
}

function makeContainers<Name extends string>(
  place: Place,
  account: StorageAccount,
  accountName: string,
  names: readonly Name[],
): Readonly<Record<Name, BlobContainer>> {
  const containers = names.map((containerName) => {
    const args = { ...place.within, accountName: account.name, containerName, publicAccess: "None" } as const;
    return [containerName, new BlobContainer(`${accountName}/${containerName}`, args, place.keep)] as const;
  });
  return Object.fromEntries(containers) as Record<Name, BlobContainer>;
}

/** Each queue with the one into which the Functions host puts what failed five times; made here, so that it is there to be looked at. */
function makeQueues(place: Place, account: StorageAccount, names: readonly string[]): Readonly<Record<string, Queue>> {
  const queues = names
    .flatMap((name) => [name, `${name}-poison`])
    .map((queueName) => {
      const args = { ...place.within, accountName: account.name, queueName };
      return [queueName, new Queue(`host/${queueName}`, args)] as const;
    });
  return Object.fromEntries(queues);
}
