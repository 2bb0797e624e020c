/** Declarations of tables: streaming tables, which read each row once, and materialized views, which are kept equal to their query. */
import { DyneError, limits, placeColumn, shown, tableName } from "../core/index.ts";
import type { TableName } from "../core/index.ts";
import {
  checkChangeRules,
  checkExactKeys,
  checkStreaming,
  checkTotalOrder,
  analyze,
  Column,
  DataFrame,
  durationMs,
  schemaOf,
  typeOf,
  typeName,
  unknownColumn,
} from "../plan/index.ts";
import type {
  ColumnsOf,
  ColumnTypes,
  DataType,
  Duration,
  LogicalPlan,
  ReadableTable,
  Schema,
  StructField,
  StructOf,
} from "../plan/index.ts";
import { checkColumnNames } from "./column-names.ts";
import { fileBronzeSchema, hubBronzeSchema } from "./bronze.ts";
import type { FileProvenanceTypes, HubBronzeTypes } from "./bronze.ts";
import type { Expectation, Rule } from "./expectation.ts";
import * as kinds from "./options.ts";
import { checkOptions } from "./options.ts";
import type { EventHubSource, FilesSource } from "./source.ts";

/** What every table can say of itself. */
export interface TableOptions<Types extends ColumnTypes> {
  /** Columns that split the table into folders, by value. */
  readonly partitionBy?: readonly (keyof Types & string)[];
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** How long removed files are kept for older versions. Default: 7 days. */
  readonly retention?: Duration;
  /** The shortest time between two batches. Defaults: 0.5 s from a source, 1 s for streaming tables, 5 s for views. */
  readonly minInterval?: Duration;
}

/** Expectations by name, over the table's columns: `({ id }) => ({ has_id: drop(id.isNotNull()) })`. */
export type Rules<Types extends ColumnTypes> = (columns: ColumnsOf<Types>) => Readonly<Record<string, Rule>>;

/** A declared table. Plain frozen data but for the types of its columns. */
export interface DeclaredTable<Types extends ColumnTypes = ColumnTypes> extends ReadableTable<Types> {
  readonly kind: "streamingTable" | "materializedView";
  readonly name: TableName;
  readonly schema: StructOf<Types>;
  /** Either a source or a query feeds a table. */
  readonly source: EventHubSource | FilesSource | undefined;
  readonly query: LogicalPlan | undefined;
  readonly expectations: readonly Expectation[];
  /** How a view is refreshed; `auto` for streaming tables, where it has no meaning. */
  readonly refresh: "auto" | "incremental" | "full";
  readonly partitionBy: readonly string[];
  readonly owner: string | undefined;
  readonly description: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly retentionMs: number;
  readonly minIntervalMs: number;
  /** The share of time that a view's refreshes may take; 1 for streaming tables, which take what they need. */
  readonly dutyCycle: number;
}

const tableOptions = {
  partitionBy: kinds.names,
  owner: kinds.text,
  description: kinds.text,
  tags: kinds.texts,
  retention: kinds.duration,
  minInterval: kinds.duration,
  query: kinds.query,
};
const streamingOptions = { ...tableOptions, from: kinds.source, expect: kinds.rules };
const viewOptions = { ...tableOptions, refresh: kinds.oneOf("auto", "incremental", "full"), dutyCycle: kinds.numeric };

/**
 * A table that a query over one stream feeds, row by row. Errors: those of the analysis, UNBOUNDED_STATE; INVALID_ARGUMENT for an option that
 * there is not or that has another kind of value.
 */
