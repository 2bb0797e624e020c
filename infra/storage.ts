/**
 * The two storage accounts (docs/adr/0009): `host` is flat and holds what makes the app run, `lake` is hierarchical and holds data. Neither has
 * keys: whoever comes needs an identity and a role.
 */
import { BlobContainer } from "@pulumi/azure-native/storage/blobContainer.js";
import { BlobServiceProperties } from "@pulumi/azure-native/storage/blobServiceProperties.js";
import { ManagementPolicy } from "@pulumi/azure-native/storage/managementPolicy.js";
import { Queue } from "@pulumi/azure-native/storage/queue.js";
import { StorageAccount } from "@pulumi/azure-native/storage/storageAccount.js";
import {
  AccessTier,
  Bypass,
  DefaultAction,
  Kind,
  MinimumTlsVersion,
  PublicAccess,
  RuleType,
  SkuName,
} from "@pulumi/azure-native/types/enums/storage/index.js";
import type { Config } from "./config.ts";
import type { storage } from "@pulumi/azure-native/types/input.js";
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
export function makeHost(
  place: Place,
  { network: isClosed }: Pick<Config, "network">,
  queueNames: readonly string[],
): HostAccount {
  const account = makeAccount(place, "host", { isHnsEnabled: false, sku: SkuName.Standard_LRS, isClosed });
  const off = { enabled: false };
  // Leases and checkpoints are rewritten every few seconds: every version kept of them would be paid for.
  new BlobServiceProperties(
    "host/blobs",
    {
      ...place.within,
      accountName: account.name,
      blobServicesName: "default",
      isVersioningEnabled: false,
      changeFeed: off,
      deleteRetentionPolicy: off,
      containerDeleteRetentionPolicy: off,
    },
    place.options,
  );
  return {
    account,
    containers: makeContainers(place, account, "host", hostContainers),
    queues: makeQueues(place, account, queueNames),
  };
}

/** The account of landed files, tables, quarantine and capture. */
export function makeLake(place: Place, config: Config): LakeAccount {
  const account = makeAccount(place, "lake", {
    isHnsEnabled: true,
    sku: SkuName[`Standard_${config.lakeReplication}`],
    isClosed: config.network,
  });
  const softDelete = { enabled: true, days: softDeleteDays };
  new BlobServiceProperties(
    "lake/blobs",
    {
      ...place.within,
      accountName: account.name,
      blobServicesName: "default",
      deleteRetentionPolicy: softDelete,
      containerDeleteRetentionPolicy: softDelete,
    },
    place.options,
  );
  const containers = makeContainers(place, account, "lake", lakeContainers);
  ageFiles(place, account, config);
  return { account, containers };
}

/**
 * Files of landing and capture are read once, so that they may become cool. Those of tables stay: a rule cannot tell a live file from one that
 * a commit removed, cool files cost more to read than they save, and archived ones could not be read at all.
 */
function ageFiles(place: Place, account: StorageAccount, { coolAfterDays, captureRetentionDays }: Config): void {
  const rule = (name: string, folder: string, baseBlob: storage.ManagementPolicyBaseBlobArgs) => ({
    name,
    enabled: true,
    type: RuleType.Lifecycle,
    definition: { actions: { baseBlob }, filters: { blobTypes: ["blockBlob"], prefixMatch: [folder] } },
  });
  const after = (days: number) => ({ daysAfterModificationGreaterThan: days });
  const cools = coolAfterDays > 0 ? { tierToCool: after(coolAfterDays) } : {};
  const goes = captureRetentionDays === undefined ? {} : { delete: after(captureRetentionDays) };
  // What is deleted before it would become cool never does, and Azure may refuse a rule that says both.
  const isGoneFirst = captureRetentionDays !== undefined && captureRetentionDays <= coolAfterDays;
  const captured = { ...(isGoneFirst ? {} : cools), ...goes };
  const rules = [rule("age-landing", "landing/", cools), rule("age-capture", "capture/", captured)].filter(
    ({ definition }) => Object.keys(definition.actions.baseBlob).length > 0,
  );
  if (rules.length === 0) return;
  new ManagementPolicy(
    "lake/aging",
    { ...place.within, accountName: account.name, managementPolicyName: "default", policy: { rules } },
    place.options,
  );
}

function makeAccount(
  place: Place,
  name: "host" | "lake",
  {
    isHnsEnabled,
    sku,
    isClosed,
  }: { readonly isHnsEnabled: boolean; readonly sku: SkuName; readonly isClosed: boolean },
): StorageAccount {
  return new StorageAccount(
    name,
    {
      ...place.located,
      accountName: place.names[name],
      kind: Kind.StorageV2,
      sku: { name: sku },
      accessTier: AccessTier.Hot,
      isHnsEnabled,
      allowSharedKeyAccess: false,
      defaultToOAuthAuthentication: true,
      allowBlobPublicAccess: false,
      allowCrossTenantReplication: false,
      isLocalUserEnabled: false,
      enableHttpsTrafficOnly: true,
      minimumTlsVersion: MinimumTlsVersion.TLS1_2,
      // Event Grid and Capture write from outside of any network, by their identities.
      ...(isClosed && { networkRuleSet: { defaultAction: DefaultAction.Deny, bypass: Bypass.AzureServices } }),
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
    const args = { ...place.within, accountName: account.name, containerName, publicAccess: PublicAccess.None };
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
      return [queueName, new Queue(`host/${queueName}`, args, place.options)] as const;
    });
  return Object.fromEntries(queues);
}
