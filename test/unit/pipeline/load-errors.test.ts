/** What is wrong with a pipeline is said when it is loaded: with a code, the table, the clause, the column, and what to do. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  count,
  currentTimestamp,
  definePipeline,
  double,
  files,
  long,
  map,
  materializedView,
  read,
  readStream,
  rowNumber,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
} from "../../../shared/pipeline/index.ts";
import { DataFrame } from "../../../shared/plan/index.ts";
import { isDyneError } from "../../../shared/core/index.ts";

const schema = struct({
  id: string(),
  at: timestamp(),
  amount: double(),
  pieces: long(),
  tags: map(string(), string()),
});
const orders = streamingTable("bronze.orders", { from: files("landing/orders/**.json", { format: "json", schema }) });
const plain = read(orders).select("id", "at", "amount", "pieces");
const other = read({ name: "bronze.customers", schema: struct({ customer: string(), amount: double() }) });
const totals = plain.groupBy("id").agg(({ amount }) => ({ total: sum(amount), rows: count() }));
const stream = readStream(orders).select("id", "at", "amount", "pieces");
const view = (query: () => DataFrame<never>): unknown => materializedView("gold.x", { query: query() });
const table = (query: () => DataFrame<never>): unknown => streamingTable("gold.x", { query: query() });
const incremental = (query: unknown): unknown =>
  materializedView("gold.x", { query: loose(query), refresh: "incremental" });
const loose = (frame: unknown): DataFrame<never> => frame as DataFrame<never>;

interface LoadError {
  /** As docs/writing-pipelines.md tells it. */
  readonly what: string;
  readonly code: string;
  readonly example: string;
  readonly remedy: string;
  readonly work: () => unknown;
  /** What the message says: clause, column, remedy, and the table where one is being declared. */
  readonly says: readonly string[];
}

