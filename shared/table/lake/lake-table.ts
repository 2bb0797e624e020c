import { DyneError } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import {
  schemaOf,
  typeName,
  type BooleanType,
  type Column,
  type ColumnsOf,
  type ColumnTypes,
  type Schema,
  type StructField,
  type StructOf,
} from "../../plan/index.ts";
import type { ObjectStore } from "../../storage/index.ts";
import { readChanges } from "../changes/read-changes.ts";
import { changeSchema } from "../changes/change-inputs.ts";
import { planChanges } from "../changes/table-changes.ts";
import { readRowTexts } from "../read-rows.ts";
import type { TableSession } from "../table-session.ts";
import { appendRows } from "../write/append-rows.ts";
import { deleteRows } from "../write/delete-rows.ts";
import { mergeRows } from "../write/merge-rows.ts";
import { overwriteRows, type Replaced } from "../write/overwrite-rows.ts";
import { sourceOfRows, sourceOfTable, type SourceRows } from "../write/source-rows.ts";
import { updateRows } from "../write/update-rows.ts";
import type { WriteOptions, WriteOutcome } from "../write/write-outcome.ts";
import { assignments, columnsOf, conditionOf, type Condition, type Values } from "./conditions.ts";
import { MergeBuilder, mergeSides, type MergeSides } from "./merge-builder.ts";
import { repeatOnConflict, type RepeatOptions } from "./repeat.ts";
import { rowSetOf, type InputRow, type InputRowOf } from "./row-input.ts";
import { rowOfText, type OutputRow, type RowOf } from "./row-output.ts";

/** Rows to write: objects by column name, or the rows of another table. */
export type Rows<Types extends ColumnTypes = ColumnTypes> = readonly InputRowOf<Types>[] | SourceRows;

/** The rows of a table, as a source for another; see `LakeTable.source`. */
export interface LakeSource<Types extends ColumnTypes> extends SourceRows {
  readonly schema: StructOf<Types>;
}

type MergeTest<Target extends ColumnTypes, Source extends ColumnTypes> = (
  sides: MergeSides<Target, Source>,
) => Column<BooleanType>;

/** Which version is read; the newest where neither is given. */
export interface At {
  readonly version?: number | undefined;
  /** The last version committed at or before this moment. */
  readonly timestamp?: Date | undefined;
}

export interface TableReadOptions<Types extends ColumnTypes> extends At {
  readonly where?: Condition<ColumnsOf<Types>> | undefined;
  /** These columns, in this order; all of them where absent. */
  readonly select?: readonly (keyof Types & string)[] | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TableWriteOptions extends WriteOptions, RepeatOptions {
  /** Adds columns, and fields of structs, that the rows have and the table lacks. */
  readonly mergeSchema?: boolean | undefined;
  /** The types of rows given as objects, where they are not the table's own. */
  readonly schema?: Schema | undefined;
}

export interface TableOverwriteOptions<Types extends ColumnTypes> extends TableWriteOptions {
  /** Only rows for which this is true are replaced, and it must be true of the new ones. */
  readonly replaceWhere?: Condition<ColumnsOf<Types>> | undefined;
  /** `dynamic`: only the partitions that the new rows are in are replaced. */
  readonly partitions?: "dynamic" | undefined;
}

/**
 * One Delta table. Every method looks at the newest version first; a write is one commit, planned again while other writers are first, and
 * its outcome is a value. Rows are objects by column name; see `OutputRow` for their values.
 */
export class LakeTable<Types extends ColumnTypes = ColumnTypes> {
  readonly session: TableSession;
  readonly #scratch: ObjectStore;

  /** Use `DeltaLake.table` or `DeltaLake.create`. */
  constructor(session: TableSession, scratch: ObjectStore) {
    this.session = session;
    this.#scratch = scratch;
  }

  /** The table's root in its store. */
  get path(): string {
    return this.session.table.path;
  }

  /** The table as it stands: version, columns, partitioning, properties, files. Errors: TABLE_NOT_FOUND. */
  snapshot(at: At = {}): Promise<Snapshot> {
    const { table } = this.session;
    if (at.version !== undefined && at.timestamp !== undefined)
      throw new DyneError("INVALID_ARGUMENT", "A version and a timestamp name two versions. Give one of them.");
    if (at.version !== undefined) return table.at(at.version);
    return at.timestamp === undefined ? table.latest() : table.asOf(at.timestamp.getTime());
  }

  /** The table's columns. */
  async schema(at: At = {}): Promise<StructOf<Types>> {
    return (await this.snapshot(at)).schema as StructOf<Types>;
  }

  /** The rows of a version, in no order. Files without a wanted row are not fetched where their statistics tell. */
  async *read(options: TableReadOptions<Types> = {}): AsyncGenerator<RowOf<Types>, void> {
    const { compute, table } = this.session;
    const snapshot = await this.snapshot(options);
    const { select, limit = Number.POSITIVE_INFINITY, signal } = options;
    const where = conditionOf<Types>(snapshot.schema, options.where);
    for await (const text of readRowTexts(compute, table, snapshot, { columns: select, limit, where, signal }))
      yield rowOfText(text, snapshot.schema) as RowOf<Types>;
  }

  /** All wanted rows of a version in memory. */
  async rows(options: TableReadOptions<Types> = {}): Promise<readonly RowOf<Types>[]> {
    return Array.fromAsync(this.read(options));
  }

