/** Queries that TypeScript refuses, as JavaScript builds them: refused where they are built, with a code and a remedy. */
import { describe, expect, it } from "vitest";
import {
  array,
  coalesce,
  definePipeline,
  eventHub,
  files,
  fromJson,
  lit,
  long,
  map,
  materializedView,
  read,
  readStream,
  rowNumber,
  streamingTable,
  string,
  struct,
  transform,
  upper,
  when,
  window,
} from "../../../shared/pipeline/index.ts";
import { isDyneError } from "../../../shared/core/index.ts";

const schema = struct({
  id: string(),
  at: string(),
  amount: long(),
  list: array(long()),
  nested: struct({ a: long() }),
});
const orders = streamingTable("bronze.orders", { from: files("landing/orders/**.json", { format: "json", schema }) });
const hub = streamingTable("bronze.events", { from: eventHub("events") });
/** What JavaScript knows of types: nothing. */
interface Loose {
  (...args: readonly unknown[]): Loose;
  readonly [name: string]: Loose;
}
const loose = (value: unknown): Loose => value as Loose;
const t = loose(read(orders).select("id", "at", "amount", "list", "nested"));
const s = loose(readStream(hub).withWatermark("enqueued_time", "1 day"));
const other = loose(read({ name: "bronze.other", schema: struct({ id: string(), city: string() }) }));
const call =
  (name: string, ...args: readonly unknown[]) =>
  () =>
    t[name]!(...args);
const over = (spec: unknown) => () => loose(rowNumber())["over"]!(spec);
const columns = loose(read(orders).columns) as unknown as Record<string, never>;
const { id, list, nested } = columns as {
  id: never;
  list: never;
  nested: { fields: Record<string, { plus: never }> };
} & Record<string, never>;

