/**
 * The manifest: a pipeline as JSON, without secrets and without an environment. Triggers are registered from it, infrastructure is
 * provisioned from it, the status page draws it.
 *
 *     {"format":1,"pipeline":"flights","tables":[{"name":"bronze.flights","kind":"streamingTable","path":"lake/bronze/flights",…}],
 *      "flows":[{"id":"silver.flights","kind":"stream","inputs":[{"table":"bronze.flights","mode":"streaming"}],"output":"silver.flights",
 *      "fingerprint":"9f…","lanes":{"kind":"single"},"minInterval":"PT1S"}],"sources":[…],"functions":[…],"queues":["bulk","notices"],
 *      "consumerGroups":[…],"schedules":[…]}
 */
import { z } from "zod";
import { DyneError } from "../core/index.ts";
import { typeName } from "../plan/index.ts";
import type { Schema, StructField } from "../plan/index.ts";
import type { Flow, Pipeline } from "./pipeline.ts";
import type { DeclaredTable } from "./table.ts";

const lanesSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("partitions"), hub: z.string() }),
  z.strictObject({ kind: z.literal("single") }),
]);
/** ISO-8601 durations in seconds and days: `PT0.5S`, `P7D`. */
const durationSchema = z.string().regex(/^P(?:\d+D|T\d+(?:\.\d+)?S)$/);

const tableSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(["streamingTable", "materializedView"]),
  /** Container and path in the account `lake`. */
  path: z.string(),
  /** Where rows that cannot go on are kept; null for views, which have none. */
  quarantinePath: z.string().nullable(),
  schema: z.array(z.strictObject({ name: z.string(), type: z.string(), nullable: z.boolean() })),
  partitionBy: z.array(z.string()),
  lanes: lanesSchema,
  owner: z.string().nullable(),
  description: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
  retention: durationSchema,
  expectations: z.array(z.strictObject({ name: z.string(), action: z.enum(["warn", "drop", "fail"]) })),
});
const flowSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(["hub", "files", "stream", "view"]),
  inputs: z.array(z.strictObject({ table: z.string(), mode: z.enum(["streaming", "static"]) })),
  output: z.string(),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  lanes: lanesSchema,
  minInterval: durationSchema,
});
const sourceSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("eventHub"),
    hub: z.string(),
    table: z.string(),
    partitions: z.int().positive(),
    startingPosition: z.enum(["earliest", "latest"]),
    failOnDataLoss: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal("files"),
    glob: z.string(),
    table: z.string(),
    format: z.enum(["csv", "json", "jsonl"]),
    schema: z.array(z.strictObject({ name: z.string(), type: z.string(), nullable: z.boolean() })),
  }),
]);
const functionSchema = z.strictObject({
  name: z.string(),
  trigger: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("eventHub"), hub: z.string(), consumerGroup: z.string() }),
    z.strictObject({ kind: z.literal("queue"), queue: z.string() }),
    z.strictObject({ kind: z.literal("timer"), schedule: z.string() }),
    z.strictObject({ kind: z.literal("http"), route: z.string(), methods: z.array(z.enum(["GET", "POST", "DELETE"])) }),
  ]),
});

/** The manifest's format, version 1. */
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  pipeline: z.string(),
  tables: z.array(tableSchema),
  flows: z.array(flowSchema),
  sources: z.array(sourceSchema),
  functions: z.array(functionSchema),
  queues: z.array(z.string()),
  consumerGroups: z.array(z.strictObject({ hub: z.string(), name: z.string() })),
  /** NCRONTAB with seconds, in UTC. */
  schedules: z.array(z.strictObject({ name: z.string(), cron: z.string() })),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The trigger has a group to itself; dyne's own reads use another (SPEC.md 6). */
export const consumerGroups = { trigger: "dyne-trigger", read: "dyne-read" } as const;
/** `notices`: blobs that were created, and rings. `bulk`: backfill and maintenance. */
export const queues = ["bulk", "notices"] as const;
/** Requests of people and programs, the same for every pipeline. A route is below `/api/`, as the Functions host spells routes. */
const httpFunctions = [
  { name: "backfill", route: "backfill/{jobId?}", methods: ["GET", "POST", "DELETE"] },
  { name: "status", route: "status", methods: ["GET"] },
  { name: "rows", route: "tables/{name}/rows", methods: ["GET"] },
  { name: "health", route: "health/{probe}", methods: ["GET"] },
] as const;
const sweepSchedule = { name: "sweep", cron: "0 * * * * *" } as const;

