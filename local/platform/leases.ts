/** Leases that a run which is gone still holds. */
import { BlobServiceClient } from "@azure/storage-blob";

/**
 * Breaks every lease on a blob of `checkpoints`, so that nobody waits for the dead; returns how many. Only for who owns the data folder: then
 * nobody alive holds one.
 */
export async function breakLeases(hostConnection: string): Promise<number> {
  const container = BlobServiceClient.fromConnectionString(hostConnection).getContainerClient("checkpoints");
  let broken = 0;
  for await (const blob of container.listBlobsFlat()) {
    if (blob.properties.leaseStatus !== "locked") continue;
    await container.getBlobClient(blob.name).getBlobLeaseClient().breakLease(0);
    broken++;
  }
  return broken;
}
