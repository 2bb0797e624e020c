import { DyneError } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import {
  schemaOf,
  type ColumnsOf,
  type ColumnTypes,
  type DataType,
  type Expression,
  type Schema,
  type StructOf,
} from "../../plan/index.ts";
import type { ObjectStore } from "../../storage/index.ts";
import type { Alteration } from "../alter/alteration.ts";
import { addColumns } from "../alter/add-columns.ts";
import { dropColumns } from "../alter/drop-columns.ts";
import { renameColumn } from "../alter/rename-column.ts";
import { setProperties, unsetProperties } from "../alter/set-properties.ts";
import { upgradeProtocol } from "../alter/upgrade-protocol.ts";
import { widenColumn } from "../alter/widen-column.ts";
import { addConstraint, dropConstraint } from "../constraints/change-constraints.ts";
import { generatedColumns } from "../constraints/generated-columns.ts";
import { detailOf, type TableDetail } from "../care/detail.ts";
import { fsck, type FsckOptions, type FsckResult } from "../care/fsck.ts";
import { historyOf, type HistoryEntry, type HistoryOptions } from "../care/history.ts";
import { optimize } from "../care/optimize.ts";
import { purge } from "../care/purge.ts";
import { restoreTable, type RestoreOptions, type RestoreResult } from "../care/restore-table.ts";
import type { RewriteResult } from "../care/rewrite-table.ts";
import { vacuum, type VacuumOptions, type VacuumResult } from "../care/vacuum.ts";
import type { ChangeRange } from "../changes/change-range.ts";
import { changeSchema } from "../changes/change-inputs.ts";
import { changeTexts } from "../changes/read-changes.ts";
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
import {
  assignments,
  conditionIn,
  mergeScopes,
  tableScope,
  type Condition,
  type MergeSides,
  type Values,
} from "./conditions.ts";
import { MergeBuilder } from "./merge-builder.ts";
import { partitionConditions } from "./partition-conditions.ts";
import { careForLog } from "./log-care.ts";
import { assertAt, assertLimit, assertSelected } from "./read-options.ts";
import { repeatOnConflict, type RepeatOptions } from "./repeat.ts";
import { rowSetOf, type InputRow, type InputRowOf } from "./row-input.ts";
import { rowOfText, type ChangeOf, type RowOf } from "./row-output.ts";
import type {
  At,
  LakeSource,
  Rows,
  TableChangeOptions,
  TableOptimizeOptions,
  TableOverwriteOptions,
  TablePurgeOptions,
  TableReadOptions,
  TableWriteOptions,
} from "./table-options.ts";

