/** Reference cases of the operators of views: inline rows in, expected rows out, with an instance that dies in between. */
import { expect, test } from "vitest";
import {
  checkAnswer,
  checkEqualsQuery,
  checkStrategy,
  crash,
  PipelineTest,
  processAllAvailable,
  restart,
  type Action,
  type CrashPlace,
} from "../../../../shared/testing/index.ts";
import { referenceCases } from "./cases.ts";
import { steps } from "./inputs.ts";

const places: readonly CrashPlace[] = ["offsets", 11, "outcome", 12, "sink", 13, "commit", 14];

/** A view's own batch is hit where the place is named. */
function dying(at: CrashPlace): readonly Action[] {
  const flow = typeof at === "number" ? undefined : "gold.view";
  return [crash({ at, flow }), processAllAvailable(), restart()];
}

/** The instance of a case dies in the second or the third step; which and where differs from case to case. */
const cases = referenceCases.map((each, index) => ({
  ...each,
  place: places[index % places.length] as CrashPlace,
  deadly: 1 + (Math.floor(index / places.length) % 2),
}));

test.each(cases)(
  "$name, with a death at $place",
  { timeout: 60_000 },
  async ({ view, pipeline, ways, expected, ofNothing, place, deadly }) => {
    expect(expected).toHaveLength(steps.length);
    await using tested = await PipelineTest.open(pipeline);
    await tested.run([processAllAvailable(), checkAnswer(view.name, ofNothing)]);
    for (const [step, { actions }] of steps.entries()) {
      await tested.run([
        ...actions,
        ...(step === deadly ? dying(place) : []),
        processAllAvailable(),
        checkAnswer(view.name, expected[step] ?? []),
        checkStrategy(view.name, ways[step === 0 ? 0 : 1]),
      ]);
    }
    await tested.run([checkEqualsQuery()]);
  },
);
