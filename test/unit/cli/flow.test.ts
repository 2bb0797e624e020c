import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Operator } from "../../../cli/operator.ts";
import { ownDataFolder, startStorage } from "../../../local/platform/index.ts";
import { publishEndpoints } from "../../../local/platform/local-storage.ts";
import { silentLogger } from "../../../shared/core/index.ts";
import { AzureBlobStore } from "../../../shared/storage/index.ts";
import { BlobServiceClient } from "@azure/storage-blob";
import { dyne, shell } from "./command.ts";

const flow = "bronze.airports";
const csv = "iata,name,city,state,country,latitude,longitude\nXYZ,One,Town,TX,USA,1.5,2.5\n";

let data: string;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "dyne-flow-cli-"));
  stack.defer(() => rm(data, { recursive: true }));
  stack.use(await ownDataFolder(data));
  const azurite = stack.use(await startStorage({ directory: data, logger: silentLogger }));
  stack.use(await publishEndpoints(data, azurite.connectionStrings));
  const lake = new AzureBlobStore(BlobServiceClient.fromConnectionString(azurite.connectionStrings.lake));
  await lake.put("landing/airports/a.csv", new TextEncoder().encode(csv));
  await using operator = await Operator.open(data);
  await operator.operate(flow, (engine) => engine.ring(flow));
}, 60_000);
afterAll(() => stack.disposeAsync());

const on = (...args: readonly string[]) => dyne("flow", ...args, "--data", data);

describe("flow list", () => {
  test("says where every flow stands", async () => {
    const { exitCode, stdout } = await on("list");
    expect(exitCode).toBe(0);
    const [head, , ...lines] = stdout.split("\n");
    expect(head).toMatch(/^flow +state +lanes +batches +version +rows +last commit$/);
    expect(lines.find((line) => line.startsWith(flow))).toMatch(/ RUNNING +1 +1 +1 +1 +\d{4}-/);
    expect(lines.find((line) => line.startsWith("gold.route_daily"))).toMatch(/ NEW +0 +0 +NULL/);
  });

  test("says it to programs too", async () => {
    const { stdout } = await on("list", "--json");
    const { flows } = JSON.parse(stdout) as { flows: { flow: string; state: string; rows: number | null }[] };
    expect(flows.map((each) => each.flow)).toContain("gold.airport_delays");
    expect(flows.find((each) => each.flow === flow)).toMatchObject({ state: "RUNNING", rows: 1 });
  });

  test("of a folder that holds nothing says what to do", async () => {
    const { exitCode, stderr } = await dyne("flow", "list", "--data", join(data, "nothing"));
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^TABLE_NOT_FOUND: .*npm start/)]);
  });
});

describe("a flow", () => {
  test("is paused and resumed", async () => {
    const goOn = `${flow} is paused. Go on: npm run --silent dyne -- flow resume ${flow} --data ${data}`;
    const paused = await on("pause", flow);
    expect([paused.exitCode, paused.stdout]).toEqual([0, `${flow} is PAUSED, generation 1.\n${goOn}\n`]);
    expect((await on("list")).stdout).toContain(goOn);
    expect(JSON.parse((await on("resume", flow, "--json")).stdout)).toMatchObject({ flow, state: "RUNNING" });
  });

  test("is reset only where that was meant", async () => {
    const asked = await on("reset", flow);
    expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringMatching(/Repeat the command with --yes/)]);
    expect(JSON.parse((await on("pause", flow, "--json")).stdout)).toMatchObject({ generation: 1 });
    const { exitCode, stdout } = await on("reset", flow, "--yes");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("generation 2")]);
    await on("resume", flow);
  });

  test("that has not changed has nothing to continue", async () => {
    const { exitCode, stderr } = await on("continue", flow);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^INVALID_ARGUMENT: .*has not changed/)]);
  });

  test("that is no view is not refreshed", async () => {
    const { exitCode, stderr } = await on("refresh", flow);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/Reset it instead/)]);
  });

  test("is restored to a version that is there", async () => {
    const asked = await on("restore", flow, "--version", "1");
    expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringMatching(/Repeat the command with --yes/)]);
    const missing = await on("restore", flow, "--version", "77", "--yes");
    expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringMatching(/77/)]);
    for (const version of ["", " ", "0x1", "-1"])
      expect((await on("restore", flow, "--version", version, "--yes")).exitCode, version).toBe(2);
    expect((await on("restore", flow)).exitCode).toBe(2);
  });

  test("that is not declared is named, and so are those that are", async () => {
    const { exitCode, stderr } = await on("pause", "gold.nope");
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/There is no flow "gold.nope".*bronze.flights/)]);
  });
});

