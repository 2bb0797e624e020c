/** azurite: Azure Storage on this machine, in a child process, with a report of every blob created. */
export type { AccountEndpoints, AccountName } from "./accounts.ts";
export { startAzurite, type Azurite, type AzuriteOptions } from "./azurite.ts";
export type { BlobCreation } from "./blob-creation.ts";
export { ensureAzuriteLayout, storageLayout } from "./layout.ts";
