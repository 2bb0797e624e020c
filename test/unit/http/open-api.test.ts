/** The description of the API, and requests drawn from it: whatever is asked, the answer is one that it describes. */
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openApiDocument, routes, type HttpServices } from "../../../shared/http/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";
import { askedOf, type Answered, type Asked } from "../../support/http-world.ts";

const seed = Number(process.env["SEED"] ?? 83);
const numRuns = Number(process.env["RUNS"] ?? 200);
const replay = `again with: SEED=${seed} RUNS=${numRuns} npx vitest run --project unit test/unit/http/open-api.test.ts`;

interface JsonSchema {
  readonly type?: string;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly format?: string;
}
interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
}
interface Operation {
  readonly operationId: string;
  readonly requestBody?: object;
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: object };
}

const document = JSON.parse(JSON.stringify(openApiDocument(routes))) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

let bench: EngineBench;
let service: Asked<HttpServices>;
let cursors: readonly string[];
let jobIds: readonly string[];
beforeAll(async () => {
  bench = await EngineBench.open();
  const world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1), readingAt(1, "b", null, 2), "no json", readingAt(2, "c", "d1", 3)]);
  await world.quiet();
  service = askedOf(world);
  const pages = await Promise.all(
    ["limit=1", "limit=1&order=value"].map((query) => service.ask(`/api/tables/silver.readings/rows?${query}`)),
  );
  const taken = await service.ask(
    "/api/backfill",
    { "content-type": "application/json" },
    { method: "POST", body: JSON.stringify({ kind: "replay", source: "bronze.events", from: 0 }) },
  );
  jobIds = [String(taken.json["jobId"])];
  cursors = pages.map(({ json }) => String(json["next"]));
});
afterAll(() => bench[Symbol.asyncDispose]());

test("the document is an OpenAPI document of every route", async () => {
  const validated = await new Validator().validate(structuredClone(document) as object as Record<string, unknown>);
  expect([validated.valid, validated.errors ?? null, document.openapi]).toEqual([true, null, "3.1.0"]);
  expect(operations.map(({ operation }) => operation.operationId).sort()).toEqual(routes.map(({ id }) => id).sort());
});

test("parameters are described by their types and bounds", () => {
  const rows = document.paths["/api/tables/{name}/rows"]!["get"]!;
  expect(
    Object.fromEntries(rows.parameters!.map(({ name, in: place, schema }) => [`${place} ${name}`, schema.type])),
  ).toEqual({
    "path name": "string",
    "query select": "array",
    "query where": "array",
    "query order": "array",
    "query limit": "integer",
    "query version": "integer",
    "query timestamp": "string",
    "query cursor": "string",
  });
  expect(rows.parameters!.find(({ name }) => name === "limit")!.schema).toMatchObject({ minimum: 1, maximum: 1_000 });
});

/** Where a schema of its own has what it refers to. */
const local = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/")) as object;
const definitions = local(document.components.schemas);

/** By operation, status and type of content: an answer's schema is understood once. */
const schemas = new Map<string, z.ZodType>();

