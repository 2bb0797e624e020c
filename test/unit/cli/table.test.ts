import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownDataFolder, startStorage } from "../../../local/platform/index.ts";
import { publishEndpoints } from "../../../local/platform/local-storage.ts";
import { transientCheckpoints } from "../../../shared/compute/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../../shared/core/index.ts";
import { commitPath, stateAt, writeCheckpoint } from "../../../shared/delta/index.ts";
import type { DataType } from "../../../shared/plan/index.ts";
import { FileStore } from "../../../shared/storage/index.ts";
import { DeltaTable } from "../../../shared/table/index.ts";
import { done, openCompute, rowSet, scan } from "../../support/compute-under-test.ts";
import { dyne, shell } from "./command.ts";

const types = { id: { kind: "long" }, name: { kind: "string" }, day: { kind: "date" } } satisfies Record<
  string,
  DataType
>;
let folder: string;
let table: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-cli-"));
  table = join(folder, "events");
  await using under = await openCompute();
  const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const store = new FileStore(folder, services);
  const delta = new DeltaTable({ store, path: "events", ...services });
  const commits = [
    rowSet(types, { id: [1n, 9007199254740993n], name: ["a\nb", null], day: [20_455, 20_455] }),
    rowSet(types, { id: [3n], name: ["x".repeat(100)], day: [null] }),
  ];
  await delta.createIfAbsent({ schema: commits[0]!.schema, partitionBy: ["day"] });
  for (const rows of commits) {
    const target = { store, path: "events", schema: rows.schema, partitionBy: ["day"], sortBy: [] };
    const { written } = await done(under.compute, {
      inputs: { rows },
      writes: [{ name: "out", plan: scan("rows", rows.schema), target }],
    });
    await delta.commit({
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
}, 30_000);
afterAll(() => rm(folder, { recursive: true }));

describe("table read", () => {
  test("reads a shallow clone where it is said of which table, and says so where it is not", async () => {
    const clone = join(folder, "clones", "events");
    await mkdir(join(clone, "_delta_log"), { recursive: true });
    const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const source = await new DeltaTable({
      store: new FileStore(folder, services),
      path: "events",
      ...services,
    }).latest();
    const add = [...source.files].map((file) => ({
      add: { ...file, path: `${pathToFileURL(table).href}/${file.path}` },
    }));
    const actions = [{ protocol: source.protocol }, { metaData: source.metadata }, ...add];
    const log = join(clone, "_delta_log", "00000000000000000000.json");
    await writeFile(log, actions.map((action) => JSON.stringify(action)).join("\n"));
    const whole = await dyne("table", "read", table, "--format", "ndjson");
    const read = await dyne("table", "read", clone, "--cloned-from", table, "--format", "ndjson");
    expect([read.exitCode, read.stdout.split("\n").sort()]).toEqual([0, whole.stdout.split("\n").sort()]);
    const refused = await dyne("table", "read", clone);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("PATH_OUTSIDE_TABLE")]);
    const elsewhere = await dyne("table", "read", clone, "--cloned-from", join(folder, "event"));
    expect(elsewhere.stderr).toContain("PATH_OUTSIDE_TABLE");
    for (const verb of ["read", "optimize", "vacuum", "fsck", "history"]) {
      const named = await dyne("table", verb, "gold.nothing", "--cloned-from", table);
      expect([verb, named.exitCode, named.stderr]).toEqual([
        verb,
        2,
        expect.stringContaining("--cloned-from is for tables in folders"),
      ]);
    }
  });

  test("reads a table whose first commits are gone by its checkpoint", async () => {
    await cp(table, join(folder, "cleaned"), { recursive: true });
    const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const checkpoints = transientCheckpoints();
    const log = {
      ...services,
      store: new FileStore(folder, services),
      path: "cleaned",
      checkpointReader: checkpoints,
      checkpointWriter: checkpoints,
    };
    await writeCheckpoint(log, await stateAt(log, 2));
    for (const version of [0, 1, 2]) await log.store.delete(commitPath(log, version));
    const whole = await dyne("table", "read", table, "--format", "ndjson");
    const { exitCode, stdout, stderr } = await dyne("table", "read", join(folder, log.path), "--format", "ndjson");
    expect([exitCode, stderr, stdout.split("\n").sort()]).toEqual([0, "", whole.stdout.split("\n").sort()]);
  });

  test("prints each row as JSON with all digits", async () => {
    const { exitCode, stdout, stderr } = await dyne("table", "read", table, "--format", "ndjson");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout.trimEnd().split("\n").sort()).toEqual([
      '{"id":1,"name":"a\\nb","day":"2026-01-02"}',
      `{"id":3,"name":"${"x".repeat(100)}","day":null}`,
      '{"id":9007199254740993,"name":null,"day":"2026-01-02"}',
    ]);
    expect(await dyne("table", "read", table, "--json")).toEqual({ exitCode, stdout, stderr });
  });

  test("prints a table to look at, one line for each row, with all digits", async () => {
    const { exitCode, stdout } = await dyne("table", "read", table);
    const lines = stdout.trimEnd().split("\n");
    expect([exitCode, lines.length]).toEqual([0, 5]);
    expect(lines[0]).toMatch(/^id +name +day$/);
    expect(lines[1]).toMatch(/^─+ {2}─+ {2}─+$/);
    expect(stdout).toMatch(/9007199254740993 +NULL +2026-01-02/);
    expect(stdout).toContain("a\\nb");
    expect(stdout).toMatch(/x{39}… +NULL/);
  });

  test("prints an earlier version, and at most as many rows as asked for", async () => {
    const earlier = await dyne("table", "read", table, "--version", "1", "--format", "ndjson");
    const none = await dyne("table", "read", table, "--version", "0", "--format", "ndjson");
    const limited = await dyne("table", "read", table, "--limit", "1", "--format", "ndjson");
    const zero = await dyne("table", "read", table, "--limit", "0", "--format", "ndjson");
    const count = ({ stdout }: { stdout: string }) => stdout.split("\n").length - 1;
    expect([earlier, none, limited, zero].map((ran) => [ran.exitCode, count(ran)])).toEqual([
      [0, 2],
      [0, 0],
      [0, 1],
      [0, 0],
    ]);
  });

  test("says which versions there are instead of one that is not", async () => {
    const { exitCode, stderr } = await dyne("table", "read", table, "--version", "7");
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^VERSION_NOT_FOUND: .*2/)]);
  });

  test("ends quietly where its reader has enough", { timeout: 30_000 }, async () => {
    const { stdout, stderr } = await shell(`dyne table read '${table}' --format ndjson | head -n 1`);
    expect([stdout.split("\n").length, stderr]).toEqual([2, ""]);
  });

  test("names the feature of a table that it cannot read, and reads nothing of it", async () => {
    const log = join(folder, "foreign/_delta_log");
    await mkdir(log, { recursive: true });
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["geospatial"],
      writerFeatures: ["geospatial"],
    };
    const metaData = {
      id: "x",
      format: { provider: "parquet", options: {} },
      schemaString: JSON.stringify({
        type: "struct",
        fields: [{ name: "id", type: "long", nullable: true, metadata: {} }],
      }),
      partitionColumns: [],
      configuration: {},
      createdTime: 0,
    };
    await writeFile(
      join(log, "00000000000000000000.json"),
      `${JSON.stringify({ protocol })}\n${JSON.stringify({ metaData })}\n`,
    );
    const { exitCode, stdout, stderr } = await dyne("table", "read", join(folder, "foreign"));
    expect([exitCode, stdout, stderr]).toEqual([1, "", expect.stringMatching(/^UNSUPPORTED_FEATURE: .*geospatial/)]);
  });

  test("says of a folder without a log that it is no table", async () => {
    const { exitCode, stderr } = await dyne("table", "read", folder);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("TABLE_NOT_FOUND")]);
  });
});

