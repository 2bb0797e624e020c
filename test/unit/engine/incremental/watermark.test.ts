/** Event-time progress (engine-rules 4): one maximum per lane, one bound for the state. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Watermark } from "../../../../shared/checkpoint/index.ts";
import { instantMicros, instantText } from "../../../../shared/core/index.ts";
import {
  initialWatermark,
  nextWatermark,
  withLanes,
  type LaneObservation,
} from "../../../../shared/engine/incremental/watermark.ts";

const spec = { delayMs: 60_000, idleAfterMs: 600_000 };
const at = (seconds: number): string => instantText(BigInt(seconds) * 1_000_000n);
const seen = (rows: number, seconds?: number): LaneObservation => ({
  rows,
  maxEventTimeUs: seconds === undefined ? undefined : BigInt(seconds) * 1_000_000n,
});
const observed = (lanes: Record<string, LaneObservation>): Map<string, LaneObservation> =>
  new Map(Object.entries(lanes));

function progress(
  lanes: Record<string, readonly [number | null, number]>,
  evictedBefore: number | null = null,
): Watermark {
  const entries = Object.entries(lanes).map(
    ([lane, [max, silentMs]]) => [lane, { maxEventTime: max === null ? null : at(max), silentMs }] as const,
  );
  return { lanes: Object.fromEntries(entries), evictedBefore: evictedBefore === null ? null : at(evictedBefore) };
}

interface Case {
  readonly what: string;
  readonly before: Watermark;
  readonly batch: Record<string, LaneObservation>;
  readonly elapsedMs?: number;
  readonly after: Watermark;
}

const cases: readonly Case[] = [
  {
    what: "keeps everything while a lane has no row yet",
    before: initialWatermark(["0", "1"]),
    batch: { "0": seen(3, 1_000) },
    after: progress({ "0": [1_000, 0], "1": [null, 0] }),
  },
  {
    what: "lets go of what lies two delays behind the slowest lane",
    before: progress({ "0": [1_000, 0], "1": [null, 0] }),
    batch: { "1": seen(1, 700) },
    after: progress({ "0": [1_000, 0], "1": [700, 0] }, 580),
  },
  {
    what: "never moves a lane back",
    before: progress({ "0": [1_000, 0] }, 880),
    batch: { "0": seen(2, 900) },
    after: progress({ "0": [1_000, 0] }, 880),
  },
  {
    what: "moves no lane by rows without a time that counts",
    before: progress({ "0": [1_000, 5] }, 880),
    batch: { "0": seen(2) },
    after: progress({ "0": [1_000, 0] }, 880),
  },
  {
    what: "lets silence grow by no more than a tenth of idleAfter in one batch",
    before: progress({ "0": [1_000, 0], "1": [500, 0] }, 380),
    batch: { "0": seen(1, 1_100) },
    elapsedMs: 86_400_000,
    after: progress({ "0": [1_100, 0], "1": [500, 60_000] }, 380),
  },
  {
    what: "takes no time off where the clock went back",
    before: progress({ "0": [1_000, 70] }, 880),
    batch: {},
    elapsedMs: -5_000,
    after: progress({ "0": [1_000, 70] }, 880),
  },
  {
    what: "waits for a silent lane up to idleAfter",
    before: progress({ "0": [1_000, 0], "1": [500, 540_000] }, 380),
    batch: { "0": seen(1, 1_100) },
    elapsedMs: 60_000,
    after: progress({ "0": [1_100, 0], "1": [500, 600_000] }, 380),
  },
  {
    what: "leaves a lane out that was silent for longer",
    before: progress({ "0": [1_000, 0], "1": [500, 600_000] }, 380),
    batch: { "0": seen(1, 1_100) },
    elapsedMs: 1,
    after: progress({ "0": [1_100, 0], "1": [500, 600_001] }, 980),
  },
  {
    what: "waits for a lane again once it has a row",
    before: progress({ "0": [1_100, 0], "1": [500, 700_000] }, 980),
    batch: { "1": seen(1, 600) },
    elapsedMs: 1,
    after: progress({ "0": [1_100, 1], "1": [600, 0] }, 980),
  },
  {
    what: "stands still when every lane is silent",
    before: progress({ "0": [1_100, 600_001], "1": [500, 700_000] }, 380),
    batch: {},
    elapsedMs: 1,
    after: progress({ "0": [1_100, 600_002], "1": [500, 700_001] }, 380),
  },
  {
    what: "takes lanes in that the batch was the first to see",
    before: progress({ "0": [1_000, 0] }, 880),
    batch: { "7": seen(1, 300) },
    after: progress({ "0": [1_000, 0], "7": [300, 0] }, 880),
  },
];

describe("the watermark after a batch", () => {
  test.each(cases)("$what", ({ before, batch, elapsedMs = 0, after }) => {
    expect(nextWatermark(before, observed(batch), elapsedMs, spec)).toEqual(after);
  });
});

test("a new lane is waited for from the moment it is known", () => {
  const before = progress({ "0": [1_000, 0] }, 880);
  expect(withLanes(before, ["0", "1"])).toEqual(progress({ "0": [1_000, 0], "1": [null, 0] }, 880));
  expect(withLanes(before, ["0"])).toBe(before);
});

const batches = fc.array(
  fc.record({
    lanes: fc.dictionary(
      fc.constantFrom("0", "1", "2"),
      fc.record({
        rows: fc.integer({ min: 1, max: 5 }),
        seconds: fc.option(fc.integer({ min: -10_000, max: 10_000 }), { nil: undefined }),
      }),
    ),
    elapsedMs: fc.integer({ min: -10_000, max: 900_000 }),
  }),
  { maxLength: 12 },
);

test("no batch moves a lane or the bound of the state back", () => {
  fc.assert(
    fc.property(batches, (history) => {
      let current = initialWatermark(["0", "1"]);
      for (const { lanes, elapsedMs } of history) {
        const next = nextWatermark(
          current,
          observed(
            Object.fromEntries(Object.entries(lanes).map(([lane, { rows, seconds }]) => [lane, seen(rows, seconds)])),
          ),
          elapsedMs,
          spec,
        );
        for (const [lane, { maxEventTime }] of Object.entries(current.lanes)) {
          if (maxEventTime !== null)
            expect(instantMicros(next.lanes[lane]?.maxEventTime ?? "")).toBeGreaterThanOrEqual(
              instantMicros(maxEventTime),
            );
        }
        if (current.evictedBefore !== null)
          expect(instantMicros(next.evictedBefore ?? "")).toBeGreaterThanOrEqual(instantMicros(current.evictedBefore));
        current = next;
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

test("while every lane speaks, the bound of the state is the same however the rows are cut", () => {
  const rows = fc.array(fc.record({ lane: fc.constantFrom("0", "1"), seconds: fc.integer({ min: 0, max: 10_000 }) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(rows, fc.nat(20), (all, cut) => {
      const observe = (part: typeof all): Map<string, LaneObservation> => {
        const lanes = new Map<string, LaneObservation>();
        for (const { lane, seconds } of part) {
          const us = BigInt(seconds) * 1_000_000n;
          const before = lanes.get(lane);
          const max = before?.maxEventTimeUs;
          lanes.set(lane, { rows: (before?.rows ?? 0) + 1, maxEventTimeUs: max === undefined || us > max ? us : max });
        }
        return lanes;
      };
      const start = initialWatermark(["0", "1"]);
      const once = nextWatermark(start, observe(all), 0, spec);
      const twice = nextWatermark(
        nextWatermark(start, observe(all.slice(0, cut)), 0, spec),
        observe(all.slice(cut)),
        0,
        spec,
      );
      expect(twice).toEqual(once);
    }),
    { seed: 11, numRuns: 200 },
  );
});
