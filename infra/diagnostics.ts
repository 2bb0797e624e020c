/** What Azure's own services write into the workspace: an explicit table, because every category is paid by its volume. */
import { DiagnosticSetting } from "@pulumi/azure-native/monitor/diagnosticSetting.js";
import { interpolate, type Input } from "@pulumi/pulumi";
import type { Logs } from "./logs.ts";
import type { Place } from "./place.ts";

/**
 * By what they are about: the categories that are kept. What is left out is left out for its volume: reads and writes of storage (some per
 * batch), and the app's console, which Application Insights has.
 */
export const diagnosticCategories = {
  /** Who changed hubs, Capture that failed, throughput that grew. */
  "event-hubs": ["ArchiveLogs", "AutoScaleLogs", "OperationalLogs"],
  /** Who deleted data. */
  lake: ["StorageDelete"],
  /** Who read which secret. */
  vault: ["AuditEvent"],
  /** Who was turned away at the front. */
  app: ["AppServiceAuthenticationLogs"],
  /** Notices that could not be delivered. */
  notices: ["DeliveryFailures"],
} as const;

/** Makes a setting for each resource of the table; one that belongs to somebody else, undefined, has its own. */
export function makeDiagnostics(
  { names, options }: Place,
  { workspaceId }: Logs,
  ids: Readonly<Record<keyof typeof diagnosticCategories, Input<string> | undefined>>,
): void {
  for (const [of, categories] of Object.entries(diagnosticCategories)) {
    const id = ids[of as keyof typeof diagnosticCategories];
    if (id === undefined) continue;
    new DiagnosticSetting(
      `diagnostics/${of}`,
      {
        name: names.diagnostics,
        // Logs of storage belong to a service of the account, not to the account.
        resourceUri: of === "lake" ? interpolate`${id}/blobServices/default` : id,
        workspaceId,
        logs: categories.map((category) => ({ category, enabled: true })),
      },
      options,
    );
  }
}
