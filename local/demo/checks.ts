/**
 * The demo's proof: every table is recomputed from the source files with one batch query each and compared row by row, audit columns
 * excepted. Nothing of the engine takes part; DuckDB reads the tables' files and the source directly.
 */
import { fileURLToPath } from "node:url";
import type { DeltaTable } from "../../shared/table/index.ts";
import { planFlights, summarizeFlightsPlan } from "../feeder/index.ts";
import { compareRows, literal, loadPlan, type Check, type CheckRoom } from "./check-room.ts";
import type { DemoOptions } from "./options.ts";

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

/** Rows that are compared at once. */
const rowsPerSlice = 500_000;
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
  await loadPlan(room, "planned", planFlights(options));
  return [
    await compareRows(
      room,
      "bronze.flights holds every event once, byte for byte",
      `SELECT partition, sequence_number, partition_key, coalesce(md5(event_data), md5(event_data_binary)) AS body FROM bronze`,
      "SELECT * FROM planned",
      { by: "sequence_number", count: slices },
    ),
    await compareRows(
      room,
      "bronze.airports equals the file",
      "SELECT iata, name, city, state, country, latitude, longitude FROM airports",
      `SELECT * FROM ${airports}`,
    ),
    await compareRows(
      room,
      "silver.flights equals one batch query over the source",
      "SELECT flight_id, flight_time, flight_date, delay, distance, origin, destination, origin_airport, origin_city, origin_state FROM silver",
      `SELECT flight_id, flight_time, flight_date, delay, distance, origin, destination, origin_airport, origin_city, origin_state FROM ${enriched}`,
      { by: "flight_id", count: slices },
    ),
    await compareRows(
      room,
      "gold.route_daily equals one batch query over the source",
      "SELECT origin, destination, flight_date, flights, delayed_flights, round(avg_delay, 9), min_delay, max_delay, total_distance FROM route_daily",
      `SELECT origin, destination, flight_date, count(*), count_if(delay > 15), round(avg(delay), 9), min(delay), max(delay), CAST(sum(distance) AS BIGINT) FROM ${enriched} GROUP BY ALL`,
    ),
    await compareRows(
      room,
      "gold.airport_delays equals one batch query over the source",
      "SELECT origin, origin_airport, origin_state, flight_date, flights, destinations, round(avg_delay, 9) FROM airport_delays",
      `SELECT origin, origin_airport, origin_state, flight_date, count(*), count(DISTINCT destination), round(avg(delay), 9) FROM ${enriched} GROUP BY ALL`,
    ),
    await compareRows(
      room,
      "quarantine holds the malformed, late and refused events with their reasons",
      "SELECT reason, CAST(count(*) AS BIGINT) FROM quarantine GROUP BY 1",
      `SELECT * FROM (VALUES ('MALFORMED', ${summary.byKind.malformed}::BIGINT), ('LATE', ${summary.byKind.late}), ('EXPECTATION', ${summary.byKind["unknown-airport"] + summary.byKind["far-future"]})) AS t(reason, n) WHERE n > 0`,
    ),
  ];
}
