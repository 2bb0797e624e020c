/** A Delta table as the engine and people use it: opened once, brought up to date by the new commits alone, read as file sets. */
import { DyneError, limits, placeColumn } from "../core/index.ts";
import type { FileSet, HiddenColumn, InputFile } from "../compute/index.ts";
import {
  commit,
  commitPath,
  createTable,
  dataFilePath,
  findSnapshot,
  logicalPartitionValues,
  oldestState,
  openSnapshot,
  readCommit,
  readDeletionVector,
  stateAsCommit,
  updateSnapshot,
  type Action,
  type AddFile,
  type CommitOutcome,
  type CommitRequest,
  type DeltaCommit,
  type DeltaLog,
  type Snapshot,
  type TableForm,
} from "../delta/index.ts";
import { evolvedSchema, schemaChange } from "./write/evolved-schema.ts";
import { typeName, type DataType, type Schema, type StructField } from "../plan/index.ts";

/** Commits that are kept in memory for readers of change: those of a few busy seconds. */
const rememberedCommits = 512;
const commitsAtOnce = 16;

export interface CreateTable {
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  readonly description?: string | undefined;
  readonly configuration?: Readonly<Record<string, string>> | undefined;
}

export class DeltaTable {
  readonly log: DeltaLog;
  #snapshot: Snapshot | undefined;
  readonly #commits = new Map<number, DeltaCommit>();
  /** How often the table was found to be another one: what was asked for before that is of one that is gone. */
  #replaced = 0;

  /** `known` is a snapshot of the same table from which to go on, instead of opening it. */
  constructor(log: DeltaLog, known?: Snapshot) {
    this.log = log;
    this.#snapshot = known;
  }

  get path(): string {
    return this.log.path;
  }

