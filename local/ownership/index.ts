/** ownership: which process a folder belongs to, and what becomes of it when that process is gone. */
export { awaitLock, endOwner, ownerOfLock, takeLock, type HeldLock } from "./lock-file.ts";
export { startOfProcess } from "./process-identity.ts";
