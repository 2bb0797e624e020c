/** Each rule of the protocol taken out: the exploration finds what it is for. Those that it does not miss are said to be second lines. */
import { describe, expect, it } from "vitest";
import { exploring } from "./exploring.ts";
import type { Rules } from "./rules.ts";
import * as scenarios from "./scenarios.ts";
import type { Scenario } from "./world.ts";

const { anyCut, anyRun, oneBatch, oneEvent } = scenarios;

interface Mutation {
  readonly rule: string;
  readonly without: Partial<Rules>;
  readonly scenario: Scenario;
  /** What goes wrong first. */
  readonly finds: RegExp;
}

const oneGeneration = scenarios.oneGeneration({ input: anyRun });
const anotherBuild = scenarios.anotherBuild({ input: anyCut });
const reset = scenarios.changed("reset", { input: oneBatch });
/** The same run always has the same result: what is left to go wrong is what it reads. */
const sameRuns = scenarios.oneGeneration({ input: anyCut });

const batches: readonly Mutation[] = [
  {
    rule: "an outcome record decides the batch",
    without: { outcomeDecides: false },
    scenario: oneGeneration,
    finds: /different runs/,
  },
  {
    rule: "a decided batch is not computed again",
    without: { rollsForwardOnly: false },
    scenario: oneGeneration,
    finds: /different runs/,
  },
  {
    rule: "offsets are the first writer's",
    without: { offsetsIfAbsent: false },
    scenario: oneGeneration,
    finds: /is lost/,
  },
  {
    rule: "commits are logged after the tables",
    without: { commitsLast: false },
    scenario: oneGeneration,
    finds: /is lost/,
  },
  {
    rule: "the sink is fenced",
    without: { fenced: ["quarantine", "state"] },
    scenario: oneGeneration,
    finds: /sink has batch 1 .* twice/,
  },
  {
    rule: "tables besides the sink are fenced",
    without: { fenced: ["sink"] },
    scenario: oneGeneration,
    finds: /(state@1|quarantine) has batch 1 .* twice/,
  },
  {
    rule: "after an unknown answer the same commit is put at the same version",
    without: { afterUnknown: "rebases" },
    scenario: scenarios.oneGeneration({ input: anyRun, faults: { lostAnswers: 1 } }),
    finds: /twice/,
  },
  {
    rule: "the tables of a generation are there before its record",
    without: { tablesBeforeGeneration: false },
    scenario: scenarios.nothingThere({ input: oneEvent }),
    finds: /is not there/,
  },
  {
    rule: "a txn names its lane",
    without: { laneInTxn: false },
    scenario: scenarios.twoLanes({ input: anyCut }),
    finds: /SINK_CHANGED/,
  },
];

