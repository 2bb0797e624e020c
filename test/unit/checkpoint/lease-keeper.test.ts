import { beforeEach, expect, test } from "vitest";
import { LeaseKeeper } from "../../../shared/checkpoint/index.ts";
import { DyneError, limits, ManualClock, seededRandom, silentLogger } from "../../../shared/core/index.ts";
import { MemoryStore, type Lease, type ObjectStore } from "../../../shared/storage/index.ts";

const path = "checkpoints/bronze.flights/1/3/lease";
let clock: ManualClock;
let store: MemoryStore;
/** Every renewal, and what the next ones do instead. */
let renewals: number;
let releases: number;
let renewing: (() => Promise<boolean>) | undefined;

beforeEach(() => {
  clock = new ManualClock(0);
  store = new MemoryStore({ clock, random: seededRandom(1) });
  renewals = 0;
  releases = 0;
  renewing = undefined;
});

/** The store, watched. */
const watched = (): ObjectStore =>
  Object.assign(Object.create(store) as ObjectStore, {
    acquireLease: async (at: string, seconds: number): Promise<Lease | undefined> => {
      const lease = await store.acquireLease(at, seconds);
      return (
        lease && {
          renew: () => {
            renewals++;
            return renewing === undefined ? lease.renew() : renewing();
          },
          release: () => {
            releases++;
            return lease.release();
          },
        }
      );
    },
  });
const acquire = () => LeaseKeeper.acquire(watched(), path, { clock, logger: silentLogger });
/** Lets everything that is due happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

test("while one holds the lease another gets nothing", async () => {
  await using keeper = await acquire();
  expect(keeper).toBeDefined();
  expect(await acquire()).toBeUndefined();
});

test("the lease is renewed every five seconds, so that it never runs out", async () => {
  await using keeper = await acquire();
  await pass(limits.leaseRenewMs - 1);
  expect(renewals).toBe(0);
  await pass(1);
  expect(renewals).toBe(1);
  for (let round = 2; round <= 12; round++) {
    await pass(limits.leaseRenewMs);
    expect(renewals).toBe(round);
  }
  expect(await acquire()).toBeUndefined();
  expect(keeper?.signal.aborted).toBe(false);
});

test("a lease taken by another aborts the signal once and is renewed no more", async () => {
  await using keeper = await acquire();
  clock.advance(limits.leaseSeconds * 1_000);
  const other = await store.acquireLease(path, limits.leaseSeconds);
  expect(other).toBeDefined();
  await settle();
  expect(keeper?.signal.aborted).toBe(true);
  await pass(60_000);
  expect(renewals).toBe(1);
});

test("a renewal that fails for once is tried again", async () => {
  await using keeper = await acquire();
  renewing = async () => {
    throw new DyneError("STORAGE_UNAVAILABLE", "no answer");
  };
  await pass(limits.leaseRenewMs);
  expect(keeper?.signal.aborted).toBe(false);
  renewing = undefined;
  await pass(limits.leaseRenewMs);
  expect([renewals, keeper?.signal.aborted]).toEqual([2, false]);
});

test("a lease that could not be renewed for as long as it lasts counts as lost", async () => {
  await using keeper = await acquire();
  renewing = async () => {
    throw new DyneError("STORAGE_UNAVAILABLE", "no answer");
  };
  for (let elapsedMs = 0; elapsedMs < limits.leaseSeconds * 1_000; elapsedMs += limits.leaseRenewMs) {
    expect(keeper?.signal.aborted).toBe(false);
    await pass(limits.leaseRenewMs);
  }
  expect(keeper?.signal.aborted).toBe(true);
});

test("disposing gives the lease back at once, and again does nothing", async () => {
  const keeper = await acquire();
  await keeper?.[Symbol.asyncDispose]();
  await keeper?.[Symbol.asyncDispose]();
  expect(releases).toBe(1);
  expect(keeper?.signal.aborted).toBe(false);
  await using next = await acquire();
  expect(next).toBeDefined();
  await pass(60_000);
});

test("a lost lease is not given back: it is another's", async () => {
  const keeper = await acquire();
  renewing = async () => false;
  await pass(limits.leaseRenewMs);
  await keeper?.[Symbol.asyncDispose]();
  expect(releases).toBe(0);
});

test("disposing waits for the renewal under way", async () => {
  const keeper = await acquire();
  const answer = Promise.withResolvers<boolean>();
  renewing = () => answer.promise;
  await pass(limits.leaseRenewMs);
  let disposed = false;
  const disposing = keeper?.[Symbol.asyncDispose]().then(() => (disposed = true));
  await settle();
  expect([disposed, releases]).toEqual([false, 0]);
  answer.resolve(true);
  await disposing;
  expect(releases).toBe(1);
});