const cases: readonly LoadError[] = [
  {
    what: "a column that is not there",
    code: "UNKNOWN_COLUMN",
    example: '`orders.select("amuont")`',
    remedy: "take the name that the message proposes",
    work: () => plain.select("amuont" as "amount"),
    says: ['"amuont"', 'select, column "amuont"', 'Did you mean "amount"?', "The columns are"],
  },
  {
    what: "values of types that do not go together",
    code: "TYPE_MISMATCH",
    example: "`amount.plus(id)`",
    remedy: "`cast` one of them",
    work: () => plain.select(({ amount, id }) => ({ x: amount.plus(id as never) })),
    says: ["plus", "string", "cast"],
  },
  {
    what: "a join by columns of other types",
    code: "TYPE_MISMATCH",
    example: '`orders.join(customers, { left: "pieces", right: "customer" })`',
    remedy: "`cast` one of them before",
    work: () => plain.join(other, { left: "pieces", right: "customer" }),
    says: ['join compares "pieces" (bigint) with "customer" (string)', "Cast one of them"],
  },
  {
    what: "a name on both sides of a join",
    code: "AMBIGUOUS_COLUMN",
    example: '`orders.join(customers, { left: "id", right: "customer" })`, both with `amount`',
    remedy: "rename or drop it on one side before",
    work: () => plain.join(other, { left: "id", right: "customer" }),
    says: ['"amount"', "join", "Rename or drop it"],
  },
  {
    what: "two columns of one name",
    code: "DUPLICATE_NAME",
    example: "`select(({ id, at }) => ({ id, ID: at }))`",
    remedy: "rename one of them; upper and lower case are not told apart",
    work: () => plain.select(({ id, at }) => ({ id, ID: at })),
    says: ['"id" and "ID"', "select", "Rename one"],
  },
  {
    what: "a name that its table cannot have",
    code: "INVALID_PIPELINE",
    example: '`select(({ id }) => ({ "order id": id }))`, also of a field within a struct',
    remedy: "give it another name: without ` ,;{}()=`, tabs and line breaks",
    work: () => view(() => loose(plain.select(({ id, at }) => ({ "order id": id, at })))),
    says: ["gold.x", 'The column "order id" cannot be called so', "Give it another name"],
  },
  {
    what: "a column that is neither grouped by nor aggregated",
    code: "INVALID_PIPELINE",
    example: '`groupBy("id").agg(({ at }) => ({ at }))`',
    remedy: "add it to `groupBy`, or take its `min` or `max`",
    work: () => plain.groupBy("id").agg(({ at }) => ({ at })),
    says: ['"at" in agg, column "at"', "Add it to groupBy"],
  },
  {
    what: "an aggregate or a window where there is none",
    code: "INVALID_PIPELINE",
    example: "`filter(({ at }) => rowNumber().over({ orderBy: [at] }).eq(1))`",
    remedy: "compute it before, with `agg` or `withColumns`",
    work: () =>
      plain.filter(({ at }) =>
        rowNumber()
          .over({ orderBy: [at] })
          .eq(1),
      ),
    says: ["filter", "withColumns() first"],
  },
  {
    what: "tables that read each other",
    code: "INVALID_PIPELINE",
    example: "`gold.a` reads `gold.b`, which reads `gold.a`",
    remedy: "break the circle at one of them",
    work: () => {
      const one = { name: "gold.a", schema: struct({ id: string() }) };
      const b = materializedView("gold.b", { query: read(one).distinct() });
      return definePipeline("circle", [materializedView("gold.a", { query: read(b).distinct() }), b]);
    },
    says: ["gold.a → gold.b → gold.a", "Break it"],
  },
  {
    what: "a view that depends on the clock",
    code: "INVALID_PIPELINE",
    example: "`filter(({ at }) => at.lt(currentTimestamp()))` in a view",
    remedy: "compute the time in a streaming table",
    work: () => view(() => loose(plain.filter(({ at }) => at.lt(currentTimestamp())))),
    says: ["gold.x", "currentTimestamp()", "Compute the time in a streaming table"],
  },
  {
    what: "a share of time that is none",
    code: "INVALID_ARGUMENT",
    example: "`dutyCycle: 20`",
    remedy: "give a share between 0.001 and 1, such as `0.2`",
    work: () => materializedView("gold.x", { query: plain, dutyCycle: 20 }),
    says: ["gold.x", "dutyCycle is 20", "from 0.001 to 1"],
  },
  {
    what: '`refresh: "incremental"` over what only all rows together answer',
    code: "INVALID_PIPELINE",
    example: "`limit(10)`, a window without `partitionBy`, an operator over a `sum` of doubles",
    remedy: 'what the message proposes, or `refresh: "auto"`',
    work: () => incremental(plain.limit(10)),
    says: ["gold.x", "because of limit", "looks at all rows", "number them in a window", 'refresh: "auto"'],
  },
  {
    what: "a key that adds up floating-point numbers",
    code: "INVALID_PIPELINE",
    example: '`groupBy("total")`, `join`, `distinct` or `partitionBy` where `total` is a `sum` of doubles below',
    remedy: "add up decimals or whole numbers, or take another key",
    work: () => view(() => loose(totals.groupBy("total").agg(() => ({ ids: count() })))),
    says: ["gold.x", "groupBy", '"total"', "inexact", "decimals or whole numbers"],
  },
  {
    what: "a choice among rows without a total order",
    code: "INVALID_PIPELINE",
    example: "`limit(10)` or `dropDuplicates` over rows with a map",
    remedy: "select the columns without the map before",
    work: () => view(() => loose(read(orders).dropDuplicates(["id"]))),
    says: ["gold.x", "row_number", '"tags"', "Maps have no order"],
  },
  {
    what: "a rank or a frame without an order",
    code: "INVALID_PIPELINE",
    example: "`sum(pieces).over({ rows: { from: -1, to: 0 } })`",
    remedy: "give the window an `orderBy`",
    work: () => plain.select(({ pieces }) => ({ x: sum(pieces).over({ rows: { from: -1, to: 0 } } as never) })),
    says: ["sum", 'select, column "x"', "orderBy"],
  },
  {
    what: "a stream that would be kept for ever",
    code: "UNBOUNDED_STATE",
    example: "`distinct`, `agg`, `orderBy`, a window, a right or full join on `readStream`",
    remedy: "`dropDuplicatesWithinWatermark`, or a materialized view",
    work: () => table(() => loose(stream.distinct())),
    says: ["gold.x", "distinct()", "dropDuplicatesWithinWatermark(keys)", "materialized view"],
  },
  {
    what: "de-duplication of a stream without event time",
    code: "UNBOUNDED_STATE",
    example: '`readStream(orders).dropDuplicatesWithinWatermark(["id"])`',
    remedy: "call `withWatermark` before, and keep its column",
    work: () => stream.dropDuplicatesWithinWatermark(["id"]),
    says: ["dropDuplicatesWithinWatermark", "withWatermark()"],
  },
  {
    what: "what there is no rule for on a stream",
    code: "UNSUPPORTED_FEATURE",
    example: "a stream on the right of a left join, a union of a stream and a table",
    remedy: "as the message says",
    work: () => table(() => loose(plain.select("id").join(stream.select("id"), "id", "left"))),
    says: ["gold.x", "left join", "Put it on the left"],
  },
];