describe("quarantine list", () => {
  test("of tables without rows in it says so", async () => {
    const { exitCode, stdout } = await dyne("quarantine", "list", "--data", data);
    expect([exitCode, stdout]).toEqual([0, "Nothing is in quarantine.\n"]);
    expect((await dyne("quarantine", "list", "--json", "--data", data)).stdout).toBe('{"quarantined":[]}\n');
  });

  test("of a table that has none names those that do", async () => {
    const { exitCode, stderr } = await dyne("quarantine", "list", "gold.route_daily", "--data", data);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/no table with a quarantine.*silver.flights/)]);
  });
});

test("a platform on a folder that another process has ends, and says which", { timeout: 30_000 }, async () => {
  const { exitCode, stderr } = await shell(`dyne dev --data ${data}`);
  expect([exitCode, stderr]).toEqual([
    2,
    `INVALID_ARGUMENT: ${data} is in use by process ${process.pid}. Stop it, or choose another folder with --data.\n`,
  ]);
});

describe("backfill", () => {
  const backfill = (...args: readonly string[]) => dyne("backfill", ...args, "--data", data);

  test("replays a folder to its end, and tells of it later", async () => {
    const { exitCode, stdout, stderr } = await backfill("replay", flow, "--prefix", "landing/airports/", "--json");
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^Job \S+ is taken on\.\n/)]);
    const job = JSON.parse(stdout) as { jobId: string };
    expect(job).toMatchObject({ state: "SUCCEEDED", flow, progress: { unit: "rows" } });
    expect((await backfill("list")).stdout).toContain(job.jobId);
    expect(JSON.parse((await backfill("list", "--json")).stdout)).toEqual({ jobs: [job] });
    expect(JSON.parse((await backfill("show", job.jobId, "--json")).stdout)).toEqual(job);
    expect(JSON.parse((await backfill("cancel", job.jobId, "--json")).stdout)).toEqual(job);
  });

  test("is only taken on where it is not waited for, and can be cancelled", async () => {
    const { stdout } = await backfill("replay", flow, "--prefix", "landing/airports/", "--no-wait", "--json");
    const { jobId, state } = JSON.parse(stdout) as { jobId: string; state: string };
    expect(state).toBe("QUEUED");
    expect(JSON.parse((await backfill("cancel", jobId, "--json")).stdout)).toMatchObject({ state: "CANCELLED" });
  });

  test("that fails ends with 1 and says why", async () => {
    const { exitCode, stdout, stderr } = await backfill("refresh", "gold.route_daily");
    expect([exitCode, stdout, stderr]).toEqual([
      1,
      expect.stringContaining("FAILED"),
      expect.stringContaining("INVALID_ARGUMENT: gold.route_daily has not run yet"),
    ]);
  });

  test.each([
    [
      ["replay", "silver.flights", "--from", "0"],
      /is no table that a hub or files feed\. Choose one of bronze\.flights/,
    ],
    [["replay", flow], /--from <position>.*--prefix <path>/],
    [["replay", flow, "--prefix", "landing/", "--from", "1"], /--from <position>.*--prefix <path>/],
    [["replay", "bronze.flights", "--from", "yesterday"], /--from is "yesterday"\. Give a sequence number/],
    [["refresh", flow], /is not refreshed/],
    [["refresh", "gold.other"], /There is no table "gold.other"/],
    [["show", "no-job"], /^JOB_NOT_FOUND: There is no job no-job/],
  ])("that makes no sense is used wrongly: %j", async (args, said) => {
    const { exitCode, stderr } = await backfill(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(said)]);
  });
});
