/** What fills a hub with a known stream: the feeder, and the plan of the sample's flights. */
export { runFeeder } from "./feeder.ts";
export type { FeederOptions, FeederProgress } from "./feeder.ts";
export type { Plan, PlannedEvent } from "./planned-event.ts";
export {
  flightEventKinds,
  flightExtraRates,
  flightRows,
  flightsPerHugeBody,
  hugeBodyBytes,
  malformations,
  planFlights,
  summarizeFlightsPlan,
} from "./flights-plan.ts";
export type { FlightEvent, FlightEventKind, FlightsPlanOptions, FlightsSummary, Malformation } from "./flights-plan.ts";
