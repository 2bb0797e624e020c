/** The log of a table that no flow writes, as its writer keeps it: checkpoints, compactions, old entries. */
import { expect, test } from "vitest";
import { limits, seededRandom, silentLogger, txnAppId, flowId, laneId } from "../../../../shared/core/index.ts";
import { logFolder } from "../../../../shared/delta/index.ts";
import { MemoryStore } from "../../../../shared/storage/index.ts";
import { careForLog } from "../../../../shared/table/lake/log-care.ts";
import { DeltaTable } from "../../../../shared/table/index.ts";
import { schemaOf } from "../../../support/compute-under-test.ts";
import { InstantClock } from "../../../support/instant-clock.ts";
import { jsonCheckpoints } from "../../../support/json-checkpoints.ts";
import { Meter } from "../../../support/metered-store.ts";

const dayMs = 24 * 3_600_000;

async function tableOf(configuration: Readonly<Record<string, string>>) {
  const clock = new InstantClock(1_700_000_000_000);
  const random = seededRandom(1);
  const memory = new MemoryStore({ clock, random });
  const meter = new Meter();
  const services = { clock, random, logger: silentLogger, store: meter.of(memory), path: "lake/t" };
  const table = new DeltaTable({ ...services, checkpointReader: jsonCheckpoints, checkpointWriter: jsonCheckpoints });
  await table.createIfAbsent({ schema: schemaOf({ id: { kind: "long" } }), partitionBy: [], configuration });
  const write = async (upTo: number, appId?: string): Promise<void> => {
    for (let version = table.known!.version + 1; version <= upTo; version++) {
      const file = { path: `${version}`, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true };
      const fences = appId === undefined ? [] : [{ appId, version, expected: table.known!.txns.get(appId) }];
      await table.commit({ actions: [{ add: file }], isBlindAppend: true, operation: "WRITE", fences });
      await careForLog(table, version);
    }
  };
  /** Checkpoints as c and their version, compactions as their range, and the first commit. */
  const log = async (): Promise<string> => {
    const names: string[] = [];
    for await (const { path } of memory.list(`${logFolder(table.log)}/`)) {
      const name = path.slice(logFolder(table.log).length + 1);
      const compaction = /^(\d{20})\.(\d{20})\.compacted/.exec(name);
      if (compaction !== null) names.push(`${Number(compaction[1])}-${Number(compaction[2])}`);
      else if (name.includes("checkpoint.")) names.push(`c${Number(name.slice(0, 20))}`);
      else if (!names.includes("from") && /^\d{20}\.json$/.test(name))
        names.push("from", `${Number(name.slice(0, 20))}`);
    }
    return names.join(" ");
  };
  return { table, clock, meter, memory, write, log };
}

test("a log whose checkpoints are far apart gets compactions of a hundred commits between them", async () => {
  const { write, log, table, memory } = await tableOf({ "delta.checkpointInterval": "1000" });
  await write(330);
  expect(await log()).toBe("0-100 from 0 101-200 201-300");
  const meter = new Meter();
  const again = new DeltaTable({ ...table.log, store: meter.of(memory) });
  expect((await again.latest()).files.size).toBe(330);
  // The hint, three compactions and thirty commits.
  expect(meter.calls).toEqual({ get: 34, list: 1 });
});

test("a log whose checkpoints come every hundred commits gets no compactions", async () => {
  const { write, log } = await tableOf({});
  await write(230);
  expect(await log()).toBe("from 0 c100 c200");
});

test("a compaction is made of what the writer remembers, and nothing is asked between the looks", async () => {
  const { write, meter } = await tableOf({ "delta.checkpointInterval": "1000" });
  await write(99);
  meter.reset();
  await write(100);
  // The commit; the hint, the listing, version 0, which came with the table, and the compaction.
  expect(meter.calls).toEqual({ putIfAbsent: 2, get: 2, list: 1 });
  meter.reset();
  await write(109);
  expect(meter.calls).toEqual({ putIfAbsent: 9 });
});

test("entries older than the table says are gone after a checkpoint", async () => {
  const { write, log, clock, table } = await tableOf({
    "delta.checkpointInterval": "10",
    "delta.logRetentionDuration": "interval 7 days",
  });
  await write(25);
  clock.advance(8 * dayMs);
  await write(30);
  expect(await log()).toBe("c20 from 20 c30");
  expect((await new DeltaTable(table.log).latest()).files.size).toBe(30);
});

test.each([
  ["says that they stay", { "delta.enableExpiredLogCleanup": "false" }, undefined],
  ["has 30 days for them, as by default", {}, undefined],
  ["is one of a flow, which knows its readers", { "delta.logRetentionDuration": "interval 0 days" }, "flow"],
])("entries stay where the table %s", async (_what, configuration, writer) => {
  const { write, log, clock } = await tableOf({ "delta.checkpointInterval": "10", ...configuration });
  const appId = writer === undefined ? undefined : txnAppId("p", flowId("silver.t"), laneId("0"));
  await write(25, appId);
  clock.advance(8 * dayMs);
  await write(30, appId);
  expect(await log()).toBe("from 0 c10 c20 c30");
});

test("expired tombstones are not carried from checkpoint to checkpoint", async () => {
  const { write, table, clock } = await tableOf({ "delta.checkpointInterval": "10" });
  await write(9);
  const [file] = table.known!.files;
  const remove = { path: file!.path, deletionTimestamp: clock.nowMs(), dataChange: true };
  await table.commit({ actions: [{ remove }], isBlindAppend: false, operation: "DELETE" });
  await careForLog(table, 10);
  const tombstones = async (version: number): Promise<number> => {
    const name = `${String(version).padStart(20, "0")}.checkpoint.parquet`;
    const stored = await table.log.store.get(`${logFolder(table.log)}/${name}`);
    return new TextDecoder().decode(stored?.bytes).split('{"remove"').length - 1;
  };
  expect(await tombstones(10)).toBe(1);
  clock.advance(limits.tombstoneRetentionMs);
  await write(20);
  expect(await tombstones(20)).toBe(0);
});