  /**
   * The rows that versions `from` to `to` changed, version by version: the table's columns, `_change_type` (`insert`, `delete`, `update_preimage`,
   * `update_postimage`), `_commit_version` and `_commit_timestamp`. See `readChanges`.
   */
  async *changes(range: {
    readonly from: number;
    readonly to?: number;
    readonly signal?: AbortSignal;
  }): AsyncGenerator<OutputRow, void> {
    const schema = changeSchema(await planChanges(this.session.table, range));
    for await (const text of readChanges(this.session, range)) yield rowOfText(text, schema);
  }

  /** The rows of a version, to be written or merged into another table. */
  async source(at: At = {}): Promise<LakeSource<Types>> {
    const snapshot = await this.snapshot(at);
    return { ...sourceOfTable(this.session.table, snapshot), schema: snapshot.schema as StructOf<Types> };
  }

  /** Adds rows. */
  append(rows: Rows<Types>, options: TableWriteOptions = {}): Promise<WriteOutcome> {
    return this.#repeat(options, async () => appendRows(this.session, await this.#source(rows, options), options));
  }

  /** Puts rows in the place of all others, or of those that are named. */
  overwrite(rows: Rows<Types>, options: TableOverwriteOptions<Types> = {}): Promise<WriteOutcome> {
    return this.#repeat(options, async () => {
      const { schema } = await this.snapshot();
      const replace = replacedRows(conditionOf<Types>(schema, options.replaceWhere), options.partitions);
      return overwriteRows(this.session, await this.#source(rows, options), { ...options, replace });
    });
  }

  /** Deletes the rows for which a condition is true; all of them without one. */
  delete(where?: Condition<ColumnsOf<Types>>, options: WriteOptions & RepeatOptions = {}): Promise<WriteOutcome> {
    return this.#repeat(options, async () => {
      const { schema } = await this.snapshot();
      return deleteRows(this.session, { ...options, where: conditionOf<Types>(schema, where) });
    });
  }

  /** Gives columns new values, in the rows for which a condition is true, or in all. */
  update(
    set: Values<ColumnsOf<Types>>,
    where?: Condition<ColumnsOf<Types>>,
    options: WriteOptions & RepeatOptions = {},
  ): Promise<WriteOutcome> {
    return this.#repeat(options, async () => {
      const { schema } = await this.snapshot();
      const expressions = { set: assignments(set(this.#columns(schema))), where: conditionOf<Types>(schema, where) };
      return updateRows(this.session, { ...options, ...expressions });
    });
  }

  /** Begins a merge of rows into this table: which rows match, then clauses, then `execute`. */
  merge<Source extends ColumnTypes>(
    rows: LakeSource<Source>,
    on: MergeTest<Types, Source>,
  ): Promise<MergeBuilder<Types, Source>>;
  merge<Source extends ColumnTypes>(
    rows: readonly InputRowOf<Source>[],
    on: MergeTest<Types, Source>,
    options: { readonly schema: StructOf<Source> },
  ): Promise<MergeBuilder<Types, Source>>;
  merge(rows: readonly InputRowOf<Types>[], on: MergeTest<Types, Types>): Promise<MergeBuilder<Types, Types>>;
  async merge<Source extends ColumnTypes>(
    rows: LakeSource<Source> | readonly InputRow[],
    on: MergeTest<Types, Source>,
    options: { readonly schema?: Schema } = {},
  ): Promise<MergeBuilder<Types, Source>> {
    const { schema } = await this.snapshot();
    const source = await this.#source(rows, options);
    const sides = mergeSides<Types, Source>(schema, schemaOf(source.plan));
    const condition = on(sides).expression;
    return new MergeBuilder(sides, [], (clauses, run) =>
      this.#repeat(run, () =>
        mergeRows(this.session, source, { ...run, on: condition, clauses, scratch: this.#scratch }),
      ),
    );
  }

  #repeat(options: RepeatOptions, write: () => Promise<WriteOutcome>): Promise<WriteOutcome> {
    return repeatOnConflict(write, this.session.table.log, options);
  }

  async #source(
    rows: readonly InputRow[] | SourceRows,
    { schema }: Pick<TableWriteOptions, "schema">,
  ): Promise<SourceRows> {
    if ("plan" in rows) return rows;
    return sourceOfRows(rowSetOf(schema ?? (await this.snapshot()).schema, rows));
  }

  #columns(schema: Schema): ColumnsOf<Types> {
    return columnsOf<Types>(schema);
  }
}

function replacedRows(condition: ReturnType<typeof conditionOf>, partitions: "dynamic" | undefined): Replaced {
  if (condition !== undefined && partitions !== undefined)
    throw new DyneError("INVALID_ARGUMENT", "replaceWhere and partitions name two sets of rows. Give one of them.");
  if (condition !== undefined) return { kind: "where", condition };
  return partitions === undefined ? { kind: "all" } : { kind: "partitions" };
}

/** Holds a declared schema against a table's. Errors: SCHEMA_MISMATCH naming the column. */
export function assertColumns(path: string, there: Schema, declared: Schema): void {
  const fields = there.fields as Readonly<Record<string, StructField>>;
  for (const [name, { type }] of Object.entries<StructField>(declared.fields)) {
    const found = fields[name]?.type;
    if (found !== undefined && typeName(found) === typeName(type)) continue;
    throw new DyneError(
      "SCHEMA_MISMATCH",
      `${path} has ${found === undefined ? "no column" : `the column ${typeName(found)}`} ${name}, declared as ${typeName(type)}. Declare the columns that it has.`,
    );
  }
}
