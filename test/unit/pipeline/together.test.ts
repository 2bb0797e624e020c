import { expect, it } from "vitest";
import { checkTogether, definePipeline, eventHub, streamingTable } from "../../../shared/pipeline/index.ts";

const pipeline = (name: string, table: string) =>
  definePipeline(name, [streamingTable(table, { from: eventHub("events") })]);

it("pipelines with tables of their own go together", () => {
  expect(() => checkTogether([pipeline("a", "bronze.a"), pipeline("b", "bronze.b")])).not.toThrow();
});

it("a table that two pipelines declare is refused, naming both", () => {
  expect(() => checkTogether([pipeline("a", "bronze.a"), pipeline("b", "bronze.a")])).toThrow(
    /a and b both declare bronze\.a/,
  );
});

it("two pipelines of one name are refused", () => {
  expect(() => checkTogether([pipeline("a", "bronze.a"), pipeline("a", "bronze.b")])).toThrow(/called a/);
});
