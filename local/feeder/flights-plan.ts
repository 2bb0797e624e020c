/**
 * The sample's stream: three million real flights of 2001 in date order, with deterministic disturbances. Which events
 * there are, and in which partition at which place, follows from seed, number of events and number of partitions alone.
 *
 * A flight becomes the JSON body
 *
 *     {"flight_id":"F0000001","date":"2001-01-01T00:01:00Z","delay":33,"distance":2176,"origin":"LAS","destination":"PHL"}
 *
 * and at most one extra event follows it in its partition, with the flight's partition key. Extra events that have an
 * id of their own take the flight's number with another letter: U, L, X, or M for malformed ones.
 */
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { DyneError } from "../../shared/core/errors.ts";
import { partitionOf } from "../event-hubs/partition-hash.ts";
import type { PlannedEvent } from "./planned-event.ts";
import { drawKind, hash } from "./seeded-hash.ts";

/** What an event of the stream is. */
export const flightEventKinds = ["flight", "duplicate", "malformed", "unknown-airport", "late", "far-future"] as const;
export type FlightEventKind = (typeof flightEventKinds)[number];

/** How many extra events of each kind there are per flight, at random. Bodies of a megabyte come on top. */
export const flightExtraRates = {
  duplicate: 0.01,
  malformed: 0.003,
  "unknown-airport": 0.002,
  late: 0.005,
  "far-future": 0.001,
} as const satisfies Partial<Record<FlightEventKind, number>>;

/** Every so many flights, a malformed event with a body of `hugeBodyBytes` follows; the first within 1,000 flights. */
export const flightsPerHugeBody = 49_000;
export const hugeBodyBytes = 1_000_000;

/** The ways in which a body is malformed. */
export const malformations = ["truncated", "wrong-type", "unknown-field", "empty", "invalid-utf8", "huge"] as const;
export type Malformation = (typeof malformations)[number];

/** Rows of the source file. */
export const flightRows = 3_000_000;

/** What a stream is made from. */
export interface FlightsPlanOptions {
  readonly seed: number;
  /** All events, extra ones included. */
  readonly events: number;
  readonly partitions: number;
}

/** An event of the stream. */
export interface FlightEvent extends PlannedEvent {
  readonly kind: FlightEventKind;
  /** The row, from 0, of the flight itself, or of the flight that the event follows. */
  readonly flightIndex: number;
}

/** Counts of a stream. */
export interface FlightsSummary {
  readonly events: number;
  /** The flights are the rows 0 to `flights - 1` of the source. */
  readonly flights: number;
  readonly byKind: Readonly<Record<FlightEventKind, number>>;
  readonly byMalformation: Readonly<Record<Malformation, number>>;
  readonly byPartition: readonly number[];
}

