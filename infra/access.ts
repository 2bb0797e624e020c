/** Who may do what: all rights of a deployment, each at the smallest place that does. */
import type { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import type { EventHubs } from "./event-hubs.ts";
import type { Logs } from "./logs.ts";
import type { Right } from "./roles.ts";
import type { HostAccount, LakeAccount } from "./storage.ts";

/** The app owns its host account, writes tables and quarantine, and only reads what others land, send and keep secret. */
export function appRights(
  { account }: HostAccount,
  { containers }: LakeAccount,
  eventHubs: EventHubs | undefined,
  vault: Vault,
  { insights }: Logs,
): readonly Right[] {
  return [
    // Three roles that the Functions host asks for by itself: docs on "AzureWebJobsStorage" with an identity.
    { role: "Storage Blob Data Owner", at: "host", scope: account.id },
    { role: "Storage Queue Data Contributor", at: "host", scope: account.id },
    { role: "Storage Table Data Contributor", at: "host", scope: account.id },
    { role: "Storage Blob Data Contributor", at: "lake/lake", scope: containers.lake.id },
    { role: "Storage Blob Data Contributor", at: "lake/quarantine", scope: containers.quarantine.id },
    { role: "Storage Blob Data Reader", at: "lake/landing", scope: containers.landing.id },
    { role: "Storage Blob Data Reader", at: "lake/capture", scope: containers.capture.id },
    ...Object.entries(eventHubs?.hubs ?? {}).map(
      ([name, { id }]) => ({ role: "Azure Event Hubs Data Receiver", at: `hub/${name}`, scope: id }) as const,
    ),
    { role: "Key Vault Secrets User", at: "vault", scope: vault.id },
    { role: "Monitoring Metrics Publisher", at: "insights", scope: insights.id },
  ];
}

/** Event Hubs writes what its hubs hold into one container. */
export function captureRights({ containers }: LakeAccount): readonly Right[] {
  return [{ role: "Storage Blob Data Contributor", at: "lake/capture", scope: containers.capture.id }];
}

/** Event Grid puts messages into one queue, and what it cannot deliver into one container. */
export function noticesRights(
  { containers }: HostAccount,
  queue: { readonly name: string; readonly scope: Right["scope"] },
): readonly Right[] {
  return [
    { role: "Storage Queue Data Message Sender", at: `host/${queue.name}`, scope: queue.scope },
    { role: "Storage Blob Data Contributor", at: "host/dead-letter", scope: containers["dead-letter"].id },
  ];
}
