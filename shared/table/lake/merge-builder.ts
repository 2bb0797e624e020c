import type { BooleanType, Column, ColumnsOf, ColumnTypes, DataType, Schema } from "../../plan/index.ts";
import { sourceColumn, targetColumn, type MergeClause } from "../write/merge-clauses.ts";
import type { WriteOptions, WriteOutcome } from "../write/write-outcome.ts";
import { assignments, columnsOf } from "./conditions.ts";
import type { RepeatOptions } from "./repeat.ts";

/** The columns of both sides of a merge. */
export interface MergeSides<Target extends ColumnTypes, Source extends ColumnTypes> {
  readonly target: ColumnsOf<Target>;
  readonly source: ColumnsOf<Source>;
}

type Sides<Target extends ColumnTypes, Source extends ColumnTypes> = MergeSides<Target, Source>;
type Test<Columns> = (columns: Columns) => Column<BooleanType>;
type NewValues<Columns> = (columns: Columns) => Readonly<Record<string, Column<DataType>>>;

/** Runs a merge of these clauses. */
export type RunMerge = (clauses: readonly MergeClause[], options: MergeRunOptions) => Promise<WriteOutcome>;

export interface MergeRunOptions extends WriteOptions, RepeatOptions {
  /** Adds columns, and fields of structs, that the source has and the table lacks. */
  readonly mergeSchema?: boolean | undefined;
}

/**
 * A merge, clause by clause, as Delta's MERGE: of rows that match, of rows of the source that match nothing, and of rows of the table that match nothing,
 * the first clause whose condition is true is taken. Immutable; nothing happens before `execute`.
 */
export class MergeBuilder<Target extends ColumnTypes, Source extends ColumnTypes> {
  readonly #sides: Sides<Target, Source>;
  readonly #clauses: readonly MergeClause[];
  readonly #run: RunMerge;

  /** Use `LakeTable.merge`. */
  constructor(sides: Sides<Target, Source>, clauses: readonly MergeClause[], run: RunMerge) {
    this.#sides = sides;
    this.#clauses = clauses;
    this.#run = run;
  }

  /** Rows that match get the source's values: all of them by name, or those given. */
  whenMatchedUpdate(
    set: "all" | NewValues<Sides<Target, Source>> = "all",
    when?: Test<Sides<Target, Source>>,
  ): MergeBuilder<Target, Source> {
    return this.#with({
      kind: "matched-update",
      when: when?.(this.#sides).expression,
      set: this.#values(set, this.#sides),
    });
  }

  /** Rows that match are deleted. */
  whenMatchedDelete(when?: Test<Sides<Target, Source>>): MergeBuilder<Target, Source> {
    return this.#with({ kind: "matched-delete", when: when?.(this.#sides).expression });
  }

  /** Rows of the source that match nothing are inserted: all their columns by name, or the values given. */
  whenNotMatchedInsert(
    values: "all" | NewValues<ColumnsOf<Source>> = "all",
    when?: Test<ColumnsOf<Source>>,
  ): MergeBuilder<Target, Source> {
    const { source } = this.#sides;
    return this.#with({
      kind: "not-matched-insert",
      when: when?.(source).expression,
      values: this.#values(values, source),
    });
  }

  /** Rows of the table that match nothing get these values. */
  whenNotMatchedBySourceUpdate(
    set: NewValues<ColumnsOf<Target>>,
    when?: Test<ColumnsOf<Target>>,
  ): MergeBuilder<Target, Source> {
    const { target } = this.#sides;
    return this.#with({
      kind: "not-matched-by-source-update",
      when: when?.(target).expression,
      set: assignments(set(target)),
    });
  }

  /** Rows of the table that match nothing are deleted. */
  whenNotMatchedBySourceDelete(when?: Test<ColumnsOf<Target>>): MergeBuilder<Target, Source> {
    return this.#with({ kind: "not-matched-by-source-delete", when: when?.(this.#sides.target).expression });
  }

  /** Runs the merge, in one commit. See `mergeRows` for its errors. */
  execute(options: MergeRunOptions = {}): Promise<WriteOutcome> {
    return this.#run(this.#clauses, options);
  }

  #with(clause: MergeClause): MergeBuilder<Target, Source> {
    return new MergeBuilder(this.#sides, [...this.#clauses, clause], this.#run);
  }

  #values<Columns>(values: "all" | NewValues<Columns>, columns: Columns) {
    return values === "all"
      ? ({ kind: "all" } as const)
      : ({ kind: "columns", values: assignments(values(columns)) } as const);
  }
}

/** The columns of both sides, under the names that a merge's expressions have. */
export function mergeSides<Target extends ColumnTypes, Source extends ColumnTypes>(
  target: Schema,
  source: Schema,
): MergeSides<Target, Source> {
  return { target: columnsOf<Target>(target, targetColumn), source: columnsOf<Source>(source, sourceColumn) };
}
