/**
 * The batch protocol (SPEC.md 1, 2, 14, 23), explored state by state within the bounds of each scenario: every order of I/Os, and faults at
 * every one of them. The runners of the model decide with the engine's own `nextStep` and `askFences`.
 *
 * `BOUNDS=wide` explores some millions of states more, which takes about two minutes:
 *
 *     BOUNDS=wide npx vitest run --project model -t wide
 */
import { describe, expect, it } from "vitest";
import { exploring } from "./exploring.ts";
import * as scenarios from "./scenarios.ts";
import type { Scenario } from "./world.ts";

const { anyCut, anyRun, oneBatch, oneEvent } = scenarios;
const crash = { crashes: 1 };
const lostAnswer = { lostAnswers: 1 };
const latePut = { latePuts: 1 };

/** `states` is about what there are: far fewer mean that the model has lost what it was to explore. */
interface Case {
  readonly name: string;
  readonly scenario: Scenario;
  readonly states: number;
}

const batches: readonly Case[] = [
  {
    name: "two runners, each run with another result, two crashes",
    scenario: scenarios.oneGeneration({ input: anyRun, faults: { crashes: 2 } }),
    states: 22_000,
  },
  {
    name: "two runners, each run with another result, a crash and a lost answer",
    scenario: scenarios.oneGeneration({ input: anyRun, faults: { ...crash, ...lostAnswer } }),
    states: 28_000,
  },
  {
    name: "two runners, a lost answer and a put that lands late",
    scenario: scenarios.oneGeneration({ input: anyCut, faults: { ...lostAnswer, ...latePut } }),
    states: 32_000,
  },
  {
    name: "two runners where nothing is there yet, a crash and a put that lands late",
    scenario: scenarios.nothingThere({ input: oneEvent, faults: { ...crash, ...latePut } }),
    states: 11_000,
  },
];

const generations: readonly Case[] = [
  {
    name: "another build goes on, a crash and a lost answer",
    scenario: scenarios.anotherBuild({ input: anyCut, faults: { ...crash, ...lostAnswer } }),
    states: 34_000,
  },
  {
    name: "another build goes on, a put that lands late",
    scenario: scenarios.anotherBuild({ input: anyCut, faults: latePut }),
    states: 51_000,
  },
  {
    name: "a reset, a crash",
    scenario: scenarios.changed("reset", { input: oneBatch, faults: crash }),
    states: 59_000,
  },
  {
    name: "a refresh, a crash",
    scenario: scenarios.changed("refresh", { input: oneBatch, faults: crash }),
    states: 54_000,
  },
  {
    name: "a restore that keeps the position, a crash",
    scenario: scenarios.changed("restore", { input: oneBatch, faults: crash }),
    states: 55_000,
  },
  {
    name: "a rewind to the start",
    scenario: scenarios.changed("rewind", { input: oneBatch }),
    states: 22_000,
  },
  {
    name: "a reset and a plan that goes on, overtaken by another reset",
    scenario: scenarios.resetOnAndReset({ input: oneEvent }),
    states: 58_000,
  },
  {
    name: "a reset and another build",
    scenario: scenarios.anotherBuildAnd("reset", { input: oneBatch }),
    states: 57_000,
  },
  {
    name: "a refresh and another build",
    scenario: scenarios.anotherBuildAnd("refresh", { input: oneBatch }),
    states: 40_000,
  },
  {
    name: "a restore that keeps the position, and another build",
    scenario: scenarios.anotherBuildAnd("restore", { input: oneBatch }),
    states: 49_000,
  },
];

const lanes: readonly Case[] = [
  {
    name: "another build takes over two lanes, in batches cut anywhere",
    scenario: scenarios.twoLanes({ input: anyCut }),
    states: 18_000,
  },
  {
    name: "another build takes over two lanes, a crash",
    scenario: scenarios.twoLanes({ input: oneBatch, faults: crash }),
    states: 36_000,
  },
  {
    name: "another build takes over two lanes, a lost answer",
    scenario: scenarios.twoLanes({ input: oneBatch, faults: lostAnswer }),
    states: 15_000,
  },
  {
    name: "a lane begins while the flow is reset without it",
    scenario: scenarios.lateLane({ input: oneEvent }),
    states: 194_000,
  },
  {
    name: "one lane after the other is reset",
    scenario: scenarios.oneAfterTheOther({ input: oneBatch, faults: crash }),
    states: 21_000,
  },
  {
    name: "one lane after the other is reset, and taken on by another plan",
    scenario: scenarios.oneAfterTheOtherAndOn({ input: oneEvent }),
    states: 44_000,
  },
];

const wide: readonly Case[] = [
  {
    name: "two runners, two crashes, a lost answer and a put that lands late",
    scenario: scenarios.oneGeneration({ input: anyRun, faults: { crashes: 2, ...lostAnswer, ...latePut } }),
    states: 630_000,
  },
  {
    name: "another build goes on, a crash, a lost answer and a put that lands late",
    scenario: scenarios.anotherBuild({ input: anyRun, faults: { ...crash, ...lostAnswer, ...latePut } }),
    states: 1_370_000,
  },
  {
    name: "a reset, a put that lands late",
    scenario: scenarios.changed("reset", { input: oneEvent, faults: latePut }),
    states: 172_000,
  },
  {
    name: "a rewind to the start, a crash",
    scenario: scenarios.changed("rewind", { input: oneBatch, faults: crash }),
    states: 83_000,
  },
  {
    name: "a reset and another build, a crash",
    scenario: scenarios.anotherBuildAnd("reset", { input: oneBatch, faults: crash }),
    states: 240_000,
  },
  {
    name: "a restore and another build, a crash",
    scenario: scenarios.anotherBuildAnd("restore", { input: oneBatch, faults: crash }),
    states: 200_000,
  },
];

function holds({ name, scenario, states }: Case): void {
  const explored = exploring(name, scenario);
  expect(explored).toMatchObject({ kind: "holds" });
  expect(explored.states).toBeGreaterThan(states * 0.9);
}

describe("in every state, no batch is lost, doubled, of two runs or of two generations, and the input can be consumed", () => {
  it.each(batches)("in one generation: $name", holds);
  it.each(generations)("from generation to generation: $name", holds);
  it.each(lanes)("with lanes of one table: $name", holds);
  it.each(process.env["BOUNDS"] === "wide" ? wide : [])("in wide bounds: $name", holds, 300_000);
});
