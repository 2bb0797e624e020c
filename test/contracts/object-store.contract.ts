/** What every adapter of the ObjectStore port promises (shared/storage/object-store.ts). */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../shared/core/index.ts";
import { verifiedPutIfAbsent, type ObjectStore } from "../../shared/storage/index.ts";
import { FaultyStore, type FaultRates } from "../support/faulty-store.ts";
import { InstantClock } from "../support/instant-clock.ts";

/** An adapter under test. The containers `lake` and `host` exist and are empty. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Moves the clock that leases follow; absent where it is the service's own. */
  readonly advance?: (ms: number) => void;
  /** Compares names in the order of its listings, where that is another than that of their bytes. */
  readonly order?: (a: string, b: string) => number;
  readonly close: () => Promise<void>;
}

export function objectStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let under: StoreUnderTest;
    let store: ObjectStore;
    let folder: string;
    let tests = 0;
    const fresh = (): string => `lake/test-${++tests}`;

    beforeAll(async () => {
      under = await open();
      store = under.store;
      folder = await mkdtemp(join(tmpdir(), "dyne-contract-"));
    }, 30_000);
    afterAll(async () => {
      await under?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test("an object that was never written is absent in every way of asking", async () => {
      const path = `${fresh()}/nothing`;
      expect(await store.get(path)).toBeUndefined();
      expect(await store.getRange(path, { startByte: 0, endByteExclusive: 1 })).toBeUndefined();
      expect(await store.getRange(path, { startByte: 0, endByteExclusive: 0 })).toBeUndefined();
      expect(await store.head(path)).toBeUndefined();
      expect(await store.delete(path)).toBe(false);
      expect(await store.downloadFile(path, join(folder, "nothing"))).toBe(false);
      expect(await store.putIfMatch(path, bytes("x"), '"0"')).toEqual({ kind: "changed" });
      expect(await paths(store.list(path))).toEqual([]);
    });

    test("what was put is read back whole, with its size, etag and time", async () => {
      const path = `${fresh()}/a b/ü=1%2F.json`;
      const { etag } = await store.put(path, bytes("hello"));
      const stored = await store.get(path);
      expect(text(stored?.bytes)).toBe("hello");
      expect(stored).toMatchObject({ path, sizeBytes: 5, etag });
      expect(await store.head(path)).toEqual({ path, sizeBytes: 5, etag, lastModifiedMs: stored?.lastModifiedMs });
      expect(await metas(store.list(path))).toEqual([await store.head(path)]);
    });

    test("an object that is larger than its reader takes is refused, read whole or into a file, and left in the store", async () => {
      const path = `${fresh()}/large`;
      await store.put(path, bytes("123456"));
      const tooLarge = { code: "LIMIT_EXCEEDED", details: { path, sizeBytes: 6, bytesMax: 5 } };
      await expect(store.get(path, { bytesMax: 5 })).rejects.toMatchObject(tooLarge);
      await expect(store.downloadFile(path, join(folder, "large"), { bytesMax: 5 })).rejects.toMatchObject(tooLarge);
      await expect(stat(join(folder, "large"))).rejects.toMatchObject({ code: "ENOENT" });
      expect(text((await store.get(path, { bytesMax: 6 }))?.bytes)).toBe("123456");
      expect(await store.downloadFile(path, join(folder, "large"), { bytesMax: 6 })).toBe(true);
      expect(await store.get(`${path}r`, { bytesMax: 5 })).toBeUndefined();
    });

    test("an empty object is an object", async () => {
      const path = `${fresh()}/empty`;
      await store.put(path, new Uint8Array());
      expect((await store.get(path))?.bytes.byteLength).toBe(0);
      expect(await store.getRange(path, { startByte: 0, endByteExclusive: 4 })).toEqual(new Uint8Array());
    });

    test("a put replaces, and its etag is new even where the bytes are not", async () => {
      const path = `${fresh()}/a`;
      const first = await store.put(path, bytes("one"));
      const second = await store.put(path, bytes("one"));
      await store.put(path, bytes("three"));
      expect(second.etag).not.toBe(first.etag);
      expect(text((await store.get(path))?.bytes)).toBe("three");
    });

    test("changing the buffers that were put or read changes nothing in the store", async () => {
      const path = `${fresh()}/a`;
      const mine = bytes("abc");
      await store.put(path, mine);
      mine[0] = 0;
      (await store.get(path))!.bytes[1] = 0;
      expect(text((await store.get(path))?.bytes)).toBe("abc");
    });

    test("a view into a larger buffer is written as the view", async () => {
      const path = `${fresh()}/a`;
      await store.put(path, bytes("0123456789").subarray(3, 6));
      expect(text((await store.get(path))?.bytes)).toBe("345");
    });

    test.each([
      ["inside", 1, 3, "12"],
      ["at the start", 0, 1, "0"],
      ["over the end", 8, 100, "89"],
      ["beyond the end", 10, 20, ""],
      ["empty", 5, 5, ""],
    ])("a range %s gives the bytes that are there", async (_where, startByte, endByteExclusive, expected) => {
      const path = `${fresh()}/digits`;
      await store.put(path, bytes("0123456789"));
      expect(text(await store.getRange(path, { startByte, endByteExclusive }))).toBe(expected);
    });

    test("a read with an etag finds that version only", async () => {
      const path = `${fresh()}/a`;
      const { etag } = await store.put(path, bytes("one"));
      expect(text((await store.get(path, { ifMatch: etag }))?.bytes)).toBe("one");
      await store.put(path, bytes("two"));
      expect(await store.get(path, { ifMatch: etag })).toBeUndefined();
      expect(await store.getRange(path, { startByte: 0, endByteExclusive: 1 }, { ifMatch: etag })).toBeUndefined();
      expect(await store.getRange(path, { startByte: 0, endByteExclusive: 0 }, { ifMatch: etag })).toBeUndefined();
      expect(await store.downloadFile(path, join(folder, "stale"), { ifMatch: etag })).toBe(false);
    });

    test("of ten concurrent creates of one object exactly one wins, sixty times of sixty", async () => {
      const root = fresh();
      for (let round = 0; round < 60; round++) {
        const path = `${root}/race-${round}`;
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, i) => store.putIfAbsent(path, bytes(`writer ${i}`))),
        );
        const winners = results.flatMap((result, i) => (result.kind === "created" ? [{ i, etag: result.etag }] : []));
        expect(winners).toHaveLength(1);
        expect(await store.get(path)).toMatchObject({
          etag: winners[0]?.etag,
          bytes: bytes(`writer ${winners[0]?.i}`),
        });
        expect(await store.putIfAbsent(path, bytes("late"))).toEqual({ kind: "exists" });
      }
    });

    test("of ten concurrent replacements of one version exactly one wins, sixty times of sixty", async () => {
      const path = `${fresh()}/race`;
      let { etag } = await store.put(path, bytes("base"));
      for (let round = 0; round < 60; round++) {
        const results = await Promise.all(
          Array.from({ length: 10 }, (_, i) => store.putIfMatch(path, bytes(`writer ${i}`), etag)),
        );
        const winners = results.flatMap((result, i) => (result.kind === "replaced" ? [{ i, etag: result.etag }] : []));
        expect(winners).toHaveLength(1);
        expect(await store.get(path)).toMatchObject({
          etag: winners[0]?.etag,
          bytes: bytes(`writer ${winners[0]?.i}`),
        });
        etag = winners[0]?.etag ?? "";
      }
    });

    test.each<[string, FaultRates]>([
      ["none is lost", {}],
      ["answers are lost", { lostAnswer: 0.4 }],
      ["requests and answers are lost, and writes land late", { lostRequest: 0.2, lostAnswer: 0.2, lateWrite: 0.2 }],
    ])(
      "of ten concurrent verified puts one is told that it is its own, the others whose it is, where %s",
      async (_, rates) => {
        const root = fresh();
        const random = seededRandom(23);
        for (let round = 0; round < 20; round++) {
          const path = `${root}/race-${round}`;
          const faulty = new FaultyStore(store, { random, rates });
          const results = await Promise.all(
            Array.from({ length: 10 }, (__, i) =>
              verifiedPutIfAbsent(faulty, path, bytes(`writer ${i}`), {
                clock: new InstantClock(),
                random,
                policy: { maxAttempts: 40, firstDelayMs: 1, maxDelayMs: 1 },
              }),
            ),
          );
          await faulty.heal();
          const winners = results.flatMap((result, i) => (result.kind === "created" ? [`writer ${i}`] : []));
          expect(winners).toEqual([text((await store.get(path))?.bytes)]);
          for (const result of results) if (result.kind === "exists") expect([text(result.bytes)]).toEqual(winners);
        }
      },
    );

    test("a deleted object is gone and can be created again", async () => {
      const path = `${fresh()}/a`;
      await store.put(path, bytes("x"));
      expect(await store.delete(path)).toBe(true);
      expect(await store.head(path)).toBeUndefined();
      expect(await store.delete(path)).toBe(false);
      expect((await store.putIfAbsent(path, bytes("y"))).kind).toBe("created");
    });

    test("a listing is in the order of bytes, over folders, without other prefixes", async () => {
      const root = fresh();
      // A file "a" beside the folder "a" could not be on a disk.
      for (const name of ["é", "z", "a0", "a/b/c", "a-b", "B"]) await store.put(`${root}/${name}`, bytes(name));
      await store.put(`${root}-other/x`, bytes("x"));
      const inOrder = (names: readonly string[]) =>
        (under.order === undefined ? names : names.toSorted(under.order)).map((name) => `${root}/${name}`);
      expect(await paths(store.list(`${root}/`))).toEqual(inOrder(["B", "a-b", "a/b/c", "a0", "z", "é"]));
      expect(await paths(store.list(`${root}/a`))).toEqual(inOrder(["a-b", "a/b/c", "a0"]));
    });

    test("a listing after a key leaves out that key and all before it", async () => {
      const root = fresh();
      for (const name of ["1", "2", "3", "4"]) await store.put(`${root}/${name}`, bytes(name));
      const after = async (key: string): Promise<readonly string[]> =>
        (await paths(store.list(`${root}/`, { after: `${root}/${key}` }))).map((path) => path.slice(root.length + 1));
      expect(await after("2")).toEqual(["3", "4"]);
      expect(await after("2.5")).toEqual(["3", "4"]);
      expect(await after("0")).toEqual(["1", "2", "3", "4"]);
      expect(await after("4")).toEqual([]);
    });

    test("what holds objects is no object, in every way of asking", async () => {
      const root = fresh();
      const path = `${root}/folder`;
      const { etag } = await store.put(`${path}/deeper/object`, bytes("x"));
      for (const holder of [path, `${path}/deeper`]) {
        expect(await store.get(holder)).toBeUndefined();
        expect(await store.getRange(holder, { startByte: 0, endByteExclusive: 1 })).toBeUndefined();
        expect(await store.getRange(holder, { startByte: 0, endByteExclusive: 0 })).toBeUndefined();
        expect(await store.head(holder)).toBeUndefined();
        expect(await store.downloadFile(holder, join(folder, "none"))).toBe(false);
        await expect(stat(join(folder, "none"))).rejects.toThrow("ENOENT");
        expect(await store.putIfMatch(holder, bytes("y"), etag)).toEqual({ kind: "changed" });
        expect(await store.delete(holder)).toBe(false);
      }
      expect(await paths(store.list(`${root}/`))).toEqual([`${path}/deeper/object`]);
      expect(text((await store.get(`${path}/deeper/object`))?.bytes)).toBe("x");
    });

    test("where all objects were deleted nothing is listed, and new ones can be put", async () => {
      const root = fresh();
      await store.put(`${root}/a/b/c`, bytes("x"));
      await store.delete(`${root}/a/b/c`);
      for (const prefix of [root, `${root}/`, `${root}/a/b/`]) expect(await paths(store.list(prefix))).toEqual([]);
      expect(await store.head(`${root}/a/b`)).toBeUndefined();
      await store.put(`${root}/a/b/c`, bytes("y"));
      expect(await paths(store.list(root))).toEqual([`${root}/a/b/c`]);
    });

    test("below an object there is nothing to list", async () => {
      const root = fresh();
      await store.put(`${root}/a`, bytes("x"));
      for (const prefix of ["a/", "a/b", "a/b/c/"]) expect(await paths(store.list(`${root}/${prefix}`))).toEqual([]);
      expect(await paths(store.list(`${root}/a/`, { after: `${root}/a/b` }))).toEqual([]);
    });

    test("a listing sees every write and delete that was finished before it", async () => {
      const root = fresh();
      await store.put(`${root}/a`, bytes("a"));
      await store.putIfAbsent(`${root}/b`, bytes("b"));
      await store.delete(`${root}/a`);
      expect(await paths(store.list(`${root}/`))).toEqual([`${root}/b`]);
    });

    test("a local file goes up and comes down unchanged", async () => {
      const path = `${fresh()}/big.parquet`;
      const local = join(folder, "up");
      const content = new Uint8Array(3_000_000).map((_, i) => (i * 31) % 251);
      await writeFile(local, content);
      const { etag } = await store.uploadFile(path, local);
      expect(await store.head(path)).toMatchObject({ sizeBytes: content.byteLength, etag });
      expect(await store.downloadFile(path, join(folder, "down"), { ifMatch: etag })).toBe(true);
      expect(Buffer.compare(await readFile(join(folder, "down")), content)).toBe(0);
      expect(await store.getRange(path, { startByte: 2_999_998, endByteExclusive: 3_000_000 })).toEqual(
        content.slice(-2),
      );
    });

    test("a failed download leaves no file behind", async () => {
      await store.downloadFile(`${fresh()}/nothing`, join(folder, "absent"));
      await expect(stat(join(folder, "absent"))).rejects.toThrow("ENOENT");
    });

    test("a lease has one holder at a time, and can be taken once it is given back", async () => {
      const path = `host/${fresh().slice(5)}/lease`;
      const lease = await store.acquireLease(path, 15);
      expect(lease).toBeDefined();
      expect(await store.acquireLease(path, 15)).toBeUndefined();
      expect(await lease?.renew()).toBe(true);
      await lease?.release();
      await lease?.release();
      expect(await lease?.renew()).toBe(false);
      const next = await store.acquireLease(path, 15);
      expect(next).toBeDefined();
      await next?.release();
    });

    test("a lease that ran out can be taken, and its old holder is told", async ({ skip }) => {
      if (under.advance === undefined) return skip("the service's own clock drives its leases");
      const path = `host/${fresh().slice(5)}/lease`;
      const old = await store.acquireLease(path, 15);
      under.advance(14_999);
      expect(await store.acquireLease(path, 15)).toBeUndefined();
      under.advance(1);
      expect(await store.acquireLease(path, 15)).toBeDefined();
      expect(await old?.renew()).toBe(false);
    });

    test.each(["", "container", "container/", "/x", "lake//x", "lake/../x", "lake/./x"])(
      "%j is refused as the path of an object",
      async (path) => {
        await expect(store.put(path, bytes("x"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      },
    );
  });
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

async function metas<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  return Array.fromAsync(items);
}

async function paths(items: AsyncIterable<{ readonly path: string }>): Promise<readonly string[]> {
  return (await Array.fromAsync(items)).map(({ path }) => path);
}
