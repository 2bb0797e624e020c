/** The functions that requests come in by, as the Functions library registers them. */
import { HttpRequest } from "@azure/functions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { App } from "../../../local/functions-host/app.ts";
import { pipelines } from "../../../pipelines/index.ts";
import { silentLogger } from "../../../shared/core/index.ts";
import { routes } from "../../../shared/http/index.ts";
import { functionsOf } from "../../../shared/runtime/index.ts";

let app: App;
beforeAll(async () => {
  app = new App(silentLogger);
  await app.load(async () => {
    for (const name of ["backfill", "status", "rows", "health"]) await import(`../../../functions/${name}.ts`);
  });
});
afterAll(() => app.terminate());

test("are those of the manifest, without a key of the host, by its routes and methods", () => {
  const declared = functionsOf(pipelines, "http");
  const expected = declared.map(({ name, route, methods }) => [
    name,
    expect.objectContaining({ type: "httpTrigger", authLevel: "anonymous", route, methods }),
  ]);
  const registered = [...app.functions].map(([name, { trigger }]) => [name, trigger]);
  expect(Object.fromEntries(registered)).toEqual(Object.fromEntries(expected));
});

test("cover every route of the API", () => {
  const patterns = [...app.functions.values()].map(({ trigger }) => {
    const segments = String(trigger["route"])
      .replace(/\/\{\w+\?\}/g, "(?:/[^/]+)?")
      .replace(/\{\w+\}/g, "[^/]+");
    return new RegExp(`^/api/${segments}$`);
  });
  for (const { path } of routes) expect(patterns.filter((pattern) => pattern.test(path))).toHaveLength(1);
});

test("answer a request of the library", async () => {
  const request = new HttpRequest({ method: "GET", url: "http://localhost:7071/api/health/live" });
  const answer = await app.functions.get("health")!.callback(request);
  expect(answer).toMatchObject({ status: 200, body: '{"status":"live"}', headers: { "cache-control": "no-store" } });
});

test("are for operators where something is changed, for readers where it is looked at, and only the sign of life is for everybody", () => {
  expect(Object.fromEntries(routes.map(({ method, path, role }) => [`${method} ${path}`, role]))).toEqual({
    "GET /api/tables/{name}/rows": "Dyne.Reader",
    "GET /api/status": "Dyne.Reader",
    "POST /api/backfill": "Dyne.Operator",
    "GET /api/backfill": "Dyne.Reader",
    "GET /api/backfill/{jobId}": "Dyne.Reader",
    "DELETE /api/backfill/{jobId}": "Dyne.Operator",
    "GET /api/health/live": null,
    "GET /api/health/ready": "Dyne.Reader",
  });
});
