/** Flights from hub to gold: raw events, checked and enriched flights, and two views for people who plan with them. */
import {
  avg,
  count,
  countDistinct,
  countIf,
  definePipeline,
  double,
  drop,
  eventHub,
  files,
  fromJson,
  long,
  materializedView,
  max,
  min,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
  toDate,
  warn,
} from "../shared/pipeline/index.ts";

const Flight = struct({
  flight_id: string(),
  date: timestamp(),
  delay: long(),
  distance: long(),
  origin: string(),
  destination: string(),
});

const Airport = struct({
  iata: string(),
  name: string(),
  city: string(),
  state: string(),
  country: string(),
  latitude: double(),
  longitude: double(),
});

export const bronzeFlights = streamingTable("bronze.flights", {
  from: eventHub("flights"),
  partitionBy: ["ingestion_date"],
  owner: "flight-operations",
  description: "Every flight event as it arrived.",
});

export const bronzeAirports = streamingTable("bronze.airports", {
  from: files("landing/airports/**.csv", { format: "csv", schema: Airport }),
  owner: "flight-operations",
  description: "Airports by IATA code, as they were dropped.",
});

const airports = read(bronzeAirports).select(({ iata, name, city, state }) => ({
  iata,
  origin_airport: name,
  origin_city: city,
  origin_state: state,
}));

export const silverFlights = streamingTable("silver.flights", {
  query: readStream(bronzeFlights)
    .withColumns(({ event_data }) => ({
      flight: fromJson(event_data, Flight, { unknownFields: "reject", nullInput: "reject" }),
    }))
    .select(({ flight, enqueued_time }) => {
      const { flight_id, date, delay, distance, origin, destination } = flight.fields;
      return {
        flight_id,
        flight_time: date,
        flight_date: toDate(date),
        delay,
        distance,
        origin,
        destination,
        enqueued_time,
      };
    })
    .withWatermark("flight_time", "1 day", { maxAhead: "1 day" })
    .join(airports, { left: "origin", right: "iata" }, "left")
    .drop("iata")
    .dropDuplicatesWithinWatermark(["flight_id"]),
  expect: ({ flight_id, origin_state, flight_time, enqueued_time, distance, delay }) => ({
    has_id: drop(flight_id.isNotNull()),
    known_airport: drop(origin_state.isNotNull()),
    not_in_future: drop(flight_time.le(enqueued_time)),
    positive_distance: drop(distance.gt(0)),
    plausible_delay: warn(delay.between(-1440, 1440)),
  }),
  partitionBy: ["flight_date"],
  owner: "flight-operations",
  description: "Flights, each once, with the airport they left from.",
});

export const routeDaily = materializedView("gold.route_daily", {
  query: read(silverFlights)
    .groupBy("origin", "destination", "flight_date")
    .agg(({ delay, distance }) => ({
      flights: count(),
      delayed_flights: countIf(delay.gt(15)),
      avg_delay: avg(delay),
      min_delay: min(delay),
      max_delay: max(delay),
      total_distance: sum(distance),
    })),
  partitionBy: ["flight_date"],
  owner: "network-planning",
  description: "Flights and delays per route and day.",
});

export const airportDelays = materializedView("gold.airport_delays", {
  query: read(silverFlights)
    .groupBy("origin", "origin_airport", "origin_state", "flight_date")
    .agg(({ delay, destination }) => ({
      flights: count(),
      destinations: countDistinct(destination),
      avg_delay: avg(delay),
    })),
  partitionBy: ["flight_date"],
  owner: "network-planning",
  description: "Delays per airport of departure and day.",
});

/** The sample pipeline. */
export const flights = definePipeline("flights", [
  bronzeFlights,
  bronzeAirports,
  silverFlights,
  routeDaily,
  airportDelays,
]);
