/** The table of what a runner does next (engine-rules 1). */
import { expect, test } from "vitest";
import { nextStep, type NextStep } from "../../../shared/engine/recovery.ts";

const steps: readonly { readonly hasOffsets: boolean; readonly hasOutcome: boolean; readonly step: NextStep }[] = [
  { hasOffsets: false, hasOutcome: false, step: "plan" },
  { hasOffsets: true, hasOutcome: false, step: "run" },
  { hasOffsets: true, hasOutcome: true, step: "roll" },
];

test.each(steps)("offsets $hasOffsets and outcome $hasOutcome after the last commit: $step", ({ step, ...open }) => {
  expect(nextStep(open)).toBe(step);
});
