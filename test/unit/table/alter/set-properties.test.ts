import { describe, expect, test } from "vitest";
import { DeltaTable, setProperties, unsetProperties, upgradeProtocol } from "../../../../shared/table/index.ts";
import type { CommitInfo } from "../../../../shared/delta/index.ts";
import { FaultyStore } from "../../../support/faulty-store.ts";
import { append, newTable } from "../../delta/table-under-test.ts";

async function tableOf(configuration: Record<string, string> = {}) {
  const under = await newTable(1, { configuration });
  return { ...under, table: new DeltaTable(under.log) };
}

async function lastInfo(table: DeltaTable): Promise<CommitInfo | undefined> {
  const { version } = await table.latest();
  return (await table.changes(version - 1, version))[0]?.commitInfo;
}

describe("setting properties", () => {
  test("that need no feature changes the metadata alone, by one commit that names them", async () => {
    const { table, base } = await tableOf({ owner: "me" });
    expect(await setProperties({ table }, { "delta.appendOnly": "true" })).toEqual({ kind: "committed", version: 1 });
    const snapshot = await table.latest();
    expect(snapshot.metadata).toEqual({
      ...base.metadata,
      configuration: { owner: "me", "delta.appendOnly": "true" },
    });
    expect(snapshot.protocol).toEqual(base.protocol);
    expect(await lastInfo(table)).toMatchObject({
      operation: "SET TBLPROPERTIES",
      operationParameters: { properties: '{"delta.appendOnly":"true"}' },
      isBlindAppend: false,
    });
  });

  test("that a table has already is no commit", async () => {
    const { table } = await tableOf({ "delta.appendOnly": "true" });
    expect(await setProperties({ table }, { "delta.appendOnly": "true" })).toEqual({ kind: "unchanged", version: 0 });
  });

  test("raises the protocol in the same commit where one needs it", async () => {
    const { table } = await tableOf();
    await setProperties({ table }, { "delta.enableChangeDataFeed": "true" });
    const { protocol, version } = await table.latest();
    expect([version, protocol]).toEqual([
      1,
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["appendOnly", "invariants", "changeDataFeed"] },
    ]);
  });

  test("does not lower the protocol when one is turned off, or taken away", async () => {
    const { table } = await tableOf({ "delta.enableChangeDataFeed": "true" });
    const { protocol } = await table.latest();
    await setProperties({ table }, { "delta.enableChangeDataFeed": "false" });
    await unsetProperties({ table }, ["delta.enableChangeDataFeed"]);
    expect(await table.latest()).toMatchObject({ version: 2, protocol, metadata: { configuration: {} } });
  });

  test("of a table that another alters at the same time is a conflict, and changes nothing", async () => {
    const { memory, over, random, base } = await newTable();
    let puts = 0;
    const other = new DeltaTable(over(memory));
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent" && ++puts === 1) await setProperties({ table: other }, { owner: "other" });
      },
    });
    const table = new DeltaTable(over(store));
    expect(await setProperties({ table }, { owner: "me" })).toEqual({
      kind: "conflict",
      version: 1,
      reason: "metadata-changed",
      operation: "SET TBLPROPERTIES",
    });
    expect(base.version).toBe(0);
    expect((await table.latest()).metadata.configuration).toEqual({ owner: "other" });
  });

  test("goes on top of appends", async () => {
    const { memory, over, random, base } = await newTable();
    let puts = 0;
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent" && ++puts === 1) await new DeltaTable(over(memory)).commit(append(base, "a"));
      },
    });
    expect(await setProperties({ table: new DeltaTable(over(store)) }, { owner: "me" })).toEqual({
      kind: "committed",
      version: 2,
    });
  });

  test("that let records of transactions expire is refused where a flow writes the table", async () => {
    const { table, log, base } = await tableOf();
    const fences = [{ appId: "dyne/p/t/0", version: 1, expected: undefined }];
    await table.commit({ ...append(base, "a"), fences });
    const wanted = { "delta.setTransactionRetentionDuration": "interval 1 day" };
    await expect(setProperties({ table }, wanted)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(log.path).toBe(table.path);
  });

  test("that map columns by id is refused for a table that is there", async () => {
    const { table } = await tableOf();
    await expect(setProperties({ table }, { "delta.columnMapping.mode": "id" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("the columns with statistics", () => {
  const schema = {
    kind: "struct",
    fields: {
      id: { type: { kind: "long" }, nullable: true },
      day: { type: { kind: "date" }, nullable: true },
      ok: { type: { kind: "boolean" }, nullable: true },
      s: { type: { kind: "struct", fields: { a: { type: { kind: "string" }, nullable: true } } }, nullable: true },
      list: { type: { kind: "array", element: { kind: "long" }, containsNull: true }, nullable: true },
    },
  } as const;
  const key = "delta.dataSkippingStatsColumns";

  test("are listed as they are given, in whatever case", async () => {
    const { log } = await newTable(1, { schema, partitionBy: ["day"], configuration: { [key]: "ID, s" } });
    const table = new DeltaTable(log);
    await setProperties({ table }, { [key]: "S.a,id" });
    expect((await table.latest()).metadata.configuration).toEqual({ [key]: "S.a,id" });
  });

  test.each([
    ["idd", "UNKNOWN_COLUMN", "Did you mean id?"],
    ["id.x", "UNKNOWN_COLUMN", "no x in id"],
    ["day", "INVALID_ARGUMENT", "partitioned by it"],
    ["s.a,s", "INVALID_ARGUMENT", "s.a: it is listed twice"],
    ["ok", "INVALID_ARGUMENT", "values of boolean have no bounds"],
    ["list", "INVALID_ARGUMENT", "have no bounds"],
  ])("cannot be %s", async (columns, code, message) => {
    const { log } = await newTable(1, { schema, partitionBy: ["day"] });
    const setting = setProperties({ table: new DeltaTable(log) }, { [key]: columns });
    await expect(setting).rejects.toMatchObject({ code });
    await expect(setting).rejects.toThrow(message);
    await expect(newTable(2, { schema, partitionBy: ["day"], configuration: { [key]: columns } })).rejects.toThrow(
      message,
    );
  });
});

describe("taking properties away", () => {
  test("leaves the others, whatever the case of the name", async () => {
    const { table } = await tableOf({ "delta.appendOnly": "true", owner: "me" });
    expect(await unsetProperties({ table }, ["delta.APPENDONLY"])).toEqual({ kind: "committed", version: 1 });
    expect((await table.latest()).metadata.configuration).toEqual({ owner: "me" });
  });
  test("that dyne does not know and the table has leaves them", async () => {
    const { table, base } = await tableOf();
    const metaData = { ...base.metadata, configuration: { "dyne.autoVaccum": "false" } };
    await table.commit({ actions: [{ metaData }], isBlindAppend: false, operation: "SET TBLPROPERTIES" });
    expect(await unsetProperties({ table }, ["dyne.autoVaccum"])).toEqual({ kind: "committed", version: 2 });
    expect((await table.latest()).metadata.configuration).toEqual({});
  });
  test("that are not set is no commit", async () => {
    const { table } = await tableOf();
    expect(await unsetProperties({ table }, ["delta.appendOnly", "owner"])).toEqual({ kind: "unchanged", version: 0 });
  });
  test.each<unknown>(["delta.apendOnly", "delta.columnMapping.maxColumnId", "delta.constraints.x", 5, null])(
    "of the name %s is refused",
    async (name) => {
      const { table } = await tableOf();
      await expect(unsetProperties({ table }, [name as string])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );
});

describe("commit times turned on for a table that is there", () => {
  test("begin with that commit, which says since when", async () => {
    const { table, clock } = await tableOf();
    clock.advance(1_000);
    await setProperties({ table }, { "delta.enableInCommitTimestamps": "true" });
    const { metadata, timestampMs, protocol } = await table.latest();
    expect(timestampMs).toBe(clock.nowMs());
    expect(protocol.writerFeatures).toContain("inCommitTimestamp");
    expect(metadata.configuration).toEqual({
      "delta.enableInCommitTimestamps": "true",
      "delta.inCommitTimestampEnablementVersion": "1",
      "delta.inCommitTimestampEnablementTimestamp": String(timestampMs),
    });
  });

  test("name the version at which the commit landed, not the one that it was first tried at", async () => {
    const { memory, over, random, base, clock } = await newTable();
    let puts = 0;
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent" && ++puts === 1) {
          await new DeltaTable(over(memory)).commit(append(base, "a"));
          clock.advance(500);
        }
      },
    });
    const table = new DeltaTable(over(store));
    await setProperties({ table }, { "delta.enableInCommitTimestamps": "true" });
    const { metadata, version, timestampMs } = await table.latest();
    expect([version, timestampMs]).toEqual([2, clock.nowMs()]);
    expect(metadata.configuration).toMatchObject({
      "delta.inCommitTimestampEnablementVersion": "2",
      "delta.inCommitTimestampEnablementTimestamp": String(timestampMs),
    });
  });

  test("rise with every version, where clocks stand still or go back too", async () => {
    const { table, clock } = await tableOf({ "delta.enableInCommitTimestamps": "true" });
    const times = [(await table.latest()).timestampMs];
    for (const name of ["a", "b", "c"]) {
      clock.advance(name === "b" ? -5_000 : 0);
      const outcome = await table.commit(append(await table.latest(), name));
      times.push(outcome.snapshot.timestampMs);
    }
    expect(times.map((time) => time - times[0]!)).toEqual([0, 1, 2, 3]);
    expect((await new DeltaTable(table.log).latest()).timestampMs).toBe(times[3]);
  });

  test("keep what they say of their beginning when other properties change", async () => {
    const { table } = await tableOf();
    await setProperties({ table }, { "delta.enableInCommitTimestamps": "true" });
    const before = (await table.latest()).metadata.configuration;
    await setProperties({ table }, { owner: "me" });
    expect((await table.latest()).metadata.configuration).toEqual({ ...before, owner: "me" });
  });
});

describe("upgrading a protocol", () => {
  test("adds a feature and those that it needs, once", async () => {
    const { table } = await tableOf();
    expect(await upgradeProtocol({ table }, ["checkConstraints"])).toEqual({ kind: "committed", version: 1 });
    expect(await upgradeProtocol({ table }, ["checkConstraints", "invariants"])).toEqual({
      kind: "unchanged",
      version: 1,
    });
    expect((await table.latest()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 3 });
    expect((await lastInfo(table))?.operation).toBe("UPGRADE PROTOCOL");
  });
  test.each(["rowTracking", "checkConstraint"])("to %s is refused", async (feature) => {
    const { table } = await tableOf();
    await expect(upgradeProtocol({ table }, [feature])).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
    expect((await table.latest()).version).toBe(0);
  });
});
