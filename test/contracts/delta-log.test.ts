/** The log over the real storage SDK: the races that the protocol's correctness rests on. */
import { expect, test, vi } from "vitest";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { commit, createTable, openSnapshot, type DeltaLog } from "../../shared/delta/index.ts";
import { AzureBlobStore, MemoryStore } from "../../shared/storage/index.ts";
import { startAzurite } from "../support/azurite.ts";
import { HierarchicalAccount } from "../support/hierarchical-account.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Account extends AsyncDisposable {
  readonly store: AzureBlobStore;
}

/** By kind: an account with the container `lake`. */
const accounts: Readonly<Record<string, () => Promise<Account>>> = {
  flat: async () => {
    const azurite = await startAzurite();
    const store = new AzureBlobStore(azurite.blobService);
    await store.ensureContainers(["lake"]);
    return { store, [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose]() };
  },
  hierarchical: async () => {
    const account = await HierarchicalAccount.start(new MemoryStore({ clock: systemClock, random: systemRandom }));
    return {
      store: new AzureBlobStore(account.blobService),
      [Symbol.asyncDispose]: () => account[Symbol.asyncDispose](),
    };
  },
};

test.each(Object.keys(accounts))("eight writers of one table in a %s account lose no commit", async (kind) => {
  await using account = await accounts[kind]!();
  const { store } = account;
  const log: DeltaLog = {
    store,
    path: "lake/silver/events",
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  };
  const schema = { kind: "struct" as const, fields: { id: { type: { kind: "long" as const }, nullable: true } } };
  const writers = Array.from({ length: 8 }, (_, i) => `${i}`);
  const creations = await Promise.all(writers.map(() => createTable(log, { schema })));
  expect(creations.filter(({ kind }) => kind === "created")).toHaveLength(1);
  await Promise.all(
    writers.map(async (writer, i) => {
      let { snapshot } = creations[i]!;
      for (let batch = 1; batch <= 3; batch++) {
        const add = { path: `${writer}-${batch}`, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true };
        const fences = [{ appId: writer, version: batch, expected: batch === 1 ? undefined : batch - 1 }];
        const outcome = await commit(log, {
          base: snapshot,
          actions: [{ add }],
          isBlindAppend: true,
          operation: "WRITE",
          fences,
        });
        expect(outcome.kind).toBe("committed");
        snapshot = outcome.snapshot;
      }
    }),
  );
  const newest = await openSnapshot(log);
  for (const version of [0, 11, 24]) expect((await openSnapshot(log, { version })).version).toBe(version);
  expect(newest.version).toBe(24);
  expect([...newest.files].map(({ path }) => path).sort()).toEqual(
    writers.flatMap((writer) => [1, 2, 3].map((batch) => `${writer}-${batch}`)).sort(),
  );
  expect(new Set(newest.txns.values())).toEqual(new Set([3]));
});
