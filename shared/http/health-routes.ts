/** `GET /api/health/live` and `/ready`: is the process there, and can it do its work. */
import { z } from "zod";
import type { Compute } from "../compute/index.ts";
import { DyneError, isDyneError, limits } from "../core/index.ts";
import type { LogicalPlan, Schema } from "../plan/index.ts";
import { jsonAnswer, route, type Route } from "./route.ts";
import type { HttpServices } from "./services.ts";

export const liveRoute: Route<HttpServices> = route({
  id: "isLive",
  method: "GET",
  path: "/api/health/live",
  role: null,
  summary: "Say that the process answers",
  description: "Asks nobody and opens nothing.",
  answers: [
    {
      status: 200,
      description: "It answers.",
      schema: z.strictObject({ status: z.literal("live") }).meta({ id: "Live" }),
    },
  ],
  problems: [],
  handle: async () => jsonAnswer({ status: "live" }),
});

const ready = z
  .strictObject({
    status: z.literal("ready"),
    checks: z.array(z.strictObject({ name: z.string(), ms: z.int().min(0) })),
  })
  .meta({ id: "Ready" });

export const readyRoute = route<HttpServices>({
  id: "isReady",
  method: "GET",
  path: "/api/health/ready",
  role: "Dyne.Reader",
  summary: "Say whether the services that the work needs answer",
  description:
    "Asks both storage accounts, every hub, and the compute. A 503 names the checks that failed, and what to do.",
  answers: [{ status: 200, description: "All of them answer.", schema: ready }],
  problems: [],
  handle: async (_, { services }) => {
    const opened = await services();
    const results = await Promise.all(checksOf(opened).map((check) => performed(opened, check)));
    const failed = results.flatMap(({ name, failure }) =>
      failure === undefined ? [] : [{ name, ...failureOf(failure) }],
    );
    if (failed.length === 0)
      return jsonAnswer({ status: "ready", checks: results.map(({ name, ms }) => ({ name, ms })) });
    const detail = failed.map(({ name, detail: said }) => `${name}: ${said}`).join(" ");
    const cause = results.map(({ failure }) => failure).find((failure) => failure !== undefined);
    throw new DyneError("NOT_READY", detail, { cause, details: { checks: failed } });
  },
});

interface Check {
  readonly name: string;
  readonly ask: () => Promise<unknown>;
}

function checksOf({ host, lake, hubs, compute, pipelines }: HttpServices): readonly Check[] {
  const sources = pipelines.flatMap(({ tables }) =>
    tables.flatMap(({ source }) => (source?.kind === "eventHub" ? [source.hub] : [])),
  );
  return [
    { name: "storage host", ask: () => host.head("checkpoints/ready") },
    { name: "storage lake", ask: () => lake.head("lake/ready") },
    ...[...new Set(sources)].map((hub) => ({ name: `hub ${hub}`, ask: async () => hubs?.describe(hub) })),
    { name: "compute", ask: () => computeOne(compute) },
  ];
}

/** One row through the compute and back. */
function computeOne(compute: Compute): Promise<unknown> {
  const schema: Schema = { kind: "struct", fields: { one: { type: { kind: "integer" }, nullable: false } } };
  const plan: LogicalPlan = { kind: "scan", source: "one", schema, streaming: false };
  return compute.run({
    name: "ready",
    inputs: { one: { kind: "rows", schema, columns: { one: [1] }, rowCount: 1 } },
    steps: [],
    writes: [],
    collects: [{ name: "one", plan, rowsMax: 1 }],
    parameters: {},
  });
}

interface Performed {
  readonly name: string;
  readonly ms: number;
  /** What was thrown, or that nothing came in time. */
  readonly failure?: Error;
}

async function performed({ clock }: HttpServices, { name, ask }: Check): Promise<Performed> {
  const startMs = clock.nowMs();
  const finished = new AbortController();
  const late = clock
    .sleep(limits.httpCheckMs, finished.signal)
    .then(
      () =>
        new DyneError(
          "REQUEST_TIMED_OUT",
          `There was no answer within ${limits.httpCheckMs / 1000} s. Check that it is there, or try again.`,
        ),
    );
  const asking = ask().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  const failure = await Promise.race([asking, late]);
  finished.abort();
  return { name, ms: clock.nowMs() - startMs, ...(failure === undefined ? {} : { failure }) };
}

/** What is told of a failure: of a bug only that it is one. */
function failureOf(error: Error): { readonly code: string; readonly detail: string } {
  return isDyneError(error) && error.kind !== "internal"
    ? { code: error.code, detail: error.message }
    : { code: "INTERNAL_ERROR", detail: "It failed. The service's log has the cause." };
}
