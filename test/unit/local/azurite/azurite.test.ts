import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { expect, test, vi } from "vitest";

import {
  ensureAzuriteLayout,
  startAzurite,
  storageLayout,
  type AccountName,
  type Azurite,
} from "../../../../local/azurite/index.ts";
import { isDyneError, silentLogger } from "../../../../shared/core/index.ts";
import { temporaryDirectory } from "./temporary-azurite.ts";

vi.setConfig({ testTimeout: 30_000 });

/** True while the process runs; one that has ended and waits only for somebody to collect it does not. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

async function names(items: AsyncIterable<{ name: string }>): Promise<string[]> {
  return (await Array.fromAsync(items)).map(({ name }) => name);
}

test("both accounts are laid out once and again, and keep their data from one process to the next", async () => {
  await using directory = await temporaryDirectory();
  {
    await using azurite = await startAzurite({ directory: directory.path, logger: silentLogger });
    await ensureAzuriteLayout(azurite.connectionStrings);
    await ensureAzuriteLayout(azurite.connectionStrings);
    for (const account of ["host", "lake"] satisfies AccountName[]) {
      const blobs = BlobServiceClient.fromConnectionString(azurite.connectionStrings[account]);
      expect((await names(blobs.listContainers())).sort()).toEqual([...storageLayout[account].containers].sort());
      const queues = QueueServiceClient.fromConnectionString(azurite.connectionStrings[account]);
      expect((await names(queues.listQueues())).sort()).toEqual([...storageLayout[account].queues].sort());
    }
    const lake = BlobServiceClient.fromConnectionString(azurite.connectionStrings.lake).getContainerClient("lake");
    await lake.getBlockBlobClient("a/b").upload("kept", 4);
  }
  await using again = await startAzurite({ directory: directory.path, logger: silentLogger });
  const lake = BlobServiceClient.fromConnectionString(again.connectionStrings.lake).getContainerClient("lake");
  expect((await lake.getBlobClient("a/b").downloadToBuffer()).toString()).toBe("kept");
});

test("after a SIGKILL the same directory and ports open again", async () => {
  await using directory = await temporaryDirectory();
  const killed = await startAzurite({ directory: directory.path, logger: silentLogger });
  process.kill(killed.pid, "SIGKILL");
  await killed.exited;
  const ports = { blob: killed.blobPort, queue: killed.queuePort };
  await using again = await startAzurite({ directory: directory.path, logger: silentLogger, ports });
  expect(again.connectionStrings).toEqual(killed.connectionStrings);
  await ensureAzuriteLayout(again.connectionStrings);
});

test("the emulator ends, with its data saved, when the process that started it is killed", async () => {
  await using directory = await temporaryDirectory();
  const parent = spawn(process.execPath, [new URL("./parent.ts", import.meta.url).pathname, directory.path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
  const { pid } = JSON.parse(line) as { pid: number };
  expect(alive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 10_000 });
  await using again = await startAzurite({ directory: directory.path, logger: silentLogger });
  const lake = BlobServiceClient.fromConnectionString(again.connectionStrings.lake).getContainerClient("lake");
  expect(await lake.getBlobClient("written/last").exists()).toBe(true);
});

test("a heap that is not below 2 GiB is refused", async () => {
  const start = startAzurite({ directory: "/nonexistent", logger: silentLogger, heapMb: 2_048 });
  await expect(start).rejects.toSatisfy((error) => isDyneError(error, "INVALID_ARGUMENT"));
});

test(
  "what was acknowledged before a SIGKILL is there after it: blobs, deletions, leases and messages",
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const etags = new Map<string, string>();
    const messages = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const killed = await startAzurite({ directory: directory.path, logger: silentLogger });
      await ensureAzuriteLayout(killed.connectionStrings);
      const { lake, queue } = clients(killed);
      const inDoubt = new Set<string>();
      let acknowledged = 0;
      const write = async (writer: number): Promise<void> => {
        for (let k = 0; ; k++) {
          const name = `${writer}/${round}/${k % 20}`;
          const gone = `${writer}/${round}/${(k + 10) % 20}`;
          inDoubt.add(name);
          const { etag } = await lake.getBlockBlobClient(name).upload(name, name.length);
          etags.set(name, String(etag));
          inDoubt.delete(name);
          if (etags.has(gone)) {
            inDoubt.add(gone);
            await lake.getBlobClient(gone).delete();
            etags.delete(gone);
            inDoubt.delete(gone);
          }
          await queue.sendMessage(name);
          messages.add(name);
          if (++acknowledged === 60 + 25 * round) process.kill(killed.pid, "SIGKILL");
        }
      };
      await lake.getBlockBlobClient(`leased/${round}`).upload("", 0);
      etags.set(`leased/${round}`, String((await lake.getBlobClient(`leased/${round}`).getProperties()).etag));
      const { leaseId } = await lake.getBlobClient(`leased/${round}`).getBlobLeaseClient().acquireLease(-1);
      await Promise.allSettled(Array.from({ length: 4 }, (_, writer) => write(writer)));
      await killed.exited;

      await using again = await startAzurite({ directory: directory.path, logger: silentLogger });
      const after = clients(again);
      const found = new Map<string, string>();
      for await (const { name, properties } of after.lake.listBlobsFlat()) found.set(name, `"${properties.etag}"`);
      for (const name of inDoubt) {
        found.delete(name);
        etags.delete(name);
      }
      expect(sorted(found)).toEqual(sorted(etags));
      for (const name of etags.keys()) {
        if (name.startsWith("leased/")) continue;
        expect((await after.lake.getBlobClient(name).downloadToBuffer()).toString()).toBe(name);
      }
      await after.lake.getBlobClient(`leased/${round}`).getBlobLeaseClient(String(leaseId)).renewLease();
      expect((await after.queue.getProperties()).approximateMessagesCount).toBeGreaterThanOrEqual(messages.size);
      for (const name of inDoubt) await after.lake.getBlobClient(name).deleteIfExists();
    }
  },
);

function clients(azurite: Azurite) {
  const retryOptions = { maxTries: 1 };
  const blobs = BlobServiceClient.fromConnectionString(azurite.connectionStrings.lake, { retryOptions });
  const queues = QueueServiceClient.fromConnectionString(azurite.connectionStrings.host, { retryOptions });
  return { lake: blobs.getContainerClient("lake"), queue: queues.getQueueClient("bulk") };
}

const sorted = (etags: ReadonlyMap<string, string>): string[] =>
  [...etags].map(([name, etag]) => `${name} ${etag.replaceAll('"', "")}`).toSorted();
