/** The sample pipeline, tested as a user tests one: see docs/testing-pipelines.md. */
import { describe, it } from "vitest";
import {
  airportDelays,
  bronzeAirports,
  bronzeFlights,
  flights,
  routeDaily,
  silverFlights,
} from "../../../pipelines/flights.ts";
import {
  addData,
  advanceTime,
  checkAnswer,
  checkEqualsQuery,
  checkLastBatch,
  checkQuarantine,
  checkStrategy,
  crash,
  PipelineTest,
  processAllAvailable,
  restart,
  type Action,
} from "../../../shared/testing/index.ts";

const airports = addData(bronzeAirports, [
  { iata: "LAS", name: "McCarran International", city: "Las Vegas", state: "NV", country: "USA" },
  { iata: "PHL", name: "Philadelphia International", city: "Philadelphia", state: "PA", country: "USA" },
]);
const flight = {
  flight_id: "F1",
  date: "2001-01-01T05:01:00Z",
  delay: 33,
  distance: 2176,
  origin: "LAS",
  destination: "PHL",
};
const route = { origin: "LAS", destination: "PHL", flight_date: "2001-01-01", min_delay: 33, max_delay: 33 };

async function tried(actions: readonly Action[], seed = 1): Promise<void> {
  await using test = await PipelineTest.open(flights, { seed, startTime: "2001-01-01T06:00:00Z" });
  await test.run([airports, ...actions, checkEqualsQuery()]);
}

describe("a flight", () => {
  it("is counted for its route and its airport, and its delay with it", () =>
    tried([
      addData(bronzeFlights, [flight, { ...flight, flight_id: "F2", delay: 15, destination: "SFO" }]),
      processAllAvailable(),
      checkAnswer(routeDaily, [
        { ...route, flights: 1, delayed_flights: 1, avg_delay: 33, total_distance: 2176 },
        {
          ...route,
          destination: "SFO",
          flights: 1,
          delayed_flights: 0,
          avg_delay: 15,
          min_delay: 15,
          max_delay: 15,
          total_distance: 2176,
        },
      ]),
      checkAnswer(airportDelays, [
        {
          origin: "LAS",
          origin_airport: "McCarran International",
          origin_state: "NV",
          flight_date: "2001-01-01",
          flights: 2,
          destinations: 2,
          avg_delay: 24,
        },
      ]),
    ]));

  it("counts once, however often it is sent within a day", () =>
    tried([
      addData(bronzeFlights, [flight, flight]),
      processAllAvailable(),
      addData(bronzeFlights, [{ ...flight, date: "2001-01-01T05:59:00Z" }], { partition: "2" }),
      processAllAvailable(),
      checkLastBatch(silverFlights, []),
      checkAnswer(routeDaily, [{ ...route, flights: 1, delayed_flights: 1, avg_delay: 33, total_distance: 2176 }]),
    ]));

  it("that cannot be right goes to quarantine, with the reason", () =>
    tried([
      addData(bronzeFlights, [
        "not a flight",
        { ...flight, flight_id: null },
        { ...flight, flight_id: "F2", origin: "???" },
        { ...flight, flight_id: "F3", date: "2001-01-01T07:00:00Z" },
        { ...flight, flight_id: "F4", distance: 0 },
        { ...flight, flight_id: "F5", gate: "A7" },
        { ...flight, flight_id: "F6", delay: 5000 },
      ]),
      processAllAvailable(),
      checkQuarantine(silverFlights, [
        { reason: "MALFORMED", event_data: "not a flight" },
        { reason: "EXPECTATION", rule: "has_id" },
        { reason: "EXPECTATION", rule: "known_airport", row: { flight_id: "F2" } },
        { reason: "EXPECTATION", rule: "not_in_future", row: { flight_id: "F3" } },
        { reason: "EXPECTATION", rule: "positive_distance", row: { flight_id: "F4" } },
        { reason: "MALFORMED" },
      ]),
      checkAnswer(silverFlights, [{ flight_id: "F6", delay: 5000 }], { columns: ["flight_id", "delay"] }),
    ]));

  it("that comes a day behind the others of its partition is late, and is none for another partition", () => {
    const later = { ...flight, flight_id: "F2", date: "2001-01-03T06:00:00Z" };
    const late = { ...flight, flight_id: "F3" };
    return tried([
      advanceTime("2 days"),
      addData(bronzeFlights, [later, late]),
      addData(bronzeFlights, [{ ...late, flight_id: "F4" }], { partition: "1" }),
      processAllAvailable(),
      checkQuarantine(silverFlights, [{ reason: "LATE", row: { flight_id: "F3" } }]),
    ]);
  });

  it.for([1, 2, 3])("is neither lost nor counted twice where an instance dies, by seed %i", (seed) =>
    tried(
      [
        addData(bronzeFlights, [flight]),
        crash({ at: seed }),
        processAllAvailable(),
        restart(),
        processAllAvailable(),
        addData(bronzeFlights, [{ ...flight, flight_id: "F2" }], { partition: "3" }),
        crash({ at: "sink", flow: routeDaily }),
        processAllAvailable(),
        restart(),
        processAllAvailable(),
        checkAnswer(routeDaily, [{ ...route, flights: 2, delayed_flights: 2, avg_delay: 33, total_distance: 4352 }]),
        checkStrategy(routeDaily, "merge-partials"),
      ],
      seed,
    ),
  );
});
