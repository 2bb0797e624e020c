import type { CommitRecord, GenerationRecord, OffsetsRecord, OutcomeRecord } from "../../../shared/checkpoint/index.ts";
import { seededRandom } from "../../../shared/core/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { FaultyStore, type StoreOperation } from "../../support/faulty-store.ts";
import { InstantClock } from "../../support/instant-clock.ts";

export const flow = "bronze.flights";
const instant = "2026-01-02T03:04:05.678000Z";

/** The example in the header of shared/checkpoint/formats.ts, with its dots filled in. */
export function offsets(batchId: number, attempt = "6f0c"): OffsetsRecord {
  return {
    format: 1,
    flow,
    lane: "3",
    generation: 1,
    batchId,
    attempt,
    batchTime: instant,
    seed: "91ab",
    timeZone: "UTC",
    planFingerprint: "sha256:00",
    inputs: {
      flights: {
        kind: "hub",
        epoch: "2026-01-01T00:00:00.000000Z",
        partition: "3",
        fromSequence: 1200,
        untilSequence: 1850,
      },
    },
    statics: {},
    watermark: null,
    job: null,
  };
}

const counts = {
  inputRows: 0,
  outputRows: 0,
  duplicates: 0,
  late: 0,
  lateIdle: 0,
  quarantined: {},
  expectations: {},
  inputBytes: 0,
  outputBytes: 0,
};
const strategy = { name: "append", reason: "650 events" };

export function outcome(batchId: number, redo = 0, attempt = "6f0c"): OutcomeRecord {
  return {
    format: 1,
    flow,
    lane: "3",
    generation: 1,
    batchId,
    redo,
    attempt,
    createdTime: instant,
    tables: [],
    watermark: null,
    counts,
    strategy,
    promoted: null,
    job: null,
    seal: null,
  };
}

export function commitOf(batchId: number): CommitRecord {
  return {
    format: 1,
    flow,
    lane: "3",
    generation: 1,
    batchId,
    committedTime: instant,
    tables: { sink: { tableId: "t", version: batchId, txn: 2 ** 32 + batchId } },
    continues: null,
    progress: { counts, durationMs: { run: 12.5 }, strategy },
  };
}

export function generationOf(generation: number, planFingerprint = "sha256:00"): GenerationRecord {
  return {
    format: 1,
    flow,
    generation,
    planFingerprint,
    reason: "created",
    createdTime: instant,
    tables: { sink: { root: "lake", path: "lake/bronze/flights", tableId: "t" } },
    continues: { kind: "start" },
    position: { inputs: ["flights"], watermark: { eventTime: "flight_time", delayMs: 86_400_000 } },
    swap: null,
  };
}

/** A store in memory that counts what is asked, and the context of records over it or over another. */
export function recordsUnderTest(seed = 1) {
  const clock = new InstantClock(1_700_000_000_000);
  const random = seededRandom(seed);
  const memory = new MemoryStore({ clock, random });
  const asked: StoreOperation[] = [];
  const store = new FaultyStore(memory, { random, before: (operation) => void asked.push(operation) });
  return { clock, random, memory, asked, context: { store, clock, random } };
}
