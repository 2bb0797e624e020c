import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PartitionLog } from "../../../../local/event-hubs/partition-log.ts";
import type { PartitionLogOptions } from "../../../../local/event-hubs/partition-log.ts";
import { eventsOf } from "../../../../local/event-hubs/record-block.ts";
import type { Entry } from "../../../../local/event-hubs/record-block.ts";
import { silentLogger } from "../../../../shared/core/index.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "dyne-log-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const keepAll = { bytes: Infinity, ms: Infinity };

function open(options: Partial<PartitionLogOptions> = {}): PartitionLog {
  return PartitionLog.open({ directory, retention: keepAll, logger: silentLogger, ...options });
}

/** An event whose payload is its stamp and its text, so that what was stamped can be read back. */
function entry(text: string): Entry {
  return {
    bytesMax: text.length + 100,
    writeTo: (target, at, stamp) =>
      at + target.write(`${stamp.sequenceNumber}|${stamp.offset}|${stamp.enqueuedTimeMs}|${text}`, at),
  };
}

interface Read {
  readonly sequenceNumber: number;
  readonly offset: number;
  readonly timeMs: number;
  readonly text: string;
}

/** Everything from a sequence number to the end, as a reader meets it. */
function readAll(log: PartitionLog, from = 0): Read[] {
  const events: Read[] = [];
  let next = from;
  for (let blocks = log.read(next); blocks.length > 0; blocks = log.read(next)) {
    for (const block of blocks) {
      for (const { sequenceNumber, offset, payload } of eventsOf(block)) {
        if (sequenceNumber < next) continue;
        const [stampedSequence, stampedOffset, timeMs, text = ""] = payload.toString().split("|");
        expect([Number(stampedSequence), Number(stampedOffset)]).toEqual([sequenceNumber, offset]);
        events.push({ sequenceNumber, offset, timeMs: Number(timeMs), text });
        next = sequenceNumber + 1;
      }
    }
  }
  return events;
}

function logFiles(): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .sort();
}

