/** Pipelines as data: sources, streaming tables and views over them and over each other, built through the public face alone. */
import fc from "fast-check";
import {
  definePipeline,
  drop,
  materializedView,
  read,
  readStream,
  streamingTable,
  warn,
  type ColumnTypes,
  type DeclaredTable,
  type Pipeline,
  type Rule,
} from "../../shared/pipeline/index.ts";
import { viewPlan } from "../../shared/engine/incremental/view-plan.ts";
import { rowSteps, streamStep, viewSteps, type QueryStep } from "./drawn-step.ts";
import { exactNames, namesAt, namesOf, orderedNames, termOf, type Query } from "./query.ts";
import type { Readable } from "./join-step.ts";
import { withStep } from "./query-step.ts";
import { eventTime, sourceColumns, sourceTable } from "./source-table.ts";
import { condition, pick } from "./terms.ts";

export interface DrawnSource {
  readonly isPartitioned: boolean;
}

export type DrawnTable = DrawnView | DrawnStream;

interface DrawnView {
  readonly kind: "view";
  readonly from: number;
  readonly steps: readonly QueryStep[];
  /** `by changes`: incremental where the engine has a rule for the query, whatever the size of a change. */
  readonly refresh: "auto" | "by changes" | "incremental" | "full";
  /** `like its source`: reads a table with partitions, where there is one, and has the same. */
  readonly partitionBy: number | "like its source" | null;
}

interface DrawnStream {
  readonly kind: "stream";
  readonly from: number;
  readonly steps: readonly QueryStep[];
  readonly partitionBy: number | null;
  /** Only where it reads a source. */
  readonly watermark: {
    readonly delayMinutes: number;
    readonly late: "quarantine" | "count";
    /** De-duplicates by these columns; not at all where there are none. */
    readonly keys: readonly number[];
  } | null;
  readonly rules: readonly { readonly column: number; readonly how: number; readonly isDrop: boolean }[];
}

export interface DrawnPipeline {
  readonly sources: readonly DrawnSource[];
  readonly tables: readonly DrawnTable[];
}

const number = fc.nat(59);
/** A small change is a large part of a small table: by its size alone most of them would be read in full. */
const refresh = fc.oneof(
  { weight: 5, arbitrary: fc.constant("auto" as const) },
  { weight: 14, arbitrary: fc.constant("by changes" as const) },
  { weight: 1, arbitrary: fc.constantFrom("full" as const, "incremental" as const) },
);
const view: fc.Arbitrary<DrawnView> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("view" as const),
      from: number,
      steps: viewSteps,
      refresh,
      partitionBy: fc.option(number, { freq: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("view" as const),
      from: number,
      steps: rowSteps,
      refresh,
      partitionBy: fc.constant("like its source" as const),
    }),
  },
);
const stream: fc.Arbitrary<DrawnStream> = fc.record({
  kind: fc.constant("stream" as const),
  from: number,
  steps: fc.array(streamStep, { maxLength: 3 }),
  partitionBy: fc.option(number, { freq: 3 }),
  watermark: fc.option(
    fc.record({
      delayMinutes: fc.constantFrom(5, 1, 20),
      late: fc.constantFrom("quarantine" as const, "count" as const),
      keys: fc.array(number, { maxLength: 2 }),
    }),
    { freq: 4 },
  ),
  rules: fc.array(fc.record({ column: number, how: number, isDrop: fc.boolean() }), { maxLength: 2 }),
});

