/** A table fed from a hub and what is computed from it, one fed from files, and an instance that runs backfill jobs. */
import type { BackfillRequest, JobRecord } from "../../shared/checkpoint/index.ts";
import { Backfill, type JobBell } from "../../shared/engine/index.ts";
import {
  count,
  definePipeline,
  eventHub,
  files,
  fromJson,
  long,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
} from "../../shared/pipeline/index.ts";
import { EngineWorld, type EngineBench } from "./engine-harness.ts";
import { readingAt } from "./engine-scenario.ts";

export const [bronze, silver, gold, sites] = [
  "bronze.events",
  "silver.readings",
  "gold.by_value",
  "bronze.sites",
] as const;
export const soon = { minInterval: "0 seconds" } as const;

export const seed = Number(process.env["SEED"] ?? 20_261_121);

export const events = streamingTable(bronze, {
  ...soon,
  from: eventHub("events", { partitions: 2, startingPosition: "latest" }),
});
export const readings = streamingTable(silver, {
  ...soon,
  query: readStream(events)
    .withColumns(({ event_data }) => ({
      reading: fromJson(event_data, struct({ reading_id: string(), event_time: timestamp(), value: long() })),
    }))
    .select(({ reading }) => ({ ...reading.fields }))
    .withWatermark("event_time", "10 minutes", { maxAhead: "30 days" })
    .dropDuplicatesWithinWatermark(["reading_id"]),
});
const byValue = materializedView(gold, {
  ...soon,
  query: read(readings)
    .groupBy("value")
    .agg(() => ({ readings: count() })),
});
export const landed = streamingTable(sites, {
  ...soon,
  from: files("landing/sites/**.csv", { format: "csv", schema: struct({ code: string() }) }),
});
export const pipeline = definePipeline("fixture", [events, readings, byValue, landed]);

/** What an instance does for jobs: it is rung, and takes them further. */
export class Worker {
  readonly world: EngineWorld;
  readonly rung: string[] = [];
  readonly bells: JobBell[] = [];
  readonly backfill: Backfill;

  constructor(world: EngineWorld) {
    this.world = world;
    const bells = {
      ring: async (bell: JobBell) => {
        this.rung.push(bell.jobId);
        this.bells.push(bell);
      },
    };
    this.backfill = new Backfill({ ...world.context(), bells }, [world.engine]);
  }

  /** Answers bells until they are all answered, as long as jobs go on. */
  async work(stepsMax = 50): Promise<void> {
    for (let step = 0; step < stepsMax; step++) {
      const jobId = this.rung.shift();
      if (jobId === undefined) return;
      await this.backfill.advance(jobId, 60_000);
    }
  }

  async done(request: BackfillRequest): Promise<JobRecord> {
    const { jobId } = await this.backfill.submit(request);
    await this.work();
    await this.world.quiet();
    return this.backfill.find(jobId);
  }
}

/** Four readings are in the hub before the table, in two partitions; two come after. The n-th arrives 5·n minutes after the start. */
export async function newWorld(bench: EngineBench): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline, seed });
  world.send("0", [readingAt(0, "a", null, 1), readingAt(5, "b", null, 2)]);
  world.send("1", [readingAt(10, "c", null, 2), readingAt(11, "c", null, 2)]);
  await world.quiet();
  world.send("0", [readingAt(500, "d", null, 1)]);
  world.send("1", [readingAt(501, "e", null, 3)]);
  await world.quiet();
  return world;
}

export const all = { kind: "replay", source: bronze, from: 0 } as const;

/** Somebody writes all rows of a table into other files, and the old ones are gone after a while. */
export async function rewrite(world: EngineWorld, root: string): Promise<void> {
  const table = world.table(root);
  const snapshot = await table.latest();
  const olds = [...snapshot.files];
  for (const { path } of olds) {
    const bytes = (await world.estate.lake.get(`${root}/${decodeURIComponent(path)}`))?.bytes as Uint8Array;
    await world.estate.lake.put(`${root}/other-${path.split("/").at(-1)}`, bytes);
    await world.estate.lake.delete(`${root}/${decodeURIComponent(path)}`);
  }
  await table.commit({
    actions: olds.flatMap((file) => [
      {
        remove: {
          path: file.path,
          deletionTimestamp: world.clock.nowMs(),
          dataChange: false,
          partitionValues: file.partitionValues,
          size: file.size,
          extendedFileMetadata: true,
        },
      },
      { add: { ...file, path: `other-${file.path.split("/").at(-1)}`, dataChange: false } },
    ]),
    fences: [],
    isBlindAppend: false,
    readsWholeTable: true,
    operation: "OPTIMIZE",
    operationParameters: {},
  });
}
