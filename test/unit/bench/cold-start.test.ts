import { describe, expect, it } from "vitest";
import { median, sampleSchema, summarize, type Sample } from "../../../bench/cold-start/sample.ts";
import { coveredMs } from "../../../bench/cold-start/spans.ts";

describe("how much of a span others cover", () => {
  const within = { fromMs: 10, toMs: 20 };
  const cases: readonly { situation: string; spans: readonly (readonly [number, number])[]; covered: number }[] = [
    { situation: "nothing without any", spans: [], covered: 0 },
    {
      situation: "two that follow one another, in any order",
      spans: [
        [16, 18],
        [12, 13],
      ],
      covered: 3,
    },
    {
      situation: "two that overlap, once",
      spans: [
        [12, 16],
        [14, 18],
      ],
      covered: 6,
    },
    {
      situation: "one inside another, once",
      spans: [
        [12, 18],
        [13, 14],
      ],
      covered: 6,
    },
    {
      situation: "what lies within, of those that reach beyond",
      spans: [
        [0, 11],
        [19, 30],
      ],
      covered: 2,
    },
    {
      situation: "nothing of those outside",
      spans: [
        [0, 10],
        [20, 30],
      ],
      covered: 0,
    },
    {
      situation: "all of it, at most",
      spans: [
        [0, 15],
        [12, 30],
        [5, 25],
      ],
      covered: 10,
    },
  ];
  it.for(cases)("is $situation", ({ spans, covered }) => {
    expect(
      coveredMs(
        within,
        spans.map(([fromMs, toMs]) => ({ fromMs, toMs })),
      ),
    ).toBe(covered);
  });
});

describe("a summary", () => {
  const sample = (importMs: number): Sample =>
    ({ ...Object.fromEntries(Object.keys(sampleSchema.shape).map((name) => [name, 0])), importMs }) as Sample;

  it("has the median of an odd and of an even number", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("has the median of the rounds' own ratios, not the ratio of medians", () => {
    const rounds = [
      { source: sample(100), bundle: sample(50) },
      { source: sample(400), bundle: sample(100) },
      { source: sample(200), bundle: sample(150) },
    ];
    expect(summarize(rounds, "importMs")).toEqual({ source: 200, bundle: 100, ratio: 0.5 });
  });

  it("has no ratio where the source took no time", () => {
    expect(summarize([{ source: sample(0), bundle: sample(1) }], "importMs").ratio).toBeNaN();
  });
});
