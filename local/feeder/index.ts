/** What fills a hub with a known stream: the feeder, and the plans of the samples' streams. */
export { planCustomerChanges, planCustomerEvents } from "./customers-plan.ts";
export type { DraftedEvent, DraftedPlanOptions } from "./drafted-plan.ts";
export { planReadings } from "./readings-plan.ts";
export type { ReadingKind } from "./readings-plan.ts";
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