describe("a partition's log", () => {
  test("gives back what was appended, in order, across segments, restarts and whatever is in memory", () => {
    const publishes = fc.array(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 5 }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        publishes,
        fc.array(fc.nat(60), { maxLength: 3 }),
        fc.constantFrom(1, 20_000, 4_000_000),
        (sizes, restarts, hotBytes) => {
          rmSync(directory, { recursive: true, force: true });
          const options = { hotBytes, segmentBytes: 30_000 };
          let log = open(options);
          const expected: string[] = [];
          for (const [k, publish] of sizes.entries()) {
            if (restarts.includes(k)) {
              log.close();
              log = open(options);
            }
            const texts = publish.map((size) => "x".repeat(size));
            log.append(texts.map(entry), 1_000 + k);
            expected.push(...texts);
          }
          const events = readAll(log);
          expect(events.map((event) => event.text)).toEqual(expected);
          expect(events.map((event) => event.sequenceNumber)).toEqual(expected.map((_, k) => k));
          expect(log.nextSequenceNumber).toBe(expected.length);
          expect(log.last.sequenceNumber).toBe(expected.length - 1);
          expect(log.last.offset).toBe(events.at(-1)?.offset ?? -1);
          const middle = Math.floor(expected.length / 2);
          expect(readAll(log, middle)).toEqual(events.slice(middle));
          log.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("finds every start position that an event has, inclusive and exclusive", () => {
    const log = open({ hotBytes: 1, segmentBytes: 70_000 });
    for (let k = 0; k < 200; k++)
      log.append(["a".repeat(900), "b".repeat((k * 37) % 700)].map(entry), 1_000 + Math.floor(k / 3) * 10);
    const events = readAll(log);
    expect(logFiles().length).toBeGreaterThan(2);
    for (const [k, { sequenceNumber, offset, timeMs }] of events.entries()) {
      expect(log.resolve({ kind: "sequenceNumber", value: sequenceNumber, inclusive: true })).toBe(k);
      expect(log.resolve({ kind: "sequenceNumber", value: sequenceNumber, inclusive: false })).toBe(k + 1);
      expect(log.resolve({ kind: "offset", value: offset, inclusive: true })).toBe(k);
      expect(log.resolve({ kind: "offset", value: offset, inclusive: false })).toBe(k + 1);
      const later = events.findIndex((event) => event.timeMs > timeMs);
      expect(log.resolve({ kind: "enqueuedTime", value: timeMs, inclusive: false })).toBe(
        later < 0 ? events.length : later,
      );
    }
    expect(log.resolve({ kind: "earliest" })).toBe(0);
    expect(log.resolve({ kind: "latest" })).toBe(events.length);
    log.close();
  });

  test.each([
    ["half a block header", Buffer.from("DHB1")],
    ["zeros, as after a power cut", Buffer.alloc(500)],
    ["garbage", Buffer.from("garbage ".repeat(20))],
  ])("cuts off %s at its end and goes on with the next sequence number", (_, torn) => {
    const log = open();
    log.append([entry("one"), entry("two")], 1);
    log.close();
    appendFileSync(join(directory, logFiles()[0]!), torn);
    const again = open();
    again.append([entry("three")], 2);
    expect(readAll(again).map((event) => event.text)).toEqual(["one", "two", "three"]);
    again.close();
    expect(readAll(open()).map((event) => event.text)).toEqual(["one", "two", "three"]);
  });

  test("a publish that was written in part is gone as a whole, at every point where it can be torn", () => {
    const log = open();
    log.append([entry("kept")], 1);
    const kept = log.sizeBytes;
    log.append([entry("torn one"), entry("torn two")], 2);
    const whole = readFileSync(join(directory, logFiles()[0]!));
    log.close();
    for (let size = kept; size < whole.length; size++) {
      writeFileSync(join(directory, logFiles()[0]!), whole.subarray(0, size));
      const again = open();
      expect(readAll(again).map((event) => event.text)).toEqual(["kept"]);
      expect(again.nextSequenceNumber).toBe(1);
      again.close();
    }
  });

  test("damage inside an older segment is an error and not a silent gap", () => {
    const log = open({ segmentBytes: 1_000 });
    for (let k = 0; k < 20; k++) log.append([entry("x".repeat(400))], k);
    log.close();
    const [oldest] = logFiles();
    rmSync(join(directory, oldest!.replace(".log", ".index")));
    truncateSync(join(directory, oldest!), 500);
    expect(() => open({ segmentBytes: 1_000 })).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
  });

  test("a lost index is made again", () => {
    const log = open({ segmentBytes: 1_000 });
    for (let k = 0; k < 20; k++) log.append([entry(`${k}-${"x".repeat(400)}`)], k);
    const before = readAll(log);
    log.close();
    for (const name of readdirSync(directory)) if (name.endsWith(".index")) rmSync(join(directory, name));
    expect(readAll(open({ segmentBytes: 1_000 }))).toEqual(before);
  });

  test("time never runs backwards in a partition, even if the machine's clock does", () => {
    const log = open();
    log.append([entry("a")], 5_000);
    log.append([entry("b")], 4_000);
    expect(readAll(log).map((event) => event.timeMs)).toEqual([5_000, 5_000]);
  });
});

describe("retention", () => {
  test("by bytes drops whole segments from the old end, and the begin moves", () => {
    const log = open({ retention: { bytes: 50_000, ms: Infinity }, segmentBytes: 10_000 });
    for (let k = 0; k < 300; k++) log.append([entry("x".repeat(1_000))], k);
    expect(log.sizeBytes).toBeLessThanOrEqual(50_000);
    expect(log.sizeBytes).toBeGreaterThan(30_000);
    expect(log.beginSequenceNumber).toBeGreaterThan(200);
    expect(readAll(log)[0]!.sequenceNumber).toBe(log.beginSequenceNumber);
    expect(readAll(log).at(-1)!.sequenceNumber).toBe(299);
    const begin = log.beginSequenceNumber;
    log.close();
    expect(open().beginSequenceNumber).toBe(begin);
  });

  test("by time empties the log, and sequence numbers and offsets go on all the same", () => {
    const retention = { bytes: Infinity, ms: 1_000 };
    const log = open({ retention });
    log.append([entry("a"), entry("b")], 10_000);
    const { offset } = log.last;
    log.dropExpired(11_001);
    expect(log.isEmpty).toBe(true);
    expect(log.read(0)).toEqual([]);
    expect(log.beginSequenceNumber).toBe(2);
    log.close();
    const again = open({ retention });
    again.append([entry("c")], 12_000);
    expect(readAll(again)).toMatchObject([{ sequenceNumber: 2, text: "c" }]);
    expect(again.last.offset).toBeGreaterThan(offset);
  });

  test("a reader that fell behind goes on with the oldest event kept", () => {
    const log = open({ retention: { bytes: 20_000, ms: Infinity }, segmentBytes: 5_000 });
    for (let k = 0; k < 100; k++) log.append([entry("x".repeat(1_000))], k);
    expect(readAll(log, 0)[0]!.sequenceNumber).toBe(log.beginSequenceNumber);
    expect(log.resolve({ kind: "offset", value: 0, inclusive: false })).toBe(log.beginSequenceNumber);
  });
});
