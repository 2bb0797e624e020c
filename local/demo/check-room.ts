/** Where a run is checked: local copies of its tables as views of DuckDB, which reads their files directly. Nothing of the engine takes part. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { dataFilePath } from "../../shared/delta/index.ts";
import { duckdbType, type DataType } from "../../shared/plan/index.ts";
import type { DeltaTable } from "../../shared/table/index.ts";
import type { PlannedEvent } from "../feeder/index.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is wrong, where something is. */
  readonly detail?: string;
}

/** Local copies of a run's tables and its source, and a connection that sees them as views. */
export class CheckRoom implements AsyncDisposable {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;
  readonly #folder: string;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, folder: string) {
    this.#instance = instance;
    this.connection = connection;
    this.#folder = folder;
  }

  static async open(folder: string, memoryMb: number): Promise<CheckRoom> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: `${memoryMb}MB`,
      temp_directory: join(folder, "spill"),
      threads: "2",
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new CheckRoom(instance, connection, folder);
  }

  /** Makes the newest version of a table a view, with `_version` and `_committed` of each row's commit. */
  async view(name: string, table: DeltaTable): Promise<void> {
    const snapshot = await table.latest();
    const folder = join(this.#folder, name);
    await mkdir(folder, { recursive: true });
    const commits = new Map<string, { version: number; timestampMs: number }>();
    for (const commit of await table.changes(-1, snapshot.version)) {
      for (const file of commit.adds)
        commits.set(file.path, { version: commit.version, timestampMs: commit.timestampMs });
    }
    const files = [...snapshot.files];
    const fields = Object.entries(snapshot.schema.fields as Readonly<Record<string, { readonly type: DataType }>>);
    const types = new Map(fields.map(([column, { type }]) => [column, duckdbType(type)]));
    const parts: string[] = [];
    for (let start = 0; start < files.length; start += parallelDownloads) {
      await Promise.all(
        files.slice(start, start + parallelDownloads).map(async (file, offset) => {
          const local = join(folder, `${start + offset}.parquet`);
          await table.log.store.downloadFile(dataFilePath(table.log, file), local);
          const commit = commits.get(file.path);
          const values = snapshot.partitionBy.map(
            (column) =>
              `CAST(${literal(file.partitionValues[column] ?? null)} AS ${types.get(column) ?? "VARCHAR"}) AS ${column}`,
          );
          parts[start + offset] =
            `SELECT *, ${[...values, `${commit?.version ?? -1} AS _version`, `make_timestamptz(${(commit?.timestampMs ?? 0) * 1000}) AS _committed`].join(", ")} FROM read_parquet(${literal(local)}, hive_partitioning = false)`;
        }),
      );
    }
    const none = [...types].map(([column, type]) => `NULL::${type} AS ${column}`).join(", ");
    const empty = `SELECT ${none}, NULL::BIGINT AS _version, NULL::TIMESTAMPTZ AS _committed WHERE false`;
    await this.connection.run(`CREATE OR REPLACE VIEW ${name} AS ${[empty, ...parts].join(" UNION ALL BY NAME ")}`);
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.connection.runAndReadAll(sql)).getRowObjectsJson();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.closeSync();
    this.#instance.closeSync();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const parallelDownloads = 8;

/** A text as SQL has it; NULL where there is none. */
export const literal = (text: string | null): string => (text === null ? "NULL" : `'${text.replaceAll("'", "''")}'`);

/** Makes the events that were to be sent a table: their place, key, and the digest of their body. */
export async function loadPlan(room: CheckRoom, name: string, plan: AsyncIterable<PlannedEvent>): Promise<void> {
  await room.connection.run(
    `CREATE OR REPLACE TABLE ${name} (partition VARCHAR, sequence_number BIGINT, partition_key VARCHAR, body VARCHAR)`,
  );
  await room.connection.run(
    "CREATE OR REPLACE TABLE planned_bodies (partition VARCHAR, sequence_number BIGINT, partition_key VARCHAR, body BLOB)",
  );
  const appender = await room.connection.createAppender("planned_bodies");
  let pending = 0;
  const digest = async () => {
    appender.flushSync();
    await room.connection.run(
      `INSERT INTO ${name} SELECT partition, sequence_number, partition_key, md5(body) FROM planned_bodies`,
    );
    await room.connection.run("DELETE FROM planned_bodies");
    pending = 0;
  };
  for await (const event of plan) {
    appender.appendVarchar(String(event.partition));
    appender.appendBigInt(BigInt(event.sequenceNumber));
    appender.appendVarchar(event.partitionKey);
    appender.appendBlob(event.body);
    appender.endRow();
    if (++pending >= 100_000) await digest();
  }
  await digest();
  appender.closeSync();
}

/** How a large comparison is cut: rows with the same value of the column are compared together, so that memory stays bounded. */
export interface Slices {
  readonly by: string;
  readonly count: number;
}

/** Compares two queries as multisets, and says how many rows differ, with an example. */
export async function compareRows(
  room: CheckRoom,
  name: string,
  actual: string,
  expected: string,
  slices: Slices = { by: "*", count: 1 },
): Promise<Check> {
  await room.connection.run(`CREATE OR REPLACE TABLE actual_rows AS ${actual}`);
  await room.connection.run(`CREATE OR REPLACE TABLE expected_rows AS ${expected}`);
  let missing = 0;
  let unexpected = 0;
  let sample: unknown;
  for (let slice = 0; slice < slices.count; slice++) {
    const where = slices.count === 1 ? "" : ` WHERE hash(CAST(${slices.by} AS VARCHAR)) % ${slices.count} = ${slice}`;
    const lacking = `(FROM expected_rows${where}) EXCEPT ALL (FROM actual_rows${where})`;
    const surplus = `(FROM actual_rows${where}) EXCEPT ALL (FROM expected_rows${where})`;
    const [result] = await room.rows(
      `SELECT (SELECT count(*) FROM (${lacking})) AS missing, (SELECT count(*) FROM (${surplus})) AS unexpected`,
    );
    missing += Number(result?.["missing"]);
    unexpected += Number(result?.["unexpected"]);
    if (missing + unexpected > 0) sample ??= (await room.rows(`${missing > 0 ? lacking : surplus} LIMIT 1`))[0];
  }
  if (missing === 0 && unexpected === 0) return { name, ok: true };
  return {
    name,
    ok: false,
    detail: `${missing} rows are missing and ${unexpected} are not expected, for example ${JSON.stringify(sample)}`,
  };
}
