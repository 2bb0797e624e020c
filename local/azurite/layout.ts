import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";

import { DyneError } from "../../shared/core/index.ts";
import type { AccountName } from "./accounts.ts";

/** What infrastructure provisions in the two accounts, by name. */
export const storageLayout = {
  host: { containers: ["checkpoints", "deployments", "dead-letter"], queues: ["notices", "bulk"] },
  lake: { containers: ["landing", "lake", "quarantine", "capture"], queues: [] },
} as const satisfies Record<AccountName, { containers: readonly string[]; queues: readonly string[] }>;

/**
 * Creates the containers and queues of both accounts where they are missing. Safe to repeat.
 * Errors: `STORAGE_UNAVAILABLE` when an account does not answer.
 */
export async function ensureAzuriteLayout(connectionStrings: Readonly<Record<AccountName, string>>): Promise<void> {
  try {
    for (const account of ["host", "lake"] as const) {
      const blobs = BlobServiceClient.fromConnectionString(connectionStrings[account]);
      for (const name of storageLayout[account].containers) await blobs.getContainerClient(name).createIfNotExists();
      const queues = QueueServiceClient.fromConnectionString(connectionStrings[account]);
      for (const name of storageLayout[account].queues) await queues.getQueueClient(name).createIfNotExists();
    }
  } catch (cause) {
    throw new DyneError("STORAGE_UNAVAILABLE", "The storage accounts could not be prepared. Is the emulator running?", {
      cause,
    });
  }
}