const generations: readonly Mutation[] = [
  {
    rule: "a lane is sealed before it goes on",
    without: { seals: false },
    scenario: anotherBuild,
    finds: /SINK_CHANGED/,
  },
  {
    rule: "a seal does not replace an outcome",
    without: { sealIfAbsent: false },
    scenario: anotherBuild,
    finds: /SINK_CHANGED/,
  },
  {
    rule: "a batch that was decided before the seal is carried out",
    without: { sealVerified: false },
    scenario: anotherBuild,
    finds: /SINK_CHANGED/,
  },
  {
    rule: "a lane goes on where it is sealed, not where it was seen",
    without: { continuesFromSeal: false },
    scenario: anotherBuild,
    finds: /SINK_CHANGED/,
  },
  {
    rule: "the first batch follows the txn that commits/0 names",
    without: { followsBeginning: false },
    scenario: reset,
    finds: /SINK_CHANGED/,
  },
  {
    rule: "commits/0 is read after offsets/0, which is written after it",
    without: { beginningReadLast: false },
    scenario: reset,
    finds: /SINK_CHANGED/,
  },
  {
    rule: "a lane that never ran in a generation is begun there before it is sealed",
    without: { beginsBeforeSealing: false },
    scenario: scenarios.anotherBuildAnd("reset", { input: oneBatch }),
    finds: /SINK_CHANGED/,
  },
  {
    rule: "who is overtaken by a later swap goes no further with the lane",
    // The first batch of a run is planned without a look for a newer generation.
    without: { stopsWhereOvertaken: false, looksForNewest: false },
    scenario: scenarios.resetOnAndReset({ input: oneEvent }),
    finds: /SINK_CHANGED/,
  },
  {
    rule: "a lane that is sealed before its refresh hands the refresh on",
    without: { handsOnReplacement: false },
    scenario: scenarios.anotherBuildAnd("refresh", { input: oneBatch }),
    finds: /out twice/,
  },
  { rule: "a swap is fenced", without: { swapIsFenced: false }, scenario: reset, finds: /taken out/ },
  {
    rule: "a swap that lost its version looks again",
    without: { swapLooksAgain: false },
    scenario: reset,
    finds: /taken out/,
  },
  {
    rule: "a swap keeps the rows of lanes that it does not fence",
    without: { swapKeepsOthers: false },
    scenario: scenarios.lateLane({ input: oneEvent }),
    finds: /taken out/,
  },
  {
    rule: "a later batch of the generation, of whichever lane, says that its swap was done",
    without: { laterBatchMeansSwapped: false, asksOwnLaneOfSwap: false },
    scenario: scenarios.oneAfterTheOther({ input: oneBatch }),
    finds: /stuck/,
  },
  {
    rule: "a swap is looked for by the txn of the lane that begins",
    without: { asksOwnLaneOfSwap: false },
    scenario: scenarios.oneAfterTheOtherAndOn({ input: oneEvent }),
    finds: /SINK_CHANGED|stuck/,
  },
  {
    rule: "all lanes are ended before a restore that keeps the position",
    without: { endsLanesBeforeRestore: false },
    scenario: scenarios.changed("restore", { input: oneBatch }),
    finds: /SINK_CHANGED/,
  },
];

function isFound({ rule, without, scenario, finds }: Mutation): void {
  expect(exploring(`without "${rule}"`, scenario, without)).toMatchObject({
    kind: "broken",
    reason: expect.stringMatching(finds),
  });
}

describe("without the rule that", () => {
  it.each(batches)("$rule, a batch goes wrong", isFound);
  it.each(generations)("$rule, a hand-over goes wrong", isFound);
});

/** Rules that another one already holds. They stay: they save work, or guard a table that has no fence. */
describe("nothing depends on", () => {
  it("the order of state and sink", () => {
    const explored = exploring(
      "sink before state",
      scenarios.oneGeneration({ input: anyRun, faults: { crashes: 1 } }),
      {
        stateBeforeSink: false,
      },
    );
    expect(explored.kind).toBe("holds");
  });

  it("looking for a newer generation before planning, because the seal decides", () => {
    expect(exploring("without looking", anotherBuild, { looksForNewest: false }).kind).toBe("holds");
    expect(exploring("without looking, reset", reset, { looksForNewest: false }).kind).toBe("holds");
    const overtaken = scenarios.resetOnAndReset({ input: oneEvent });
    expect(exploring("without looking, overtaken by a reset", overtaken, { looksForNewest: false }).kind).toBe("holds");
  });

  it("putting the same commit again after an unknown answer, where the fence is asked again", () => {
    for (const faults of [{ lostAnswers: 1 }, { latePuts: 1 }]) {
      const scenario = scenarios.oneGeneration({ input: anyCut, faults });
      expect(exploring("asking the fence again", scenario, { afterUnknown: "asks-fence" }).kind).toBe("holds");
    }
  });

  it("the version of the state that is read, where an outcome decides: who reads too much decides nothing", () => {
    expect(exploring("latest state", oneGeneration, { stateAsOfCommit: false }).kind).toBe("holds");
    const alone: Partial<Rules> = { outcomeDecides: false };
    expect(exploring("no outcome, same runs", sameRuns, alone).kind).toBe("holds");
    const latest = exploring("no outcome, same runs, latest state", sameRuns, { ...alone, stateAsOfCommit: false });
    expect(latest).toMatchObject({ kind: "broken", reason: expect.stringMatching(/is lost/) });
  });
});
