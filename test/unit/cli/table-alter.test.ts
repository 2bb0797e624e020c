import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silentLogger, systemClock, systemRandom } from "../../../shared/core/index.ts";
import { typeName } from "../../../shared/plan/index.ts";
import { tablePath } from "../../../shared/pipeline/index.ts";
import { FileStore } from "../../../shared/storage/index.ts";
import { tableWriter } from "../../../cli/table/table-writer.ts";
import { appendRows, DeltaTable, sourceOfRows } from "../../../shared/table/index.ts";
import { openCompute, rowSet, schemaOf, type ComputeUnderTest } from "../../support/compute-under-test.ts";
import { dyne } from "./command.ts";

const types = { id: { kind: "integer" }, name: { kind: "string" } } as const;
const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
let under: ComputeUnderTest;
let root: string;
let folder: string;
let table: DeltaTable;
let count = 0;

beforeAll(async () => {
  under = await openCompute();
  root = await mkdtemp(join(tmpdir(), "dyne-alter-"));
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});
beforeEach(async () => {
  const store = join(root, String(++count));
  await mkdir(store);
  folder = join(store, "people");
  table = new DeltaTable({ store: new FileStore(store, services), path: "people", ...services });
  await table.createIfAbsent({ schema: schemaOf(types), partitionBy: [] });
  await appendRows({ compute: under.compute, table }, sourceOfRows(rowSet(types, { id: [1], name: ["Ada"] })));
});

const alter = (...args: readonly string[]) => dyne("table", "alter", folder, ...args);
const said = async (...args: readonly string[]) => {
  const { exitCode, stdout, stderr } = await alter(...args, "--json");
  return exitCode === 0 ? (JSON.parse(stdout) as unknown) : `${exitCode} ${stderr}`;
};
const schemaNow = async () => typeName((await table.latest()).schema);

