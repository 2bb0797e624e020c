/** The samples with made-up streams: what their tables become, against the same worked out in TypeScript from the events that were sent. */
import { expect, it } from "vitest";
import {
  planCustomerChanges,
  planCustomerEvents,
  planReadings,
  type DraftedPlanOptions,
} from "../../../local/feeder/index.ts";
import {
  customerEvents,
  customerMetrics,
  factEvents,
  silverCustomers,
  silverEvents,
  bronzeCustomers,
  bronzeEvents,
  silverCustomerChanges,
} from "../../../pipelines/customer-events.ts";
import { bronzeReadings, machineTemperature, sensors, silverReadings } from "../../../pipelines/sensors.ts";
import type { DeclaredTable } from "../../../shared/pipeline/index.ts";
import {
  addData,
  checkAnswer,
  checkEqualsQuery,
  checkStrategy,
  PipelineTest,
  processAllAvailable,
  type Action,
} from "../../../shared/testing/index.ts";

const startTime = "2026-11-20T12:00:00.000Z";
const nowMs = Date.parse(startTime);
const options: DraftedPlanOptions = { seed: 7, events: 600, partitions: 2, nowMs };
const partitions = ["0", "1"];

interface Sent {
  readonly kind: string;
  readonly partition: number;
  readonly text: string;
}

async function sentBy(plan: AsyncIterable<{ kind: string; partition: number; body: Uint8Array }>): Promise<Sent[]> {
  const sent: Sent[] = [];
  for await (const { kind, partition, body } of plan)
    sent.push({ kind, partition, text: Buffer.from(body).toString("utf8") });
  return sent;
}

/** The part of a stream from one share of it to another, as it arrives. */
function arrive(table: DeclaredTable, sent: readonly Sent[], from: number, to: number): Action[] {
  const part = sent.slice(Math.floor(sent.length * from), Math.floor(sent.length * to));
  return partitions.map((partition) =>
    addData(
      table.name,
      part.filter((event) => String(event.partition) === partition).map(({ text }) => text),
      { partition },
    ),
  );
}

function parsed<T>(sent: readonly Sent[], keep: (event: Sent) => boolean): T[] {
  return sent.filter(keep).map(({ text }) => JSON.parse(text) as T);
}

function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): T[][] {
  return [...Map.groupBy(rows, keyOf).values()];
}

interface Event {
  readonly event_id: string;
  readonly customer_id: string;
  readonly type: string;
  readonly event_time: string;
  readonly page: string | null;
}

interface Change {
  readonly op: string;
  readonly customer_id: string;
  readonly name: string | null;
  readonly tier: string | null;
  readonly updated_at: string;
}

const times = (events: readonly Event[]) => {
  const sorted = events.map(({ event_time }) => event_time).toSorted();
  return { first_time: sorted[0]!, last_time: sorted.at(-1)! };
};
const dayOf = ({ event_time }: Event): string => event_time.slice(0, 10);

/** Rows that the answer to a query over checked events and changes has. */
function customerAnswers(events: readonly Event[], changes: readonly Change[]) {
  const facts = grouped(events, (event) => `${dayOf(event)} ${event.customer_id} ${event.type.toUpperCase()}`).map(
    (own) => ({
      event_date: dayOf(own[0]!),
      customer_id: own[0]!.customer_id,
      type: own[0]!.type.toUpperCase(),
      events: own.length,
      distinct_events: own.length,
      ...times(own),
    }),
  );
  // Of changes with the same time, which are sent again or refused copies, all are the same.
  const customers = grouped(changes, ({ customer_id }) => customer_id)
    .map((own) => own.reduce((latest, change) => (change.updated_at >= latest.updated_at ? change : latest)))
    .filter(({ op }) => op !== "delete")
    .map(({ customer_id, name, tier, updated_at }) => ({ customer_id, name, tier, updated_at }));
  const byId = new Map(customers.map((customer) => [customer.customer_id, customer]));
  const metrics = grouped(events, ({ customer_id }) => customer_id).map((own) => {
    const { customer_id } = own[0]!;
    return {
      customer_id,
      active_days: new Set(own.map(dayOf)).size,
      types: new Set(own.map(({ type }) => type.toUpperCase())).size,
      events: own.length,
      ...times(own),
      name: byId.get(customer_id)?.name ?? null,
      tier: byId.get(customer_id)?.tier ?? null,
    };
  });
  return { facts, customers, metrics };
}

