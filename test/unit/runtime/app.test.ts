import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { definePipeline, eventHub, files, streamingTable, string, struct } from "../../../shared/pipeline/index.ts";
import { App } from "../../../shared/runtime/index.ts";
import { openWorkerFolder } from "../../../shared/runtime/worker-folder.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "dyne-app-"));
  const storage =
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a";
  vi.stubEnv("EVENTS", "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true");
  for (const name of ["LAKE", "AzureWebJobsStorage", "NOTICES"]) vi.stubEnv(name, storage);
  vi.stubEnv("DYNE_DIRECTORY", directory);
  vi.stubEnv("DYNE_MEMORY_MB", "64");
  vi.stubEnv("DYNE_LOG_LEVEL", "error");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

describe("an app", () => {
  test("takes a payload that cannot be read as a mere doorbell, and says so", async () => {
    const lines: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
    const app = new App([]);
    await app.hubBatch("flights", ["text instead of bytes"], { partitionContext: { partitionId: "3" } });
    await app.close();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        level: "error",
        message: expect.stringContaining("payload of an unknown form"),
        cause: expect.any(String),
      }),
    ]);
  });

  test("refuses a payload that does not even say its partition", async () => {
    const app = new App([]);
    await expect(app.hubBatch("flights", [], {})).rejects.toMatchObject({ code: "INVALID_MESSAGE" });
    await app.close();
  });

  test("ignores notices that concern nobody, in whatever form", async () => {
    const app = new App([]);
    for (const notice of [undefined, "garbage", { format: 1, kind: "ring", flow: "no.such" }, [{}]])
      await app.notice(notice);
    await app.close();
  });

  test("needs Event Hubs where a table is fed by events, and nowhere else", async () => {
    vi.stubEnv("EVENTS", "");
    const fromFiles = files("landing/shops/**.csv", { format: "csv", schema: struct({ id: string() }) });
    const ofFiles = new App([definePipeline("shops", [streamingTable("bronze.shops", { from: fromFiles })])]);
    await expect(ofFiles.secrets()).resolves.toBeDefined();
    await ofFiles.close();
    const ofEvents = new App([
      definePipeline("orders", [streamingTable("bronze.orders", { from: eventHub("orders") })]),
    ]);
    await expect(ofEvents.secrets()).rejects.toMatchObject({
      code: "INVALID_SETTING",
      message: expect.stringContaining("Neither EVENTS__fullyQualifiedNamespace nor EVENTS is set"),
    });
    await ofEvents.close();
  });

  test("opens again after it could not be opened", async () => {
    vi.stubEnv("LAKE", "");
    const app = new App([]);
    await expect(app.sweep()).rejects.toMatchObject({ code: "INVALID_SETTING" });
    vi.stubEnv("LAKE", process.env["NOTICES"]);
    await app.sweep();
    await app.close();
  });

  test("has no secrets where no vault is set, and says which setting that is", async () => {
    const app = new App([]);
    const secrets = await app.secrets();
    const missing = { code: "INVALID_SETTING", message: expect.stringContaining("KEY_VAULT__vaultUri") };
    await expect(secrets.get("sql-password")).rejects.toMatchObject(missing);
    await app.close();
  });

  test.each(["LAKE", "AzureWebJobsStorage", "NOTICES"])(
    "names a connection string that the SDK does not understand: %s",
    async (name) => {
      vi.stubEnv(name, "BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a");
      await expect(new App([]).sweep()).rejects.toMatchObject({
        code: "INVALID_SETTING",
        message: expect.stringContaining(`${name} is not`),
      });
      expect(await readdir(directory)).toEqual([]);
    },
  );

  test("leaves nothing on the disk when it closes, also where it was never opened", async () => {
    await new App([]).close();
    const app = new App([]);
    await app.sweep();
    expect(await readdir(directory)).toEqual([`worker-${process.pid}`]);
    await app.close();
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("requests to an app", () => {
  const ask = (app: App, path: string) => app.http(new Request(`http://localhost:7071${path}`));

  test("are answered while nothing can be opened, by what they need", async () => {
    vi.stubEnv("DYNE_LOG_LEVEL", "error");
    vi.stubEnv("LAKE", "");
    const lines: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
    const app = new App([]);
    expect((await ask(app, "/api/health/live")).status).toBe(200);
    const status = await ask(app, "/api/status");
    expect([status.status, status.body.includes("LAKE")]).toEqual([503, false]);
    expect(JSON.parse(status.body)).toMatchObject({ code: "INVALID_SETTING" });
    expect(await readdir(directory)).toEqual([]);
    expect(lines.join("")).toContain("LAKE");
    await app.close();
  });

  test("need a token unless the settings say that everybody here may ask", async () => {
    const closed = new App([]);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    expect((await ask(closed, "/api/status")).status).toBe(401);
    await closed.close();
    vi.stubEnv("DYNE_AUTH", "local");
    const app = new App([]);
    const status = await ask(app, "/api/status");
    expect([status.status, JSON.parse(status.body)]).toEqual([200, { time: expect.any(String), tables: [] }]);
    await app.close();
  });
});

describe("a worker's folder", () => {
  test("replaces what dead workers and an earlier process of the same id left, and nothing else", async () => {
    const dead = 2 ** 22 + 1;
    for (const name of [`worker-${dead}`, `worker-${process.pid}`, `worker-${process.ppid}`, "something else"]) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "left"), "x");
    }
    await using folder = await openWorkerFolder(directory);
    expect(folder.path).toBe(join(directory, `worker-${process.pid}`));
    expect(await readdir(folder.path)).toEqual([]);
    expect((await readdir(directory)).sort()).toEqual(
      ["something else", `worker-${process.pid}`, `worker-${process.ppid}`].sort(),
    );
  });
});
