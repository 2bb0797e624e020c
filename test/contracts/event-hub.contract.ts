/** What every adapter of the EventHubReader port promises (shared/sources/event-hub.ts). */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventHubReader, HubEvent, HubReadRange } from "../../shared/sources/index.ts";

export interface SentEvent {
  readonly body: Uint8Array;
  readonly partitionKey?: string;
  readonly properties?: Record<string, string | number | boolean>;
}

/** A hub `events` with three partitions, created at `createdMs`, and a reader that soon gives up waiting. */
export interface HubUnderTest {
  readonly reader: EventHubReader;
  readonly createdMs: number;
  /** Sends events at `atMs`; resolves when the hub has them. */
  send(partition: string, events: readonly SentEvent[], atMs?: number): Promise<void>;
  /** Lets all events that were sent so far expire. They go for good when the partition gets its next event. */
  expire(): Promise<void>;
  close(): Promise<void>;
}

const hub = "events";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (event: HubEvent | undefined): string => new TextDecoder().decode(event?.body);
const numbered = (count: number, from = 0): SentEvent[] =>
  Array.from({ length: count }, (_, n) => ({ body: bytes(`event ${from + n}`) }));

export function eventHubContract(name: string, open: () => Promise<HubUnderTest>): void {
  describe(`${name} as a reader of event hubs`, () => {
    let under: HubUnderTest;
    const read = (
      partition: string,
      fromSequence: number,
      untilSequence: number,
      more: Partial<HubReadRange> = {},
      signal?: AbortSignal,
    ) => under.reader.read({ hub, partition, fromSequence, untilSequence, ...more }, signal);
    beforeAll(async () => void (under = await open()), 30_000);
    afterAll(async () => {
      await under?.reader.close();
      await under?.close();
    });

    test("the hub is known by its creation time and its partitions", async () => {
      expect(await under.reader.describe(hub)).toEqual({
        epochUs: BigInt(under.createdMs) * 1000n,
        partitions: ["0", "1", "2"],
      });
    });

    test("an empty partition begins where it ends", async () => {
      expect(await under.reader.partition(hub, "2")).toEqual({ beginSequence: 0, untilSequence: 0 });
      expect(await read("2", 0, 0)).toEqual([]);
    });

    test("a partition that is not there is unavailable", async () => {
      await expect(under.reader.partition(hub, "9")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    });

    describe("events of a partition", () => {
      const count = 3_000;
      beforeAll(() => under.send("0", numbered(count)), 30_000);

      test("are numbered from 0 without gaps", async () => {
        expect(await under.reader.partition(hub, "0")).toEqual({ beginSequence: 0, untilSequence: count });
      });

      test("come exactly as the range says, in order", async () => {
        const events = await read("0", 0, count);
        expect(events.map((event) => event.sequenceNumber)).toEqual([...Array(count).keys()]);
        expect([textOf(events[0]), textOf(events.at(-1))]).toEqual(["event 0", `event ${count - 1}`]);
        const offsets = events.map((event) => Number(event.offset));
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      });

      test("come exactly as any range says, and again", async () => {
        await fc.assert(
          fc.asyncProperty(fc.nat(count - 1), fc.nat(40), async (from, length) => {
            const until = Math.min(count, from + length);
            const events = await read("0", from, until);
            expect(events.map(textOf)).toEqual(
              numbered(until - from, from).map(({ body }) => new TextDecoder().decode(body)),
            );
          }),
          { numRuns: 15 },
        );
      });

      test("are as many of the first as have the bytes asked for, at least one", async () => {
        const [first] = await read("0", 10, 100, { maxBytes: 1 });
        expect(first?.sequenceNumber).toBe(10);
        expect(await read("0", 10, 100, { maxBytes: 1 })).toHaveLength(1);
        expect(await read("0", 10, 100, { maxBytes: 16 })).toHaveLength(2);
        expect(await read("0", 10, 12, { maxBytes: 1_000_000 })).toHaveLength(2);
      });

      test("may be read by several at once", async () => {
        const reads = await Promise.all([0, 1, 2, 3].map((n) => read("0", n * 10, n * 10 + 10)));
        expect(reads.map((events) => events[0]?.sequenceNumber)).toEqual([0, 10, 20, 30]);
        expect(reads.map((events) => events.length)).toEqual([10, 10, 10, 10]);
      });

      test("that are yet to come are unavailable, within the patience of the reader", async () => {
        await expect(read("0", count - 1, count + 1)).rejects.toMatchObject({
          code: "STORAGE_UNAVAILABLE",
          kind: "unavailable",
        });
        expect(await read("0", count - 1, count)).toHaveLength(1);
      });

      test("are not waited for once the caller has given up", async () => {
        await expect(read("0", 0, count, {}, AbortSignal.abort())).rejects.toMatchObject({
          code: "STORAGE_UNAVAILABLE",
        });
        const later = new AbortController();
        const reading = read("0", count, count + 1, {}, later.signal);
        later.abort();
        await expect(reading).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      });
    });

    describe("an event", () => {
      test("is what was sent, byte for byte, with its time, key and properties", async () => {
        const { untilSequence: at } = await under.reader.partition(hub, "1");
        const atMs = under.createdMs + 12_345;
        const every = Uint8Array.from({ length: 256 }, (_, n) => n);
        await under.send(
          "1",
          [
            { body: every, partitionKey: "key-1", properties: { Name: "x", n: 7, ok: true } },
            { body: new Uint8Array(), partitionKey: "key-2" },
            { body: bytes('{"json":"é"}'), partitionKey: "key-3" },
          ],
          atMs,
        );
        const enqueuedTimeUs = BigInt(atMs) * 1000n;
        const events = await read("1", at, at + 3);
        expect(
          events.map(({ body, offset, ...rest }) => ({ ...rest, body: [...body], hasOffset: /^\d+$/.test(offset) })),
        ).toEqual([
          {
            body: [...every],
            sequenceNumber: at,
            enqueuedTimeUs,
            partitionKey: "key-1",
            properties: { Name: "x", n: 7, ok: true },
            hasOffset: true,
          },
          {
            body: [],
            sequenceNumber: at + 1,
            enqueuedTimeUs,
            partitionKey: "key-2",
            properties: null,
            hasOffset: true,
          },
          {
            body: [...bytes('{"json":"é"}')],
            sequenceNumber: at + 2,
            enqueuedTimeUs,
            partitionKey: "key-3",
            properties: null,
            hasOffset: true,
          },
        ]);
      });

      test("may have no key", async () => {
        const { untilSequence: at } = await under.reader.partition(hub, "1");
        await under.send("1", [{ body: bytes("x") }]);
        expect((await read("1", at, at + 1))[0]?.partitionKey).toBeNull();
      });

      test("may be as large as a hub takes them", async () => {
        const { untilSequence: at } = await under.reader.partition(hub, "1");
        const large = Uint8Array.from({ length: 1_000_000 }, (_, n) => (n * 7_919) % 256);
        await under.send("1", [{ body: large }]);
        await under.send("1", [{ body: bytes("after it") }]);
        const events = await read("1", at, at + 2);
        expect(Buffer.compare(events[0]?.body ?? Buffer.alloc(0), large)).toBe(0);
        expect(textOf(events[1])).toBe("after it");
      });
    });

    test("a time is found as the first event that was enqueued at it or after it", async () => {
      const { untilSequence: at } = await under.reader.partition(hub, "1");
      const atMs = under.createdMs + 2_000_000;
      await under.send("1", numbered(2), atMs);
      await under.send("1", numbered(2), atMs + 5_000);
      const found = (offsetMs: number, moreUs = 0n) =>
        under.reader.sequenceAt(hub, "1", BigInt(atMs + offsetMs) * 1000n + moreUs);
      expect(await Promise.all([found(0), found(-1), found(0, 1n), found(5_000)])).toEqual([at, at, at + 2, at + 2]);
      expect(await found(5_001)).toBe(at + 4);
      expect(await under.reader.sequenceAt(hub, "1", 0n)).toBe(0);
      expect(await under.reader.sequenceAt(hub, "2", 0n)).toBe(0);
    });

    test("events that expired before they were read are a loss that names them, and the others are there", async () => {
      const { untilSequence: at } = await under.reader.partition(hub, "2");
      await under.send("2", numbered(3));
      await under.expire();
      expect(await under.reader.partition(hub, "2")).toEqual({ beginSequence: at + 3, untilSequence: at + 3 });
      await under.send("2", numbered(2, 3), under.createdMs + 10 ** 9);
      expect(await under.reader.partition(hub, "2")).toEqual({ beginSequence: at + 3, untilSequence: at + 5 });
      await expect(read("2", at, at + 5)).rejects.toMatchObject({
        code: "DATA_LOSS",
        kind: "data",
        message: expect.stringContaining(`${at} to ${at + 2}`),
      });
      await expect(read("2", at, at + 2)).rejects.toMatchObject({ code: "DATA_LOSS" });
      expect((await read("2", at + 3, at + 5)).map(textOf)).toEqual(["event 3", "event 4"]);
    });
  });
}