/** One row of the source. `timeMs` counts from 1970, UTC; delay in minutes, distance in miles. */
interface FlightRow {
  readonly timeMs: number;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** An extra event, before it has a body. */
type Extra =
  | { readonly kind: Exclude<FlightEventKind, "flight" | "malformed"> }
  | { readonly kind: "malformed"; readonly malformation: Malformation };

const dayMs = 24 * 60 * 60 * 1000;
const lateByDays = 3;

/**
 * The stream in its one order over all partitions. `from` leaves out, per partition, what comes before that sequence
 * number, at a fraction of the cost. Reads the source in chunks. Throws `INVALID_ARGUMENT` when the source has too few rows.
 */
export async function* planFlights(
  options: FlightsPlanOptions & { readonly from?: readonly number[] },
): AsyncGenerator<FlightEvent, void> {
  const { seed, partitions, from = [] } = checked(options);
  if (options.events > flightRows) summarizeFlightsPlan(options);
  const next = Array.from({ length: partitions }, () => 0);
  let left = options.events;
  let flightIndex = 0;
  for await (const rows of readFlights()) {
    for (let k = 0; k < rows.length; k++, flightIndex++) {
      const id = flightId("F", flightIndex);
      const partition = partitionOf(id, partitions);
      const extra = extraAfter(seed, flightIndex);
      const event = (kind: FlightEventKind, body: () => Uint8Array): FlightEvent | undefined => {
        const sequenceNumber = next[partition]!++;
        if (sequenceNumber < (from[partition] ?? 0)) return undefined;
        return { partition, sequenceNumber, partitionKey: id, body: body(), kind, flightIndex };
      };
      if (left-- === 0) return;
      const flight = event("flight", () => encode(flightJson(id, rows.at(k))));
      if (flight) yield flight;
      if (!extra) continue;
      if (left-- === 0) return;
      const added = event(extra.kind, () => extraBody(extra, flightIndex, rows.at(k)));
      if (added) yield added;
    }
  }
}

/** Counts the stream without reading the source or making bodies: seconds for millions of events. */
export function summarizeFlightsPlan(options: FlightsPlanOptions): FlightsSummary {
  const { seed, partitions, events } = checked(options);
  const byKind = Object.fromEntries(flightEventKinds.map((kind) => [kind, 0])) as Record<FlightEventKind, number>;
  const byMalformation = Object.fromEntries(malformations.map((kind) => [kind, 0])) as Record<Malformation, number>;
  const byPartition = Array.from({ length: partitions }, () => 0);
  let left = events;
  let flights = 0;
  for (; left > 0; flights++) {
    if (flights === flightRows) throw tooMany(events);
    const partition = partitionOf(flightId("F", flights), partitions);
    byKind.flight++;
    byPartition[partition]!++;
    left--;
    const extra = extraAfter(seed, flights);
    if (!extra || left === 0) continue;
    byKind[extra.kind]++;
    if (extra.kind === "malformed") byMalformation[extra.malformation]++;
    byPartition[partition]!++;
    left--;
  }
  return { events, flights, byKind, byMalformation, byPartition };
}

/** The body of a flight as text; the source row decides everything but the id. */
function flightJson(id: string, { timeMs, delay, distance, origin, destination }: FlightRow): string {
  return `{"flight_id":"${id}","date":"${isoSeconds(timeMs)}","delay":${delay},"distance":${distance},"origin":"${origin}","destination":"${destination}"}`;
}

function extraBody(extra: Extra, flightIndex: number, row: FlightRow): Uint8Array {
  switch (extra.kind) {
    case "duplicate":
      return encode(flightJson(flightId("F", flightIndex), row));
    case "unknown-airport":
      return encode(flightJson(flightId("U", flightIndex), { ...row, origin: "ZZZ" }));
    case "late":
      return encode(flightJson(flightId("L", flightIndex), { ...row, timeMs: row.timeMs - lateByDays * dayMs }));
    case "far-future":
      return encode(flightJson(flightId("X", flightIndex), { ...row, timeMs: inYear2999(row.timeMs) }));
    case "malformed":
      return malformedBody(extra.malformation, flightJson(flightId("M", flightIndex), row));
  }
}

function malformedBody(malformation: Malformation, json: string): Uint8Array {
  switch (malformation) {
    case "truncated":
      return encode(json.slice(0, Math.floor(json.length / 2)));
    case "wrong-type":
      return encode(json.replace(/"delay":-?\d+/, '"delay":"abc"'));
    case "unknown-field":
      return encode(`${json.slice(0, -1)},"gate":"A1"}`);
    case "empty":
      return new Uint8Array(0);
    case "invalid-utf8": {
      const bytes = encode(json);
      bytes.set([0xff, 0xfe, 0xc3], bytes.lastIndexOf('"') - 3);
      return bytes;
    }
    case "huge": {
      const head = `${json.slice(0, -1)},"remarks":"`;
      return encode(`${head}${"x".repeat(hugeBodyBytes - head.length - 2)}"}`);
    }
  }
}

/** What follows a flight, by the hash of seed and row. */
function extraAfter(seed: number, flightIndex: number): Extra | undefined {
  if (flightIndex % flightsPerHugeBody === hash(seed, -1) % 1_000) return { kind: "malformed", malformation: "huge" };
  const kind = drawKind(flightExtraRates, seed, flightIndex);
  if (kind !== "malformed") return kind && { kind };
  return { kind, malformation: smallMalformations[hash(~seed, flightIndex) % smallMalformations.length]! };
}

const smallMalformations = malformations.filter((malformation) => malformation !== "huge");

function flightId(letter: string, flightIndex: number): string {
  return letter + String(10_000_001 + flightIndex).slice(1);
}

function encode(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

let lastTimeMs = NaN;
let lastText = "";

/** ISO 8601 to the second. Neighbouring rows share their minute, so the last answer is kept. */
function isoSeconds(timeMs: number): string {
  if (timeMs !== lastTimeMs) {
    lastTimeMs = timeMs;
    lastText = `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
  }
  return lastText;
}

function inYear2999(timeMs: number): number {
  return new Date(timeMs).setUTCFullYear(2999);
}

/** Rows of one chunk, made into objects only when asked for. */
interface FlightRows {
  readonly length: number;
  at(k: number): FlightRow;
}

async function* readFlights(): AsyncGenerator<FlightRows, void> {
  const path = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  try {
    const connection = await instance.connect();
    try {
      const columns = "epoch_ms(date)::DOUBLE, delay::INTEGER, distance::INTEGER, origin, destination";
      const result = await connection.stream(`SELECT ${columns} FROM read_parquet('${path.replaceAll("'", "''")}')`);
      for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
        const [times, delays, distances, origins, destinations] = chunk.getColumns() as [
          number[],
          number[],
          number[],
          string[],
          string[],
        ];
        yield {
          length: chunk.rowCount,
          at: (k) => ({
            timeMs: times[k]!,
            delay: delays[k]!,
            distance: distances[k]!,
            origin: origins[k]!,
            destination: destinations[k]!,
          }),
        };
      }
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

function checked<T extends FlightsPlanOptions>(options: T): T {
  for (const name of ["seed", "events", "partitions"] as const) {
    if (!Number.isSafeInteger(options[name]))
      throw new DyneError("INVALID_ARGUMENT", `${name} is ${options[name]}. Give a whole number.`);
  }
  if (options.events < 0)
    throw new DyneError("INVALID_ARGUMENT", `${options.events} events cannot be planned. Give 0 or more.`);
  return options;
}

function tooMany(events: number): DyneError {
  return new DyneError(
    "INVALID_ARGUMENT",
    `The source has ${flightRows} flights, too few for ${events} events. Ask for fewer.`,
  );
}
