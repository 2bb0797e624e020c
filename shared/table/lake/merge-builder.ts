import type { ColumnsOf, ColumnTypes } from "../../plan/index.ts";
import type { MergeClause } from "../write/merge-clauses.ts";
import type { WriteOptions, WriteOutcome } from "../write/write-outcome.ts";
import {
  assignments,
  conditionIn,
  type Condition,
  type MergeScopes,
  type MergeSides,
  type Scope,
  type Values,
} from "./conditions.ts";
import type { RepeatOptions } from "./repeat.ts";

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
  readonly #scopes: MergeScopes<Target, Source>;
  readonly #clauses: readonly MergeClause[];
  readonly #run: RunMerge;

  /** Use `LakeTable.merge`. */
  constructor(scopes: MergeScopes<Target, Source>, clauses: readonly MergeClause[], run: RunMerge) {
    this.#scopes = scopes;
    this.#clauses = clauses;
    this.#run = run;
  }

  /** Rows that match get the source's values: all of them by name, or those given. */
  whenMatchedUpdate(
    set: "all" | Values<MergeSides<Target, Source>> = "all",
    when?: Condition<MergeSides<Target, Source>>,
  ): MergeBuilder<Target, Source> {
    return this.#with({
      kind: "matched-update",
      when: conditionIn(this.#scopes.both, when),
      set: valuesIn(this.#scopes.both, set),
    });
  }

  /** Rows that match are deleted. */
  whenMatchedDelete(when?: Condition<MergeSides<Target, Source>>): MergeBuilder<Target, Source> {
    return this.#with({ kind: "matched-delete", when: conditionIn(this.#scopes.both, when) });
  }

  /** Rows of the source that match nothing are inserted: all their columns by name, or the values given. */
  whenNotMatchedInsert(
    values: "all" | Values<ColumnsOf<Source>> = "all",
    when?: Condition<ColumnsOf<Source>>,
  ): MergeBuilder<Target, Source> {
    const { source } = this.#scopes;
    return this.#with({
      kind: "not-matched-insert",
      when: conditionIn(source, when),
      values: valuesIn(source, values),
    });
  }

  /** Rows of the table that match nothing get these values. */
  whenNotMatchedBySourceUpdate(
    set: Values<ColumnsOf<Target>>,
    when?: Condition<ColumnsOf<Target>>,
  ): MergeBuilder<Target, Source> {
    const { target } = this.#scopes;
    return this.#with({
      kind: "not-matched-by-source-update",
      when: conditionIn(target, when),
      set: assignments(set(target.columns)),
    });
  }

  /** Rows of the table that match nothing are deleted. */
  whenNotMatchedBySourceDelete(when?: Condition<ColumnsOf<Target>>): MergeBuilder<Target, Source> {
    return this.#with({ kind: "not-matched-by-source-delete", when: conditionIn(this.#scopes.target, when) });
  }

  /** Runs the merge, in one commit. See `mergeRows` for its errors. */
  execute(options: MergeRunOptions = {}): Promise<WriteOutcome> {
    return this.#run(this.#clauses, options);
  }

  #with(clause: MergeClause): MergeBuilder<Target, Source> {
    return new MergeBuilder(this.#scopes, [...this.#clauses, clause], this.#run);
  }
}

function valuesIn<Columns>({ columns }: Scope<Columns>, values: "all" | Values<Columns>) {
  return values === "all"
    ? ({ kind: "all" } as const)
    : ({ kind: "columns", values: assignments(values(columns)) } as const);
}
