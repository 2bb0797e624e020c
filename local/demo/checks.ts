/**
 * The demo's proof: every table is recomputed from the source files with one batch query each and compared row by row, audit columns
 * excepted. Nothing of the engine takes part; DuckDB reads the tables' files and the source directly.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { dataFilePath } from "../../shared/delta/index.ts";
import { duckdbType, type DataType } from "../../shared/plan/index.ts";
import type { DeltaTable } from "../../shared/table/index.ts";
import { planFlights, summarizeFlightsPlan } from "../feeder/index.ts";
import type { DemoOptions } from "./options.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is wrong, where something is. */
  readonly detail?: string;
}

export interface DemoTables {
  readonly bronzeFlights: DeltaTable;
  readonly bronzeAirports: DeltaTable;
  readonly silverFlights: DeltaTable;
  readonly quarantine: DeltaTable;
  readonly routeDaily: DeltaTable;
  readonly airportDelays: DeltaTable;
}

/** A file of the sample's source data. */
export const sourceFile = (name: string): string =>
  fileURLToPath(new URL(`../data/${name}`, import.meta.resolve("vega-datasets")));

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

/** Rows that are compared at once. */
const rowsPerSlice = 500_000;
const parallelDownloads = 8;
const literal = (text: string | null): string => (text === null ? "NULL" : `'${text.replaceAll("'", "''")}'`);

/** Recomputes and compares. The room has the views `bronze`, `airports`, `silver`, `quarantine`, `route_daily` and `airport_delays`. */
export async function runChecks(room: CheckRoom, options: DemoOptions): Promise<Check[]> {
  const summary = summarizeFlightsPlan(options);
  const source = `(SELECT 'F' || lpad(CAST(file_row_number + 1 AS VARCHAR), 7, '0') AS flight_id, make_timestamptz(epoch_us(date)) AS flight_time,
    CAST(date AS DATE) AS flight_date, delay, distance, origin, destination
    FROM read_parquet(${literal(sourceFile("flights-3m.parquet"))}, file_row_number = true) WHERE file_row_number < ${summary.flights})`;
  const airports = `(SELECT iata, name, city, state, country, latitude, longitude FROM read_csv(${literal(sourceFile("airports.csv"))}, header = true, all_varchar = false,
    types = {'iata': 'VARCHAR', 'name': 'VARCHAR', 'city': 'VARCHAR', 'state': 'VARCHAR', 'country': 'VARCHAR', 'latitude': 'DOUBLE', 'longitude': 'DOUBLE'}))`;
  const enriched = `(SELECT f.*, a.name AS origin_airport, a.city AS origin_city, a.state AS origin_state FROM ${source} f LEFT JOIN ${airports} a ON a.iata = f.origin)`;
  const slices = Math.ceil(options.events / rowsPerSlice);
  await loadPlan(room, options);
  return [
    await compare(
      room,
      "bronze.flights holds every event once, byte for byte",
      `SELECT partition, sequence_number, partition_key, coalesce(md5(event_data), md5(event_data_binary)) AS body FROM bronze`,
      "SELECT * FROM planned",
      { by: "sequence_number", count: slices },
    ),
    await compare(
      room,
      "bronze.airports equals the file",
      "SELECT iata, name, city, state, country, latitude, longitude FROM airports",
      `SELECT * FROM ${airports}`,
    ),
    await compare(
      room,
      "silver.flights equals one batch query over the source",
      "SELECT flight_id, flight_time, flight_date, delay, distance, origin, destination, origin_airport, origin_city, origin_state FROM silver",
      `SELECT flight_id, flight_time, flight_date, delay, distance, origin, destination, origin_airport, origin_city, origin_state FROM ${enriched}`,
      { by: "flight_id", count: slices },
    ),
    await compare(
      room,
      "gold.route_daily equals one batch query over the source",
      "SELECT origin, destination, flight_date, flights, delayed_flights, round(avg_delay, 9), min_delay, max_delay, total_distance FROM route_daily",
      `SELECT origin, destination, flight_date, count(*), count_if(delay > 15), round(avg(delay), 9), min(delay), max(delay), CAST(sum(distance) AS BIGINT) FROM ${enriched} GROUP BY ALL`,
    ),
    await compare(
      room,
      "gold.airport_delays equals one batch query over the source",
      "SELECT origin, origin_airport, origin_state, flight_date, flights, destinations, round(avg_delay, 9) FROM airport_delays",
      `SELECT origin, origin_airport, origin_state, flight_date, count(*), count(DISTINCT destination), round(avg(delay), 9) FROM ${enriched} GROUP BY ALL`,
    ),
    await compare(
      room,
      "quarantine holds the malformed, late and refused events with their reasons",
      "SELECT reason, CAST(count(*) AS BIGINT) FROM quarantine GROUP BY 1",
      `SELECT * FROM (VALUES ('MALFORMED', ${summary.byKind.malformed}::BIGINT), ('LATE', ${summary.byKind.late}), ('EXPECTATION', ${summary.byKind["unknown-airport"] + summary.byKind["far-future"]})) AS t(reason, n) WHERE n > 0`,
    ),
  ];
}

/** The events that were to be sent, by partition and sequence number. */
async function loadPlan(room: CheckRoom, options: DemoOptions): Promise<void> {
  await room.connection.run(
    "CREATE OR REPLACE TABLE planned (partition VARCHAR, sequence_number BIGINT, partition_key VARCHAR, body VARCHAR)",
  );
  await room.connection.run(
    "CREATE OR REPLACE TABLE planned_bodies (partition VARCHAR, sequence_number BIGINT, partition_key VARCHAR, body BLOB)",
  );
  const appender = await room.connection.createAppender("planned_bodies");
  let pending = 0;
  const digest = async () => {
    appender.flushSync();
    await room.connection.run(
      "INSERT INTO planned SELECT partition, sequence_number, partition_key, md5(body) FROM planned_bodies",
    );
    await room.connection.run("DELETE FROM planned_bodies");
    pending = 0;
  };
  for await (const event of planFlights(options)) {
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
interface Slices {
  readonly by: string;
  readonly count: number;
}

/** Two queries as multisets. */
async function compare(
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
