/** A random pipeline with a random history, lived through and judged: every view at every version, every streaming table batch by batch. */
import fc from "fast-check";
import { isDyneError, type ErrorCode } from "../../shared/core/index.ts";
import type { StrategyName } from "../../shared/engine/incremental/view-strategy.ts";
import { smallInputs } from "../../shared/engine/index.ts";
import { EngineWorld, type EngineBench } from "../support/engine-harness.ts";
import { writtenBatches } from "../support/engine-oracle.ts";
import { firstBuild, ofLittle, type Coverage } from "./coverage.ts";
import { judgeStream } from "./judge-stream.ts";
import { judgeView } from "./judge-view.ts";
import { PlainTables } from "./plain-tables.ts";
import { drawnHistory, happen, happeningName, happenings, type DrawnHistory } from "./random-history.ts";
import { buildPipeline, drawnPipeline, type BuiltPipeline, type DrawnPipeline } from "./random-pipeline.ts";

export interface Case {
  readonly pipeline: DrawnPipeline;
  readonly history: DrawnHistory;
  readonly small: DrawnSmall;
}

/** What the engine takes for so little that a view of it is computed in full: nothing, all that tests write, or tables of a few files. */
const smallInputsOf = { nothing: undefined, all: smallInputs, "a few files": { ...smallInputs, filesMax: 6 } } as const;
type DrawnSmall = keyof typeof smallInputsOf;
const drawnSmall = fc.constantFrom<DrawnSmall[]>("nothing", "nothing", "a few files", "all");

export const drawnCase: fc.Arbitrary<Case> = fc.record({
  pipeline: drawnPipeline,
  history: drawnHistory,
  small: drawnSmall,
});

/** The case of a seed: the same one every time. */
export function caseOf(seed: number): Case {
  const [drawn] = fc.sample(fc.noBias(drawnCase), { seed, numRuns: 1 });
  return drawn as Case;
}

export type Verdict =
  | { readonly kind: "held" }
  /** The pipeline is refused when it is loaded. */
  | { readonly kind: "refused"; readonly code: ErrorCode }
  /** In words: the pipeline as code, what happened, and the rows that differ. */
  | { readonly kind: "broken"; readonly why: "refused" | "differs" | "threw"; readonly counterexample: string };

/** Why a pipeline may be refused: what the engine does not do. Any other refusal is an error. */
const refusals = new Map<ErrorCode, RegExp>([["INVALID_PIPELINE", /cannot be refreshed incrementally/]]);

/** What is done to the world when all is quiet and before it is judged; nothing but in tests of the oracle itself. */
export type Tamper = (world: EngineWorld, built: BuiltPipeline) => Promise<void>;

export async function examine(
  bench: EngineBench,
  { pipeline, history, small }: Case,
  coverage: Coverage,
  tamper: Tamper = async () => undefined,
): Promise<Verdict> {
  const lines: string[] = [];
  let built: BuiltPipeline;
  let world: EngineWorld;
  try {
    built = buildPipeline(pipeline);
    world = new EngineWorld({ bench, pipeline: built.pipeline, smallInput: smallInputsOf[small] });
  } catch (error) {
    if (isDyneError(error) && refusals.get(error.code)?.test(error.message) === true)
      return { kind: "refused", code: error.code };
    return {
      kind: "broken",
      why: "refused",
      counterexample: `the pipeline was refused: ${textOfError(error)}\n\n${JSON.stringify(pipeline, undefined, 1)}`,
    };
  }
  const broken = (why: "differs" | "threw", what: string): Verdict => ({
    kind: "broken",
    why,
    counterexample: `${what}\n\nthe pipeline:\n${built.code}\n\nsmall is ${small}\n\nthe history:\n${lines.map((line) => `- ${line}`).join("\n")}\n- run all, until nothing is left`,
  });
  try {
    await world.engine.sweep();
    for (const [at, now] of happenings(history, built).entries()) {
      const line = await happen(world, built, now, at);
      if (line === undefined) continue;
      lines.push(line);
      coverage.note("history", happeningName(now));
    }
    await world.quiet();
    await tamper(world, built);
    const wrong = await judge(world, built, coverage);
    if (wrong !== undefined) return broken("differs", wrong);
  } catch (error) {
    return broken("threw", `the engine threw ${textOfError(error)}`);
  }
  for (const operator of built.operators) coverage.note("operator", operator);
  return { kind: "held" };
}

async function judge(world: EngineWorld, built: BuiltPipeline, coverage: Coverage): Promise<string | undefined> {
  await using plain = await PlainTables.open(world.estate.lake);
  for (const flow of world.engine.flows) {
    const wrong =
      flow.kind === "view"
        ? await judgeView(world, plain, flow)
        : flow.kind === "stream"
          ? await judgeStream(world, flow)
          : undefined;
    if (wrong !== undefined) return wrong;
    if (flow.kind !== "view") continue;
    const operators = built.tables.find(({ name }) => name === flow.output.name)?.operators ?? [];
    for (const { commit, offsets } of await writtenBatches(world, flow.id)) {
      if (offsets.batchId < 1) continue;
      const { name, reason } = commit.progress.strategy;
      if (reason?.includes("read sooner than looked through") === true) coverage.note("view strategy", ofLittle);
      if (offsets.batchId === 1 && name === "full") coverage.note("view strategy", firstBuild);
      else coverage.noteRefresh(name as StrategyName, operators, flow.refresh === "incremental");
    }
    if ((await world.stateOf(flow.id)) !== "RUNNING") coverage.note("failed", "as its query does");
  }
  return undefined;
}

function textOfError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOfError).join("\n");
  return error instanceof Error ? `${error.stack ?? error.message}` : String(error);
}