export function streamingTable<Types extends ColumnTypes>(
  name: string,
  options: TableOptions<Types> & { readonly query: DataFrame<Types>; readonly expect?: Rules<Types> },
): DeclaredTable<Types>;
/** A bronze table of a hub's events: `hubBronzeSchema`. Errors: INVALID_PIPELINE, UNKNOWN_COLUMN. */
export function streamingTable(
  name: string,
  options: TableOptions<HubBronzeTypes> & { readonly from: EventHubSource },
): DeclaredTable<HubBronzeTypes>;
/** A bronze table of landed files: their columns and `fileProvenanceSchema`. */
export function streamingTable<Types extends ColumnTypes>(
  name: string,
  options: TableOptions<Types & FileProvenanceTypes> & { readonly from: FilesSource<Types> },
): DeclaredTable<Types & FileProvenanceTypes>;
export function streamingTable(
  name: string,
  options: TableOptions<ColumnTypes> & {
    readonly from?: EventHubSource | FilesSource;
    readonly query?: DataFrame<ColumnTypes>;
    readonly expect?: Rules<ColumnTypes>;
  },
): DeclaredTable {
  inTable(name, () => checkOptions(options, streamingOptions));
  const { from, query } = options;
  if ((from === undefined) === (query === undefined)) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `${name} has ${from === undefined ? "neither a source nor a query" : "a source and a query"}. Give it either \`from\` or \`query\`.`,
    );
  }
  if (query !== undefined) {
    return inTable(name, () => {
      checkStreaming(query.plan);
      const expectations = Object.entries(rulesOf(query, options.expect)).map(([rule, { action, condition }]) =>
        expectation(query, rule, action, condition.expression),
      );
      return declare(name, "streamingTable", schemaOf(query.plan), options, {
        query: query.plan,
        expectations,
        minIntervalMs: 1_000,
      });
    });
  }
  if (options.expect !== undefined) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `${name} has expectations and a source. Bronze keeps everything: put the expectations on the table that reads ${name}.`,
    );
  }
  const source = from as EventHubSource | FilesSource;
  const schema = source.kind === "eventHub" ? hubBronzeSchema : fileBronzeSchema(source.schema);
  return inTable(name, () =>
    declare(name, "streamingTable", schema as Schema, options, { source, minIntervalMs: 500 }),
  );
}

/**
 * A table that always equals its query over its inputs. `refresh`: `auto` picks the cheapest way, `incremental` refuses to compute in
 * full, `full` always does. `dutyCycle`: the share of time that refreshes may take, 0.2 unless it is said: after a refresh of one second the
 * next one begins no earlier than five seconds after that did. Errors: those of the analysis; INVALID_PIPELINE for a query that two runs may
 * answer differently (the batch's clock, inexact keys, a choice without a total order); INVALID_ARGUMENT for a share that is none, an option that
 * there is not, or one that has another kind of value.
 */
export function materializedView<Types extends ColumnTypes>(
  name: string,
  options: TableOptions<Types> & {
    readonly query: DataFrame<Types>;
    readonly refresh?: DeclaredTable["refresh"];
    readonly dutyCycle?: number;
  },
): DeclaredTable<Types> {
  inTable(name, () => {
    checkOptions(options, viewOptions);
    if (options.query === undefined)
      throw new DyneError("INVALID_PIPELINE", "A materialized view has a query. Give it one as `query`.");
  });
  const { query, refresh = "auto", dutyCycle = limits.dutyCycle } = options;
  return inTable(name, () => {
    checkDutyCycle(dutyCycle);
    const facts = analyze(query.plan);
    if (facts.streaming)
      throw new DyneError(
        "INVALID_PIPELINE",
        "A materialized view reads tables as they stand. Use read() instead of readStream().",
      );
    if (!facts.deterministic) {
      throw new DyneError(
        "INVALID_PIPELINE",
        "A materialized view must follow from its inputs alone, but it uses currentTimestamp(). Compute the time in a streaming table.",
      );
    }
    checkTotalOrder(query.plan);
    checkExactKeys(query.plan);
    if (refresh === "incremental") checkChangeRules(query.plan);
    return declare(name, "materializedView", facts.schema, options, {
      query: query.plan,
      refresh,
      minIntervalMs: 5_000,
      dutyCycle,
    });
  }) as DeclaredTable<Types>;
}

interface Specific {
  readonly source?: EventHubSource | FilesSource;
  readonly query?: LogicalPlan;
  readonly expectations?: readonly Expectation[];
  readonly refresh?: DeclaredTable["refresh"];
  readonly minIntervalMs: number;
  readonly dutyCycle?: number;
}