const page = readFileSync(new URL("../../../docs/writing-pipelines.md", import.meta.url), "utf8");

describe("a pipeline is refused when it is loaded, for", () => {
  for (const { what, code, example, remedy, work, says } of cases) {
    it(`${what}, as the guide says`, () => {
      const error = thrownBy(work);
      expect(error.code).toBe(code);
      for (const part of says) expect(error.message).toContain(part);
      expect(page).toContain(`| ${what} | \`${code}\` | ${example} | ${remedy} |`);
    });
  }

  it("nothing that the guide tells beside these", () => {
    const section = page.split("## What is refused")[1]?.split("\n## ")[0] ?? "";
    const told = section.split("\n").filter((line) => /^\| .*`[A-Z_]+` \|/.test(line));
    expect(told).toHaveLength(cases.length);
  });
});

describe("a view", () => {
  const inexact: readonly (readonly [string, string, () => DataFrame<never>])[] = [
    [
      "join",
      "join",
      () =>
        loose(
          totals.join(
            totals.select(({ total, rows: n }) => ({ total, n })),
            "total",
          ),
        ),
    ],
    ["different rows", "distinct", () => loose(totals.distinct())],
    [
      "partitions",
      "partitionBy",
      () => loose(totals.select(({ id, total }) => ({ id, n: count().over({ partitionBy: [total] }) }))),
    ],
    [
      "rows in both",
      "distinct",
      () => loose(totals.select("total").intersect(plain.select(({ amount }) => ({ total: amount })))),
    ],
    [
      "groups of an expression",
      "groupBy",
      () => loose(totals.groupBy(({ total }) => ({ t: total.times(2) })).agg(() => ({ n: count() }))),
    ],
  ];
  for (const [name, clause, query] of inexact) {
    it(`cannot have ${name} by a sum of doubles`, () => {
      expect(thrownBy(() => view(query))).toMatchObject({
        code: "INVALID_PIPELINE",
        details: { table: "gold.x", clause, column: "total" },
      });
    });
  }

  it("may order, filter and aggregate sums of doubles, and have exact keys", () => {
    view(() =>
      loose(
        totals
          .filter(({ total }) => total.gt(1))
          .orderBy("total")
          .limit(3),
      ),
    );
    view(() => loose(totals.groupBy("rows").agg(({ total }) => ({ total: sum(total) }))));
    view(() => loose(totals.groupBy("id").agg(({ total }) => ({ total: sum(total) }))));
  });

  it("cannot limit rows in an order that leaves a choice, where its plan was made by hand", () => {
    const sort = { kind: "sort", input: plain.plan, orders: [plain.columns.at.asc().order] } as const;
    const error = thrownBy(() => view(() => loose(new DataFrame({ kind: "limit", input: sort, count: 3 }))));
    expect(error).toMatchObject({ code: "INVALID_PIPELINE", details: { clause: "limit", column: "id" } });
    expect(error.message).toContain("Add it to the order.");
  });
});

function thrownBy(work: () => unknown): { readonly code: string; readonly message: string } {
  try {
    work();
  } catch (error) {
    if (isDyneError(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
