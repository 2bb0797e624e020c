import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock, limits, seededRandom } from "../../../shared/core/index.ts";
import {
  deletedRowsOf,
  deletionVectorPath,
  noDeletedRows,
  readDeletionVector,
  writeDeletionVectors,
  type DeletionVector,
} from "../../../shared/delta/index.ts";
import {
  decodeRoaringBitmapArray,
  encodeRoaringBitmapArray,
} from "../../../shared/delta/deletion-vector/roaring-bitmap-array.ts";
import { decodeZ85, encodeZ85 } from "../../../shared/delta/deletion-vector/z85.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { goldenFolder } from "../../golden/golden-tables.ts";

const path = "lake/t";
let store: MemoryStore;
let log: { readonly store: MemoryStore; readonly path: string; readonly random: ReturnType<typeof seededRandom> };
beforeEach(() => {
  store = new MemoryStore({ clock: new ManualClock(0), random: seededRandom(1) });
  log = { store, path, random: seededRandom(2) };
});

/** The example of PROTOCOL.md § Deletion Vector Descriptor Schema. */
const inline: DeletionVector = {
  storageType: "i",
  pathOrInlineDv: "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
  sizeInBytes: 40,
  cardinality: 6,
};
const corrupt = { code: "LOG_CORRUPT" };
const rowsOf = async (vector: DeletionVector): Promise<number[]> => [...(await readDeletionVector(log, vector)).rows];

describe("Z85", () => {
  test("is as ZeroMQ's RFC 32 has it", () => {
    const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
    expect(encodeZ85(bytes)).toBe("HelloWorld");
    expect(decodeZ85("HelloWorld")).toEqual(bytes);
  });

  test.each(["abcd", "abc d", "abcé1", "#####", "\u{10000}abc"])("does not take %j for bytes", (text) => {
    expect(decodeZ85(text)).toBeUndefined();
  });

  test("gives back any bytes, with zeros up to a multiple of four", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const decoded = decodeZ85(encodeZ85(bytes));
        expect(decoded?.subarray(0, bytes.length)).toEqual(bytes);
        expect(decoded?.length).toBe(Math.ceil(bytes.length / 4) * 4);
      }),
    );
  });
});

