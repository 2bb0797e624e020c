import type { ComputeInput, FileSet, HiddenColumn, WrittenFile } from "../../compute/index.ts";
import { DyneError } from "../../core/index.ts";
import type { Action, AddFile, Snapshot } from "../../delta/index.ts";
import { schemaOf, type Expression, type LogicalPlan, type Schema } from "../../plan/index.ts";
import { deleteAll, type ObjectStore } from "../../storage/index.ts";
import { guardedPlan } from "../constraints/guarded-plan.ts";
import type { TableSession } from "../table-session.ts";
import { mergedSchema } from "./aligned-rows.ts";
import { schemaChange, schemaOfRows } from "./evolved-schema.ts";
import { changeMetrics } from "./delete-rows.ts";
import type { MergeClause } from "./merge-clauses.ts";
import { mergeCondition } from "./merge-condition.ts";
import { assertOwnNames } from "./change-plan.ts";
import { filesThatMayMatch, type MergeSourceRows } from "./merge-files.ts";
import {
  ambiguousPlan,
  changeSteps,
  checkMerge,
  insertPlan,
  matchedPlan,
  matchedScan,
  sourceRowColumn,
  type MergeQuery,
} from "./merge-plan.ts";
import { addActions, cdcOf, changeTarget, dataTarget, insertedRows, stillRunning } from "./new-files.ts";
import { changeRows, type ChangedRows, type RowChange } from "./row-changes.ts";
import type { SourceRows } from "./source-rows.ts";
import { commitWrite, type WriteOptions, type WriteOutcome } from "./write-outcome.ts";
import { unchanged } from "../unchanged.ts";

export interface MergeOptions extends WriteOptions {
  /** When rows match: over `target.<column>` and `source.<column>`. */
  readonly on: Expression;
  /** Tried in this order. At least one. */
  readonly clauses: readonly MergeClause[];
  /** Adds columns, and fields of structs, that the source has and the table lacks. */
  readonly mergeSchema?: boolean | undefined;
  /** Where the source's rows lie while the merge runs; they are gone afterwards. The local disk, or memory. */
  readonly scratch: ObjectStore;
}

/**
 * Merges rows into a table in one commit: Delta's MERGE. The source is computed once. Files of the table that cannot hold a match are not
 * read, and those without a row that changes stay as they are; the others are taken in batches, bounded in bytes.
 *
 * Errors: UNKNOWN_COLUMN, TYPE_MISMATCH, SCHEMA_MISMATCH, INVALID_ARGUMENT for no clause, and for columns that are new to a table that a flow writes; MERGE_AMBIGUOUS where several rows of the source would change one row;
 * DATA_ERROR, CONSTRAINT_VIOLATED; FILE_MISSING. Repeating is safe where a match is not changed twice.
 */
export async function mergeRows(
  session: TableSession,
  source: SourceRows,
  options: MergeOptions,
): Promise<WriteOutcome> {
  const snapshot = await session.table.latest();
  const query = mergeQuery(session, snapshot, source, options);
  const folder = `merge/${session.table.log.random.uuid()}`;
  const staged: string[] = [];
  try {
    return await new Merge(session, snapshot, query, options, { folder, staged }).run(source);
  } finally {
    await deleteAll(options.scratch, staged);
  }
}

function mergeQuery(
  { table }: TableSession,
  snapshot: Snapshot,
  { plan }: SourceRows,
  { on, clauses, mergeSchema = false }: MergeOptions,
): MergeQuery {
  if (clauses.length === 0)
    throw new DyneError("INVALID_ARGUMENT", `The merge into ${table.path} does nothing. Give it a clause.`);
  const source = schemaOf(plan);
  assertOwnNames(`The source of the merge into ${table.path}`, source);
  const { schema } = snapshot;
  const after = mergeSchema ? schemaOfRows(table, snapshot, mergedSchema(table.path, schema, source)) : schema;
  const query = { path: table.path, before: schema, after, source, condition: mergeCondition(on), clauses };
  checkMerge(query, on);
  return query;
}

class Merge {
  readonly #session: TableSession;
  readonly #snapshot: Snapshot;
  readonly #query: MergeQuery;
  readonly #options: MergeOptions;
  readonly #folder: string;
  /** Paths in the scratch store. */
  readonly #staged: string[];

