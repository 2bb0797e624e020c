/** Eight instances, a lane each, append to one table at once, while a ninth writes checkpoints and cleans the log. */
import { VirtualClock } from "../../../shared/testing/virtual-clock.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import { definePipeline, eventHub, streamingTable } from "../../../shared/pipeline/index.ts";
import { MemoryEventHub } from "../../../shared/sources/index.ts";
import { FileStore } from "../../../shared/storage/index.ts";
import { EngineBench, EngineWorld, newEstate, startMs, type Estate } from "../../support/engine-harness.ts";
import { tidyLogs } from "../../support/engine-tidying.ts";

const lanes = 8;
const rounds = 9;
const events = streamingTable("bronze.events", {
  minInterval: "0 seconds",
  from: eventHub("events", { partitions: lanes }),
  partitionBy: ["ingestion_date"],
});
const pipeline = definePipeline("lanes", [events]);

let bench: EngineBench;
let folder: string;
beforeAll(async () => {
  bench = await EngineBench.open();
  folder = await mkdtemp(join(tmpdir(), "dyne-lanes-"));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Files are as old as the file system says, so there the clock is the machine's, and nothing gets old. */
function estateOf(kind: "memory" | "files"): Estate {
  const estate = { ...newEstate(), hub: new MemoryEventHub("events", lanes, BigInt(startMs) * 1000n) };
  if (kind === "memory") return estate;
  const services = { clock: new VirtualClock(Date.now()), random: estate.random };
  const storeAt = (name: string): FileStore => new FileStore(join(folder, name), services);
  return { ...estate, ...services, host: storeAt("host"), lake: storeAt("lake") };
}

test.each(["memory", "files"] as const)(
  "a group of lanes loses no event and doubles none (%s)",
  { timeout: 120_000 },
  async (kind) => {
    const estate = estateOf(kind);
    const world = (): EngineWorld => new EngineWorld({ bench, pipeline }, estate);
    const instances = Array.from({ length: lanes }, world);
    const ninth = world();
    let deleted = 0;
    for (let round = 0; round < rounds; round++) {
      const appending = instances.map(async (instance, lane) => {
        const sent = instance.send(`${lane}`, [`${round}`, `${round} again`]);
        try {
          await instance.engine.hubEvents("events", `${lane}`, sent);
        } catch (error) {
          // What a queue answers by delivering again; the next round reads it from the hub.
          if (!isDyneError(error) || error.kind !== "unavailable") throw error;
        }
      });
      const tidying = round % 2 === 1 ? tidyLogs(ninth).then((count) => void (deleted += count)) : undefined;
      await Promise.all([...appending, tidying]);
      if (kind === "memory") estate.clock.advance(240_000);
    }
    const last = world();
    last.restart();
    await last.quiet();
    const rows = await last.rows("bronze.events");
    const found = rows.map(
      (row) => `${String(row["partition"])}:${String(row["sequence_number"])} ${String(row["event_data"])}`,
    );
    const wanted = Array.from({ length: lanes }, (_, lane) =>
      Array.from({ length: rounds }, (_row, round) => [
        `${lane}:${2 * round} ${round}`,
        `${lane}:${2 * round + 1} ${round} again`,
      ]),
    ).flat(2);
    expect(found.sort()).toEqual(wanted.sort());
    expect(await last.stateOf("bronze.events")).toBe("RUNNING");
    const snapshot = await last.table("lake/bronze/events").latest();
    expect(snapshot.version).toBeLessThanOrEqual(lanes * rounds);
    expect(snapshot.txns.size).toBe(lanes);
    if (kind === "memory") expect(deleted).toBeGreaterThan(lanes);
  },
);
