import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { airportDelays, bronzeAirports, bronzeFlights, routeDaily, silverFlights } from "../../../pipelines/flights.ts";
import { schemaOf, typeName } from "../../../shared/plan/index.ts";
import type { LogicalPlan } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "../plan/duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

const query = (table: { readonly query: LogicalPlan | undefined }): LogicalPlan => table.query as LogicalPlan;
const event = (id: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    flight_id: id,
    date: "2001-01-10T05:55:00.000Z",
    delay: 20,
    distance: 570,
    origin: "SEA",
    destination: "SFO",
    ...more,
  });

function bronze(bodies: readonly (string | null)[]): string {
  const rows = bodies.map((body, index) => `(${body === null ? "NULL" : `'${body.replaceAll("'", "''")}'`}, ${index})`);
  const others = Object.keys(bronzeFlights.schema.fields).filter(
    (name) => !["event_data", "enqueued_time"].includes(name),
  );
  return `SELECT body AS event_data, TIMESTAMPTZ '2001-01-10 06:00:00Z' AS enqueued_time, n AS _position, ${others.map((name) => `NULL AS "${name}"`).join(", ")} FROM (VALUES ${rows.join(", ")}) AS v(body, n)`;
}
const airports = (() => {
  const others = Object.keys(bronzeAirports.schema.fields).filter(
    (name) => !["iata", "name", "city", "state"].includes(name),
  );
  return `SELECT *, ${others.map((name) => `NULL AS "${name}"`).join(", ")} FROM (VALUES ('SEA', 'Seattle-Tacoma Intl', 'Seattle', 'WA')) AS v(iata, name, city, state)`;
})();

describe("the flights pipeline", () => {
  it("has the columns that people build on", () => {
    const columns = [silverFlights, routeDaily, airportDelays].map((table) => typeName(schemaOf(query(table))));
    expect(columns).toEqual([
      "struct<flight_id:string,flight_time:timestamp,flight_date:date,delay:bigint,distance:bigint,origin:string,destination:string,enqueued_time:timestamp,origin_airport:string,origin_city:string,origin_state:string>",
      "struct<origin:string,destination:string,flight_date:date,flights:bigint,delayed_flights:bigint,avg_delay:double,min_delay:bigint,max_delay:bigint,total_distance:bigint>",
      "struct<origin:string,origin_airport:string,origin_state:string,flight_date:date,flights:bigint,destinations:bigint,avg_delay:double>",
    ]);
  });

  it("parses, enriches and de-duplicates as a batch query", async () => {
    const rows = await session.query(
      query(silverFlights),
      {
        "bronze.flights": bronze([event("a"), event("b", { origin: "QQQ" }), event("a", { delay: 21 })]),
        "bronze.airports": airports,
      },
      { carry: ["_position"] },
    );
    expect(
      rows.map(({ flight_id, delay, flight_date, origin_state, origin_airport }) => [
        flight_id,
        delay,
        flight_date,
        origin_state,
        origin_airport,
      ]),
    ).toEqual(
      expect.arrayContaining([
        ["a", "20", "2001-01-10", "WA", "Seattle-Tacoma Intl"],
        ["b", "20", "2001-01-10", null, null],
      ]),
    );
    expect(rows).toHaveLength(2);
  });

  it("keeps every malformed event with its reason in the row-local part", async () => {
    const { input } = query(silverFlights) as Extract<LogicalPlan, { kind: "dropDuplicatesWithinWatermark" }>;
    const bodies = [
      event("a"),
      "{",
      event("c", { delay: "late" }),
      event("d", { gate: "B7" }),
      "",
      null,
      event("g", { date: "soon" }),
    ];
    const rows = await session.query(
      input,
      { "bronze.flights": bronze(bodies), "bronze.airports": airports },
      { rowErrors: "capture", carry: ["_position"] },
    );
    const errors = rows
      .toSorted((a, b) => Number(a["_position"]) - Number(b["_position"]))
      .map((row) => row["_row_error"]);
    expect(errors).toEqual([
      null,
      "not valid JSON",
      'field `delay`: expected bigint, found string "late"',
      "unknown field `gate`",
      "empty body",
      "no text: the body is empty or not UTF-8",
      'field `date`: expected timestamp, found string "soon"',
    ]);
  });

  it("aggregates silver into gold", async () => {
    const silver = `SELECT 'a' AS flight_id, NULL AS flight_time, DATE '2001-01-10' AS flight_date, delay::BIGINT AS delay, 570::BIGINT AS distance, 'SEA' AS origin, destination, NULL AS enqueued_time, 'Seattle' AS origin_airport, 'Seattle' AS origin_city, 'WA' AS origin_state FROM (VALUES (15, 'SFO'), (16, 'SFO'), (-4, 'LAX')) AS v(delay, destination)`;
    const routes = await session.query(query(routeDaily), { "silver.flights": silver });
    expect(routes.toSorted((a, b) => String(a["destination"]).localeCompare(String(b["destination"])))).toEqual([
      {
        origin: "SEA",
        destination: "LAX",
        flight_date: "2001-01-10",
        flights: "1",
        delayed_flights: "0",
        avg_delay: -4,
        min_delay: "-4",
        max_delay: "-4",
        total_distance: "570",
      },
      {
        origin: "SEA",
        destination: "SFO",
        flight_date: "2001-01-10",
        flights: "2",
        delayed_flights: "1",
        avg_delay: 15.5,
        min_delay: "15",
        max_delay: "16",
        total_distance: "1140",
      },
    ]);
    expect(await session.query(query(airportDelays), { "silver.flights": silver })).toEqual([
      {
        origin: "SEA",
        origin_airport: "Seattle",
        origin_state: "WA",
        flight_date: "2001-01-10",
        flights: "3",
        destinations: "2",
        avg_delay: 9,
      },
    ]);
  });
});
