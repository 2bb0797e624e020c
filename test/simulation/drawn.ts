/**
 * Schedules whose pipeline and whose changes of source tables are the oracle's (../oracle): two sources that somebody writes, updates,
 * restores and compacts while two tables over them, streaming tables or views, are kept up to date by instances that die, freeze and overtake
 * each other.
 */
import type { DeclaredFlow } from "../../shared/engine/index.ts";
import { definePipeline, tablePath, type Pipeline } from "../../shared/pipeline/index.ts";
import { analyze, checkStreaming } from "../../shared/plan/index.ts";
import { caseOf } from "../oracle/case.ts";
import { judgeStream, type StreamFlow } from "../oracle/judge-stream.ts";
import { flat, judgeView, scanOf, type ViewFlow } from "../oracle/judge-view.ts";
import { difference, differenceText } from "../oracle/multiset.ts";
import { columnsWithZeros } from "../oracle/open-zeros.ts";
import { PlainTables } from "../oracle/plain-tables.ts";
import { happen, happenings, type Happening } from "../oracle/random-history.ts";
import { buildPipeline, type BuiltPipeline } from "../oracle/random-pipeline.ts";
import { EngineWorld, type Bench, type Estate } from "../support/engine-harness.ts";

export interface DrawnInput {
  readonly built: BuiltPipeline;
  /** What becomes of the sources, in this order. */
  readonly changes: readonly Happening[];
  /** New generations that make no other rows: of views any, of streaming tables those that go on. */
  readonly raises: readonly string[];
}

/** Seeds from here on are those of drawn pipelines. */
export const drawnFrom = 1_000_000;

/** Changes that are the same whatever the tables look like in files: the quiet run makes the same ones. */
const isOfRows = (now: Happening): boolean =>
  [
    "fill",
    "append",
    "append twice",
    "add column",
    "delete",
    "update",
    "clear",
    "merge",
    "overwrite",
    "restore",
  ].includes(now.kind) ||
  now.kind === "turn on" ||
  (now.kind === "compact" && now.by !== "another engine");

const filesMax = 3;
const changesMax = 8;
/** So many cases are looked at until one has two tables. */
const triesMax = 1_000;

/** A small pipeline of two tables: of two views where there is no streaming table among the first. */
export function drawnInput(seed: number): DrawnInput {
  for (let next = 0; next < triesMax; next++) {
    const { pipeline, history } = caseOf(seed * triesMax + next);
    const tables = pipeline.tables.slice(0, 2);
    if (tables.length < 2) continue;
    const built = buildPipeline({ ...pipeline, tables });
    const before = history.before.map((lists) => lists.slice(0, filesMax));
    const all = happenings({ ...history, before }, built)
      .filter(isOfRows)
      .slice(0, changesMax);
    const changes = all.map((now) => ("file" in now ? { ...now, file: null } : now));
    const raises = built.tables.flatMap(({ name, kind }) =>
      kind === "view" ? [`refresh ${name}`, `reset ${name}`] : kind === "stream" ? [`plan ${name}`] : [],
    );
    return { built, changes, raises };
  }
  throw new Error(`no pipeline of two tables is drawn for ${seed}`);
}

/** Makes the source tables, before anything happens to anybody. */
export async function makeSources({ built }: DrawnInput, bench: Bench, estate: Estate): Promise<void> {
  await new EngineWorld({ bench, pipeline: sourcesOf(built) }, estate).engine.sweep();
}

/** Somebody who knows the sources alone. */
export async function changeSources(
  { built, changes }: DrawnInput,
  world: EngineWorld,
  [from, until]: readonly [number, number],
): Promise<void> {
  const sources = { ...built, tables: built.tables.filter(({ kind }) => kind === "source") };
  for (const [index, now] of changes.entries())
    if (index >= from && index < until) await happen(world, sources, now, index);
}

function sourcesOf({ pipeline, tables }: BuiltPipeline): Pipeline {
  return definePipeline(
    pipeline.name,
    tables.filter(({ kind }) => kind === "source").map(({ declared }) => declared),
  );
}

/** Whether an object is of a source: others write its files, and add them again when they restore it. */
export const isOfSource = (path: string): boolean => path.startsWith(`${tablePath("bronze")}/`);

/** Whether a flow keeps a table that was drawn, and not a source. */
export const isDrawnFlow = ({ kind }: DeclaredFlow): boolean => kind === "view" || kind === "stream";

/** What is wrong with the tables: by the law at every version and batch, and views beside those of a quiet run. */
export async function wrongTables(world: EngineWorld, quiet: EngineWorld): Promise<string[]> {
  await using plain = await PlainTables.open(world.estate.lake);
  const wrong: string[] = [];
  const views = world.engine.flows.filter((flow): flow is ViewFlow => flow.kind === "view");
  const streams = world.engine.flows.filter((flow): flow is StreamFlow => flow.kind === "stream");
  for (const flow of streams) {
    const unlawful = await judgeStream(world, flow);
    if (unlawful !== undefined) wrong.push(unlawful);
  }
  for (const flow of views) {
    const unlawful = await judgeView(world, plain, flow);
    if (unlawful !== undefined) wrong.push(unlawful);
  }
  // What fails on rows in between stands still.
  for (const { id } of views)
    if ((await world.stateOf(id)) !== "RUNNING" || (await quiet.stateOf(id)) !== "RUNNING") return wrong;
  wrong.push(...(await unlikeQuiet({ views, streams }, plain, quiet)));
  return wrong;
}

async function unlikeQuiet(
  { views, streams }: { readonly views: readonly ViewFlow[]; readonly streams: readonly StreamFlow[] },
  plain: PlainTables,
  quiet: EngineWorld,
): Promise<string[]> {
  await using plainQuiet = await PlainTables.open(quiet.estate.lake);
  const wrong: string[] = [];
  const inexact = new Map(views.map((flow) => [flow.output.name, analyze(flow.query).inexact]));
  const left = new Set(streams.filter(dependsOnBatches).map(({ output }) => output.name));
  for (const flow of views) {
    if (flow.inputs.some(({ name }) => left.has(name))) left.add(flow.output.name);
    // Sums that differ in the last digit may be other keys of the view that stands on them.
    if (left.has(flow.output.name) || flow.inputs.some(({ name }) => (inexact.get(name) ?? []).length > 0)) continue;
    const at = { [flow.output.name]: { path: flow.output.path } };
    // A view may show a zero of another whose sign is open.
    const found = difference(await plain.rows(flat(scanOf(flow)), at), await plainQuiet.rows(flat(scanOf(flow)), at), {
      inexact: new Set(inexact.get(flow.output.name)),
      openZeros: columnsWithZeros(flow.query),
    });
    if (found !== undefined) wrong.push(`${flow.id} is not that of a quiet run:\n${differenceText(found)}`);
  }
  return wrong;
}

/** Which rows are late, and what they are joined with, depends on how they were cut into batches. */
function dependsOnBatches({ query, statics }: StreamFlow): boolean {
  const { deduplicate, watermark } = checkStreaming(query);
  return statics.length > 0 || deduplicate !== undefined || watermark !== undefined;
}
