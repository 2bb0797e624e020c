/** Names of columns that would be met by a table or a flow only when data come are refused when the table is declared. */
import { describe, expect, it } from "vitest";
import {
  array,
  eventHub,
  files,
  fromJson,
  long,
  map,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
} from "../../../shared/pipeline/index.ts";
import { check, place } from "../../../shared/engine/incremental/judged-rows.ts";

const hub = streamingTable("bronze.events", { from: eventHub("events") });
const landed = (name: string) =>
  streamingTable("bronze.orders", {
    from: files("landing/orders/**.csv", { format: "csv", schema: struct({ [name]: string(), n: long() }) }),
  });
const named = (name: string) =>
  streamingTable("silver.x", { query: readStream(hub).select(({ event_data: body }) => ({ [name]: body })) });
const refusal = (column: string): unknown =>
  expect.objectContaining({ code: "INVALID_PIPELINE", details: expect.objectContaining({ column }) });

describe("a column cannot have a name", () => {
  it.each([" ", ",", ";", "{", "}", "(", ")", "\n", "\t", "="])("with %j, which no Delta table has", (character) => {
    const name = `a${character}b`;
    expect(() => landed(name)).toThrow(refusal(name));
    expect(() => named(name)).toThrow(refusal(name));
    expect(() =>
      materializedView("gold.x", {
        query: read(hub)
          .groupBy(({ offset }) => ({ [name]: offset }))
          .agg(() => ({})),
      }),
    ).toThrow(refusal(name));
  });

  it.each([
    ["a struct", "a.b c", struct({ "b c": long() })],
    ["an array of structs", "a.b c", array(struct({ "b c": long() }))],
    ["a struct of maps of structs", "a.m.b c", struct({ m: map(string(), struct({ "b c": long() })) })],
  ])("of a kind like that within %s", (_what, name, type) => {
    const schema = struct({ a: type });
    expect(() => streamingTable("bronze.x", { from: files("landing/x/**.json", { format: "json", schema }) })).toThrow(
      refusal(name),
    );
  });

  const own = [
    ...Object.values(place),
    check(0),
    "_row_error",
    "_ROW_ERROR",
    "__reason",
    "__rule",
    "__message",
    "__event_us",
    "__counting_us",
  ];
  it.each(own)("%s in a stream, which its flow gives itself", (name) => {
    expect(() => named(name)).toThrow(refusal(name));
    expect(() =>
      streamingTable("silver.x", {
        query: readStream(hub)
          .withColumns(({ event_data: body }) => ({ [name]: body }))
          .select("offset"),
      }),
    ).toThrow(refusal(name));
    materializedView("gold.x", { query: read(hub).select(({ event_data: body }) => ({ [name]: body })) });
  });

  it.each(["_file_error", "_file_row", "_file_modified", "_file_path", "_FILE_TEXT"])(
    "%s in files, whose flow gives it itself",
    (name) => {
      expect(() => landed(name)).toThrow(refusal(name));
      named(name);
    },
  );

  it("but any other", () => {
    for (const name of ["a.b", "é", "_id", "__typename", 'a"b`c', "select", "_file", "constructor"]) {
      landed(name);
      named(name);
    }
    const body = struct({ "order id": string() });
    streamingTable("silver.x", {
      query: readStream(hub).select(({ event_data: text }) => ({ id: fromJson(text, body).fields["order id"] })),
    });
  });
});
