/** Options that TypeScript refuses, as JavaScript gives them. */
import { describe, expect, it } from "vitest";
import {
  definePipeline,
  drop,
  eventHub,
  files,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
} from "../../../shared/pipeline/index.ts";

const bronze = streamingTable("bronze.events", { from: eventHub("events") });
const stream = readStream(bronze).select("partition", "event_data");
const rows = read(bronze).select("partition");
const view = (options: unknown) => materializedView("gold.x", options as never);
const table = (options: unknown) => streamingTable("silver.x", options as never);
const hub = (options: unknown) => eventHub("events", options as never);
const landed = (options: unknown) => files("landing/a/**.csv", options as never);
const text = struct({ a: string() });

const refused: readonly (readonly [string, () => unknown, string])[] = [
  [
    "a refresh",
    () => view({ query: rows, refresh: "x" }),
    'gold.x: refresh is "x". Give "auto", "incremental" or "full".',
  ],
  ["an empty refresh", () => view({ query: rows, refresh: null }), 'gold.x: refresh is null. Give "auto",'],
  ["a share as text", () => view({ query: rows, dutyCycle: "0.5" }), 'gold.x: dutyCycle is "0.5". Give a number.'],
  ["no share", () => view({ query: rows, dutyCycle: Number.NaN }), "gold.x: dutyCycle is NaN. Give the share"],
  ["a share of nothing", () => view({ query: rows, dutyCycle: 0 }), "gold.x: dutyCycle is 0. Give the share"],
  ["a share above all", () => view({ query: rows, dutyCycle: 2 }), "gold.x: dutyCycle is 2. Give the share"],
  [
    "an interval in seconds",
    () => view({ query: rows, minInterval: 5 }),
    "gold.x: minInterval is 5. Give a length of time",
  ],
  ["an interval without unit", () => view({ query: rows, minInterval: "5" }), 'gold.x: "5" is no length of time'],
  ["a retention in days", () => view({ query: rows, retention: 7 }), "gold.x: retention is 7. Give a length of time"],
  [
    "one column without a list",
    () => view({ query: rows, partitionBy: "partition" }),
    'gold.x: partitionBy is "partition". Give a list',
  ],
  [
    "a tag of a number",
    () => view({ query: rows, tags: { cost: 7 } }),
    "gold.x: tags is an object. Give texts by name",
  ],
  [
    "an owner in a list",
    () => view({ query: rows, owner: ["me"] }),
    'gold.x: owner is a list that begins with "me". Give a text.',
  ],
  [
    "a misspelt option",
    () => view({ query: rows, minIntervall: "5 seconds" }),
    'gold.x: There is no option "minIntervall" here. Did you mean minInterval?',
  ],
  [
    "expectations of a view",
    () => view({ query: rows, expect: () => ({}) }),
    'gold.x: There is no option "expect" here.',
  ],
  [
    "a refresh of a streaming table",
    () => table({ query: stream, refresh: "full" }),
    'silver.x: There is no option "refresh" here.',
  ],
  ["no query", () => view({}), "gold.x: A materialized view has a query."],
  ["no options", () => view(undefined), "gold.x: Its options are undefined. Give an object"],
  [
    "a table for a query",
    () => view({ query: bronze }),
    "gold.x: query is an object. Give a query, which begins with read",
  ],
  ["SQL for a query", () => table({ query: "SELECT 1" }), 'silver.x: query is "SELECT 1". Give a query'],
  ["a name for a source", () => table({ from: "events" }), 'silver.x: from is "events". Give a source'],
  [
    "rules that are no function",
    () => table({ query: stream, expect: {} }),
    "silver.x: expect is an object. Give a function",
  ],
  [
    "rules to come",
    () => table({ query: stream, expect: async () => ({}) }),
    "silver.x: expect gives a promise. Give a function",
  ],
  [
    "a rule that is a condition",
    () => table({ query: stream, expect: ({ partition }: typeof stream.columns) => ({ a: partition.isNotNull() }) }),
    'silver.x: The expectation "a" is an object. Give warn, drop or fail',
  ],
  [
    "a rule of nothing",
    () => table({ query: stream, expect: () => ({ a: drop(true as never) }) }),
    'silver.x: The expectation "a" is an object.',
  ],
  [
    "a start of a hub",
    () => hub({ startingPosition: "newest" }),
    'The hub "events": startingPosition is "newest". Give "earliest" or "latest".',
  ],
  [
    "a flag as text",
    () => hub({ failOnDataLoss: "false" }),
    'The hub "events": failOnDataLoss is "false". Give true or false.',
  ],
  ["partitions as text", () => hub({ partitions: "4" }), 'The hub "events": partitions is "4". Give a number.'],
  ["a hub without a name", () => eventHub(5 as never), "The name of a hub is 5. Give a text."],
  ["files without a schema", () => landed({ format: "csv" }), '"landing/a/**.csv": It has no schema.'],
  [
    "files with another schema",
    () => landed({ format: "csv", schema: { a: "string" } }),
    '"landing/a/**.csv": schema is an object. Give a schema',
  ],
  [
    "an age in days",
    () => landed({ format: "csv", schema: text, maxFileAge: 90 }),
    '"landing/a/**.csv": maxFileAge is 90.',
  ],
  ["a table without a list", () => definePipeline("x", bronze as never), "x does not list tables."],
  ["nothing in a list", () => definePipeline("x", [undefined] as never), "x does not list tables."],
];

describe("what is declared is refused with the option's name and what to give", () => {
  it.each(refused)("%s", (_, work, says) => {
    expect(work).toThrow(expect.objectContaining({ name: "DyneError", message: expect.stringContaining(says) }));
  });

  it("and is taken where an option is undefined", () => {
    const none = { refresh: undefined, dutyCycle: undefined, owner: undefined, other: undefined };
    expect(view({ query: rows, ...none })).toMatchObject({ refresh: "auto", dutyCycle: 0.2 });
  });
});