describe("the other views of a table", () => {
  test("history prints its commits, newest first", async () => {
    const { exitCode, stdout } = await dyne("table", "history", table, "--format", "ndjson");
    const commits = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(exitCode).toBe(0);
    expect(
      commits.map(({ version, operation, filesAdded, filesRemoved }) => [version, operation, filesAdded, filesRemoved]),
    ).toEqual([
      [2, "WRITE", 1, 0],
      [1, "WRITE", 1, 0],
      [0, "CREATE TABLE", 0, 0],
    ]);
    expect(commits[0]?.["timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test("files prints what is active, with statistics to the last digit", async () => {
    const { exitCode, stdout } = await dyne("table", "files", table, "--format", "ndjson", "--version", "1");
    expect([exitCode, stdout.trimEnd().split("\n").length]).toEqual([0, 1]);
    expect(JSON.parse(stdout)).toMatchObject({
      path: expect.stringMatching(/^day=2026-01-02\//),
      partitionValues: { day: "2026-01-02" },
      tags: null,
    });
    expect(stdout).toContain('"maxValues":{"id":9007199254740993');
  });
});

describe("a table by its name", { timeout: 60_000 }, () => {
  test("in a folder that holds no data says how to get some", async () => {
    const { exitCode, stderr } = await dyne("table", "read", "gold.route_daily", "--data", join(folder, "nowhere"));
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^TABLE_NOT_FOUND: .*npm start/)]);
  });

  test("that is declared but has no data yet says so, its flow that it is built next, and one that is not which there are", async () => {
    const data = join(folder, "data");
    await using _folder = await ownDataFolder(data);
    await using azurite = await startStorage({ directory: data, logger: silentLogger });
    await using _published = await publishEndpoints(data, azurite.connectionStrings);
    const declared = await dyne("table", "read", "gold.route_daily", "--data", data);
    expect([declared.exitCode, declared.stderr]).toEqual([
      1,
      expect.stringMatching(/^TABLE_NOT_FOUND: gold.route_daily has no data/),
    ]);
    const unknown = await dyne("table", "read", "gold.nope", "--data", data);
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      2,
      expect.stringMatching(/^INVALID_ARGUMENT: There is no table "gold.nope".*gold.route_daily/),
    ]);
    const explained = await dyne("explain", "gold.route_daily", "--data", data);
    expect([explained.exitCode, explained.stdout]).toEqual([
      0,
      expect.stringMatching(/\n {2}next {7}the first build, in full\n/),
    ]);
    const json = await dyne("explain", "gold.route_daily", "--data", data, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ flow: "gold.route_daily", next: { kind: "not-built" } });
  });
});