const cases: readonly (readonly [string, () => unknown, string, string])[] = [
  [
    "a select that gives nothing",
    call("select", () => undefined),
    "INVALID_ARGUMENT",
    "select gives undefined, not columns by name. Return an object",
  ],
  [
    "a select that gives a promise",
    call("select", async () => Promise.resolve({})),
    "INVALID_ARGUMENT",
    "select gives a promise",
  ],
  ["a select that gives a list", call("select", () => [id]), "INVALID_ARGUMENT", "select gives a list"],
  ["a select of a list", call("select", ["id"]), "INVALID_ARGUMENT", "Give each name as a text"],
  [
    "a select of nothing",
    () => materializedView("gold.x", { query: t["select"]!() as never }),
    "INVALID_PIPELINE",
    "gold.x: Its query gives no columns",
  ],
  [
    "a column that is not there",
    call("select", ({ idd }: Record<string, { isNull: () => unknown }>) => ({ x: idd?.isNull() })),
    "UNKNOWN_COLUMN",
    'no column "idd" in the query. Did you mean "id"?',
  ],
  [
    "a field that is not there",
    () => nested.fields["b"]?.plus,
    "UNKNOWN_COLUMN",
    'no column "b" in a struct<a:bigint>. The columns are a.',
  ],
  [
    "new columns that are none",
    call("withColumns", () => undefined),
    "INVALID_ARGUMENT",
    "withColumns gives undefined",
  ],
  [
    "new columns that are a promise",
    call("withColumns", async () => Promise.resolve({})),
    "INVALID_ARGUMENT",
    "withColumns gives a promise",
  ],
  [
    "new columns without a function",
    call("withColumns", "day"),
    "INVALID_ARGUMENT",
    'withColumns is given "day", not a function. Give one, such as',
  ],
  ["a filter in SQL", call("filter", "id = 1"), "INVALID_ARGUMENT", "filter is given"],
  [
    "a filter by JavaScript's comparison",
    call("filter", () => false),
    "TYPE_MISMATCH",
    "filter is given false, not a column. Compare and compute with methods, such as id.eq(1)",
  ],
  [
    "a filter that gives nothing",
    call("filter", () => undefined),
    "TYPE_MISMATCH",
    "filter is given undefined, not a column",
  ],
  [
    "aggregates that are none",
    () => t["groupBy"]!("id")["agg"]!(() => undefined),
    "INVALID_ARGUMENT",
    "agg gives undefined",
  ],
  [
    "an aggregate that is none",
    () => t["groupBy"]!("id")["agg"]!(() => ({ n: 1 })),
    "TYPE_MISMATCH",
    'agg, column "n", is given 1, not a column',
  ],
  [
    "a join of no kind",
    call("join", other, "id", "outer"),
    "INVALID_ARGUMENT",
    'The kind of a join is "outer". Give one of inner, left, right, full, semi, anti.',
  ],
  [
    "a join with a table",
    call("join", orders, "id"),
    "INVALID_ARGUMENT",
    "join is given an object, not a query. Begin one with read(…)",
  ],
  ["a join without columns", call("join", other), "INVALID_ARGUMENT", "join is given undefined as what to join by"],
  [
    "a join by a condition",
    call("join", other, () => id),
    "INVALID_ARGUMENT",
    "join is given a function as what to join by",
  ],
  ["a union with a table", call("union", orders), "INVALID_ARGUMENT", "union is given an object, not a query"],
  [
    "first rows by a name",
    call("topK", { by: ["id"], orderBy: "at", count: 1 }),
    "INVALID_ARGUMENT",
    'orderBy of topK is given "at", not a function',
  ],
  ["first rows of no options", call("topK", "id", 3), "INVALID_ARGUMENT", 'The options of topK are "id"'],
  ["a drop of a list", call("drop", ["id"]), "INVALID_ARGUMENT", "Give each name as a text"],
  ["a new name that is none", call("withColumnRenamed", "id"), "INVALID_ARGUMENT", "Give each name as a text"],
  [
    "values for NULL that are one",
    call("fillNull", 0),
    "INVALID_ARGUMENT",
    "fillNull is given 0. Give values by column, such as { amount: 0 }.",
  ],
  [
    "a value for a column that is not there",
    call("fillNull", { amuont: 0 }),
    "UNKNOWN_COLUMN",
    'Did you mean "amount"?',
  ],
  [
    "different rows by one name",
    call("dropDuplicates", "id"),
    "INVALID_ARGUMENT",
    'dropDuplicates is given "id". Give a list of names',
  ],
  [
    "duplicates by one name",
    () => s["dropDuplicatesWithinWatermark"]!("id"),
    "INVALID_ARGUMENT",
    'dropDuplicatesWithinWatermark is given "id". Give a list',
  ],
  [
    "an option of a watermark that is not there",
    () => s["withWatermark"]!("enqueued_time", "1 day", { maxahead: "1 hour" }),
    "INVALID_ARGUMENT",
    'There is no option "maxahead" of withWatermark. Did you mean maxAhead?',
  ],
  [
    "a fate of late rows that is none",
    () => s["withWatermark"]!("enqueued_time", "1 day", { late: "drop" }),
    "INVALID_ARGUMENT",
    'late of withWatermark is "drop". Give one of quarantine, count.',
  ],
  [
    "an explode without a function",
    call("explode", "list"),
    "INVALID_ARGUMENT",
    "explode is given undefined, not a function",
  ],
  ["a window without a window", over(undefined), "INVALID_ARGUMENT", "The options of over are undefined"],
  [
    "a window by names",
    over({ partitionBy: "id", orderBy: [id] }),
    "INVALID_ARGUMENT",
    'partitionBy of over is given "id". Give a list of columns',
  ],
  [
    "a window in the order of names",
    over({ orderBy: ["id"] }),
    "TYPE_MISMATCH",
    'orderBy of over is given "id", not a column',
  ],
  [
    "a window with a partition misspelt",
    over({ partitionby: [id], orderBy: [id] }),
    "INVALID_ARGUMENT",
    'There is no option "partitionby" of over. Did you mean partitionBy?',
  ],
  ["a window of seconds without a unit", () => loose(window)(id, 300), "INVALID_ARGUMENT", "Write a number and a unit"],
  ["a constant without a type", () => loose(lit)("a"), "INVALID_ARGUMENT", 'The type of "a" is undefined, not a type'],
  [
    "a cast to a name",
    () => (id as { cast: (to: unknown) => unknown }).cast("bigint"),
    "INVALID_ARGUMENT",
    'What to cast to is "bigint", not a type',
  ],
  ["a function without its argument", () => loose(upper)(), "TYPE_MISMATCH", "upper is given undefined, not a column"],
  [
    "a function of a constant",
    () => loose(coalesce)("a", id),
    "TYPE_MISMATCH",
    'coalesce is given "a", not a column. Give a column, or a constant with lit().',
  ],
  ["a choice of a constant", () => loose(when)(id, "a"), "TYPE_MISMATCH", 'when is given "a", not a column'],
  [
    "a function of elements that is none",
    () => loose(transform)(list),
    "INVALID_ARGUMENT",
    "transform is given undefined, not a function",
  ],
  [
    "JSON without a schema",
    () => loose(fromJson)(id),
    "INVALID_ARGUMENT",
    "The schema of fromJson is undefined, not a type",
  ],
  [
    "JSON with an option that is not there",
    () => loose(fromJson)(id, schema, { nullinput: "reject" }),
    "INVALID_ARGUMENT",
    "Did you mean nullInput?",
  ],
  [
    "a struct of functions",
    () => loose(struct)({ id: string }),
    "INVALID_ARGUMENT",
    '"id" of a struct is a function, not a type. Give one, such as long()',
  ],
  ["an array of nothing", () => loose(array)(), "INVALID_ARGUMENT", "The element of an array is undefined"],
  ["a map without values", () => loose(map)(string()), "INVALID_ARGUMENT", "The value of a map is undefined"],
  [
    "a read of a name",
    () => loose(read)("bronze.orders"),
    "INVALID_ARGUMENT",
    'read is given "bronze.orders", not a table',
  ],
  ["a read of a query", () => loose(read)(t), "INVALID_ARGUMENT", "read is given an object, not a table"],
  ["a stream of nothing", () => loose(readStream)(), "INVALID_ARGUMENT", "readStream is given undefined, not a table"],
  [
    "rules that are none",
    () => streamingTable("silver.x", { query: readStream(hub).select("offset"), expect: (() => undefined) as never }),
    "INVALID_ARGUMENT",
    "silver.x: expect gives undefined",
  ],
  [
    "a query in the list of tables",
    () => definePipeline("p", [t as never]),
    "INVALID_PIPELINE",
    "p does not list tables",
  ],
];

describe("a query is refused where it is built, for", () => {
  it.each(cases)("%s", (_what, work, code, says) => {
    let error: unknown;
    try {
      work();
    } catch (thrown) {
      error = thrown;
    }
    if (!isDyneError(error)) throw new Error("nothing was refused by dyne", { cause: error });
    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
  });

  it("nothing that columns are asked for by JavaScript itself", async () => {
    const { columns: all } = read(orders);
    expect(Object.keys({ ...all })).toContain("id");
    expect(await Promise.resolve(all)).toBe(all);
    expect(JSON.stringify(all)).toContain("nested");
    expect(read(orders).select((given) => given).schema).toEqual(read(orders).schema);
  });
});
