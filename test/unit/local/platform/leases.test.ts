import { BlobServiceClient } from "@azure/storage-blob";
import { expect, test, vi } from "vitest";
import { breakLeases } from "../../../../local/platform/leases.ts";
import { ensureAzuriteLayout, startAzurite } from "../../../../local/azurite/index.ts";
import { silentLogger } from "../../../../shared/core/index.ts";
import { AzureBlobStore } from "../../../../shared/storage/index.ts";
import { temporaryAzurite, temporaryDirectory } from "../azurite/temporary-azurite.ts";

vi.setConfig({ testTimeout: 30_000 });

test("leases that a killed run held can be taken at once, whether they end by themselves or not", async () => {
  await using directory = await temporaryDirectory();
  const paths = ["a", "b/1/0"].map((name) => `checkpoints/${name}/lease`);
  const killed = await startAzurite({ directory: directory.path, logger: silentLogger });
  await ensureAzuriteLayout(killed.connectionStrings);
  const before = storeOf(killed.connectionStrings.host);
  for (const path of [...paths, "checkpoints/given/back"]) {
    const lease = await before.acquireLease(path, 60);
    if (path !== paths[0]) await lease?.release();
  }
  await leaseOf(killed.connectionStrings.host, paths[1] ?? "").acquireLease(-1);
  process.kill(killed.pid, "SIGKILL");
  await killed.exited;

  await using again = await startAzurite({ directory: directory.path, logger: silentLogger });
  const after = storeOf(again.connectionStrings.host);
  expect(await after.acquireLease(paths[1] ?? "", 60)).toBeUndefined();
  await breakLeases(again.connectionStrings.host);
  expect(await breakLeases(again.connectionStrings.host)).toBe(0);
  for (const path of paths) expect(await after.acquireLease(path, 60)).toBeDefined();
});

test("a lease that is broken is not renewed by who held it", async () => {
  await using running = await temporaryAzurite();
  const { host } = running.azurite.connectionStrings;
  const lease = await storeOf(host).acquireLease("checkpoints/a/lease", 60);
  expect(await breakLeases(host)).toBe(1);
  expect(await lease?.renew()).toBe(false);
});

const storeOf = (connectionString: string) =>
  new AzureBlobStore(BlobServiceClient.fromConnectionString(connectionString));

function leaseOf(connectionString: string, path: string) {
  const [container = "", ...name] = path.split("/");
  const blobs = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container);
  return blobs.getBlobClient(name.join("/")).getBlobLeaseClient();
}
