/** The table of what a runner does next (engine-rules 1). */
import { expect, test } from "vitest";
import { nextStep } from "../../../shared/engine/recovery.ts";

const steps = [
  { hasOffsets: false, hasOutcome: false, step: "plan" },
  { hasOffsets: true, hasOutcome: false, step: "run" },
  { hasOffsets: true, hasOutcome: true, step: "roll" },
];

test.each(steps)("offsets $hasOffsets and outcome $hasOutcome after the last commit: $step", ({ step, ...has }) => {
  const records = { openOffsets: has.hasOffsets ? 7 : undefined, openOutcome: has.hasOutcome ? "decided" : undefined };
  expect(nextStep(records)).toEqual({
    kind: step,
    ...(has.hasOffsets && { offsets: 7 }),
    ...(has.hasOutcome && { outcome: "decided" }),
  });
});