  constructor(
    session: TableSession,
    snapshot: Snapshot,
    query: MergeQuery,
    options: MergeOptions,
    { folder, staged }: { readonly folder: string; readonly staged: string[] },
  ) {
    this.#session = session;
    this.#snapshot = snapshot;
    this.#query = query;
    this.#options = options;
    this.#folder = folder;
    this.#staged = staged;
  }

  async run(source: SourceRows): Promise<WriteOutcome> {
    const rows = await this.#stageSource(source);
    const mayMatch = await this.#mayMatch(rows);
    const matched: WrittenFile[] = [];
    const files = [...this.#snapshot.files].filter(mayMatch);
    const changed = await changeRows(this.#session, this.#snapshot, files, this.#change(rows.input, matched));
    const inserted = await this.#insert(rows.input, matched, changed.changeFiles > 0);
    return this.#commit(changed, inserted, mayMatch);
  }

  /** Computes the source's rows, once: whatever its plan, all that follows sees the same rows at the same places. */
  async #stageSource({ inputs, plan }: SourceRows): Promise<MergeSourceRows> {
    const { source } = this.#query;
    const path = `${this.#folder}/source`;
    const result = await this.#session.compute.run({
      name: `source of the merge into ${this.#query.path}`,
      inputs,
      steps: [],
      writes: [
        {
          name: "source",
          plan,
          target: { store: this.#options.scratch, path, schema: source, partitionBy: [], sortBy: [] },
        },
      ],
      collects: [],
      parameters: {},
      signal: this.#options.signal,
    });
    if (result.kind === "pending") throw stillRunning(this.#session.table);
    return { schema: source, input: this.#stagedFiles(path, source, result.written["source"] ?? [], [sourcePlace]) };
  }

  #stagedFiles(path: string, schema: Schema, files: readonly WrittenFile[], hidden?: readonly HiddenColumn[]): FileSet {
    const paths = files.map((file) => ({ ...file, path: `${path}/${file.path}` }));
    this.#staged.push(...paths.map((file) => file.path));
    return {
      kind: "files",
      store: this.#options.scratch,
      schema,
      partitionBy: [],
      files: paths.map(({ path: at, sizeBytes }) => ({ path: at, sizeBytes, partitionValues: {} })),
      ...(hidden === undefined ? {} : { hidden }),
    };
  }

  /** Rows of the target that match nothing can be anywhere. */
  async #mayMatch(source: MergeSourceRows): Promise<(file: AddFile) => boolean> {
    const readsAll = this.#query.clauses.some(({ kind }) => kind.startsWith("not-matched-by-source"));
    if (readsAll) return () => true;
    return filesThatMayMatch(this.#session, this.#snapshot, source, this.#query.condition);
  }

  #change(source: ComputeInput, matched: WrittenFile[]): RowChange {
    const ambiguous = ambiguousPlan(this.#query);
    return {
      name: "merge",
      inputs: { source },
      steps: changeSteps(this.#query),
      after: this.#query.after,
      observe: {
        collects: ambiguous === undefined ? [] : [{ name: "ambiguous", plan: ambiguous, rowsMax: 1 }],
        writes: this.#insertsRows() ? [this.#matchedWrite()] : [],
        see: (collected, written) => {
          const rows = Number(collected["ambiguous"]?.[0]?.["rows"] ?? 0);
          if (rows > 0) throw ambiguousMerge(this.#query.path, rows);
          matched.push(...(written["matched"] ?? []));
        },
      },
      signal: this.#options.signal,
    };
  }

  #insertsRows(): boolean {
    return this.#query.clauses.some(({ kind }) => kind === "not-matched-insert");
  }

  #matchedWrite() {
    const { scratch } = this.#options;
    const schema = schemaOf(matchedScan());
    return {
      name: "matched",
      plan: matchedPlan(this.#query),
      target: { store: scratch, path: `${this.#folder}/matched`, schema, partitionBy: [], sortBy: [] },
    };
  }

  async #insert(
    source: ComputeInput,
    matched: readonly WrittenFile[],
    withChanges: boolean,
  ): Promise<{ readonly rows: readonly WrittenFile[]; readonly changes: readonly WrittenFile[] }> {
    const places = this.#stagedFiles(`${this.#folder}/matched`, schemaOf(matchedScan()), matched);
    if (!this.#insertsRows()) return { rows: [], changes: [] };
    const { table, compute } = this.#session;
    const form = { ...this.#snapshot, schema: this.#query.after };
    const inserts: LogicalPlan = { kind: "scan", source: "inserts", schema: form.schema, streaming: false };
    const result = await compute.run({
      name: `inserts of the merge into ${table.path}`,
      inputs: { source, matched: places },
      steps: [
        {
          kind: "plan",
          name: "inserts",
          plan: guardedPlan({ ...this.#snapshot, ...form }, insertPlan(this.#query)),
          rowErrors: "fail",
          carry: [],
        },
      ],
      writes: [
        { name: "rows", plan: inserts, target: dataTarget(table, form) },
        ...(withChanges ? [{ name: "changes", plan: insertedRows(inserts), target: changeTarget(table, form) }] : []),
      ],
      collects: [],
      parameters: {},
      signal: this.#options.signal,
    });
    if (result.kind === "pending") throw stillRunning(table);
    return { rows: result.written["rows"] ?? [], changes: result.written["changes"] ?? [] };
  }

  async #commit(
    changed: ChangedRows,
    inserted: { readonly rows: readonly WrittenFile[]; readonly changes: readonly WrittenFile[] },
    mayMatch: (file: AddFile) => boolean,
  ): Promise<WriteOutcome> {
    const { table } = this.#session;
    const { fences = [], signal } = this.#options;
    const actions: readonly Action[] = [
      ...schemaChange(this.#session.table.path, this.#snapshot, this.#query.after),
      ...changed.actions,
      ...addActions(inserted.rows, table.log.clock.nowMs()),
      ...inserted.changes.map((file): Action => ({ cdc: cdcOf(file) })),
    ];
    if (actions.length === 0 && fences.length === 0) return unchanged(table, this.#snapshot);
    return commitWrite(table, this.#snapshot, {
      actions,
      isBlindAppend: false,
      readsMatching: mayMatch,
      readFiles: changed.readFiles,
      operation: "MERGE",
      operationParameters: { clauses: JSON.stringify(this.#query.clauses.map(({ kind }) => kind)) },
      operationMetrics: mergeMetrics(changed, inserted.rows),
      fences,
      signal,
    });
  }
}

function mergeMetrics(changed: ChangedRows, inserted: readonly WrittenFile[]): Readonly<Record<string, number>> {
  const metrics = changeMetrics(changed);
  const { numAddedFiles = 0, numRemovedFiles = 0, numDeletionVectorsAdded = 0, numAddedChangeFiles = 0 } = metrics;
  return {
    numTargetRowsInserted: inserted.reduce((rows, { rowCount }) => rows + rowCount, 0),
    numTargetRowsUpdated: changed.updatedRows,
    numTargetRowsDeleted: changed.deletedRows,
    numTargetFilesAdded: numAddedFiles + inserted.length,
    numTargetFilesRemoved: numRemovedFiles,
    numTargetDeletionVectorsAdded: numDeletionVectorsAdded,
    numTargetChangeFilesAdded: numAddedChangeFiles,
  };
}

const rowsPerFileMax = 2 ** 40;

/** The place of a row of the source: its file's index, then its own. */
const sourcePlace: HiddenColumn = {
  name: sourceRowColumn,
  type: { kind: "long" },
  expression: {
    kind: "call",
    name: "plus",
    args: [
      {
        kind: "call",
        name: "times",
        args: [
          { kind: "column", name: "_file_index" },
          { kind: "literal", value: rowsPerFileMax, type: { kind: "long" } },
        ],
      },
      { kind: "column", name: "_row_index" },
    ],
  },
};

function ambiguousMerge(path: string, rows: number): DyneError {
  return new DyneError(
    "MERGE_AMBIGUOUS",
    `The merge into ${path} would change ${rows} rows by more than one row of the source each. Make the source have one row per match, for example by dropDuplicates.`,
    { details: { rows } },
  );
}
