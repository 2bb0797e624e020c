import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock, seededRandom } from "../../../shared/core/index.ts";
import { MemoryStore, verifiedPutIfAbsent } from "../../../shared/storage/index.ts";
import { FaultyStore, type FaultRates, type StoreOperation } from "../../support/faulty-store.ts";
import { InstantClock } from "../../support/instant-clock.ts";

const path = "lake/t/_delta_log/00000000000000000000.json";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function stores(
  rates: FaultRates,
  seed = 1,
): {
  memory: MemoryStore;
  faulty: FaultyStore;
  asked: StoreOperation["name"][];
  context: { clock: InstantClock; random: ReturnType<typeof seededRandom> };
} {
  const asked: StoreOperation["name"][] = [];
  const random = seededRandom(seed);
  const memory = new MemoryStore({ clock: new ManualClock(), random });
  const faulty = new FaultyStore(memory, { random, rates, before: ({ name }) => void asked.push(name) });
  return { memory, faulty, asked, context: { clock: new InstantClock(), random } };
}

describe("verifiedPutIfAbsent", () => {
  test("a put without trouble is one request", async () => {
    const { faulty, asked, context } = stores({});
    expect(await verifiedPutIfAbsent(faulty, path, bytes("mine"), context)).toEqual({
      kind: "created",
      etag: expect.any(String),
    });
    expect(asked).toEqual(["putIfAbsent"]);
  });

  test("a put whose answer is lost every time is still known to be ours", async () => {
    const { faulty, asked, context } = stores({ lostAnswer: 1 });
    expect(await verifiedPutIfAbsent(faulty, path, bytes("mine"), context)).toEqual({
      kind: "created",
      etag: expect.any(String),
    });
    expect(asked).toEqual(["putIfAbsent", "get"]);
  });

  test("an object of another writer is given back with its bytes", async () => {
    const { memory, faulty, context } = stores({});
    await memory.put(path, bytes("theirs"));
    expect(await verifiedPutIfAbsent(faulty, path, bytes("mine"), context)).toMatchObject({
      kind: "exists",
      bytes: bytes("theirs"),
    });
  });

  test("without any answer the outcome is unknown, and said to be", async () => {
    const { faulty, context } = stores({ lostRequest: 1 });
    await expect(verifiedPutIfAbsent(faulty, path, bytes("mine"), context)).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
    });
  });

  test("an error that is no matter of chance is thrown at once", async () => {
    const { memory, context } = stores({});
    await expect(verifiedPutIfAbsent(memory, "no-container", bytes("mine"), context)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("among faulty writers exactly one is told that it won, and the object is its own", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 2, max: 4 }), async (seed, writers) => {
        const { memory, faulty, context } = stores({ lostRequest: 0.2, lostAnswer: 0.3, lateWrite: 0.2 }, seed);
        const results = await Promise.allSettled(
          Array.from({ length: writers }, (_, i) => verifiedPutIfAbsent(faulty, path, bytes(`writer ${i}`), context)),
        );
        await faulty.heal();
        const stored = await memory.get(path);
        const winners = results.flatMap((result, i) =>
          result.status === "fulfilled" && result.value.kind === "created" ? [`writer ${i}`] : [],
        );
        const unknown = results.filter(({ status }) => status === "rejected").length;
        expect(winners.length).toBeLessThanOrEqual(1);
        expect(winners.length + unknown).toBeGreaterThan(0);
        const seen = results.flatMap((result) =>
          result.status === "fulfilled" && result.value.kind === "exists" ? [result.value.bytes] : [],
        );
        for (const winner of [...winners.map(bytes), ...seen]) expect(stored?.bytes).toEqual(winner);
      }),
      { numRuns: 300 },
    );
  });
});
