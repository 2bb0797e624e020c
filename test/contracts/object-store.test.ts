import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock, seededRandom } from "../../shared/core/index.ts";
import { AzureBlobStore, FileStore, MemoryStore } from "../../shared/storage/index.ts";
import { startAzurite } from "../support/azurite.ts";
import { compareByFolder, HierarchicalAccount } from "../support/hierarchical-account.ts";
import { objectStoreContract } from "./object-store.contract.ts";

objectStoreContract("MemoryStore", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const store = new MemoryStore({ clock, random: seededRandom(1) });
  return { store, advance: (ms) => clock.advance(ms), close: async () => {} };
});

objectStoreContract("FileStore", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const root = await mkdtemp(join(tmpdir(), "dyne-file-store-"));
  const store = new FileStore(root, { clock, random: seededRandom(2) });
  return { store, advance: (ms) => clock.advance(ms), close: () => rm(root, { recursive: true }) };
});

objectStoreContract("AzureBlobStore", async () => {
  const azurite = await startAzurite();
  const store = new AzureBlobStore(azurite.blobService);
  await store.ensureContainers(["lake", "host"]);
  return { store, close: async () => azurite[Symbol.asyncDispose]() };
});

objectStoreContract("AzureBlobStore on an account with hierarchical namespace", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const account = await HierarchicalAccount.start(new MemoryStore({ clock, random: seededRandom(3) }));
  return {
    store: new AzureBlobStore(account.blobService),
    advance: (ms) => clock.advance(ms),
    order: compareByFolder,
    close: async () => account[Symbol.asyncDispose](),
  };
});
