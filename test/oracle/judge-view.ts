/**
 * A view after each of its batches against its query, run as one plain query over the inputs at the versions of that batch's offsets; and,
 * once all is quiet, against its query over the inputs as they stand. All tables are read by `PlainTables`, and the view once more as users do.
 */
import { layout, type OffsetsRecord, type DeltaRange } from "../../shared/checkpoint/index.ts";
import type { Row } from "../../shared/compute/index.ts";
import { DyneError } from "../../shared/core/index.ts";
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import { analyze, nodesOf, schemaOf, type Expression, type LogicalPlan } from "../../shared/plan/index.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import { writtenBatches, type CommittedBatch } from "../support/engine-oracle.ts";
import { difference, differenceText } from "./multiset.ts";
import { mixedZeros, openZeros } from "./open-zeros.ts";
import type { PlainTables, TableAt } from "./plain-tables.ts";
import { isNested } from "./terms.ts";

export type ViewFlow = Extract<DeclaredFlow, { kind: "view" }>;

interface Judging {
  readonly world: EngineWorld;
  readonly plain: PlainTables;
  readonly flow: ViewFlow;
  /** Columns whose zeros may have got the sign of another in their file. */
  readonly mixed: Set<string>;
}

/** What is wrong with a view, in words; undefined where it keeps the law. */
export async function judgeView(world: EngineWorld, plain: PlainTables, flow: ViewFlow): Promise<string | undefined> {
  const judging = { world, plain, flow, mixed: new Set<string>() };
  const batches = (await writtenBatches(world, flow.id)).filter(({ offsets }) => offsets.batchId > 0);
  for (const batch of batches) {
    const wrong = await wrongAfter(judging, batch);
    if (wrong !== undefined) return wrong;
  }
  const state = await world.stateOf(flow.id);
  if (state !== "RUNNING") return wrongFailure(judging, state);
  if (batches.length === 0) return `${flow.id} was never built`;
  const wrong = await compared(
    judging,
    tablesAt(flow, () => undefined),
    undefined,
  );
  if (wrong !== undefined)
    return `${flow.id}, when all is quiet, is not its query over its inputs as they stand:\n${wrong}`;
  return wrongReading(judging);
}

async function wrongAfter(judging: Judging, { offsets, commit }: CommittedBatch): Promise<string | undefined> {
  const { flow } = judging;
  const version = commit.tables["sink"]?.version ?? 0;
  const wrong = await compared(
    judging,
    tablesAt(flow, (name) => rangeOf(offsets, name).toVersion),
    version,
  );
  if (wrong === undefined) return undefined;
  const read = flow.inputs.map(({ name }) => `${name}@${rangeOf(offsets, name).toVersion}`).join(", ");
  const { name, reason } = commit.progress.strategy;
  return `${flow.id}@${version}, after its batch ${offsets.batchId} (${name}: ${reason}), is not its query over ${read}:\n${wrong}`;
}

/**
 * A view may only have failed on rows on which its query fails, too, or a part of it: DuckDB may filter groups before it computes their keys,
 * and a view that keeps its groups cannot. Neither is promised.
 */
async function wrongFailure({ world, plain, flow }: Judging, state: string): Promise<string | undefined> {
  const open = (await world.hostPaths())
    .filter((path) => path.startsWith(`checkpoints/${flow.id}/`) && path.includes("/offsets/"))
    .at(-1);
  const offsets = (await world.record(open ?? "")) as unknown as OffsetsRecord | undefined;
  if (offsets === undefined) return `${flow.id} is ${state} without a batch`;
  const inputs = tablesAt(flow, (name) => rangeOf(offsets, name).toVersion);
  for (const part of nodesOf(flow.query)) {
    try {
      await plain.rows(flat(part), inputs);
    } catch (error) {
      if (isDataError(error)) return undefined;
      throw error;
    }
  }
  const told = JSON.stringify(await world.record(layout.state(flow.id)));
  return `${flow.id} is ${state}, but its query has no error over the inputs of batch ${offsets.batchId}: ${told}`;
}

/** The view's inputs at these versions. */
function tablesAt(flow: ViewFlow, versionOf: (name: string) => number | undefined): Record<string, TableAt> {
  return Object.fromEntries(flow.inputs.map(({ name, path }) => [name, { path, version: versionOf(name) }]));
}

async function compared(
  { plain, flow, mixed }: Judging,
  inputs: Readonly<Record<string, TableAt>>,
  version: number | undefined,
): Promise<string | undefined> {
  const actual = await plain.rows(flat(scanOf(flow)), { [flow.output.name]: { path: flow.output.path, version } });
  const lawful = await lawfulRows(plain, flow, inputs);
  for (const name of mixedZeros(lawful)) mixed.add(name);
  const found = difference(actual, lawful, {
    inexact: new Set(analyze(flow.query).inexact),
    openZeros: new Set([...openZeros(flow.query), ...mixed]),
  });
  return found && differenceText(found);
}

/**
 * What the query says. It may fail where the view has not, on rows that a join or a filter above leaves out: whether DuckDB looks at these is not
 * promised. Then the view has the rows that there are with NULL for what has an error; were that NULL to be seen in one, it would not be found.
 */
async function lawfulRows(
  plain: PlainTables,
  { query }: ViewFlow,
  inputs: Readonly<Record<string, TableAt>>,
): Promise<Row[]> {
  try {
    return await plain.rows(flat(query), inputs);
  } catch (error) {
    if (!isDataError(error)) throw error;
    return plain.rows(flat(query), inputs, "null");
  }
}

const isDataError = (error: unknown): boolean => error instanceof Error && error.message.includes("DATA_ERROR");

/** What users read of the view is what lies there. */
async function wrongReading({ world, plain, flow }: Judging): Promise<string | undefined> {
  const table = world.table(flow.output.path);
  const snapshot = await table.latest();
  const result = await world.compute.run({
    name: "judge",
    inputs: { [flow.output.name]: table.fileSet(snapshot) },
    steps: [],
    writes: [],
    collects: [{ name: "rows", rowsMax: 1_000_000, plan: flat(scanOf(flow)) }],
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  const lawful = await plain.rows(flat(scanOf(flow)), {
    [flow.output.name]: { path: flow.output.path, version: snapshot.version },
  });
  const found = difference(result.collected["rows"] as readonly Row[], lawful);
  return found && `${flow.id}@${snapshot.version} is read otherwise than it lies there:\n${differenceText(found)}`;
}

/** All rows of a view, as a plan. */
export const scanOf = ({ output, query }: ViewFlow): LogicalPlan => ({
  kind: "scan",
  source: output.name,
  schema: schemaOf(query),
  streaming: false,
});

/** The same rows with nested values as JSON. */
export function flat(plan: LogicalPlan): LogicalPlan {
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