function declare(
  name: string,
  kind: DeclaredTable["kind"],
  schema: Schema,
  options: TableOptions<ColumnTypes>,
  specific: Specific,
): DeclaredTable {
  const partitionBy = options.partitionBy ?? [];
  if (Object.keys(schema.fields).length === 0)
    throw new DyneError("INVALID_PIPELINE", "Its query gives no columns. Select at least one.");
  if (Object.keys(schema.fields).some((column) => column.toLowerCase() === placeColumn)) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${placeColumn}" is the name of the column in which dyne keeps a row's place. Give the column another name.`,
    );
  }
  checkColumnNames(schema, flowOf(kind, specific), specific.query);
  checkPartitioning(partitionBy, schema);
  const { source, query, expectations = [], refresh = "auto", minIntervalMs, dutyCycle = 1 } = specific;
  return Object.freeze({
    kind,
    name: tableName(name),
    schema: schema,
    source,
    query,
    expectations,
    refresh,
    partitionBy,
    owner: options.owner,
    description: options.description,
    tags: Object.freeze({ ...options.tags }),
    retentionMs: durationMs(options.retention ?? "7 days"),
    minIntervalMs: options.minInterval === undefined ? minIntervalMs : durationMs(options.minInterval),
    dutyCycle,
  });
}

function flowOf(kind: DeclaredTable["kind"], { source }: Specific): Parameters<typeof checkColumnNames>[1] {
  if (source !== undefined) return source.kind === "files" ? "files" : "hub";
  return kind === "streamingTable" ? "stream" : "view";
}

/** Smaller shares would keep a view from being refreshed for hours after a refresh of seconds. */
function checkDutyCycle(share: number): void {
  if (!(share >= limits.dutyCycleMin && share <= 1)) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `dutyCycle is ${share}. Give the share of time that refreshes may take, from ${limits.dutyCycleMin} to 1: 0.2 lets a refresh of one second be followed by the next one five seconds after it began.`,
    );
  }
}

function checkPartitioning(partitionBy: readonly string[], schema: Schema): void {
  const columns = Object.keys(schema.fields);
  for (const column of partitionBy) {
    const field = Object.hasOwn(schema.fields, column) ? (schema.fields[column] as StructField) : undefined;
    if (field === undefined) throw unknownColumn(column, columns, "partitionBy");
    if (!isPartitionType(field.type))
      throw new DyneError(
        "TYPE_MISMATCH",
        `partitionBy cannot split by "${column}", which is ${typeName(field.type)}. Use a column of text, numbers, dates or times.`,
      );
  }
  if (new Set(partitionBy).size < partitionBy.length)
    throw new DyneError("DUPLICATE_NAME", "partitionBy names a column twice. Name it once.");
  if (partitionBy.length === columns.length)
    throw new DyneError(
      "INVALID_PIPELINE",
      "partitionBy names every column, and leaves none for the files. Name fewer.",
    );
}

const isPartitionType = (type: DataType): boolean =>
  !["struct", "array", "map", "binary", "float", "double"].includes(type.kind);

/** Errors: INVALID_ARGUMENT where the rules are none. */
function rulesOf(query: DataFrame<ColumnTypes>, build: Rules<ColumnTypes> | undefined): Readonly<Record<string, Rule>> {
  const rules: unknown = build === undefined ? {} : build(query.columns);
  const isPlain = typeof rules === "object" && rules !== null && Object.getPrototypeOf(rules) === Object.prototype;
  if (!isPlain) throw new DyneError("INVALID_ARGUMENT", `expect gives ${shown(rules)}. Give ${kinds.rules.what}.`);
  for (const [name, rule] of Object.entries(rules as Record<string, Partial<Rule> | undefined>)) {
    if (rule?.condition instanceof Column && ["warn", "drop", "fail"].includes(rule.action ?? "")) continue;
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The expectation "${name}" is ${shown(rule)}. Give warn, drop or fail of a condition, such as drop(id.isNotNull()).`,
    );
  }
  return rules as Readonly<Record<string, Rule>>;
}

function expectation(
  query: DataFrame<ColumnTypes>,
  name: string,
  action: Expectation["action"],
  predicate: Expectation["predicate"],
): Expectation {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${name}" is not the name of an expectation. Use lower-case letters, digits and underscores.`,
    );
  }
  const place = `the expectation "${name}"`;
  const { kind } = typeOf(predicate, schemaOf(query.plan), place);
  if (kind !== "boolean")
    throw new DyneError("TYPE_MISMATCH", `${place} is ${kind}, not boolean. Compare it with something.`);
  // A filter is checked for aggregates and windows, which a rule of single rows cannot have.
  new DataFrame({ kind: "filter", input: query.plan, condition: predicate });
  return Object.freeze({ name, action, predicate });
}

/** Says which table an error is about. */
function inTable<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DyneError)) throw error;
    throw new DyneError(error.code, `${name}: ${error.message}`, {
      cause: error,
      details: { ...error.details, table: name },
    });
  }
}
