/** What is drawn, without living through it. */
import { expect, test } from "vitest";
import { caseOf } from "./case.ts";
import { drawable } from "./coverage.ts";
import { happeningName, happenings } from "./random-history.ts";
import { buildPipeline } from "./random-pipeline.ts";

test("everything that can be drawn is among 300 cases, and all of their pipelines can be built", () => {
  const met = { operator: new Set<string>(), history: new Set<string>() };
  for (let seed = 0; seed < 300; seed++) {
    const { pipeline, history } = caseOf(seed);
    const built = buildPipeline(pipeline);
    for (const operator of built.operators) met.operator.add(operator);
    for (const now of happenings(history, built)) met.history.add(happeningName(now));
  }
  expect([...met.operator].sort()).toEqual([...new Set(drawable.operator)].sort());
  expect([...met.history].sort()).toEqual([...drawable.history].sort());
});

test("a seed draws the same case every time", () => {
  expect(caseOf(41)).toEqual(caseOf(41));
  expect(caseOf(41)).not.toEqual(caseOf(42));
});