describe("rows to delete", () => {
  test("come in any order and as often as they like, beside those that are deleted already", () => {
    expect(deletedRowsOf([7, 3, 7], deletedRowsOf([5, 3]))).toEqual({ count: 3, rows: Float64Array.of(3, 5, 7) });
    expect(deletedRowsOf([])).toEqual(noDeletedRows);
  });

  test.each([[-1], [0.5], [Number.NaN], [2 ** 53]])("are no rows at %d", (position) => {
    expect(() => deletedRowsOf([position])).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

describe("where a vector lies", () => {
  test.each<[string, Partial<DeletionVector>, string | undefined]>([
    ["inline", inline, undefined],
    [
      "by its uuid, behind a prefix",
      { storageType: "u", pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^" },
      "lake/t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
    ],
    [
      "by its uuid alone",
      { storageType: "u", pathOrInlineDv: "^-aqEH.-t@S}K{vb[*k^" },
      "lake/t/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
    ],
    ["by a relative path", { storageType: "p", pathOrInlineDv: "x/a%20b.bin" }, "lake/t/x/a b.bin"],
  ])("%s", (_, vector, expected) => {
    expect(deletionVectorPath(log, { ...inline, ...vector })).toBe(expected);
  });

  test.each([
    ["p", "s3://elsewhere/t/deletion_vector.bin"],
    ["p", "/lake/t/deletion_vector.bin"],
    ["p", "../t2/deletion_vector.bin"],
    ["u", "..^-aqEH.-t@S}K{vb[*k^"],
  ] as const)("is not outside of the table (%s, %s)", async (storageType, pathOrInlineDv) => {
    await expect(readDeletionVector(log, { ...inline, storageType, pathOrInlineDv })).rejects.toMatchObject({
      code: "PATH_OUTSIDE_TABLE",
    });
  });

  test.each(["", "short", "~-aqEH.-t@S}K{vb[*k^"])("is not a name that is none (%j)", (pathOrInlineDv) => {
    expect(() => deletionVectorPath(log, { ...inline, storageType: "u", pathOrInlineDv })).toThrow(
      expect.objectContaining(corrupt),
    );
  });
});

describe("reading", () => {
  test("a vector in the log gives the rows that the protocol's example has", async () => {
    expect(await rowsOf(inline)).toEqual([3, 4, 7, 11, 18, 29]);
  });

  test.runIf(existsSync(`${goldenFolder}/log-replay-dv-key-cases`))(
    "files that Spark wrote gives as many rows as their logs say",
    async () => {
      const folder = `${goldenFolder}/log-replay-dv-key-cases/delta`;
      let read = 0;
      for (let version = 0; existsSync(commitOf(folder, version)); version++) {
        for (const line of (await readFile(commitOf(folder, version), "utf8")).split("\n").filter(Boolean)) {
          const { add } = JSON.parse(line) as { readonly add?: { readonly deletionVector?: DeletionVector } };
          if (add?.deletionVector === undefined) continue;
          const file = deletionVectorPath(log, add.deletionVector) as string;
          await store.put(file, await readFile(folder + file.slice(path.length)));
          expect((await readDeletionVector(log, add.deletionVector)).count).toBe(add.deletionVector.cardinality);
          read++;
        }
      }
      expect(read).toBeGreaterThan(1);
    },
  );

  test.each<[string, Partial<DeletionVector>, object]>([
    ["another count than the log says", { cardinality: 5 }, corrupt],
    ["fewer bytes than the log says", { sizeInBytes: 44 }, corrupt],
    ["less than all of it", { sizeInBytes: 20 }, corrupt],
    ["nothing", { sizeInBytes: 0 }, corrupt],
    ["a negative size", { sizeInBytes: -4 }, corrupt],
    ["a text that is not Base85", { pathOrInlineDv: "\\i5b=" }, corrupt],
    ["another magic number", { pathOrInlineDv: `x${inline.pathOrInlineDv.slice(1)}` }, corrupt],
    ["more bytes than are read", { sizeInBytes: limits.deletionVectorBytes + 1 }, { code: "LIMIT_EXCEEDED" }],
    ["more rows than are read", { cardinality: limits.deletedRowsMax + 1 }, { code: "LIMIT_EXCEEDED" }],
  ])("a vector with %s is refused", async (_, change, expected) => {
    await expect(readDeletionVector(log, { ...inline, ...change })).rejects.toMatchObject(expected);
  });

  test("broken bytes never gives rows that are out of order or not counted", async () => {
    const bytes = await encodeRoaringBitmapArray(deletedRowsOf([3, 4, 7, 2 ** 33, 2 ** 33 + 1, 2 ** 33 + 70_000]));
    const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(flips, fc.integer({ min: 0, max: bytes.length }), async (changes, length) => {
        const broken = Uint8Array.from(bytes).subarray(0, length);
        for (const [at, mask] of changes) if (at < broken.length) broken[at] = (broken[at] as number) ^ mask;
        const outcome = await decodeRoaringBitmapArray(broken, "x").catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(["LOG_CORRUPT", "LIMIT_EXCEEDED"]).toContain((outcome as { code?: string }).code);
          return;
        }
        const { rows, count } = outcome as { readonly rows: Float64Array; readonly count: number };
        expect(rows.length).toBe(count);
        expect(rows.every((row, i) => i === 0 || row > (rows[i - 1] as number))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("a vector that stands for more rows than are read is refused before they are made", async () => {
    // One run of 65,536 positions in each of 400 containers: 26 million rows in a few kilobytes.
    const containers = 400;
    const body = new DataView(new ArrayBuffer(16 + 4 + 50 + containers * (4 + 4 + 2 + 4)));
    body.setUint32(0, 1_681_511_377, true);
    body.setUint32(4, 1, true);
    body.setUint32(16, 12_347 | ((containers - 1) << 16), true);
    for (let i = 0; i < 50; i++) body.setUint8(20 + i, 0xff);
    const [descriptions, offsets, runs] = [70, 70 + 4 * containers, 70 + 8 * containers];
    for (let i = 0; i < containers; i++) {
      body.setUint16(descriptions + 4 * i, i, true);
      body.setUint16(descriptions + 4 * i + 2, 65_535, true);
      body.setUint32(offsets + 4 * i, runs - 16 + 6 * i, true);
      body.setUint16(runs + 6 * i, 1, true);
      body.setUint16(runs + 6 * i + 4, 65_535, true);
    }
    await expect(decodeRoaringBitmapArray(new Uint8Array(body.buffer), "x")).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      message: expect.stringContaining(String(containers * 65_536)),
    });
  });
});

describe("written vectors", () => {
  test("are read as they were given, many from one file", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.oneof(fc.nat(200), fc.nat(), fc.integer({ min: 0, max: 2 ** 43 })), {
            minLength: 1,
            maxLength: 300,
          }),
          { minLength: 1, maxLength: 6 },
        ),
        async (positions) => {
          const vectors = positions.map((each) => deletedRowsOf(each));
          const descriptors = await writeDeletionVectors(log, vectors);
          expect(new Set(descriptors.map(({ pathOrInlineDv }) => pathOrInlineDv)).size).toBe(1);
          for (const [i, descriptor] of descriptors.entries())
            expect(await readDeletionVector(log, descriptor)).toEqual(vectors[i]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("lie behind the version, each with its size and checksum", async () => {
    const [first, second] = await writeDeletionVectors(log, [deletedRowsOf([0, 5]), deletedRowsOf([2 ** 33])]);
    const stored = await store.get(deletionVectorPath(log, first as DeletionVector) as string);
    const bytes = Buffer.from(stored?.bytes ?? []);
    expect(first).toMatchObject({ storageType: "u", offset: 1, cardinality: 2 });
    expect(second).toMatchObject({ offset: 1 + 8 + (first?.sizeInBytes ?? 0), cardinality: 1 });
    expect(bytes[0]).toBe(1);
    for (const vector of [first, second]) {
      const start = vector?.offset as number;
      const end = start + 4 + (vector?.sizeInBytes as number);
      expect(bytes.readUInt32BE(start)).toBe(vector?.sizeInBytes);
      expect(bytes.readUInt32BE(end)).toBe(crc32(bytes.subarray(start + 4, end)));
    }
    expect(bytes.length).toBe((second?.offset as number) + 8 + (second?.sizeInBytes as number));
  });

  test("of consecutive rows are short", async () => {
    const [vector] = await writeDeletionVectors(log, [deletedRowsOf(Array.from({ length: 100_000 }, (_, i) => i))]);
    expect(vector?.sizeInBytes).toBeLessThan(100);
  });

  test("may be none, and then there is no file", async () => {
    expect(await writeDeletionVectors(log, [])).toEqual([]);
    expect(await Array.fromAsync(store.list(path))).toEqual([]);
  });

  test.each<[string, (bytes: Buffer) => Buffer, object]>([
    ["cut", (bytes) => bytes.subarray(0, -1), corrupt],
    ["flipped", (bytes) => Buffer.from(bytes.map((byte, i) => (i === 20 ? byte ^ 1 : byte))), corrupt],
    ["given another size", (bytes) => Buffer.from(bytes.map((byte, i) => (i === 4 ? byte ^ 1 : byte))), corrupt],
    [
      "given another checksum",
      (bytes) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))),
      corrupt,
    ],
  ])("are refused where their file was %s", async (_, breakIt, expected) => {
    const [vector] = await writeDeletionVectors(log, [deletedRowsOf([1, 2, 9])]);
    const file = deletionVectorPath(log, vector as DeletionVector) as string;
    const stored = await store.get(file);
    await store.put(file, breakIt(Buffer.from(stored?.bytes ?? [])));
    await expect(readDeletionVector(log, vector as DeletionVector)).rejects.toMatchObject(expected);
  });

  test("are missed by name where their file is gone", async () => {
    const [vector] = await writeDeletionVectors(log, [deletedRowsOf([1])]);
    const file = deletionVectorPath(log, vector as DeletionVector) as string;
    await store.delete(file);
    await expect(readDeletionVector(log, vector as DeletionVector)).rejects.toMatchObject({
      code: "FILE_MISSING",
      details: { path: file },
    });
  });
});

function commitOf(folder: string, version: number): string {
  return `${folder}/_delta_log/${String(version).padStart(20, "0")}.json`;
}
