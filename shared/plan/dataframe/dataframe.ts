/** The typed DataFrame: it builds a logical plan and nothing else. Names and types are checked by the compiler, and again when it runs. */
import { DyneError } from "../../core/errors.ts";
import { unknownColumn } from "../analysis/field-of.ts";
import { isStreaming } from "../analysis/streaming.ts";
import { schemaOf } from "../analysis/schema-of.ts";
import { analyze } from "../analysis/analyze.ts";
import type { BooleanType, StructOf } from "../data-type.ts";
import { checkFieldNames } from "../data-type.ts";
import type { Expression } from "../expression.ts";
import type { Join, LogicalPlan } from "../logical-plan.ts";
import type { ArrayType, DataType, Schema, StructField } from "../types.ts";
import { Column, expressionOf, sortOrders } from "./column.ts";
import type { AnyColumn, OrderedColumn, ValueOf } from "./column.ts";
import {
  columnsGiven,
  frameGiven,
  functionGiven,
  knownColumns,
  namesGiven,
  optionsGiven,
  pairGiven,
  tableGiven,
  valuesGiven,
  wordGiven,
} from "./given.ts";
import { durationMs } from "./duration.ts";
import type { Duration } from "./duration.ts";
import type {
  ColumnsOf,
  ColumnTypes,
  ConditionalJoin,
  Joined,
  JoinPair,
  ReadableTable,
  TopKOptions,
  TypesOf,
  WatermarkOptions,
  With,
} from "./dataframe-types.ts";
import { inWindows } from "./time-windows.ts";
import type { SlidingWindow } from "./time-windows.ts";
import { totalOrder, withTotalOrder } from "./total-order.ts";
import { coalesce } from "./functions.ts";
import { firstRows } from "./first-rows.ts";

const conditionalJoins: readonly ConditionalJoin[] = ["inner", "left", "right", "full", "semi", "anti"];
type NamesOf<Types> = keyof Types & string;
type ColumnMap = Readonly<Record<string, AnyColumn>>;
/** What rows are grouped by. */
type GroupMap = Readonly<Record<string, AnyColumn | SlidingWindow<DataType>>>;

export class DataFrame<Types extends ColumnTypes> {
  readonly plan: LogicalPlan;

  /** Prefer `read` and `readStream`. Errors: those of the analysis. */
  constructor(plan: LogicalPlan) {
    schemaOf(plan);
    this.plan = Object.freeze(plan);
  }

  /** The columns of the result, in order. */
  get schema(): StructOf<Types> {
    return schemaOf(this.plan) as StructOf<Types>;
  }

  /** The columns by name, for expressions. */
  get columns(): ColumnsOf<Types> {
    const fields = Object.entries<StructField>((this.schema as Schema).fields);
    const columns = fields.map(([name, field]) => [name, new Column({ kind: "column", name }, field.type)] as const);
    return knownColumns(Object.fromEntries(columns), "the query") as unknown as ColumnsOf<Types>;
  }

