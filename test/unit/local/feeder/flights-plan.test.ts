import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { partitionOf } from "../../../../local/event-hubs/index.ts";
import {
  flightEventKinds,
  flightExtraRates,
  flightRows,
  flightsPerHugeBody,
  hugeBodyBytes,
  malformations,
  planFlights,
  summarizeFlightsPlan,
} from "../../../../local/feeder/index.ts";
import type { FlightEvent, FlightsPlanOptions } from "../../../../local/feeder/index.ts";

async function plan(options: FlightsPlanOptions & { from?: readonly number[] }): Promise<FlightEvent[]> {
  return Array.fromAsync(planFlights(options));
}

const text = (event: FlightEvent): string => Buffer.from(event.body).toString();
const json = (event: FlightEvent): Record<string, unknown> => JSON.parse(text(event)) as Record<string, unknown>;
const summaryOf = (events: readonly FlightEvent[]) =>
  Object.fromEntries(flightEventKinds.map((kind) => [kind, events.filter((event) => event.kind === kind).length]));

const options = { seed: 7, events: 20_000, partitions: 4 };

describe("a plan of flights", () => {
  test("starts with the first flights of the source, as compact JSON", async () => {
    const [first, second] = await plan({ ...options, events: 2 });
    expect(text(first!)).toBe(
      '{"flight_id":"F0000001","date":"2001-01-01T00:01:00Z","delay":33,"distance":2176,"origin":"LAS","destination":"PHL"}',
    );
    expect(json(second!)).toMatchObject({ flight_id: "F0000002", origin: "ATL", destination: "SAV" });
  });

  test("has exactly the events asked for, and the summary counts them without making them", async () => {
    for (const events of [0, 1, 999, 20_000]) {
      const planned = await plan({ ...options, events });
      const summary = summarizeFlightsPlan({ ...options, events });
      expect(planned).toHaveLength(events);
      expect(summary.byKind).toEqual(summaryOf(planned));
      expect(summary.flights).toBe(summary.byKind.flight);
      expect(summary.byPartition).toEqual(
        [0, 1, 2, 3].map((p) => planned.filter((event) => event.partition === p).length),
      );
    }
  });

  test("numbers every partition without a gap, and sends each key to its partition", async () => {
    const next = [0, 0, 0, 0];
    for (const event of await plan(options)) {
      expect(event.sequenceNumber).toBe(next[event.partition]!++);
      expect(event.partition).toBe(partitionOf(event.partitionKey, 4));
    }
  });

  test("goes on from any place with the same events", async () => {
    const whole = await plan({ ...options, events: 3_000 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(fc.nat(900), fc.nat(900), fc.nat(900), fc.nat(900)), async (from) => {
        const rest = await plan({ ...options, events: 3_000, from });
        expect(rest).toEqual(whole.filter((event) => event.sequenceNumber >= from[event.partition]!));
      }),
      { numRuns: 10 },
    );
  });

  test("depends on the seed in its disturbances and not in its flights", async () => {
    const flights = async (seed: number) =>
      (await plan({ ...options, events: 5_000, seed }))
        .filter((event) => event.kind === "flight")
        .map(text)
        .slice(0, 4_500);
    const extras = async (seed: number) =>
      (await plan({ ...options, events: 5_000, seed })).filter((event) => event.kind !== "flight").map(text);
    expect(await flights(1)).toEqual(await flights(2));
    expect(await extras(1)).not.toEqual(await extras(2));
    expect(await extras(1)).toEqual(await extras(1));
  });

  test("disturbs at the rates that it declares", () => {
    const { byKind, byMalformation, flights } = summarizeFlightsPlan({ ...options, events: 1_000_000 });
    for (const [kind, rate] of Object.entries(flightExtraRates)) {
      expect(Math.abs(byKind[kind as keyof typeof flightExtraRates] / flights - rate) / rate).toBeLessThan(0.1);
    }
    expect(byMalformation.huge).toBe(Math.round(flights / flightsPerHugeBody));
    expect(Object.keys(byMalformation)).toEqual([...malformations]);
  });

  test("cannot have more flights than the source", async () => {
    const tooMany = { ...options, events: flightRows + 200_000 };
    expect(() => summarizeFlightsPlan(tooMany)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    await expect(plan(tooMany)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("the extra events", () => {
  test("follow their flight in its partition and are what their kind says", async () => {
    const events = await plan(options);
    const flights = new Map(
      events.filter((event) => event.kind === "flight").map((event) => [event.flightIndex, event]),
    );
    for (const event of events.filter(({ kind }) => kind !== "flight")) {
      const { partition, partitionKey, sequenceNumber } = flights.get(event.flightIndex)!;
      expect(event).toMatchObject({ partition, partitionKey, sequenceNumber: sequenceNumber + 1 });
    }
    for (const event of events.filter(({ kind }) => kind !== "flight" && kind !== "malformed")) {
      const row = json(flights.get(event.flightIndex)!);
      const date = row["date"] as string;
      const number = (row["flight_id"] as string).slice(1);
      const threeDaysBefore = new Date(Date.parse(date) - 3 * 86_400_000).toISOString().replace(".000", "");
      const changes: Record<string, object> = {
        duplicate: {},
        "unknown-airport": { flight_id: `U${number}`, origin: "ZZZ" },
        "far-future": { flight_id: `X${number}`, date: date.replace("2001", "2999") },
        late: { flight_id: `L${number}`, date: threeDaysBefore },
      };
      expect(json(event)).toEqual({ ...row, ...changes[event.kind] });
    }
  });

  test("include every way of being malformed", async () => {
    const seen = new Map<string, number>();
    const strict = new TextDecoder("utf-8", { fatal: true });
    const classify = (event: FlightEvent): string => {
      if (event.body.length === 0) return "empty";
      if (event.body.length === hugeBodyBytes) return "remarks" in json(event) ? "huge" : "?";
      try {
        strict.decode(event.body);
      } catch {
        return "invalid-utf8";
      }
      try {
        const row = json(event);
        expect(row["flight_id"]).toMatch(/^M\d{7}$/);
        return "gate" in row ? "unknown-field" : typeof row["delay"] === "string" ? "wrong-type" : "?";
      } catch {
        return "truncated";
      }
    };
    for (const event of await plan(options)) {
      if (event.kind === "malformed") seen.set(classify(event), (seen.get(classify(event)) ?? 0) + 1);
    }
    expect(Object.fromEntries(seen)).toEqual(summarizeFlightsPlan(options).byMalformation);
  });
});