export const drawnPipeline: fc.Arbitrary<DrawnPipeline> = fc.record({
  sources: fc.array(fc.record({ isPartitioned: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
    size: "max",
  }),
  tables: fc.array(fc.oneof({ weight: 3, arbitrary: view }, { weight: 1, arbitrary: stream }), {
    minLength: 2,
    maxLength: 4,
    size: "max",
  }),
});

/** What a table offers to those after it, and what may be done to it from outside. */
export interface BuiltTable extends Readable {
  readonly name: string;
  readonly kind: "source" | "stream" | "view";
  readonly declared: DeclaredTable;
  readonly isPartitioned: boolean;
  /** What its query is made of. */
  readonly operators: readonly string[];
}

export interface BuiltPipeline {
  readonly pipeline: Pipeline;
  readonly tables: readonly BuiltTable[];
  readonly code: string;
  readonly operators: readonly string[];
}

const soon = { minInterval: "0 seconds" } as const;

/** Declares what was drawn. Errors: those of the pipeline, where it refuses something. */
export function buildPipeline(drawn: DrawnPipeline): BuiltPipeline {
  const tables: BuiltTable[] = [];
  const codes: string[] = [];
  for (const [index, { isPartitioned }] of drawn.sources.entries()) {
    const name = `bronze.s${index}`;
    const declared = sourceTable(name, isPartitioned);
    const frame = read(declared).select(...sourceColumns);
    tables.push({
      name,
      kind: "source",
      variable: `s${index}`,
      declared,
      frame,
      growth: 0,
      isPartitioned,
      operators: [],
    });
    codes.push(`const s${index} = sourceTable("${name}", ${isPartitioned});`);
  }
  for (const [index, table] of drawn.tables.entries()) {
    const built = table.kind === "view" ? builtView(table, index, tables) : builtStream(table, index, tables);
    tables.push(built.table);
    codes.push(built.code);
  }
  const pipeline = definePipeline(
    "oracle",
    tables.map(({ declared }) => declared),
  );
  return { pipeline, tables, code: codes.join("\n"), operators: tables.flatMap((table) => table.operators) };
}

interface Built {
  readonly table: BuiltTable;
  readonly code: string;
}

function builtView(drawn: DrawnView, index: number, tables: readonly BuiltTable[]): Built {
  const { partitionBy: partition } = drawn;
  const isAlike = partition === "like its source";
  const alike = isAlike ? tables.filter(({ isPartitioned }) => isPartitioned) : [];
  const from = pick(alike.length > 0 ? alike : tables, drawn.from) as BuiltTable;
  const start = from.kind === "source" ? `read(${from.variable}).select(...sourceColumns)` : `read(${from.variable})`;
  let query: Query = {
    frame: from.frame,
    code: start,
    operators: from.kind === "view" ? ["view over view"] : [],
    growth: from.growth,
  };
  for (const step of drawn.steps) query = withStep(query, step, tables);
  const partitionBy = isAlike
    ? namesOf(query).filter((each) => from.declared.partitionBy.includes(each))
    : partitionOf(query, partition);
  const name = `gold.t${index}`;
  const byChanges = viewPlan(query.frame.plan).kind === "full" ? "auto" : "incremental";
  const refreshed = drawn.refresh === "by changes" ? byChanges : drawn.refresh;
  const declared = materializedView(name, { ...soon, query: query.frame, refresh: refreshed, partitionBy });
  const options = `${refreshed === "auto" ? "" : `refresh: "${refreshed}", `}partitionBy: ${JSON.stringify(partitionBy)}`;
  return {
    table: tableOf(name, "view", index, declared, query),
    code: `const t${index} = materializedView("${name}", { ${options}, query: ${query.code} });`,
  };
}

function builtStream(drawn: DrawnStream, index: number, tables: readonly BuiltTable[]): Built {
  const from = pick(
    tables.filter(({ kind }) => kind !== "view"),
    drawn.from,
  ) as BuiltTable;
  const isSource = from.kind === "source";
  const start = `readStream(${from.variable})${isSource ? ".select(...sourceColumns)" : ""}`;
  const whole = readStream<ColumnTypes>(from.declared);
  let query: Query = {
    frame: isSource ? whole.select(...sourceColumns) : whole,
    code: start,
    operators: ["stream"],
    growth: from.growth,
  };
  // Files of one commit share their positions, so that only one file a commit has a place for every row.
  const watermark = isSource && !from.isPartitioned ? drawn.watermark : null;
  const others = tables.filter((table) => table !== from);
  for (const step of drawn.steps) query = withStep(query, step, others, watermark === null ? [] : [eventTime]);
  if (watermark !== null) query = withWatermark(query, watermark);
  const rules: Record<string, Rule> = {};
  const ruleCodes: string[] = [];
  for (const [at, rule] of drawn.rules.entries()) {
    const name = pick(namesOf(query), rule.column) as string;
    const { column, code } = condition(termOf(query, name), rule.how);
    rules[`rule${at}`] = rule.isDrop ? drop(column) : warn(column);
    ruleCodes.push(`rule${at}: ${rule.isDrop ? "drop" : "warn"}(t.${code})`);
  }
  const partitionBy = partitionOf(query, drawn.partitionBy);
  const name = `silver.t${index}`;
  const declared = streamingTable(name, { ...soon, query: query.frame, partitionBy, expect: () => rules });
  const options = `partitionBy: ${JSON.stringify(partitionBy)}, expect: (t) => ({ ${ruleCodes.join(", ")} })`;
  const operators = [...query.operators, ...Object.values(rules).map(({ action }) => `expect ${action}`)];
  return {
    table: tableOf(name, "stream", index, declared, { ...query, operators }),
    code: `const t${index} = streamingTable("${name}", { ${options}, query: ${query.code} });`,
  };
}

function withWatermark(query: Query, { delayMinutes, late, keys }: NonNullable<DrawnStream["watermark"]>): Query {
  const delay = `${delayMinutes} minutes` as const;
  let frame = query.frame.withWatermark(eventTime, delay, { maxAhead: "30 minutes", late });
  let code = `${query.code}\n    .withWatermark("${eventTime}", "${delay}", { maxAhead: "30 minutes", late: "${late}" })`;
  const operators = [...query.operators, `withWatermark ${late}`];
  const names = namesAt(orderedNames(query), keys);
  if (names.length > 0) {
    frame = frame.dropDuplicatesWithinWatermark(names);
    code += `\n    .dropDuplicatesWithinWatermark(${JSON.stringify(names)})`;
    operators.push("dropDuplicatesWithinWatermark");
  }
  return { ...query, frame, code, operators };
}

/** Half of them by the first column, which is the key where there are groups: so that files are left out by their values. */
function partitionOf(query: Query, number: number | null): string[] {
  const kinds = ["string", "date", "integer", "long", "boolean", "timestamp", "decimal"];
  const names = exactNames(query).filter((name) => kinds.includes(termOf(query, name).column.type.kind));
  if (number === null || namesOf(query).length < 2) return [];
  const name = pick(names, number % 2 === 0 ? 0 : number);
  return name === undefined ? [] : [name];
}

function tableOf(
  name: string,
  kind: BuiltTable["kind"],
  index: number,
  declared: DeclaredTable,
  query: Query,
): BuiltTable {
  const isPartitioned = declared.partitionBy.length > 0;
  const { growth, operators } = query;
  return { name, kind, variable: `t${index}`, declared, frame: read(declared), growth, isPartitioned, operators };
}
