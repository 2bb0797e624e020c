/** The pipelines that schedules run: each a few small tables, so that a schedule takes a fraction of a second and every kind of flow has its turn. */
import {
  count,
  definePipeline,
  drop,
  eventHub,
  files,
  fromJson,
  length,
  long,
  materializedView,
  max,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  type Pipeline,
} from "../../shared/pipeline/index.ts";
import { Reading } from "../support/engine-pipeline.ts";

const soon = { minInterval: "0 seconds" } as const;

/**
 *     bronze   hub → bronze.events
 *     lanes    hub → bronze.events → silver.bodies (row by row, in the lanes of the hub)
 *     files    landing → bronze.notes → silver.notes (row by row)
 *     silver   hub → bronze.events → silver.readings (watermark, duplicates)
 *     placed   the same with silver.parsed in between, whose rows say where they stood
 *     joined   silver with the static table bronze.sites, which landed files make
 *     gold     silver, and gold.by_device (touched groups) and gold.total (one group) upon it
 */
export const shapes = ["bronze", "lanes", "files", "silver", "placed", "joined", "gold"] as const;
export type Shape = (typeof shapes)[number];
/** `drawn`: two tables of the oracle's making, see drawn.ts. */
export type AnyShape = Shape | "drawn";

export function pipelineOf(shape: Shape): Pipeline {
  return definePipeline("simulation", tablesOf(shape));
}

function tablesOf(shape: Shape): Parameters<typeof definePipeline>[1] {
  switch (shape) {
    case "bronze":
      return [bronzeEvents()];
    case "lanes": {
      const events = bronzeEvents();
      return [events, bodies(events)];
    }
    case "files": {
      const notes = bronzeNotes();
      return [notes, longNotes(notes)];
    }
    case "silver": {
      const events = bronzeEvents();
      return [events, readings(events)];
    }
    case "placed": {
      const events = bronzeEvents();
      const rows = parsedRows(events);
      return [events, rows, readingsBelow(rows)];
    }
    case "joined": {
      const events = bronzeEvents();
      const sites = bronzeSites();
      return [events, sites, placedReadings(events, sites)];
    }
    case "gold": {
      const events = bronzeEvents();
      const silver = readings(events);
      return [events, silver, byDevice(silver), total(silver)];
    }
  }
}

function bronzeEvents() {
  return streamingTable("bronze.events", { ...soon, from: eventHub("events", { partitions: 2 }) });
}

function bronzeNotes() {
  const schema = struct({ id: long(), text: string() });
  return streamingTable("bronze.notes", {
    ...soon,
    from: files("landing/notes/**.jsonl", { format: "jsonl", schema }),
  });
}

function bronzeSites() {
  const schema = struct({ code: string(), site: string() });
  return streamingTable("bronze.sites", { ...soon, from: files("landing/sites/**.csv", { format: "csv", schema }) });
}

function bodies(events: ReturnType<typeof bronzeEvents>) {
  return streamingTable("silver.bodies", {
    ...soon,
    query: readStream(events).select(({ partition, sequence_number, event_data }) => ({
      partition,
      sequence_number,
      characters: length(event_data),
    })),
  });
}

function longNotes(notes: ReturnType<typeof bronzeNotes>) {
  return streamingTable("silver.notes", {
    ...soon,
    query: readStream(notes).select(({ id, text, file_name, row_number }) => ({
      id,
      characters: length(text),
      file_name,
      row_number,
    })),
    expect: ({ characters }) => ({ is_long: drop(characters.gt(2)) }),
  });
}

const fields = (events: ReturnType<typeof bronzeEvents>) =>
  readStream(events)
    .withColumns(({ event_data }) => ({
      reading: fromJson(event_data, Reading, { unknownFields: "reject", nullInput: "reject" }),
    }))
    .select(({ reading, enqueued_time }) => ({ ...reading.fields, enqueued_time }));

const eventTime = { maxAhead: "10 minutes", idleAfter: "30 days" } as const;
const parsed = (events: ReturnType<typeof bronzeEvents>) =>
  fields(events).withWatermark("event_time", "10 minutes", eventTime);

function parsedRows(events: ReturnType<typeof bronzeEvents>) {
  return streamingTable("silver.parsed", { ...soon, query: fields(events) });
}

function readingsBelow(rows: ReturnType<typeof parsedRows>) {
  return streamingTable("silver.readings", {
    ...soon,
    query: readStream(rows)
      .withWatermark("event_time", "10 minutes", eventTime)
      .dropDuplicatesWithinWatermark(["reading_id"]),
    expect: ({ reading_id, value }) => ({ has_id: drop(reading_id.isNotNull()), large_enough: drop(value.ge(0)) }),
  });
}

function readings(events: ReturnType<typeof bronzeEvents>) {
  return streamingTable("silver.readings", {
    ...soon,
    query: parsed(events).dropDuplicatesWithinWatermark(["reading_id"]),
    expect: ({ reading_id, value }) => ({ has_id: drop(reading_id.isNotNull()), large_enough: drop(value.ge(0)) }),
  });
}

function placedReadings(events: ReturnType<typeof bronzeEvents>, sites: ReturnType<typeof bronzeSites>) {
  return streamingTable("silver.readings", {
    ...soon,
    query: parsed(events)
      .join(
        read(sites).select(({ code, site }) => ({ code, site })),
        { left: "device", right: "code" },
        "left",
      )
      .drop("code")
      .dropDuplicatesWithinWatermark(["reading_id"]),
    expect: ({ reading_id, value }) => ({ has_id: drop(reading_id.isNotNull()), large_enough: drop(value.ge(0)) }),
  });
}

function byDevice(silver: ReturnType<typeof readings>) {
  return materializedView("gold.by_device", {
    ...soon,
    query: read(silver)
      .groupBy("device")
      .agg(({ value, event_time }) => ({ readings: count(), total: sum(value), last: max(event_time) })),
  });
}

function total(silver: ReturnType<typeof readings>) {
  return materializedView("gold.total", {
    ...soon,
    query: read(silver)
      .groupBy()
      .agg(({ value }) => ({ readings: count(), total: sum(value) })),
  });
}
