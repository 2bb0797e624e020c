/** Temperatures of machines: readings, each once, and their averages in windows of five minutes. */
import {
  avg,
  count,
  definePipeline,
  double,
  drop,
  eventHub,
  fromJson,
  materializedView,
  max,
  min,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
  toDate,
  window,
} from "../shared/pipeline/index.ts";

/** `temperature` is in degrees Celsius. */
const Reading = struct({ machine_id: string(), measured_at: timestamp(), temperature: double() });

export const bronzeReadings = streamingTable("bronze.readings", {
  from: eventHub("readings"),
  partitionBy: ["ingestion_date"],
  owner: "plant",
  description: "Every reading as it arrived.",
});

export const silverReadings = streamingTable("silver.readings", {
  query: readStream(bronzeReadings)
    .withColumns(({ event_data }) => ({
      reading: fromJson(event_data, Reading, { unknownFields: "reject", nullInput: "reject" }),
    }))
    .select(({ reading, enqueued_time }) => {
      const { machine_id, measured_at, temperature } = reading.fields;
      return { machine_id, measured_at, measured_date: toDate(measured_at), temperature, enqueued_time };
    })
    .withWatermark("measured_at", "1 hour", { maxAhead: "1 minute" })
    .dropDuplicatesWithinWatermark(["machine_id", "measured_at"]),
  expect: ({ machine_id, measured_at, temperature, enqueued_time }) => ({
    has_machine: drop(machine_id.isNotNull()),
    not_in_future: drop(measured_at.le(enqueued_time.plusMinutes(1))),
    // A broken sensor says 999.99.
    plausible: drop(temperature.between(-50, 500)),
  }),
  partitionBy: ["measured_date"],
  owner: "plant",
  description: "Readings that can be true, each once.",
});

export const machineTemperature = materializedView("gold.machine_temperature", {
  query: read(silverReadings)
    .groupBy(({ measured_date, machine_id, measured_at }) => ({
      measured_date,
      machine_id,
      window: window(measured_at, "5 minutes"),
    }))
    .agg(({ temperature }) => ({
      readings: count(),
      avg_temperature: avg(temperature),
      min_temperature: min(temperature),
      max_temperature: max(temperature),
    })),
  partitionBy: ["measured_date"],
  owner: "plant",
  description: "The average temperature of each machine in every five minutes, in degrees Celsius.",
});

/** A sample with windows of time. */
export const sensors = definePipeline("sensors", [bronzeReadings, silverReadings, machineTemperature]);