describe("table export", () => {
  test("makes a table of its own with the same rows, at any version", async () => {
    const to = join(folder, "exported");
    const exported = await dyne("table", "export", table, "--to", to, "--version", "1", "--format", "ndjson");
    expect([exported.exitCode, JSON.parse(exported.stdout)]).toEqual([0, { folder: to, files: 1, version: 1 }]);
    const rows = async (...args: readonly string[]) =>
      (await dyne("table", "read", ...args, "--format", "ndjson")).stdout;
    expect(await rows(to)).toBe(await rows(table, "--version", "1"));
    const history = await dyne("table", "history", to, "--format", "ndjson");
    expect(history.stdout.split("\n").map((line) => (line === "" ? "" : JSON.parse(line).operation))).toEqual([
      "CLONE",
      "CREATE TABLE",
      "",
    ]);
  });

  test("into what is there already is refused, and leaves that alone", async () => {
    for (const to of [table, folder, join(table, "_delta_log/00000000000000000000.json")]) {
      const { exitCode, stderr } = await dyne("table", "export", table, "--to", to);
      expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^INVALID_ARGUMENT: .*does not exist yet/)]);
    }
  });

  test("that fails leaves nothing behind", async () => {
    const to = join(folder, "deep/failed");
    expect((await dyne("table", "export", table, "--to", to, "--version", "99")).exitCode).toBe(1);
    expect(await readdir(join(folder, "deep"))).toEqual([]);
  });

  test("needs to be told where to", async () => {
    expect((await dyne("table", "export", table)).exitCode).toBe(2);
  });
});

describe("table changes", () => {
  const printed = (stdout: string) => stdout.trimEnd().split("\n");

  test("prints each changed row as JSON, with what became of it, at which version and when", async () => {
    const { exitCode, stdout, stderr } = await dyne("table", "changes", table, "--from", "0", "--json");
    expect([exitCode, stderr, printed(stdout).length]).toEqual([0, "", 3]);
    expect(printed(stdout)[1]).toMatch(
      /^{"id":9007199254740993,"name":null,"day":"2026-01-02","_change_type":"insert","_commit_version":1,"_commit_timestamp":"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z"}$/,
    );
    expect(await dyne("table", "changes", table, "--from", "0", "--format", "ndjson")).toEqual({
      exitCode,
      stdout,
      stderr,
    });
  });

  test("prints those of a range of versions or times, and at most as many as asked for", async () => {
    const count = async (...range: readonly string[]) => {
      const { exitCode, stdout } = await dyne("table", "changes", table, ...range, "--json");
      return [exitCode, stdout === "" ? 0 : printed(stdout).length];
    };
    expect(await count("--from", "1", "--to", "1")).toEqual([0, 2]);
    expect(await count("--from", "2", "--to", "2")).toEqual([0, 1]);
    expect(await count("--from", "0", "--to", "0")).toEqual([0, 0]);
    expect(await count("--from", "3")).toEqual([0, 0]);
    expect(await count("--from", "0", "--limit", "2")).toEqual([0, 2]);
    expect(await count("--from", "2000-01-01", "--to", "9999-12-31T23:59:59.999+01:00")).toEqual([0, 3]);
    expect(await count("--from", "9999-01-01 00:00")).toEqual([0, 0]);
  });

  test("prints a table to look at", async () => {
    const { exitCode, stdout } = await dyne("table", "changes", table, "--from", "2");
    expect([exitCode, printed(stdout).length]).toEqual([0, 3]);
    expect(stdout).toMatch(/^id +name +day +_change_type +_commit_version +_commit_timestamp$/m);
    expect(stdout).toMatch(/^3 +x{39}… +NULL +insert +2 +\d{4}/m);
  });

  test("says what is wrong with a range, and what strict wants", async () => {
    const failed = async (...args: readonly string[]) => {
      const { exitCode, stdout, stderr } = await dyne("table", "changes", table, ...args, "--json");
      expect(stdout).toBe("");
      return [exitCode, stderr];
    };
    expect(await failed("--from", "2", "--to", "1")).toEqual([2, expect.stringMatching(/^INVALID_ARGUMENT: .*2 to 1/)]);
    expect(await failed("--from", "7")).toEqual([1, expect.stringMatching(/^VERSION_NOT_FOUND: .*newest is 2/)]);
    expect(await failed("--from", "0", "--strict")).toEqual([
      1,
      expect.stringMatching(/^UNSUPPORTED_FEATURE: .*delta.enableChangeDataFeed/),
    ]);
    expect(await failed("--from", "yesterday")).toEqual([2, expect.stringContaining("2026-11-01T00:00:00Z")]);
    expect(await failed("--from", "2026-13-01")).toEqual([2, expect.stringContaining("2026-11-01T00:00:00Z")]);
    expect(await failed()).toEqual([2, expect.stringContaining("--from")]);
  });
});