describe("table alter", () => {
  test("adds, renames, widens and drops columns, by their paths, and says the version", async () => {
    expect(await said("add-column", "address", "struct<city: string, zip: int>")).toEqual({
      result: "committed",
      version: 2,
    });
    expect(
      await said("set-property", "delta.columnMapping.mode=name", "delta.enableTypeWidening = true"),
    ).toMatchObject({ version: 3 });
    expect(await said("rename-column", "address.city", "town")).toMatchObject({ result: "committed" });
    expect(await said("widen-column", "address.zip", "bigint")).toMatchObject({ result: "committed" });
    expect(await said("widen-column", "address.zip", "bigint")).toEqual({ result: "unchanged", version: 5 });
    expect(await schemaNow()).toBe("struct<id:int,name:string,address:struct<town:string,zip:bigint>>");
    expect(await said("drop-column", "name", "address.town")).toMatchObject({ version: 6 });
    expect(await schemaNow()).toBe("struct<id:int,address:struct<zip:bigint>>");
    const { stdout } = await dyne("table", "read", folder, "--json");
    expect(stdout).toBe('{"id":1,"address":null}\n');
  });

  test("sets and unsets properties, and adds features", async () => {
    await said("set-property", "delta.appendOnly=true", "team=flights = departures");
    expect((await table.latest()).metadata.configuration).toEqual({
      "delta.appendOnly": "true",
      team: "flights = departures",
    });
    expect(await said("unset-property", "team", "delta.appendOnly")).toMatchObject({ result: "committed" });
    expect((await table.latest()).metadata.configuration).toEqual({});
    expect(await said("add-feature", "deletionVectors")).toMatchObject({ result: "committed" });
    expect((await table.latest()).protocol.writerFeatures).toContain("deletionVectors");
  });

  test("adds a constraint that all rows keep, and no other, and drops it", async () => {
    expect(await said("add-constraint", "Positive", "id > 0")).toMatchObject({ result: "committed", version: 2 });
    expect((await table.latest()).metadata.configuration).toEqual({ "delta.constraints.positive": "id > 0" });
    expect(await said("add-constraint", "large", "id > 1")).toMatch(/^1 CONSTRAINT_VIOLATED: /);
    expect(await said("drop-constraint", "positive")).toMatchObject({ version: 3 });
    expect(await said("drop-constraint", "positive")).toEqual({ result: "unchanged", version: 3 });
  });

  test.each([
    [["add-column", "age"], "add-column takes <column> <type>, and 1 word is there"],
    [["add-column", "age", "decimal", "(10,2)"], "a word with spaces in quotes"],
    [["add-column", "age", "number"], '"number" is no type'],
    [["rename-column", "name", "full_name"], "Set delta.columnMapping.mode to name first"],
    [["widen-column", "id", "bigint"], "set delta.enableTypeWidening to true first"],
    [["set-property", "delta.appendOnly"], "Write <key>=<value>"],
    [["set-property", "delta.apendOnly=true"], "delta.appendOnly"],
    [["set-property", "dyne.autoVaccum=false"], "Did you mean dyne.autoVacuum?"],
    [["set-property", "x=1", " x = 2"], "x is set twice"],
    [["set-property", "__proto__=2"], '"__proto__" cannot be the name of a property'],
    [["set-property", " =2"], '"" cannot be the name of a property'],
    [["unset-property", "dyne.autoVaccum"], "Did you mean dyne.autoVacuum?"],
    [["add-constraint", "c", "id >"], "INVALID_ARGUMENT"],
    [["paint-column", "id", "red"], "Allowed choices are add-column"],
    [["drop-column"], "missing required argument 'words'"],
  ])("%j is refused with what to do, and changes nothing", async (args, message) => {
    const { exitCode, stdout, stderr } = await alter(...args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect((await table.latest()).version).toBe(1);
  });

  test("leaves what a flow writes as the pipeline has it, but for what does not concern its rows", async () => {
    const fences = [{ appId: "dyne/flights/silver.flights/0", version: 1, expected: undefined }];
    await table.commit({ actions: [], fences, isBlindAppend: true, operation: "WRITE" });
    for (const change of [
      ["add-column", "age", "int"],
      ["add-constraint", "c", "id > 0"],
    ])
      expect(await said(...change)).toMatch(/^2 INVALID_ARGUMENT: people is written by the flow silver\.flights, /);
    expect(await said("set-property", "delta.deletedFileRetentionDuration=interval 14 days")).toMatchObject({
      result: "committed",
    });
    for (const change of [
      ["set-property", "delta.columnMapping.mode=name"],
      ["set-property", "delta.appendOnly=true"],
      ["add-feature", "columnMapping"],
    ])
      expect(await said(...change)).toMatch(
        /^2 INVALID_ARGUMENT: people is written by the flow silver\.flights, which /,
      );
  });

  const flights = tablePath("silver.flights");
  test.each([
    ["silver.flights", flights, "silver.flights", true],
    ["quarantine/silver.flights", tablePath("silver.flights", "quarantine"), "silver.flights", true],
    ["gold.route_daily", tablePath("gold.route_daily"), "gold.route_daily", false],
    ["the folder of", flights, "silver.flights", true],
    ["the folder of", "elsewhere", "silver.flights", false],
    ["the folder of", flights, "gold.gone", false],
  ])("knows who writes %s %s, and whether that only appends", async (name, path, flow, appendsOnly) => {
    const store = new FileStore(join(root, String(count)), services);
    const written = new DeltaTable({ store, path, ...services });
    await written.createIfAbsent({ schema: schemaOf(types), partitionBy: [] });
    if (name !== "the folder of") return expect(await tableWriter(name, written)).toEqual({ flow, appendsOnly });
    const at = join(root, String(count), path);
    expect(await tableWriter(at, written)).toBeUndefined();
    const fences = [{ appId: `dyne/flights/${flow}/0`, version: 1, expected: undefined }];
    await written.commit({ actions: [], fences, isBlindAppend: true, operation: "WRITE" });
    expect(await tableWriter(at, written)).toEqual({ flow, appendsOnly });
  });

  test("tells in its help what each change takes", async () => {
    const { exitCode, stdout } = await dyne("table", "alter", "--help");
    expect(exitCode).toBe(0);
    for (const line of ["add-column <column> <type> ", "set-property <key=value>... ", "drop-constraint <name> "])
      expect(stdout).toContain(`  ${line}`);
  });
});
