/**
 * Tables as their logs and files say, read without the engine and without the project's readers: the JSON commits of a version are replayed
 * one by one, and DuckDB reads whole Parquet files as they are. A query over them is one statement. Shared with the project are only the
 * SQL of plans, which its functions are tried by against Spark, and the codec of deletion vectors, which has Spark's own vectors as tests.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { Row } from "../../shared/compute/index.ts";
import { rowValue } from "../../shared/compute/duckdb/row-values.ts";
import { readDeletionVector, type DeletionVector } from "../../shared/delta/index.ts";
import {
  duckdbType,
  nodesOf,
  quoteName,
  quoteText,
  renderPlan,
  type DataType,
  type LogicalPlan,
  type Schema,
} from "../../shared/plan/index.ts";
import type { ObjectStore } from "../../shared/storage/index.ts";

/** What the log says of a file that is in a table. */
interface LoggedFile {
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly deletionVector?: DeletionVector | undefined;
}

/** The files of a table at a version, by path. */
type Version = ReadonlyMap<string, LoggedFile>;

/** A Parquet file that was read: where its rows are, and which columns it has. */
interface ReadFile {
  readonly table: string;
  readonly columns: ReadonlySet<string>;
}

/** A table at a version; the newest one where there is no number. */
export interface TableAt {
  readonly path: string;
  readonly version?: number | undefined;
}

export class PlainTables implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #directory: string;
  readonly #versions = new Map<string, Version[]>();
  readonly #files = new Map<string, ReadFile>();

  private constructor(store: ObjectStore, instance: DuckDBInstance, connection: DuckDBConnection, directory: string) {
    this.#store = store;
    this.#instance = instance;
    this.#connection = connection;
    this.#directory = directory;
  }

  /** Over a store that nothing is written to any more. */
  static async open(store: ObjectStore): Promise<PlainTables> {
    const instance = await DuckDBInstance.create(":memory:", { threads: "1", memory_limit: "512MB" });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run("CREATE TEMP MACRO no_value(message) AS NULL");
    return new PlainTables(store, instance, connection, await mkdtemp(join(tmpdir(), "dyne-oracle-")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /**
   * The rows of a plan over tables, by the names of its scans. Throws what DuckDB does, with DATA_ERROR in it where a row has an error; or has
   * NULL for the value of such a row.
   */
  async rows(
    plan: LogicalPlan,
    tables: Readonly<Record<string, TableAt>>,
    onError: "fail" | "null" = "fail",
  ): Promise<Row[]> {
    const relations = new Map<string, string>();
    for (const scan of scansIn(plan)) {
      const table = tables[scan.source];
      if (table === undefined) throw new Error(`no table ${scan.source}`);
      relations.set(scan.source, await this.#relation(table, scan.schema));
    }
    const sql = renderPlan(plan, {
      dialect: "duckdb",
      relations: (source) => relations.get(source) as string,
      rowErrors: "fail",
    });
    const reader = await this.#connection.runAndReadAll(
      onError === "null" ? sql.replaceAll("error('DATA_ERROR: '", "no_value(''") : sql,
    );
    return reader
      .getRowObjects()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, rowValue(value)])));
  }

  async #relation({ path, version }: TableAt, schema: Schema): Promise<string> {
    const files = [...(await this.#at(path, version)).values()];
    const parts: string[] = [];
    for (const file of files) parts.push(await this.#rowsOf(path, file, schema));
    const none = Object.entries(schema.fields).map(
      ([name, { type }]) => `NULL::${duckdbType(type)} AS ${quoted(name)}`,
    );
    if (parts.length === 0) parts.push(`SELECT ${none.join(", ")} WHERE FALSE`);
    return `(${parts.join(" UNION ALL ")})`;
  }

  async #rowsOf(path: string, file: LoggedFile, schema: Schema): Promise<string> {
    const { table, columns } = await this.#read(`${path}/${decodeURIComponent(file.path)}`);
    const values = Object.entries(schema.fields).map(([name, { type }]) => {
      const partition = file.partitionValues[name];
      const read = columns.has(name) ? quoted(name) : "NULL";
      const value = partition === undefined ? read : partitionValue(partition, type);
      return `CAST(${value} AS ${duckdbType(type)}) AS ${quoted(name)}`;
    });
    const from = `SELECT ${values.join(", ")} FROM ${table}`;
    if (file.deletionVector === undefined) return from;
    const deleted = await readDeletionVector({ store: this.#store, path }, file.deletionVector);
    return deleted.count === 0 ? from : `${from} WHERE file_row_number NOT IN (${[...deleted.rows].join(", ")})`;
  }

  async #read(path: string): Promise<ReadFile> {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const object = await this.#store.get(path);
    if (object === undefined) throw new Error(`${path} is in a log and not in the store`);
    const local = join(this.#directory, `${this.#files.size}.parquet`);
    await writeFile(local, object.bytes);
    const table = `file${this.#files.size}`;
    await this.#connection.run(
      `CREATE TEMP TABLE ${table} AS SELECT * FROM read_parquet(${text(local)}, file_row_number = TRUE, hive_partitioning = FALSE)`,
    );
    await rm(local);
    const columns = (await this.#connection.runAndReadAll(`SELECT * FROM ${table} LIMIT 0`)).columnNames();
    const read = { table, columns: new Set(columns) };
    this.#files.set(path, read);
    return read;
  }

  async #at(path: string, version: number | undefined): Promise<Version> {
    const versions = this.#versions.get(path) ?? [];
    this.#versions.set(path, versions);
    while (version === undefined || versions.length <= version) {
      const name = `${path}/_delta_log/${String(versions.length).padStart(20, "0")}.json`;
      const object = await this.#store.get(name);
      if (object === undefined && version === undefined && versions.length > 0) break;
      if (object === undefined) throw new Error(`${name} is not there`);
      versions.push(after(versions.at(-1), new TextDecoder().decode(object.bytes)));
    }
    return versions[version ?? versions.length - 1] as Version;
  }
}

/** A version out of the one before it: a file that is removed and added again has another deletion vector. */
function after(before: Version | undefined, commit: string): Version {
  const files = new Map(before);
  const actions = commit
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly add?: LoggedFile; readonly remove?: Pick<LoggedFile, "path"> });
  for (const { remove } of actions) if (remove !== undefined) files.delete(remove.path);
  for (const { add } of actions) if (add !== undefined) files.set(add.path, add);
  return files;
}

const quoted = (name: string): string => quoteName(name, "duckdb");
const text = (value: string): string => quoteText(value, "duckdb");

/** An empty text is NULL, but of a string, where it is written as it is. */
const partitionValue = (value: string | null, { kind }: DataType): string =>
  value === null || (value === "" && kind !== "string") ? "NULL" : text(value);

type Scan = Extract<LogicalPlan, { kind: "scan" }>;

function scansIn(plan: LogicalPlan): readonly Scan[] {
  return [...nodesOf(plan)].filter((node) => node.kind === "scan");
}