  /**
   * The newest version; undefined where there is no table yet. Costs one request beside the new commits once the table is open; where
   * a request fails, what was read before it stays, and the next call goes on from there.
   */
  async find(): Promise<Snapshot | undefined> {
    const [known, replaced] = [this.#snapshot, this.#replaced];
    const onCommit = (commit: DeltaCommit, after: Snapshot): void => {
      if (replaced !== this.#replaced) return;
      this.#remember(commit);
      this.#keep(after);
    };
    const found = await (known === undefined ? findSnapshot(this.log) : updateSnapshot(this.log, known, onCommit));
    return replaced === this.#replaced ? this.#keep(found) : this.find();
  }

  /** The newest version. Throws TABLE_NOT_FOUND. */
  async latest(): Promise<Snapshot> {
    return (await this.find()) ?? openSnapshot(this.log);
  }

  /** One version. Throws VERSION_NOT_FOUND with the range that is there. */
  async at(version: number): Promise<Snapshot> {
    if (this.#snapshot?.version === version) return this.#snapshot;
    return openSnapshot(this.log, { version });
  }

  /** The last version committed at or before a time. Throws TABLE_NOT_FOUND; VERSION_NOT_FOUND for a time before the oldest there is. */
  async asOf(timestampMs: number): Promise<Snapshot> {
    return openSnapshot(this.log, { timestampMs });
  }

  /** The version that is in memory, without asking the store. */
  get known(): Snapshot | undefined {
    return this.#snapshot;
  }

  /**
   * The version that is in memory, once the store has confirmed that its log still has it: a table that was deleted, or made anew, since
   * it was read is opened afresh. Undefined where there is none. Costs one request.
   */
  async confirmed(): Promise<Snapshot | undefined> {
    const known = this.#snapshot;
    if (known?.etag !== undefined) {
      const there = await this.log.store.head(commitPath(this.log, known.version));
      if (there?.etag === known.etag) return known;
      // Another call may have found the same meanwhile, and opened the table that is there now.
      if (this.#snapshot === known) this.#forget();
    }
    return this.find();
  }

  /** A commit that is in memory, without asking the store. */
  remembered(version: number): DeltaCommit | undefined {
    return this.#commits.get(version);
  }

  /** Creates the table empty, or adopts what is there already. Throws SCHEMA_MISMATCH where that has other columns or partitions. */
  async createIfAbsent(declared: CreateTable): Promise<Snapshot> {
    const existing = await this.find();
    if (existing !== undefined) return this.#adopted(existing, declared);
    const created = await createTable(this.log, {
      schema: declared.schema,
      partitionBy: declared.partitionBy,
      ...(declared.description === undefined ? {} : { description: declared.description }),
      configuration: declared.configuration ?? {},
    });
    return this.#keep(created.kind === "exists" ? this.#adopted(created.snapshot, declared) : created.snapshot);
  }

  #adopted(existing: Snapshot, declared: CreateTable): Snapshot {
    const [there, wanted] = [shapeOf(existing), shapeOf(declared)];
    if (there === wanted) return existing;
    throw new DyneError(
      "SCHEMA_MISMATCH",
      `${this.path} exists as ${there}, and is declared as ${wanted}. Declare it under another name, or move the table there away.`,
    );
  }

  /**
   * Adds the columns that are declared and not there yet, at the end and nullable: rows written before have NULL in them. Gives the
   * snapshot that has them all. For the writer that declares them: a table of a flow is not refused. Throws SCHEMA_MISMATCH where a column is
   * there with another type.
   */
  async addColumns(declared: Schema): Promise<Snapshot> {
    for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
      const snapshot = await this.latest();
      const missing = missingColumns(snapshot.schema, declared);
      if (missing.length === 0) return snapshot;
      const retyped = missing.find((name) => Object.hasOwn(snapshot.schema.fields, name));
      if (retyped !== undefined) {
        throw new DyneError(
          "SCHEMA_MISMATCH",
          `${this.path} has the column ${retyped} with another type than the one declared. Give the column, or the table, a new name.`,
        );
      }
      const spelled = new Map(Object.keys(snapshot.schema.fields).map((name) => [name.toLowerCase(), name]));
      const respelled = missing.find((name) => spelled.has(name.toLowerCase()));
      if (respelled !== undefined) {
        throw new DyneError(
          "SCHEMA_MISMATCH",
          `${this.path} has the column ${spelled.get(respelled.toLowerCase())}, which is ${respelled} to Delta, where case does not tell names apart. Keep the spelling, or choose another name.`,
        );
      }
      const wanted = declared.fields as Readonly<Record<string, StructField>>;
      const added = missing.map((name) => [name, { ...wanted[name], nullable: true }]);
      const fields = { ...snapshot.schema.fields, ...Object.fromEntries(added) } as Schema["fields"];
      const schema = evolvedSchema(this, snapshot, { kind: "struct", fields });
      const result = await this.commit({
        actions: schemaChange(this.path, snapshot, schema),
        isBlindAppend: false,
        operation: "ADD COLUMNS",
        operationParameters: { columns: JSON.stringify(missing) },
      });
      if (result.kind === "committed") return result.snapshot;
    }
    throw new DyneError(
      "STORAGE_UNAVAILABLE",
      `${this.path} kept being changed while columns were added to it. Try again.`,
    );
  }

  /**
   * Commits on top of `base`, or of the newest version known; see `commit` of delta. Whoever has read the table names the version that it
   * read: what was committed since is then held against it.
   */
  async commit({
    base,
    ...request
  }: Omit<CommitRequest, "base"> & Partial<Pick<CommitRequest, "base">>): Promise<CommitOutcome> {
    const replaced = this.#replaced;
    const outcome = await commit(this.log, { base: base ?? this.#snapshot ?? (await this.latest()), ...request });
    if (replaced !== this.#replaced) return outcome;
    this.#keep(outcome.snapshot);
    if (outcome.kind === "committed") this.#remember(outcome.commit);
    return outcome;
  }

  /**
   * The commits after one version up to another, in order. From the start of a table (−1) whose first commits are gone, the oldest state
   * that can be read comes first, as one commit of its version. Throws DATA_LOSS where a commit is no longer there.
   */
  async changes(afterVersion: number, toVersion: number): Promise<DeltaCommit[]> {
    const commits: DeltaCommit[] = [];
    for (let version = afterVersion + 1; version <= toVersion; version++) {
      const found = await this.#commitAt(version);
      const state = found === undefined && version === 0 ? await oldestState(this.log, toVersion) : undefined;
      if (state !== undefined) {
        // Not remembered: the commit of that version is another one.
        commits.push(state);
        version = state.version;
        continue;
      }
      if (found === undefined) {
        throw new DyneError(
          "DATA_LOSS",
          `Version ${version} of ${this.path} was cleaned from its log before it was read. Reset the flow, or rebuild its table.`,
        );
      }
      this.#remember(found);
      commits.push(found);
    }
    return commits;
  }

  /**
   * The commit after a version, which is there already. After −1 it is the oldest that can be read: where the log was cleaned, all that its
   * oldest checkpoint holds, as one commit of that version. Throws DATA_LOSS.
   */
  async changeAfter(version: number, newestVersion: number): Promise<DeltaCommit | undefined> {
    if (version >= 0 || (await this.#commitAt(0)) !== undefined) return (await this.changes(version, version + 1))[0];
    return oldestState(this.log, newestVersion);
  }

  /** The last version up to one that removed rows, as far back as the log reaches; undefined where none did. */
  async lastRemoval(toVersion: number): Promise<number | undefined> {
    for (let last = toVersion; last >= 0; last -= commitsAtOnce) {
      const count = Math.min(commitsAtOnce, last + 1);
      const commits = await Promise.all(Array.from({ length: count }, (_, i) => this.#commitAt(last - i)));
      const found = commits.find((commit) => commit === undefined || commit.removes.some((file) => file.dataChange));
      if (found !== undefined || commits.includes(undefined)) return found?.version;
    }
    return undefined;
  }

  /** What the table holds at a version, as one commit of that version. */
  async state(version: number): Promise<DeltaCommit> {
    return stateAsCommit(await this.at(version));
  }

  /** Active files of a version as compute reads them. */
  fileSet(snapshot: Snapshot, files: Iterable<AddFile> = snapshot.files, hidden?: readonly HiddenColumn[]): FileSet {
    return {
      kind: "files",
      store: this.log.store,
      schema: snapshot.schema,
      partitionBy: snapshot.partitionBy,
      columnMapping: snapshot.columnMapping,
      files: [...files].map((file) => this.inputFile(snapshot, file)),
      ...(hidden === undefined ? {} : { hidden }),
    };
  }

  /**
   * One file as compute reads it, with its partition values by the names that the table has in `form`; its deletion vector is loaded when it
   * is read. Throws PATH_OUTSIDE_TABLE.
   */
  inputFile(form: TableForm, file: AddFile, commitVersion?: number): InputFile {
    const { deletionVector } = file;
    const lane = file.tags?.["lane"];
    return {
      path: dataFilePath(this.log, file),
      sizeBytes: file.size,
      partitionValues: logicalPartitionValues(form, file.partitionValues),
      ...(commitVersion === undefined ? {} : { commitVersion }),
      ...(typeof lane === "string" ? { lane } : {}),
      ...(deletionVector === undefined
        ? {}
        : { deletedRows: (signal?: AbortSignal) => readDeletionVector(this.log, deletionVector, signal) }),
    };
  }

  async #commitAt(version: number): Promise<DeltaCommit | undefined> {
    return this.#commits.get(version) ?? (await readCommit(this.log, version));
  }

  #forget(): void {
    this.#replaced++;
    this.#snapshot = undefined;
    this.#commits.clear();
  }

  #keep<S extends Snapshot | undefined>(snapshot: S): S {
    if (snapshot !== undefined && (this.#snapshot === undefined || snapshot.version >= this.#snapshot.version))
      this.#snapshot = snapshot;
    return snapshot;
  }

  #remember(commit: DeltaCommit): void {
    this.#commits.set(commit.version, commit);
    if (this.#commits.size > rememberedCommits) {
      const oldest = this.#commits.keys().next().value;
      if (oldest !== undefined) this.#commits.delete(oldest);
    }
  }
}

/** The names of declared columns that a table does not have, or has with another type. */
export function missingColumns(there: Schema, declared: Schema): readonly string[] {
  const fields = there.fields as Readonly<Record<string, StructField>>;
  return Object.entries(declared.fields as Readonly<Record<string, StructField>>)
    .filter(([name, { type }]) => !Object.hasOwn(fields, name) || typeName(fields[name]!.type) !== typeName(type))
    .map(([name]) => name);
}

/** Columns by name, their types and the partitioning, as text. Whether rows say their place is for their readers to decide, and may change. */
function shapeOf({ schema, partitionBy }: Pick<CreateTable, "schema" | "partitionBy">): string {
  const columns = Object.entries(schema.fields as Readonly<Record<string, { readonly type: DataType }>>)
    .filter(([name]) => name !== placeColumn)
    .map(([name, { type }]) => `${name} ${typeName(type)}`)
    .sort();
  return `(${columns.join(", ")})${partitionBy.length === 0 ? "" : ` by ${partitionBy.join(", ")}`}`;
}

export type { Action };
