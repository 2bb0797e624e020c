import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckRoom } from "../../../../local/demo/check-room.ts";
import { runChecks, sourceFile } from "../../../../local/demo/checks.ts";
import { ManualClock, seededRandom, silentLogger } from "../../../../shared/core/index.ts";
import type { RowSet } from "../../../../shared/compute/index.ts";
import type { DataType } from "../../../../shared/plan/index.ts";
import { DeltaTable } from "../../../../shared/table/index.ts";
import {
  done,
  openCompute,
  rowSet,
  scan,
  schemaOf,
  type ComputeUnderTest,
} from "../../../support/compute-under-test.ts";

const types = { id: { kind: "long" }, flight_date: { kind: "date" }, text: { kind: "string" } } satisfies Record<
  string,
  DataType
>;
let under: ComputeUnderTest;
let folder: string;
beforeAll(async () => {
  under = await openCompute();
  folder = await mkdtemp(join(tmpdir(), "dyne-checks-"));
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function tableOf(name: string, commits: readonly RowSet[]): Promise<DeltaTable> {
  const path = `lake/${name}`;
  const table = new DeltaTable({
    store: under.store,
    path,
    clock: new ManualClock(1_000),
    random: seededRandom(1),
    logger: silentLogger,
  });
  await table.createIfAbsent({ schema: schemaOf(types), partitionBy: ["flight_date"] });
  for (const rows of commits) {
    const target = { store: under.store, path, schema: rows.schema, partitionBy: ["flight_date"], sortBy: [] };
    const { written } = await done(under.compute, {
      inputs: { rows },
      writes: [{ name: "out", plan: scan("rows", rows.schema), target }],
    });
    await table.commit({
      actions: (written["out"] ?? []).map((file) => ({
        add: {
          path: encodeURI(file.path),
          partitionValues: file.partitionValues,
          size: file.sizeBytes,
          modificationTime: 0,
          dataChange: true,
          stats: file.stats,
        },
      })),
      isBlindAppend: true,
      operation: "WRITE",
    });
  }
  return table;
}

test("a table becomes a view in the types of its schema, with the commit of each row", async () => {
  await using room = await CheckRoom.open(join(folder, "room"), 256);
  const commits = [
    rowSet(types, { id: [1n], flight_date: [0], text: ["a"] }),
    rowSet(types, { id: [2n], flight_date: [null], text: [null] }),
  ];
  await room.view("t", await tableOf("t", commits));
  expect(
    await room.rows("SELECT id, flight_date, text, typeof(flight_date) AS kind, _version FROM t ORDER BY id"),
  ).toEqual([
    { id: "1", flight_date: "1970-01-01", text: "a", kind: "DATE", _version: "1" },
    { id: "2", flight_date: null, text: null, kind: "DATE", _version: "2" },
  ]);
});

test("an empty table is a view without rows, and with all its columns", async () => {
  await using room = await CheckRoom.open(join(folder, "room"), 256);
  await room.view("t", await tableOf("empty", []));
  expect(await room.rows("SELECT id, flight_date, text, _version, _committed FROM t")).toEqual([]);
});

test("a room leaves nothing behind", async () => {
  const path = join(folder, "room");
  const room = await CheckRoom.open(path, 64);
  await room[Symbol.asyncDispose]();
  await expect(stat(path)).rejects.toThrow("ENOENT");
});

test("tables without rows fail the checks, each with what is missing; an event that was to be sent is one of them", async () => {
  await using room = await CheckRoom.open(join(folder, "room"), 512);
  const empty = (name: string, columns: string) =>
    room.connection.run(
      `CREATE VIEW ${name} AS SELECT ${columns
        .split(" ")
        .map((column) => `NULL AS ${column}`)
        .join(", ")} WHERE false`,
    );
  await empty("bronze", "partition sequence_number partition_key event_data event_data_binary");
  await empty("airports", "iata name city state country latitude longitude");
  await empty(
    "silver",
    "flight_id flight_time flight_date delay distance origin destination origin_airport origin_city origin_state",
  );
  await empty(
    "route_daily",
    "origin destination flight_date flights delayed_flights avg_delay min_delay max_delay total_distance",
  );
  await empty("airport_delays", "origin origin_airport origin_state flight_date flights destinations avg_delay");
  await empty("quarantine", "reason");
  const checks = await runChecks(room, { events: 500, rate: "max", seed: 1, partitions: 4, directory: folder });
  expect(checks).toHaveLength(6);
  for (const check of checks) {
    expect(check).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^\d+ rows are missing and 0 are not expected, for example \{/),
    });
  }
  expect(checks[0]?.detail).toMatch(/^500 rows are missing/);
});

test("the source files are there", async () => {
  for (const name of ["flights-3m.parquet", "airports.csv"])
    expect((await stat(sourceFile(name))).size).toBeGreaterThan(100_000);
});
