/**
 * The streams of the sample with customers, made up from a seed: what customers do, and how they change.
 *
 *     {"event_id":"E0000001","customer_id":"0000000042","type":"view","event_time":"2026-11-02T10:00:00.000Z","page":"/p/7"}
 *     {"op":"update","customer_id":"0000000042","name":"Customer 42","tier":"gold","updated_at":"2026-11-02T10:00:00.000Z"}
 *
 * A stream of more events begins with the same events. After an event at most one wrong one follows, about the same customer.
 */
import { planDrafts, type Draft, type DraftedEvent, type DraftedPlanOptions } from "./drafted-plan.ts";
import { drawKind, hash } from "./seeded-hash.ts";

/** How many wrong events of each kind there are per event, at random. */
export const customerEventExtraRates = {
  duplicate: 0.02,
  malformed: 0.005,
  "bad-customer": 0.005,
  "no-type": 0.003,
  "too-old": 0.005,
  "far-future": 0.002,
} as const;
export type CustomerEventKind = "event" | keyof typeof customerEventExtraRates;

/** How many changes of each kind there are per change, at random. A `stale` one comes a day after it was made. */
export const customerChangeExtraRates = {
  duplicate: 0.03,
  stale: 0.1,
  malformed: 0.01,
  "unknown-op": 0.01,
} as const;
export type CustomerChangeKind = "insert" | "update" | "delete" | keyof typeof customerChangeExtraRates;

/** Customers whose changes are told. Events tell of a few more. */
export const customerCount = 200;
const strangerCount = 6;
const deletedShare = 0.08;

const types = ["view", "View", "search", "cart", "PURCHASE"] as const;
const tiers = ["bronze", "silver", "gold"] as const;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Everything happened in so many days before `nowMs`, so that events are recent for ten days. */
const spanMs = 20 * dayMs;

/** What customers did, in whatever order it arrives. Throws `INVALID_ARGUMENT`. */
export function planCustomerEvents(options: DraftedPlanOptions): AsyncGenerator<DraftedEvent<CustomerEventKind>, void> {
  return planDrafts(eventDrafts(options), options);
}

/** How customers changed: first there are all of them, then some change or are deleted, and may come again. Throws `INVALID_ARGUMENT`. */
export function planCustomerChanges(
  options: DraftedPlanOptions,
): AsyncGenerator<DraftedEvent<CustomerChangeKind>, void> {
  return planDrafts(changeDrafts(options), options);
}

interface CustomerEvent {
  readonly event_id: string;
  readonly customer_id: string;
  readonly type: string | undefined;
  readonly event_time: string;
  readonly page: string | null;
}

function* eventDrafts({ seed, nowMs }: DraftedPlanOptions): Generator<Draft<CustomerEventKind>, void> {
  for (let index = 0; ; index++) {
    const draw = (what: number) => hash(seed + what, index);
    const event: CustomerEvent = {
      event_id: eventId("E", index),
      customer_id: customerId(draw(1) % (customerCount + strangerCount)),
      type: types[draw(2) % types.length]!,
      event_time: isoTime(nowMs - minuteMs - (draw(3) % spanMs)),
      page: draw(4) % 4 === 0 ? null : `/p/${draw(4) % 50}`,
    };
    const draft = (kind: CustomerEventKind, text: string) => ({ kind, partitionKey: event.customer_id, text });
    yield draft("event", JSON.stringify(event));
    const kind = drawKind(customerEventExtraRates, seed, index);
    if (kind !== undefined) yield draft(kind, wrongEvent(kind, event, index, nowMs));
  }
}

function wrongEvent(
  kind: keyof typeof customerEventExtraRates,
  event: CustomerEvent,
  index: number,
  nowMs: number,
): string {
  const other = (letter: string, change: Partial<CustomerEvent>) =>
    JSON.stringify({ ...event, event_id: eventId(letter, index), ...change });
  switch (kind) {
    case "duplicate":
      return JSON.stringify(event);
    case "malformed":
      return other("M", {}).slice(0, -10);
    case "bad-customer":
      return other("B", {
        customer_id: index % 2 === 0 ? event.customer_id.slice(1) : `${event.customer_id.slice(1)}x`,
      });
    case "no-type":
      return other("N", { type: undefined });
    case "too-old":
      return other("O", { event_time: isoTime(nowMs - 2 * spanMs - index) });
    case "far-future":
      return other("X", { event_time: isoTime(nowMs + spanMs + index) });
  }
}

function* changeDrafts({ seed, nowMs }: DraftedPlanOptions): Generator<Draft<CustomerChangeKind>, void> {
  for (let index = 0; ; index++) {
    const draw = (what: number) => hash(seed + what, ~index);
    const isNew = index < customerCount;
    const number = isNew ? index : draw(1) % customerCount;
    const isDeleted = !isNew && draw(2) / 2 ** 32 < deletedShare;
    const change = {
      op: isNew ? "insert" : isDeleted ? "delete" : "update",
      customer_id: customerId(number),
      name: isDeleted ? null : `Customer ${number}`,
      tier: isDeleted ? null : tiers[draw(3) % tiers.length]!,
      updated_at: isoTime(nowMs - spanMs + index * minuteMs),
    } as const;
    const draft = (kind: CustomerChangeKind, text: string) => ({ kind, partitionKey: change.customer_id, text });
    yield draft(change.op, JSON.stringify(change));
    switch (drawKind(customerChangeExtraRates, seed + 5, ~index)) {
      case "duplicate":
        yield draft("duplicate", JSON.stringify(change));
        break;
      case "stale": {
        const updated_at = isoTime(nowMs - spanMs + index * minuteMs - dayMs);
        yield draft(
          "stale",
          JSON.stringify({ ...change, op: "update", name: `Customer ${number}`, tier: "stale", updated_at }),
        );
        break;
      }
      case "malformed":
        yield draft("malformed", JSON.stringify({ ...change, updated_at: "yesterday" }));
        break;
      case "unknown-op":
        yield draft("unknown-op", JSON.stringify({ ...change, op: "merge" }));
        break;
      case undefined:
    }
  }
}

const eventId = (letter: string, index: number): string => letter + String(10_000_001 + index).slice(1);
const customerId = (number: number): string => String(number).padStart(10, "0");
const isoTime = (timeMs: number): string => new Date(timeMs).toISOString();