  /** The named columns, or new ones computed from the columns: all of the output, in order. */
  select<const Name extends NamesOf<Types>>(...names: readonly Name[]): DataFrame<Pick<Types, Name>>;
  select<Columns extends ColumnMap>(build: (columns: ColumnsOf<Types>) => Columns): DataFrame<TypesOf<Columns>>;
  select(...what: readonly (string | ((columns: ColumnsOf<Types>) => ColumnMap))[]): DataFrame<ColumnTypes> {
    const [build] = what;
    const columns =
      typeof build === "function"
        ? columnsGiven(build(this.columns), "select")
        : this.#picked(what as readonly string[], "select");
    return new DataFrame({ kind: "project", input: this.plan, columns: this.#named(columns) });
  }

  /** All columns, and new ones in their place or after them. */
  withColumns<Columns extends ColumnMap>(
    build: (columns: ColumnsOf<Types>) => Columns,
  ): DataFrame<With<Types, TypesOf<Columns>>> {
    functionGiven(build, "withColumns", "({ at }) => ({ day: toDate(at) })");
    const added = columnsGiven(build(this.columns), "withColumns");
    const columns = { ...(this.columns as ColumnMap), ...added };
    return new DataFrame({ kind: "project", input: this.plan, columns: this.#named(columns) });
  }

  /** The rows for which the condition is true. */
  filter(condition: (columns: ColumnsOf<Types>) => Column<BooleanType>): DataFrame<Types> {
    functionGiven(condition, "filter", "({ id }) => id.isNotNull()");
    return new DataFrame({
      kind: "filter",
      input: this.plan,
      condition: expressionOf(condition(this.columns), "filter"),
    });
  }
  /** The same as `filter`. */
  where(condition: (columns: ColumnsOf<Types>) => Column<BooleanType>): DataFrame<Types> {
    return this.filter(condition);
  }

  /** All columns but these. */
  drop<const Name extends NamesOf<Types>>(...names: readonly Name[]): DataFrame<Omit<Types, Name>> {
    for (const name of namesGiven(names, "drop")) this.#known(name, "drop");
    const kept = Object.entries(this.columns as ColumnMap).filter(
      ([name]) => !(names as readonly string[]).includes(name),
    );
    return new DataFrame({ kind: "project", input: this.plan, columns: this.#named(Object.fromEntries(kept)) });
  }

  /**
   * Groups of equal values; NULL is a value. Without arguments: one group, even of no rows. Grouped by `window(time, …)`, a row is in each
   * window that holds its time, and in none without a time. Errors: those of the analysis.
   */
  groupBy<const Name extends NamesOf<Types>>(...names: readonly Name[]): GroupedDataFrame<Types, Pick<Types, Name>>;
  groupBy<Columns extends GroupMap>(
    build: (columns: ColumnsOf<Types>) => Columns,
  ): GroupedDataFrame<Types, TypesOf<Columns>>;
  groupBy(
    ...what: readonly (string | ((columns: ColumnsOf<Types>) => GroupMap))[]
  ): GroupedDataFrame<Types, ColumnTypes> {
    const [build] = what;
    const given: GroupMap =
      typeof build === "function"
        ? columnsGiven(build(this.columns), "groupBy")
        : this.#picked(what as readonly string[], "groupBy");
    const { plan, groups } = inWindows(this.plan, given);
    return new GroupedDataFrame(plan, this.columns, this.#named(groups));
  }

  /**
   * Rows of both sides with equal values; NULL equals nothing. Columns joined on by one name appear once, and have the value of either
   * side; other names must differ. `left`, `right` and `full` also keep the rows of that side, or of both, that have no match, with NULL
   * for the other side's columns. `semi` and `anti` give the rows of this side that have a match, or none. A table joins itself through
   * `select` with other names. Errors: AMBIGUOUS_COLUMN.
   */
  join<
    Right extends ColumnTypes,
    const Name extends NamesOf<Types> & NamesOf<Right>,
    Type extends ConditionalJoin = "inner",
  >(
    other: DataFrame<Right>,
    on: Name | readonly Name[],
    type?: Type,
  ): DataFrame<Joined<Types, Omit<Right, Name>, Type>>;
  join<
    Right extends ColumnTypes,
    const Pair extends JoinPair<NamesOf<Types>, NamesOf<Right>>,
    Type extends ConditionalJoin = "inner",
  >(other: DataFrame<Right>, on: Pair | readonly Pair[], type?: Type): DataFrame<Joined<Types, Right, Type>>;
  join(other: DataFrame<ColumnTypes>, on: unknown, type: ConditionalJoin = "inner"): DataFrame<ColumnTypes> {
    frameGiven(other, "join");
    wordGiven(type, conditionalJoins, "The kind of a join");
    const given = (Array.isArray(on) ? on : [on]) as readonly (string | JoinPair<string, string>)[];
    for (const pair of given) if (typeof pair !== "string") pairGiven(pair);
    const pairs = given.map((pair) =>
      typeof pair === "string" ? { left: pair, right: pair } : { left: pair.left, right: pair.right },
    );
    const dropRight = given.filter((pair) => typeof pair === "string");
    const plan: Join = { kind: "join", type, left: this.plan, right: other.plan, on: pairs, dropRight };
    return new DataFrame(plan);
  }

  /** Every row with every row of the other side. Names must differ. Errors: AMBIGUOUS_COLUMN. */
  crossJoin<Right extends ColumnTypes>(other: DataFrame<Right>): DataFrame<With<Types, Right>> {
    frameGiven(other, "crossJoin");
    return new DataFrame({ kind: "join", type: "cross", left: this.plan, right: other.plan, on: [], dropRight: [] });
  }

  /** The same columns, one under another name. Errors: UNKNOWN_COLUMN, DUPLICATE_NAME. */
  withColumnRenamed<const From extends NamesOf<Types>, const To extends string>(
    from: From,
    to: To,
  ): DataFrame<{ readonly [Name in keyof Types as Name extends From ? To : Name]: Types[Name] }> {
    for (const name of namesGiven([from, to], "withColumnRenamed").slice(0, 1)) this.#known(name, "withColumnRenamed");
    const columns = Object.entries(this.columns as ColumnMap).map(([name, column]) => ({
      name: name === from ? to : name,
      expression: column.expression,
    }));
    return new DataFrame({ kind: "project", input: this.plan, columns });
  }

  /** Values in the place of NULL, by column. NaN stays. */
  fillNull(values: { readonly [Name in keyof Types]?: ValueOf<Types[Name]> }): DataFrame<Types> {
    valuesGiven(values, "fillNull");
    const filled = Object.entries(values).map(([name, value]) => {
      const column = this.#known(name, "fillNull") as Column<DataType>;
      return [name, coalesce(column, value as ValueOf<DataType>)] as const;
    });
    return this.withColumns(() => Object.fromEntries(filled)) as unknown as DataFrame<Types>;
  }

  /** The rows of both, duplicates included, matched by column name. */
  union(other: DataFrame<Types>): DataFrame<Types> {
    frameGiven(other, "union");
    return new DataFrame({ kind: "union", inputs: [this.plan, other.plan] });
  }

  /** Every different row that both have, once, matched by column name; NULL equals NULL. */
  intersect(other: DataFrame<Types>): DataFrame<Types> {
    return this.#found(other, "semi");
  }
  /** Every different row that the other has not, once, matched by column name; NULL equals NULL. */
  except(other: DataFrame<Types>): DataFrame<Types> {
    return this.#found(other, "anti");
  }

  /** Every different row once. */
  distinct(): DataFrame<Types> {
    return new DataFrame({ kind: "distinct", input: this.plan });
  }

  /** Sorted rows; ties are broken by all columns, so that a limit always cuts the same rows. */
  orderBy(...orders: readonly NamesOf<Types>[]): DataFrame<Types>;
  orderBy(build: (columns: ColumnsOf<Types>) => readonly (AnyColumn | OrderedColumn)[]): DataFrame<Types>;
  orderBy(
    ...what: readonly (string | ((columns: ColumnsOf<Types>) => readonly (AnyColumn | OrderedColumn)[]))[]
  ): DataFrame<Types> {
    const [build] = what;
    const given =
      typeof build === "function"
        ? build(this.columns)
        : namesGiven(what as readonly string[], "orderBy").map((name) => this.#column(name));
    return new DataFrame({
      kind: "sort",
      input: this.plan,
      orders: totalOrder(sortOrders(given, "orderBy"), this.schema),
    });
  }

  /** The first rows in the order of `orderBy`, or in that of all columns. */
  limit(count: number): DataFrame<Types> {
    const input: LogicalPlan =
      this.plan.kind === "sort" ? this.plan : { kind: "sort", input: this.plan, orders: totalOrder([], this.schema) };
    return new DataFrame({ kind: "limit", input, count });
  }

  /** One row per element of an array, in a new column; rows without elements go, unless `outer`. */
  explode<Element extends DataType, const Name extends string>(
    as: Name,
    array: (columns: ColumnsOf<Types>) => Column<ArrayType<Element>>,
    options: { readonly outer?: boolean } = {},
  ): DataFrame<With<Types, { readonly [Key in Name]: Element }>> {
    functionGiven(array, "explode", "({ lines }) => lines, behind the name of the new column");
    optionsGiven(options, ["outer"], "explode");
    return new DataFrame({
      kind: "explode",
      input: this.plan,
      array: expressionOf(array(this.columns), "explode"),
      as,
      outer: options.outer ?? false,
    });
  }

  /** Declares event time: a row is late if it is more than `delay` behind the newest earlier row of its lane. */
  withWatermark(eventTime: NamesOf<Types>, delay: Duration, options: WatermarkOptions = {}): DataFrame<Types> {
    optionsGiven(options, ["maxAhead", "idleAfter", "late"], "withWatermark");
    wordGiven(options.late ?? "quarantine", ["quarantine", "count"], "late of withWatermark");
    const delayMs = durationMs(delay);
    return new DataFrame({
      kind: "watermark",
      input: this.plan,
      eventTime,
      delayMs,
      maxAheadMs: options.maxAhead === undefined ? delayMs : durationMs(options.maxAhead),
      idleAfterMs: options.idleAfter === undefined ? 300_000 : durationMs(options.idleAfter),
      late: options.late ?? "quarantine",
    });
  }

  /** A row goes if an earlier one with the same keys lies within the watermark's delay in event time. Errors: UNBOUNDED_STATE. */
  dropDuplicatesWithinWatermark(keys: readonly NamesOf<Types>[]): DataFrame<Types> {
    namesGiven(keys, "dropDuplicatesWithinWatermark");
    const frame = new DataFrame<Types>({ kind: "dropDuplicatesWithinWatermark", input: this.plan, keys });
    analyze(frame.plan);
    return frame;
  }

  /** One row per key, the first in the order of all columns. For tables; on streams it is refused (UNBOUNDED_STATE). */
  dropDuplicates(keys: readonly NamesOf<Types>[]): DataFrame<Types> {
    if (isStreaming(this.plan)) {
      throw new DyneError(
        "UNBOUNDED_STATE",
        "dropDuplicates on a stream would keep every key for ever. Use dropDuplicatesWithinWatermark(keys) after withWatermark().",
      );
    }
    return new DataFrame(
      firstRows(this.plan, { keys: this.#named(this.#picked(keys, "dropDuplicates")), orders: [], count: 1 }),
    );
  }

  /**
   * The first rows of each key in an order, with ties broken by all columns. NULL is a key; without keys they are the first of all.
   * Errors: INVALID_ARGUMENT for a count below 1.
   */
  topK(options: TopKOptions<Types>): DataFrame<Types> {
    optionsGiven(options, ["by", "orderBy", "count"], "topK");
    const { by, orderBy, count } = options;
    functionGiven(orderBy, "orderBy of topK", "({ at }) => [at.desc()]");
    const orders = sortOrders(orderBy(this.columns), "topK");
    return new DataFrame(firstRows(this.plan, { keys: this.#named(this.#picked(by, "topK")), orders, count }));
  }

  #found(other: DataFrame<Types>, type: "semi" | "anti"): DataFrame<Types> {
    // A union checks that both sides have the same columns.
    const union = this.union(other);
    const on = Object.keys((union.schema as Schema).fields).map((name) => ({ left: name, right: name }));
    const left: LogicalPlan = { kind: "distinct", input: this.plan };
    return new DataFrame({ kind: "join", type, nullSafe: true, left, right: other.plan, on, dropRight: [] });
  }

  #known(name: string, place: string): AnyColumn {
    const columns = this.columns as ColumnMap;
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) throw unknownColumn(name, Object.keys(columns), place);
    return column;
  }

  #picked(names: readonly string[], clause: string): ColumnMap {
    return Object.fromEntries(namesGiven(names, clause).map((name) => [name, this.#column(name)]));
  }

  #column(name: string): AnyColumn {
    const columns = this.columns as ColumnMap;
    // The analysis words the error: it knows the nearest name.
    return (
      (Object.hasOwn(columns, name) ? columns[name] : undefined) ??
      new Column({ kind: "column", name }, { kind: "string" })
    );
  }

  #named(columns: ColumnMap): readonly { readonly name: string; readonly expression: Expression }[] {
    const entries = Object.entries(columns);
    checkFieldNames(
      entries.map(([name]) => name),
      "select",
    );
    return entries.map(([name, column]) => {
      if (column instanceof Column) return { name, expression: withTotalOrder(column.expression, this.schema) };
      throw new DyneError(
        "TYPE_MISMATCH",
        `"${name}" in select is no column. Give a column, or a constant with lit().`,
      );
    });
  }
}

/** Groups that wait for their aggregates. */
export class GroupedDataFrame<Types extends ColumnTypes, Groups extends ColumnTypes> {
  readonly #input: LogicalPlan;
  readonly #columns: ColumnsOf<Types>;
  readonly #groups: readonly { readonly name: string; readonly expression: Expression }[];

  constructor(
    input: LogicalPlan,
    columns: ColumnsOf<Types>,
    groups: readonly { readonly name: string; readonly expression: Expression }[],
  ) {
    this.#input = input;
    this.#columns = columns;
    this.#groups = groups;
  }

  /** One row per group: the grouping columns, then the aggregates. */
  agg<Columns extends ColumnMap>(
    build: (columns: ColumnsOf<Types>) => Columns,
  ): DataFrame<With<Groups, TypesOf<Columns>>> {
    functionGiven(build, "agg", "({ amount }) => ({ total: sum(amount) })");
    const aggregates = Object.entries(columnsGiven(build(this.#columns), "agg")).map(([name, column]) => ({
      name,
      expression: expressionOf(column, `agg, column "${name}",`),
    }));
    return new DataFrame({ kind: "aggregate", input: this.#input, groupBy: this.#groups, aggregates });
  }
}

/** A table as it stands: its latest version when a batch is planned. */
export function read<Types extends ColumnTypes>(table: ReadableTable<Types>): DataFrame<Types> {
  tableGiven(table, "read");
  return new DataFrame({ kind: "scan", source: table.name, schema: table.schema, streaming: false });
}

/** A table as a stream: every row that is appended to it, once. */
export function readStream<Types extends ColumnTypes>(table: ReadableTable<Types>): DataFrame<Types> {
  tableGiven(table, "readStream");
  return new DataFrame({ kind: "scan", source: table.name, schema: table.schema, streaming: true });
}
