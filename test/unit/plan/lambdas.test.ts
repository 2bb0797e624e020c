/** Functions with lambdas: names, errors when a query is built, and what DuckDB makes of them. Their values against Spark: test/interop. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  aggregate,
  array,
  arrayRemove,
  canonicalJson,
  Column,
  columnsOf,
  count,
  DataFrame,
  double,
  exists,
  filter,
  integer,
  lit,
  long,
  map,
  mapZipWith,
  max,
  parseExpression,
  planFingerprint,
  read,
  renderPlan,
  rowNumber,
  schemaOf,
  size,
  string,
  struct,
  transform,
  transformKeys,
  typeName,
  zipWith,
} from "../../../shared/plan/index.ts";
import type {
  AnyColumn,
  ArrayType,
  DataType,
  Expression,
  IntegerType,
  LogicalPlan,
} from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const code = (expected: string, text = "") =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(text) as string });
const table = {
  name: "t",
  schema: struct({
    id: integer(),
    xs: array(integer()),
    names: array(string()),
    m: map(string(), integer()),
    other: string(),
  }),
};
const frame = read(table);
const { xs, id, names, m } = frame.columns;
const { byDouble } = read({ name: "d", schema: struct({ byDouble: map(double(), integer()) }) }).columns;

describe("a lambda", () => {
  it("has the same plan whatever its parameters are called and whenever it is built", () => {
    const one = frame.select(() => ({ a: transform(xs, (x) => x.plus(1)) }));
    const other = frame.select(() => ({ a: transform(xs, (value) => value.plus(1)) }));
    expect(planFingerprint(other.plan)).toBe(planFingerprint(one.plan));
    expect(canonicalJson(one.plan)).toContain('"v1_1"');
    const index = frame.select(() => ({ a: transform(xs, (_x, i) => i.plus(1)) }));
    expect(planFingerprint(index.plan)).not.toBe(planFingerprint(one.plan));
  });

  it("takes its element alone where it does not use the place", () => {
    const parameters = ({ expression }: AnyColumn): readonly string[] =>
      expression.kind === "higherOrder" ? expression.lambdas[0]!.parameters.map(({ name }) => name) : [];
    expect(parameters(transform(xs, (x) => x))).toEqual(["v1_1"]);
    expect(parameters(transform(xs, (_x, i) => i))).toEqual(["v1_1", "v1_2"]);
    expect(parameters(transform(xs, (x) => filter(xs, (y) => y.gt(x))))).toEqual(["v2_1"]);
  });

  it("reads the columns of its body too, and no variable is taken for a column", () => {
    const { expression } = transform(xs, (x) => x.plus(id));
    expect(columnsOf(expression)).toEqual(["xs", "id"]);
  });

  it("gives its type to the result", () => {
    const types = frame.select(() => ({
      halves: transform(xs, (x) => x.divide(2)),
      some: exists(names, (x) => x.eq("a")),
      keys: transformKeys(m, (_key, value) => value),
      sum: aggregate(
        xs,
        lit(0, long()),
        (sum, x) => sum.plus(x),
        (sum) => sum.cast(string()),
      ),
    }));
    expect(typeName(schemaOf(types.plan))).toBe(
      "struct<halves:array<double>,some:boolean,keys:map<int,int>,sum:string>",
    );
  });
});

describe("a lambda that cannot be is refused when the query is built", () => {
  it.each<readonly [string, () => unknown, unknown]>([
    [
      "a condition that is none",
      () => filter(xs, (x) => x as never),
      code("TYPE_MISMATCH", "gives a boolean, not int"),
    ],
    ["no array", () => transform(id as never, (x) => x), code("TYPE_MISMATCH", "transform needs an array")],
    ["no column", () => transform(xs, (() => 1) as never), code("TYPE_MISMATCH", "lit() makes one")],
    [
      "a sum of another type",
      () =>
        aggregate(xs, lit(0, integer()), ((sum: Column<IntegerType>, x: AnyColumn) =>
          sum.plus(x as never).cast(long())) as never),
      code("TYPE_MISMATCH", "begins with int and merges to bigint"),
    ],
    [
      "keys of doubles",
      () => transformKeys(m, (_key, value) => value.divide(2)),
      code("TYPE_MISMATCH", "keys of double"),
    ],
    [
      "maps zipped by keys of doubles, of which there are two zeros",
      () => mapZipWith(byDouble, byDouble, (_key, a) => a),
      code("TYPE_MISMATCH", "map_zip_with cannot compare keys of double"),
    ],
    [
      "an aggregate",
      () => frame.groupBy("id").agg(() => ({ a: max(id), b: transform(xs, (x) => max(x)) })).plan,
      code("INVALID_PIPELINE", 'The lambda of transform in agg, column "b" looks at other rows'),
    ],
    [
      "a window",
      () => frame.select(() => ({ a: transform(xs, () => rowNumber().over({ orderBy: [id] })) })).plan,
      code("INVALID_PIPELINE", "looks at other rows"),
    ],
    [
      "a column that is not grouped by",
      () => frame.groupBy("xs").agg((t) => ({ a: transform(t.xs, (x) => x.plus(t.id)), n: count() })).plan,
      code("INVALID_PIPELINE", '"id" in agg, column "a"'),
    ],
  ])("%s", (_what, build, error) => {
    expect(() => {
      const plan = build();
      if (plan !== undefined) schemaOf(plan as never);
    }).toThrow(error);
  });

  it("a variable that was carried out of its lambda, into another one too", () => {
    let escaped: Column<IntegerType> | undefined;
    const first = transform(xs, (x) => (escaped = x));
    const refused = code("INVALID_PIPELINE", "stands outside of it, in");
    expect(() => schemaOf(frame.select(() => ({ first, a: escaped! })).plan)).toThrow(refused);
    const second = transform(xs, (x) => x.plus(escaped!));
    expect(() => schemaOf(frame.select(() => ({ second })).plan)).toThrow(refused);
    expect(() => schemaOf(frame.filter(() => escaped!.gt(0)).plan)).toThrow(refused);
  });

  it("parameters of other types than the function gives", () => {
    const { expression } = transform(xs, (x) => x);
    const moved: Expression = { ...expression, args: [names.expression] } as Expression;
    const plan = { kind: "project", input: frame.plan, columns: [{ name: "a", expression: moved }] } as const;
    expect(() => schemaOf(plan)).toThrow(code("TYPE_MISMATCH", "has a lambda of int, and gives it string"));
  });
});

describe("lambdas in texts", () => {
  it.each<readonly [string, AnyColumn]>([
    ["transform(xs, x -> x + 1)", transform(xs, (x) => x.plus(1))],
    ["TRANSFORM(xs, (x, i) -> x + i * ID)", transform(xs, (x, i) => x.plus(i.times(id)))],
    // A variable hides a column of its name, in whatever case, and an outer variable.
    ["transform(xs, id -> Id + 1)", transform(xs, (x) => x.plus(1))],
    ["transform(xs, x -> size(filter(xs, x -> x > 1)))", transform(xs, () => size(filter(xs, (x) => x.gt(1))))],
    ["exists(names, n -> n = 'a' or n is null)", exists(names, (x) => x.eq("a").or(x.isNull()))],
    [
      "reduce(xs, 0L, (sum, x) -> sum + x, sum -> sum > 3L)",
      aggregate(
        xs,
        lit(0, long()),
        (sum, x) => sum.plus(x),
        (sum) => sum.gt(lit(3, long())),
      ),
    ],
  ])("%s", (text, { expression }) => {
    // Literals of texts are of the narrowest type, and bigints.
    const plain = (value: unknown): string => canonicalJson(value).replaceAll(/\{"\$bigint":"(\d+)"\}/g, "$1");
    expect(plain(parseExpression(text, table.schema))).toBe(plain(expression));
  });

  it.each([
    ["transform(xs)", "TYPE_MISMATCH", "has 0 lambdas"],
    ["transform(id, x -> x)", "TYPE_MISMATCH", "needs an array"],
    ["transform(xs, x -> y)", "UNKNOWN_COLUMN", '"y"'],
    ["transform(xs, (x, i, j) -> x)", "TYPE_MISMATCH", "no lambda of 3 parameters"],
    ["transform(xs, x -> x, x -> x)", "TYPE_MISMATCH", "no lambda"],
    ["transform(xs, (x, X) -> x + 1)", "TYPE_MISMATCH", "two parameters of one name"],
    ["aggregate(xs, (a, x) -> a, 0)", "TYPE_MISMATCH", "a value to begin with"],
    ["filter(xs, x -> x)", "TYPE_MISMATCH", "gives a boolean"],
    ["exists(select 1)", "UNSUPPORTED_FEATURE", "subqueries"],
    ["size(transform(xs, x -> x)) + x", "UNKNOWN_COLUMN", '"x"'],
    ["x -> x", "UNKNOWN_COLUMN", '"x"'],
    ["id -> 1", "INVALID_ARGUMENT", "->"],
  ])("%s is refused", (text, expected, message) => {
    expect(() => parseExpression(text, table.schema)).toThrow(code(expected, message));
  });
});

describe("lambdas in DuckDB", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  /** Names that a lambda could take for its own: of DuckDB's in the functions, of variables in plans, of people. */
  it.each(["e", "i", "k", "x", "v1_1", "v1_2", "E", "s", "r"])(
    "do not take the column %s for a variable",
    async (name) => {
      const { plan: input } = read({ name: "row", schema: struct({ [name]: integer(), list: array(integer()) }) });
      const { columns } = new DataFrame<Record<string, DataType>>(input);
      const column = columns[name] as unknown as Column<IntegerType>;
      const list = columns["list"] as unknown as Column<ArrayType<IntegerType>>;
      const of = async ({ expression }: AnyColumn): Promise<unknown> => {
        const plan: LogicalPlan = { kind: "project", input, columns: [{ name: "value", expression }] };
        return (
          await duckdb.query(plan, { row: `SELECT 2::INTEGER AS "${name}", [1, 2, 3] AS list FROM range(1)` })
        )[0]?.["value"];
      };
      expect(await of(transform(list, (x, i) => x.times(column).plus(i)))).toEqual([2, 5, 8]);
      expect(await of(filter(list, (x) => x.gt(column)))).toEqual([3]);
      expect(await of(aggregate(list, column, (sum, x) => sum.plus(x).minus(column)))).toBe(2);
      expect(await of(arrayRemove(list, column))).toEqual([1, 3]);
    },
  );

  it("give the inner element where lambdas stand in one another, and the outer one where it is meant", async () => {
    const input: LogicalPlan = { kind: "scan", source: "t", schema: struct({ a: array(integer()) }), streaming: false };
    const a = new Column<ArrayType<IntegerType>>({ kind: "column", name: "a" }, array(integer()));
    const { expression } = transform(a, (x) =>
      zipWith(
        a,
        transform(a, (y) => y.times(10)),
        (y, z) => x.times(100).plus(y).plus(z),
      ),
    );
    const plan: LogicalPlan = { kind: "project", input, columns: [{ name: "value", expression }] };
    const rows = await duckdb.query(plan, { t: "SELECT [1, 2] AS a FROM range(1)" });
    expect(rows).toEqual([
      {
        value: [
          [111, 122],
          [211, 222],
        ],
      },
    ]);
  });

  it("grow with what is in them, however deep they stand in one another", () => {
    const deep = (levels: number): string => {
      let build = (x: Column<IntegerType>): Column<DataType> => x.plus(x).times(x) as never;
      for (let level = 1; level < levels; level++) {
        const inner = build;
        build = (x) =>
          transform(
            transform(xs, (y) => y.plus(x).minus(y)),
            (y) => inner(y),
          ) as never;
      }
      const plan = frame.select(() => ({ a: transform(xs, build as never) })).plan;
      return renderPlan(plan, { dialect: "duckdb", relations: () => "t", rowErrors: "fail" });
    };
    expect(deep(8).length).toBeLessThan(3 * deep(4).length);
  });
});