/** Throws where an answer is none of those that the document has for the operation. */
function expectDescribed({ operationId, responses }: Operation, { status, headers, text }: Answered): void {
  const described = responses[String(status)]?.content[headers["content-type"]!];
  if (described === undefined)
    throw new Error(`${operationId} answers ${status} ${headers["content-type"]}, which is not described`);
  const key = `${operationId} ${status}`;
  const schema =
    schemas.get(key) ?? z.fromJSONSchema({ ...local(described.schema), $defs: definitions } as JsonSchemaArgument);
  schemas.set(key, schema);
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${operationId} ${status}: ${z.prettifyError(parsed.error)}\n${text}`);
}
type JsonSchemaArgument = Parameters<typeof z.fromJSONSchema>[0];

const columns = ["reading_id", "device", "event_time", "value", "event_date", "site", "nope", "_dyne"];
const conditionArbitrary = fc
  .tuple(
    fc.constantFrom(...columns),
    fc.constantFrom("eq", "ne", "lt", "le", "gt", "ge", "in", "startswith", "isnull", "notnull", "like"),
    fc.oneof(fc.constantFrom("1", "a", "2026-03-01", "2026-03-01T00:00:00Z", "NaN", ""), fc.string({ maxLength: 8 })),
  )
  .map(([column, operator, value]) =>
    operator.endsWith("null") ? `${column}:${operator}` : `${column}:${operator}:${value}`,
  );
const orderArbitrary = fc
  .tuple(fc.constantFrom(...columns), fc.constantFrom("", ":asc", ":desc", ":desc:nullsfirst", ":up"))
  .map((parts) => parts.join(""));

/** Texts that a parameter may have by what its name means, beside those of its schema. */
const known: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  name: () =>
    fc.constantFrom("silver.readings", "bronze.events", "quarantine.silver.readings", "bronze.devices", "no.such"),
  where: () => conditionArbitrary,
  order: () => orderArbitrary,
  select: () => fc.uniqueArray(fc.constantFrom(...columns), { minLength: 1 }).map((names) => names.join(",")),
  cursor: () => fc.constantFrom(...cursors),
  jobId: () => fc.constantFrom(...jobIds),
  version: () => fc.constantFrom("0", "1", "2"),
};

function textOf(name: string, schema: JsonSchema): fc.Arbitrary<readonly string[]> {
  if (schema.type === "array")
    return fc.array(textOf(name, schema.items ?? {}), { maxLength: 3 }).map((each) => each.flat());
  const byType =
    schema.type === "integer"
      ? fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000, 1_000_000) }).map(String)
      : schema.format === "date-time"
        ? fc
            .date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") })
            .map((date) => date.toISOString())
        : fc.string({ minLength: 1, maxLength: 12 });
  const meant = known[name]?.();
  const wild = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("'", '"', "-1", "1e9", "\u0000", "null"),
  );
  return fc
    .oneof({ weight: 8, arbitrary: meant ?? byType }, { weight: 2, arbitrary: byType }, { weight: 1, arbitrary: wild })
    .map((text) => [text]);
}

const sources = ["bronze.events", "bronze.devices", "silver.readings", "gold.no", "", "'"];
const positions = fc.oneof(
  fc.integer({ min: -1, max: 10 }),
  fc.constantFrom("2026-03-01T00:00:00Z", "2026-03-01T00:00Z", "2026-02-31T00:00:00Z", "now", 0.5, 2 ** 60),
);
/** Requests that are nearly right, any JSON, and what is none. */
const bodyArbitrary = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record(
        {
          kind: fc.constantFrom("replay", "refresh", "dance"),
          source: fc.constantFrom(...sources),
          table: fc.constantFrom(...sources),
          prefix: fc.constantFrom("landing/devices/", "landing/", ""),
          from: positions,
          to: positions,
          partition: fc.constantFrom("0", "9", "x"),
          more: fc.jsonValue(),
        },
        { requiredKeys: ["kind"] },
      )
      .map((body) => JSON.stringify(body)),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '{"kind":"replay","source":"bronze.events","from":0}',
      '{"kind":"replay","source":"bronze.devices","prefix":"landing/devices/"}',
      '{"kind":"replay","source":"bronze.events","from":"2026-03-01T00:00:00Z","to":3,"partition":"1"}',
    ),
  },
  { weight: 1, arbitrary: fc.oneof(fc.json(), fc.string({ unit: "binary", maxLength: 20 })) },
);

function requestArbitrary({ path, method, operation }: (typeof operations)[number]) {
  const parameters = (operation.parameters ?? []).map((parameter) =>
    fc.tuple(
      fc.constant(parameter),
      parameter.in === "path"
        ? textOf(parameter.name, parameter.schema)
        : fc.option(textOf(parameter.name, parameter.schema), { nil: [] }),
    ),
  );
  const extra = fc.option(fc.tuple(fc.string({ unit: "binary", maxLength: 8 }), fc.string({ maxLength: 8 })), {
    freq: 12,
  });
  const body = operation.requestBody === undefined ? fc.constant(undefined) : bodyArbitrary;
  return fc.tuple(fc.tuple(...parameters), extra, body).map(([values, more, sent]) => {
    const query = new URLSearchParams(more === null ? [] : [more]);
    const headers: Record<string, string> = sent === undefined ? {} : { "content-type": "application/json" };
    let address = path;
    for (const [{ name, in: place }, texts] of values)
      for (const text of texts)
        if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(text.toWellFormed()));
        else if (place === "query") query.append(name, text);
        else headers[name] = text.replaceAll(/[^\x21-\x7e]/g, "x");
    const init = { method: method.toUpperCase(), ...(sent === undefined ? {} : { body: sent }) };
    return { id: operation.operationId, init, headers, address: `${address}?${query.toString()}` };
  });
}

/** Operations of which there is more to ask. */
const weights: Readonly<Record<string, number>> = { readRows: 8, submitBackfill: 5 };

test("whatever is asked, the answer is described, and never says that the service is broken", async () => {
  const requests = fc.oneof(
    ...operations.map((each) => ({
      weight: weights[each.operation.operationId] ?? 1,
      arbitrary: requestArbitrary(each),
    })),
  );
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ({ id, init, headers, address }) => {
      const answer = await service.ask(address, headers, init);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      expect(answer.status < 500 || answer.status === 503, `${address}: ${answer.text}; ${replay}`).toBe(true);
      const found = operations.find(({ operation }) => operation.operationId === id)!;
      expectDescribed(found.operation, answer);
    }),
    { seed, numRuns, endOnFailure: true },
  );
  // A property that never gets through says nothing.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 202, 400, 404]));
}, 30_000);
