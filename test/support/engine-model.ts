/** Streams of readings as fast-check draws them, and a naive model of what becomes of each event (engine-rules 4, 5). */
import fc from "fast-check";
import { bytesOf, sorted, startMs, type Body, type Row } from "./engine-harness.ts";
import { delayMs } from "./engine-pipeline.ts";
import { firstsWithin, microsOf } from "./engine-oracle.ts";

/** What is drawn of an event. Times are seconds after its arrival. */
export type Drawn =
  | {
      readonly kind: "reading";
      readonly id: number | null;
      readonly device: number;
      readonly offsetSeconds: number | null;
      readonly value: number | null;
    }
  | { readonly kind: "repeat"; readonly back: number }
  | { readonly kind: "malformed"; readonly which: number };

const malformed: readonly Body[] = [
  "",
  " ",
  "oops",
  "[1]",
  '"text"',
  "null",
  '{"reading_id":"x"',
  '{"reading_id":"x",}',
  '{"reading_id":5}',
  '{"reading_id":"x","value":"12"}',
  '{"reading_id":"x","value":1.5}',
  '{"reading_id":"x","value":99999999999999999999}',
  '{"reading_id":"x","extra":1}',
  '{"reading_id":"x","event_time":"yesterday"}',
  '{"value":1,"value":2}',
  Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d),
  "x".repeat(20_000),
];

/** One partition's events. Most are on time; some repeat, lag, run ahead, miss fields or cannot be read. */
export const drawnEvents: fc.Arbitrary<readonly Drawn[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("reading" as const),
        id: fc.oneof({ weight: 12, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.constant(null) }),
        device: fc.nat(3),
        offsetSeconds: fc.oneof(
          { weight: 8, arbitrary: fc.integer({ min: -700, max: 60 }) },
          { weight: 3, arbitrary: fc.integer({ min: -3_000, max: 700 }) },
          { weight: 1, arbitrary: fc.constantFrom(600, 601, -600, -601, 3_000_000, -40_000_000, null) },
        ),
        value: fc.oneof(
          { weight: 12, arbitrary: fc.integer({ min: -5, max: 1_100 }) },
          { weight: 1, arbitrary: fc.constant(null) },
        ),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("repeat" as const), back: fc.integer({ min: 1, max: 8 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("malformed" as const), which: fc.nat(malformed.length - 1) }),
    },
  ),
  { minLength: 4, maxLength: 24, size: "max" },
);

/** An event with what it says, if it can be read. */
export interface ModelEvent {
  readonly lane: string;
  readonly position: number;
  readonly body: Uint8Array;
  readonly enqueuedTimeUs: bigint;
  readonly reading: Reading | undefined;
}

interface Reading {
  readonly reading_id: string | null;
  readonly device: string;
  readonly event_time: string | null;
  readonly value: number | null;
}

/** The events of a partition, 90 s apart. Ids of different partitions differ unless they are shared. */
export function eventsOf(lane: string, drawn: readonly Drawn[], sharesIds = false): ModelEvent[] {
  const events: ModelEvent[] = [];
  for (const [position, event] of drawn.entries()) {
    const arrivalMs = startMs + position * 90_000 + Number(lane) * 7;
    const place = { lane, position, enqueuedTimeUs: BigInt(arrivalMs) * 1_000n };
    const repeated = event.kind === "repeat" ? events[Math.max(0, position - event.back)] : undefined;
    if (repeated !== undefined) events.push({ ...repeated, ...place });
    else if (event.kind !== "reading")
      events.push({
        ...place,
        body: bytesOf(malformed[event.kind === "malformed" ? event.which : 0] ?? ""),
        reading: undefined,
      });
    else {
      const reading = readingOf(event, arrivalMs, sharesIds ? "s" : `p${lane}`);
      events.push({ ...place, body: bytesOf(reading), reading });
    }
  }
  return events;
}

function readingOf(
  { id, device, offsetSeconds, value }: Extract<Drawn, { kind: "reading" }>,
  arrivalMs: number,
  prefix: string,
): Reading {
  return {
    reading_id: id === null ? null : `${prefix}-${id}`,
    device: `d${device}`,
    event_time: offsetSeconds === null ? null : new Date(arrivalMs + offsetSeconds * 1_000).toISOString(),
    value,
  };
}

/** Events as a hub takes them. */
export function toSend(events: readonly ModelEvent[]): { body: Uint8Array; enqueuedTimeUs: bigint }[] {
  return events.map(({ body, enqueuedTimeUs }) => ({ body, enqueuedTimeUs }));
}

export type Verdict = "MALFORMED" | "LATE" | "EXPECTATION" | "fresh";

/** What becomes of each event of a partition, from its place alone. */
export function verdictsOf(events: readonly ModelEvent[]): Verdict[] {
  let latestMs = Number.NEGATIVE_INFINITY;
  return events.map(({ reading, enqueuedTimeUs }) => {
    if (reading === undefined) return "MALFORMED";
    const eventMs = reading.event_time === null ? undefined : Date.parse(reading.event_time);
    const isLate = eventMs !== undefined && eventMs < latestMs - delayMs;
    const isAhead = eventMs !== undefined && eventMs > Number(enqueuedTimeUs / 1_000n) + delayMs;
    if (eventMs !== undefined && !isAhead) latestMs = Math.max(latestMs, eventMs);
    if (isLate) return "LATE";
    return reading.reading_id === null || reading.value === null || reading.value < 0 ? "EXPECTATION" : "fresh";
  });
}

/** Where an event stands among those of the quarantine. */
export interface Placed {
  readonly reason: string;
  readonly lane: string;
  readonly position: number;
}

/** What silver and its quarantine hold, when `order` says which of two events comes first. */
export function modelOf(
  partitions: readonly (readonly ModelEvent[])[],
  sites: Readonly<Record<string, string>>,
  order: (a: ModelEvent, b: ModelEvent) => number,
): { readonly silver: Row[]; readonly quarantine: Placed[] } {
  const quarantine: Placed[] = [];
  const fresh: ModelEvent[] = [];
  for (const events of partitions) {
    for (const [index, verdict] of verdictsOf(events).entries()) {
      const event = events[index] as ModelEvent;
      if (verdict === "fresh") fresh.push(event);
      else quarantine.push({ reason: verdict, lane: event.lane, position: event.position });
    }
  }
  const kept = firstsWithin(
    fresh.sort(order),
    ({ reading }) => reading?.reading_id ?? "",
    ({ reading }) => microsOf(reading?.event_time),
    delayMs,
  );
  return { silver: sorted(kept.map((event) => silverRow(event, sites))), quarantine: placed(quarantine) };
}

/** Quarantined rows by place and reason. */
export function placed(rows: readonly (Row | Placed)[]): Placed[] {
  return (sorted(rows as readonly Row[]) as unknown as Placed[])
    .map(({ reason, lane, position }) => ({ reason, lane, position }))
    .sort((a, b) => a.lane.localeCompare(b.lane) || a.position - b.position);
}

function silverRow({ reading, enqueuedTimeUs }: ModelEvent, sites: Readonly<Record<string, string>>): Row {
  const { reading_id, device, event_time, value } = reading as Reading;
  return {
    reading_id,
    device,
    event_time: event_time === null ? null : instant(Date.parse(event_time)),
    value,
    event_date: event_time === null ? null : event_time.slice(0, 10),
    enqueued_time: instant(Number(enqueuedTimeUs / 1_000n)),
    site: sites[device] ?? null,
  };
}

const instant = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");
