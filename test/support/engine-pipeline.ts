/** A small pipeline with one flow of every kind, for tests of the engine. */
import {
  avg,
  count,
  countDistinct,
  date,
  definePipeline,
  drop,
  eventHub,
  fail,
  files,
  fromJson,
  length,
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
  type Pipeline,
} from "../../shared/pipeline/index.ts";

const soon = { minInterval: "0 seconds" } as const;

/** What a reading's body holds. */
export const Reading = struct({
  reading_id: string(),
  device: string(),
  event_time: timestamp(),
  value: long(),
});

export interface PipelineOptions {
  /** What the hub flow does when events were lost. */
  readonly failOnDataLoss?: boolean;
  /** Adds an expectation that stops silver at this value. */
  readonly failAtValue?: number;
  /** Another predicate of silver: another plan. */
  readonly minimumValue?: number;
  readonly late?: "quarantine" | "count";
  /** Nothing but what silver.readings needs. */
  readonly readingsOnly?: boolean;
}

/** Ten minutes: how far a reading may lag behind, and how far it may run ahead of its arrival. */
export const delayMs = 600_000;

/**
 *     hub events  → bronze.events ─┬→ silver.readings ─┬→ gold.by_device (keys), gold.by_site (keys)
 *     devices.csv → bronze.devices ┘                   └→ gold.with_device (join), gold.total (one group)
 *     notes.jsonl → bronze.notes     silver.bodies (lanes of the hub)
 */
export function engineFixture({
  failOnDataLoss = true,
  failAtValue,
  minimumValue = 0,
  late = "quarantine",
  readingsOnly = false,
}: PipelineOptions = {}): Pipeline {
  const events = streamingTable("bronze.events", {
    ...soon,
    from: eventHub("events", { partitions: 2, failOnDataLoss }),
    partitionBy: ["ingestion_date"],
  });
  const devices = streamingTable("bronze.devices", {
    ...soon,
    from: files("landing/devices/**.csv", {
      format: "csv",
      schema: struct({ code: string(), site: string(), weight: long() }),
    }),
  });
  const notes = streamingTable("bronze.notes", {
    ...soon,
    from: files("landing/notes/**.jsonl", {
      format: "jsonl",
      schema: struct({ id: long(), written: date(), text: string() }),
    }),
  });
  const bodies = streamingTable("silver.bodies", {
    ...soon,
    query: readStream(events).select(({ partition, sequence_number, event_data, enqueued_time }) => ({
      partition,
      sequence_number,
      characters: length(event_data),
      enqueued_time,
    })),
  });
  const readings = streamingTable("silver.readings", {
    ...soon,
    query: readStream(events)
      .withColumns(({ event_data }) => ({
        reading: fromJson(event_data, Reading, { unknownFields: "reject", nullInput: "reject" }),
      }))
      .select(({ reading, enqueued_time }) => ({
        ...reading.fields,
        event_date: toDate(reading.fields.event_time),
        enqueued_time,
      }))
      .withWatermark("event_time", "10 minutes", { maxAhead: "10 minutes", idleAfter: "1 day", late })
      .join(
        read(devices).select(({ code, site }) => ({ code, site })),
        { left: "device", right: "code" },
        "left",
      )
      .drop("code")
      .dropDuplicatesWithinWatermark(["reading_id"]),
    expect: ({ reading_id, value }) => ({
      has_id: drop(reading_id.isNotNull()),
      large_enough: drop(value.ge(minimumValue)),
      plausible: warn(value.lt(1_000)),
      ...(failAtValue === undefined ? {} : { possible: fail(value.ne(failAtValue)) }),
    }),
    partitionBy: ["event_date"],
  });
  const byDevice = materializedView("gold.by_device", {
    ...soon,
    query: read(readings)
      .groupBy("device", "event_date")
      .agg(({ reading_id, value, event_time }) => ({
        readings: count(),
        ids: countDistinct(reading_id),
        total: sum(value),
        mean: avg(value),
        first: min(event_time),
        last: max(event_time),
      })),
    partitionBy: ["event_date"],
  });
  const bySite = materializedView("gold.by_site", {
    ...soon,
    query: read(readings)
      .filter(({ value }) => value.lt(900))
      .groupBy("site")
      .agg(({ device, value }) => ({ devices: countDistinct(device), total: sum(value), readings: count() }))
      .filter(({ readings: rows }) => rows.gt(1)),
  });
  const withDevice = materializedView("gold.with_device", {
    ...soon,
    query: read(readings)
      .select(({ reading_id, device, value }) => ({ reading_id, device, value }))
      .join(
        read(devices).select(({ code, weight }) => ({ code, weight })),
        { left: "device", right: "code" },
      )
      .drop("code"),
  });
  const total = materializedView("gold.total", {
    ...soon,
    query: read(readings)
      .groupBy()
      .agg(({ value, reading_id }) => ({ readings: count(), total: sum(value), last_id: max(reading_id) })),
  });
  const needed = [events, devices, readings];
  return definePipeline(
    "fixture",
    readingsOnly ? needed : [events, devices, notes, bodies, readings, byDevice, bySite, withDevice, total],
  );
}
