/**
 * A view after each of its batches against its query, run as one plain query over the inputs at the versions of that batch's offsets; and,
 * once all is quiet, against its query over the inputs as they stand.
 */
import type { OffsetsRecord, DeltaRange } from "../../shared/checkpoint/index.ts";
import type { FileSet, Row } from "../../shared/compute/index.ts";
import { DyneError, isDyneError } from "../../shared/core/index.ts";
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import { analyze, schemaOf, type Expression, type LogicalPlan } from "../../shared/plan/index.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import { writtenBatches, type CommittedBatch } from "../support/engine-oracle.ts";
import { difference, differenceText } from "./multiset.ts";
import { isNested } from "./terms.ts";

export type ViewFlow = Extract<DeclaredFlow, { kind: "view" }>;

/** What is wrong with a view, in words; undefined where it keeps the law. */
export async function judgeView(world: EngineWorld, flow: ViewFlow): Promise<string | undefined> {
  const batches = (await writtenBatches(world, flow.id)).filter(({ offsets }) => offsets.batchId > 0);
  for (const batch of batches) {
    const wrong = await wrongAfter(world, flow, batch);
    if (wrong !== undefined) return wrong;
  }
  const state = await world.stateOf(flow.id);
  if (state !== "RUNNING") return wrongFailure(world, flow, state);
  if (batches.length === 0) return `${flow.id} was never built`;
  const latest = await versions(world, flow, async () => undefined);
  const wrong = await compared(world, flow, latest, undefined);
  return wrong && `${flow.id}, when all is quiet, is not its query over its inputs as they stand:\n${wrong}`;
}

async function wrongAfter(world: EngineWorld, flow: ViewFlow, batch: CommittedBatch): Promise<string | undefined> {
  const { offsets, commit } = batch;
  const inputs = await versions(world, flow, async (name) => rangeOf(offsets, name).toVersion);
  const version = commit.tables["sink"]?.version ?? 0;
  const wrong = await compared(world, flow, inputs, version);
  if (wrong === undefined) return undefined;
  const read = flow.inputs.map(({ name }) => `${name}@${rangeOf(offsets, name).toVersion}`).join(", ");
  return `${flow.id}@${version}, after its batch ${offsets.batchId} (${commit.progress.strategy.name}), is not its query over ${read}:\n${wrong}`;
}

/**
 * A view may only have failed on rows on which its query fails, too, or a part of it: DuckDB may filter groups before it computes their keys,
 * and a view that keeps its groups cannot. Neither is promised.
 */
async function wrongFailure(world: EngineWorld, flow: ViewFlow, state: string): Promise<string | undefined> {
  const open = (await world.hostPaths())
    .filter((path) => path.startsWith(`checkpoints/${flow.id}/`) && path.includes("/offsets/"))
    .at(-1);
  const offsets = (await world.record(open ?? "")) as unknown as OffsetsRecord | undefined;
  if (offsets === undefined) return `${flow.id} is ${state} without a batch`;
  const inputs = await versions(world, flow, async (name) => rangeOf(offsets, name).toVersion);
  for (const part of partsOf(flow.query)) {
    try {
      await collected(world, { part }, inputs);
    } catch (error) {
      if (isDyneError(error) && error.kind === "data") return undefined;
      throw error;
    }
  }
  return `${flow.id} is ${state}, but its query has no error over the inputs of batch ${offsets.batchId}`;
}

/** The plan and those below it. */
function partsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  const below =
    "inputs" in plan ? plan.inputs : "left" in plan ? [plan.left, plan.right] : "input" in plan ? [plan.input] : [];
  return [plan, ...below.flatMap(partsOf)];
}

/** The inputs at these versions; the latest where it is undefined. */
async function versions(
  world: EngineWorld,
  flow: ViewFlow,
  versionOf: (name: string) => Promise<number | undefined>,
): Promise<Record<string, FileSet>> {
  const inputs: Record<string, FileSet> = {};
  for (const { name, path } of flow.inputs) {
    const table = world.table(path);
    const version = await versionOf(name);
    inputs[name] = table.fileSet(version === undefined ? await table.latest() : await table.at(version));
  }
  return inputs;
}

async function compared(
  world: EngineWorld,
  flow: ViewFlow,
  inputs: Record<string, FileSet>,
  version: number | undefined,
): Promise<string | undefined> {
  const table = world.table(flow.output.path);
  const snapshot = version === undefined ? await table.latest() : await table.at(version);
  const scan: LogicalPlan = { kind: "scan", source: "__view", schema: snapshot.schema, streaming: false };
  const plans = { actual: scan, lawful: flow.query };
  const { actual = [], lawful = [] } = await collected(world, plans, { ...inputs, __view: table.fileSet(snapshot) });
  const found = difference(actual, lawful, new Set(analyze(flow.query).inexact));
  return found && differenceText(found);
}

/** Rows of plans, with nested values as JSON. */
async function collected(
  world: EngineWorld,
  plans: Readonly<Record<string, LogicalPlan>>,
  inputs: Record<string, FileSet>,
): Promise<Readonly<Record<string, readonly Row[]>>> {
  const result = await world.compute.run({
    name: "judge",
    inputs,
    steps: [],
    writes: [],
    collects: Object.entries(plans).map(([name, plan]) => ({ name, rowsMax: 1_000_000, plan: flat(plan) })),
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  return result.collected;
}

function flat(plan: LogicalPlan): LogicalPlan {
  const columns = Object.entries(schemaOf(plan).fields).map(([name, { type }]) => {
    const column: Expression = { kind: "column", name };
    const json: Expression = { kind: "call", name: "to_json", args: [column] };
    return { name, expression: isNested(type) ? json : column };
  });
  return { kind: "project", input: plan, columns };
}

function rangeOf(offsets: OffsetsRecord, name: string): DeltaRange {
  const range = offsets.inputs[name];
  if (range?.kind !== "delta")
    throw new DyneError("CHECKPOINT_CORRUPT", `${offsets.flow} names no versions of ${name}.`);
  return range;
}
