/** The table of what a runner does next (engine-rules 1). */
import { expect, test } from "vitest";
import { nextStep } from "../../../shared/engine/recovery.ts";

const decided = { seal: null };
const sealed = { seal: 2 };

test.each([
  { offsets: undefined, outcome: undefined, step: { kind: "plan" } },
  { offsets: 7, outcome: undefined, step: { kind: "run", offsets: 7 } },
  { offsets: 7, outcome: decided, step: { kind: "roll", offsets: 7, outcome: decided } },
  { offsets: 7, outcome: sealed, step: { kind: "sealed", by: 2 } },
  { offsets: undefined, outcome: sealed, step: { kind: "sealed", by: 2 } },
])("offsets $offsets and outcome $outcome after the last commit: $step.kind", ({ offsets, outcome, step }) => {
  expect(nextStep({ openOffsets: offsets, openOutcome: outcome })).toEqual(step);
});