type MergeTest<Target extends ColumnTypes, Source extends ColumnTypes> = Condition<MergeSides<Target, Source>>;

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
  async snapshot(at: At = {}): Promise<Snapshot> {
    const { table } = this.session;
    assertAt(at);
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
    const { select, limit = Number.POSITIVE_INFINITY, signal } = options;
    assertLimit(limit);
    const snapshot = await this.snapshot(options);
    assertSelected(snapshot, select);
    const where = conditionIn(tableScope<Types>(snapshot.schema), options.where);
    for await (const text of readRowTexts(compute, table, snapshot, { columns: select, limit, where, signal }))
      yield rowOfText(text, snapshot.schema) as RowOf<Types>;
  }

  /** All wanted rows of a version in memory. */
  async rows(options: TableReadOptions<Types> = {}): Promise<readonly RowOf<Types>[]> {
    return Array.fromAsync(this.read(options));
  }

  /**
   * The rows that versions, or times, `from` to `to` changed, version by version: the table's columns at `to`, `_change_type`, `_commit_version` and
   * `_commit_timestamp`. See `readChanges` for its errors.
   */
  async *changes(options: ChangeRange & TableChangeOptions): AsyncGenerator<ChangeOf<Types>, void> {
    assertLimit(options.limit);
    const changes = await planChanges(this.session.table, options);
    const schema = changeSchema(changes);
    for await (const text of changeTexts(this.session, changes, options))
      yield rowOfText(text, schema) as ChangeOf<Types>;
  }

  /** The rows of a version, to be written or merged into another table. */
  async source(at: At = {}): Promise<LakeSource<Types>> {
    const snapshot = await this.snapshot(at);
    return { ...sourceOfTable(this.session.table, snapshot), schema: snapshot.schema as StructOf<Types> };
  }

  /** Adds rows. */
  append(rows: Rows<Types>, options?: TableWriteOptions): Promise<WriteOutcome>;
  append(rows: readonly InputRow[], options: TableWriteOptions & { readonly schema: Schema }): Promise<WriteOutcome>;
  append(rows: readonly InputRow[] | SourceRows, options: TableWriteOptions = {}): Promise<WriteOutcome> {
    return this.#repeat(options, async () => appendRows(this.session, await this.#source(rows, options), options));
  }

  /** Puts rows in the place of all others, or of those that are named. */
  overwrite(rows: Rows<Types>, options?: TableOverwriteOptions<Types>): Promise<WriteOutcome>;
  overwrite(
    rows: readonly InputRow[],
    options: TableOverwriteOptions<Types> & { readonly schema: Schema },
  ): Promise<WriteOutcome>;
  overwrite(rows: readonly InputRow[] | SourceRows, options: TableOverwriteOptions<Types> = {}): Promise<WriteOutcome> {
    return this.#repeat(options, async () => {
      const replaceWhere = conditionIn(await this.#scope(), options.replaceWhere);
      const replace = replacedRows(replaceWhere, options.partitions);
      return overwriteRows(this.session, await this.#source(rows, options), { ...options, replace });
    });
  }

  /** Deletes the rows for which a condition is true; all of them without one. */
  delete(where?: Condition<ColumnsOf<Types>>, options: WriteOptions & RepeatOptions = {}): Promise<WriteOutcome> {
    return this.#repeat(options, async () =>
      deleteRows(this.session, { ...options, where: conditionIn(await this.#scope(), where) }),
    );
  }

  /** Gives columns new values, in the rows for which a condition is true, or in all. */
  update(
    set: Values<ColumnsOf<Types>>,
    where?: Condition<ColumnsOf<Types>>,
    options: WriteOptions & RepeatOptions = {},
  ): Promise<WriteOutcome> {
    return this.#repeat(options, async () => {
      const scope = await this.#scope();
      const expressions = { set: assignments(set(scope.columns)), where: conditionIn(scope, where) };
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
    const scopes = mergeScopes<Types, Source>(schema, schemaOf(source.plan));
    const condition = conditionIn(scopes.both, on);
    return new MergeBuilder(scopes, [], (clauses, run) =>
      this.#repeat(run, () =>
        mergeRows(this.session, source, { ...run, on: condition, clauses, scratch: this.#scratch }),
      ),
    );
  }

  /** Writes small files into few, or orders rows by several columns. See `optimize` for its errors; safe to repeat. */
  async optimize({ where, ...options }: TableOptimizeOptions<Types> = {}): Promise<RewriteResult> {
    return optimize(this.session, { ...options, where: await this.#partitions(where) });
  }

  /** Takes rows that deletion vectors delete out of the files. See `purge`; safe to repeat. */
  async purge({ where, ...options }: TablePurgeOptions<Types> = {}): Promise<RewriteResult> {
    return purge(this.session, { ...options, where: await this.#partitions(where) });
  }

  /** Deletes files that no version within the retention needs. See `vacuum` for its errors; safe to repeat. */
  vacuum(options: VacuumOptions = {}): Promise<VacuumResult> {
    return vacuum(this.session.table, options);
  }

  /** Takes the table back to a version or a time, by a new version. See `restoreTable` for its errors; safe to repeat. */
  async restore(at: At, options: RestoreOptions = {}): Promise<RestoreResult> {
    assertAt(at);
    if (at.version !== undefined) return restoreTable(this.session.table, { version: at.version }, options);
    if (at.timestamp !== undefined)
      return restoreTable(this.session.table, { timestampMs: at.timestamp.getTime() }, options);
    throw new DyneError("INVALID_ARGUMENT", `Say to which version, or to which time, ${this.path} is to go back.`);
  }

  /** Holds the log against the store, file by file. See `fsck` for what it repairs. */
  fsck(options: FsckOptions = {}): Promise<FsckResult> {
    return fsck(this.session.table, options);
  }

  /** The versions, newest first, as far back as the log has them. */
  history(options: HistoryOptions = {}): AsyncGenerator<HistoryEntry> {
    assertLimit(options.limit);
    return historyOf(this.session.table, options);
  }

  /** Sizes, counts, properties and protocol of a version. */
  async detail(at: At = {}): Promise<TableDetail> {
    return detailOf(this.session.table, await this.snapshot(at));
  }

  /** Sets properties, and adds to the protocol what they need. See `setProperties` for its errors; safe to repeat. */
  setProperties(properties: Readonly<Record<string, string>>, options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => setProperties(this.session, properties));
  }

  /** Takes properties away. See `unsetProperties` for its errors; safe to repeat. */
  unsetProperties(names: readonly string[], options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => unsetProperties(this.session, names));
  }

  /** Adds table features to the protocol. See `upgradeProtocol` for its errors; safe to repeat. */
  upgradeProtocol(features: readonly string[], options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => upgradeProtocol(this.session, features));
  }

  /** Adds a CHECK constraint, in Spark's SQL, that every row keeps from now on. See `addConstraint` for its errors; safe to repeat. */
  addConstraint(name: string, condition: string, options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => addConstraint(this.session, name, condition, options));
  }

  /** Drops a CHECK constraint. Safe to repeat. */
  dropConstraint(name: string, options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => dropConstraint(this.session, name));
  }

  /** Adds columns, and fields of structs by their paths (`address.city`), that rows so far have NULL in. See `addColumns` for its errors. */
  addColumns(columns: Readonly<Record<string, DataType>>, options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => addColumns(this.session, columns));
  }

  /** Gives a column, or a field by its path, another name; it needs column mapping. See `renameColumn` for its errors. */
  renameColumn(column: string, newName: string, options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => renameColumn(this.session, column, newName));
  }

  /** Drops columns, and fields by their paths; it needs column mapping. See `dropColumns` for its errors. */
  dropColumns(columns: readonly string[], options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => dropColumns(this.session, columns));
  }

  /** Gives a column, or what is in it, a wider type; it needs `delta.enableTypeWidening`. See `widenColumn` for its errors; safe to repeat. */
  widenColumn(column: string, type: DataType, options: RepeatOptions = {}): Promise<Alteration> {
    return this.#repeat(options, () => widenColumn(this.session, column, type));
  }

  async #repeat<Outcome extends { readonly kind: string; readonly version?: number | undefined }>(
    options: RepeatOptions,
    write: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const { table } = this.session;
    const outcome = await repeatOnConflict(write, table.log, options);
    if (outcome.kind === "committed" && outcome.version !== undefined) await careForLog(table, outcome.version);
    return outcome;
  }

  async #source(
    rows: readonly InputRow[] | SourceRows,
    { schema }: { readonly schema?: Schema | undefined },
  ): Promise<SourceRows> {
    if ("plan" in rows) return rows;
    return sourceOfRows(rowSetOf(schema ?? withoutComputed((await this.snapshot()).schema, rows), rows));
  }

  async #scope() {
    return tableScope<Types>((await this.snapshot()).schema);
  }

  async #partitions(where: Condition<ColumnsOf<Types>> | undefined) {
    if (where === undefined) return undefined;
    const snapshot = await this.snapshot();
    return partitionConditions(snapshot, this.path, conditionIn(tableScope<Types>(snapshot.schema), where));
  }
}

/** Generated columns that no row names are left to be computed. */
function withoutComputed(schema: Schema, rows: readonly InputRow[]): Schema {
  const computed = [...generatedColumns(schema).keys()].filter((name) => !rows.some((row) => Object.hasOwn(row, name)));
  if (computed.length === 0) return schema;
  const fields = Object.entries(schema.fields).filter(([name]) => !computed.includes(name));
  return { kind: "struct", fields: Object.fromEntries(fields) };
}

function replacedRows(condition: Expression | undefined, partitions: "dynamic" | undefined): Replaced {
  if (condition !== undefined && partitions !== undefined)
    throw new DyneError("INVALID_ARGUMENT", "replaceWhere and partitions name two sets of rows. Give one of them.");
  if (condition !== undefined) return { kind: "where", condition };
  return partitions === undefined ? { kind: "all" } : { kind: "partitions" };
}