it(
  "facts and metrics of customers follow from the events and changes that were sent, however they are cut",
  { timeout: 60_000 },
  async () => {
    const events = await sentBy(planCustomerEvents(options));
    const changes = await sentBy(planCustomerChanges({ ...options, events: 420 }));
    for (const kind of ["duplicate", "malformed", "bad-customer", "too-old", "far-future"])
      expect(events.map((event) => event.kind)).toContain(kind);
    for (const kind of ["delete", "duplicate", "stale", "malformed", "unknown-op"])
      expect(changes.map((change) => change.kind)).toContain(kind);
    const right = parsed<Event>(events, ({ kind }) => kind === "event");
    const rightChanges = parsed<Change>(changes, ({ kind }) => !["malformed", "unknown-op"].includes(kind));
    const { facts, customers, metrics } = customerAnswers(right, rightChanges);
    expect(metrics.some(({ name }) => name === null)).toBe(true);
    expect(customers.length).toBeLessThan(200);

    await using test = await PipelineTest.open(customerEvents, { startTime });
    const cuts = [0, 0.8, 1];
    for (const [index, from] of cuts.slice(0, -1).entries()) {
      const to = cuts[index + 1]!;
      await test.run([
        ...arrive(bronzeEvents, events, from, to),
        ...arrive(bronzeCustomers, changes, from, to),
        processAllAvailable(),
      ]);
    }
    await test.run([
      checkAnswer(factEvents, facts),
      checkAnswer(silverCustomers, customers),
      checkAnswer(customerMetrics, metrics),
      checkEqualsQuery(),
      checkStrategy(factEvents, "merge-partials"),
      checkStrategy(silverCustomers, "recompute-keys"),
      checkStrategy(customerMetrics, "recompute-keys"),
    ]);
    const rowsOf = async (table: DeclaredTable | string) => (await test.rows(table)).length;
    expect(await rowsOf(silverEvents)).toBe(right.length);
    expect(await rowsOf(silverCustomerChanges)).toBe(rightChanges.length);
    expect(await rowsOf(bronzeEvents)).toBe(events.length);
  },
);

interface Reading {
  readonly machine_id: string;
  readonly measured_at: string;
  readonly temperature: number;
}

const windowMs = 5 * 60_000;

it("averages of five minutes follow from the readings that were sent, however they are cut", async () => {
  const sent = await sentBy(planReadings({ ...options, events: 3_000 }));
  for (const kind of ["duplicate", "malformed", "late", "broken-sensor", "far-future"])
    expect(sent.map((reading) => reading.kind)).toContain(kind);
  const right = parsed<Reading>(sent, ({ kind }) => kind === "reading");
  const startOf = ({ measured_at }: Reading) => Math.floor(Date.parse(measured_at) / windowMs) * windowMs;
  const averages = grouped(right, (reading) => `${reading.machine_id} ${startOf(reading)}`).map((own) => {
    const values = own.map(({ temperature }) => temperature);
    const startMs = startOf(own[0]!);
    return {
      measured_date: own[0]!.measured_at.slice(0, 10),
      machine_id: own[0]!.machine_id,
      window: { start: new Date(startMs), end: new Date(startMs + windowMs) },
      readings: own.length,
      avg_temperature: values.reduce((a, b) => a + b, 0) / own.length,
      min_temperature: Math.min(...values),
      max_temperature: Math.max(...values),
    };
  });
  expect(averages.length).toBeGreaterThan(80);

  await using test = await PipelineTest.open(sensors, { startTime });
  await test.run([...arrive(bronzeReadings, sent, 0, 0.7), processAllAvailable()]);
  await test.run([...arrive(bronzeReadings, sent, 0.7, 1), processAllAvailable()]);
  await test.run([
    checkAnswer(machineTemperature, averages),
    checkEqualsQuery(),
    checkStrategy(machineTemperature, "merge-partials"),
  ]);
  expect((await test.rows(silverReadings)).length).toBe(right.length);
});