/** A pipeline as its manifest. Equal pipelines give equal manifests. */
export function manifest(pipeline: Pipeline): Manifest {
  const flowOf = new Map(pipeline.flows.map((flow) => [flow.output.name, flow]));
  const sources = pipeline.tables.flatMap(sourceEntry);
  const hubs = sources.flatMap((source) => (source.kind === "eventHub" ? [source.hub] : []));
  return {
    format: 1,
    pipeline: pipeline.name,
    tables: pipeline.tables.map((table) => tableEntry(table, flowOf.get(table.name) as Flow)),
    flows: pipeline.flows.map(flowEntry),
    sources,
    functions: [
      ...hubs.map((hub) => ({
        name: `hub-${hub}`,
        trigger: { kind: "eventHub" as const, hub, consumerGroup: consumerGroups.trigger },
      })),
      { name: "notices", trigger: { kind: "queue", queue: "notices" } },
      { name: "bulk", trigger: { kind: "queue", queue: "bulk" } },
      { name: "sweep", trigger: { kind: "timer", schedule: sweepSchedule.name } },
      ...httpFunctions.map(({ name, route, methods }) => ({
        name,
        trigger: { kind: "http" as const, route, methods: [...methods] },
      })),
    ],
    queues: [...queues],
    consumerGroups: hubs.flatMap((hub) => Object.values(consumerGroups).map((name) => ({ hub, name }))),
    schedules: [sweepSchedule],
  };
}

/** Reads a manifest's JSON. Errors: FORMAT_TOO_NEW for a later version, INVALID_PIPELINE for anything else. */
export function parseManifest(json: unknown): Manifest {
  const format = z.object({ format: z.number() }).safeParse(json);
  if (format.success && format.data.format > 1) {
    throw new DyneError(
      "FORMAT_TOO_NEW",
      `The manifest has the format ${format.data.format}; this version of dyne reads 1. Update dyne.`,
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new DyneError(
    "INVALID_PIPELINE",
    `The manifest is not valid: ${z.prettifyError(parsed.error)}. Write it anew with "dyne manifest".`,
  );
}

/** The container and path of a table in the account `lake`; of its quarantine with `quarantine`. */
export function tablePath(name: string, container: "lake" | "quarantine" = "lake"): string {
  return `${container}/${name.replace(".", "/")}`;
}

function fieldsOf(schema: Schema): Manifest["tables"][number]["schema"] {
  return Object.entries<StructField>(schema.fields).map(([name, field]) => ({
    name,
    type: typeName(field.type),
    nullable: field.nullable,
  }));
}

function tableEntry(table: DeclaredTable, flow: Flow): Manifest["tables"][number] {
  return {
    name: table.name,
    kind: table.kind,
    path: tablePath(table.name),
    quarantinePath: hasQuarantine(flow) ? tablePath(table.name, "quarantine") : null,
    schema: fieldsOf(table.schema),
    partitionBy: [...table.partitionBy],
    lanes: flow.lanes,
    owner: table.owner ?? null,
    description: table.description ?? null,
    tags: { ...table.tags },
    retention: isoDuration(table.retentionMs),
    expectations: table.expectations.map(({ name, action }) => ({ name, action })),
  };
}

/** Views and hubs put nothing aside: a view's error stops its flow, and from a hub everything is kept. */
function hasQuarantine(flow: Flow): boolean {
  return flow.kind === "stream" || flow.kind === "files";
}

function flowEntry(flow: Flow): Manifest["flows"][number] {
  const { id, kind, inputs, output, fingerprint, lanes, minIntervalMs } = flow;
  return {
    id,
    kind,
    inputs: inputs.map(({ table, mode }) => ({ table, mode })),
    output: output.name,
    fingerprint,
    lanes,
    minInterval: isoDuration(minIntervalMs),
  };
}

function sourceEntry({ name, source }: DeclaredTable): Manifest["sources"] {
  if (source === undefined) return [];
  if (source.kind === "eventHub") {
    const { hub, partitions, startingPosition, failOnDataLoss } = source;
    return [{ kind: "eventHub", hub, table: name, partitions, startingPosition, failOnDataLoss }];
  }
  return [{ kind: "files", glob: source.glob, table: name, format: source.format, schema: fieldsOf(source.schema) }];
}

function isoDuration(ms: number): string {
  return ms > 0 && ms % 86_400_000 === 0 ? `P${ms / 86_400_000}D` : `PT${ms / 1_000}S`;
}
