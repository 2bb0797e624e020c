/** The oracle can fail: a table that is wrong by one row is found, whoever made it wrong, and a right one is not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  read,
  type DataFrame,
  type ColumnTypes,
  type Column,
  type DeclaredTable,
} from "../../shared/pipeline/index.ts";
import type { DoubleType, LogicalPlan, LongType } from "../../shared/plan/index.ts";
import { rewriteTable } from "../support/engine-foreign.ts";
import { EngineBench } from "../support/engine-harness.ts";
import { examine, type Case, type Tamper } from "./case.ts";
import { Coverage } from "./coverage.ts";
import { difference } from "./multiset.ts";
import { mixedZeros } from "./open-zeros.ts";
import { buildPipeline } from "./random-pipeline.ts";
import type { SourceRow } from "./source-table.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const row = (id: number, x: number | null): SourceRow => ({
  id,
  k: "a",
  g: 1,
  big: 0n,
  amount: "1.10",
  x,
  day: 20_513,
  at: id,
  flag: true,
  tags: '["p"]',
});

/** A streaming table, and a view with a row for each `id`: how many rows, and the sum of `x`. */
const right: Case = {
  small: "nothing",
  pipeline: {
    sources: [{ isPartitioned: false }],
    tables: [
      { kind: "stream", from: 0, steps: [], partitionBy: null, watermark: null, rules: [] },
      {
        kind: "view",
        from: 0,
        refresh: "auto",
        partitionBy: null,
        steps: [
          {
            op: "group",
            keys: [0],
            computed: null,
            window: null,
            aggregates: [
              { name: "count()", column: 0 },
              { name: "sum", column: 4 },
            ],
          },
        ],
      },
    ],
  },
  history: {
    settings: [],
    before: [[[row(1, 0.25)], [row(2, 1.5)], [row(3, null)]], []],
    then: [{ kind: "append", table: 0, rows: [row(1, Number.NaN), row(4, -0)] }, { kind: "run all" }],
  },
};

/** Rewrites a table's rows behind the engine's back, as if the engine had made them so. */
const rewriting =
  (table: string, change: (frame: DataFrame<ColumnTypes>) => LogicalPlan): Tamper =>
  async (world, built) => {
    const frame = read<ColumnTypes>(built.tables.find(({ name }) => name === table)?.declared as DeclaredTable);
    const plan = change(frame);
    await rewriteTable(world, table, { dataChange: true, keep: (rows) => withScan(plan, rows) });
  };

/** The same plan over other rows. */
function withScan(plan: LogicalPlan, rows: LogicalPlan): LogicalPlan {
  if (plan.kind === "scan") return rows;
  if (plan.kind === "union") return { ...plan, inputs: plan.inputs.map((input) => withScan(input, rows)) };
  return "input" in plan ? { ...plan, input: withScan(plan.input, rows) } : plan;
}

const idOf = (frame: DataFrame<ColumnTypes>): Column<LongType> => frame.columns["id"] as unknown as Column<LongType>;

describe("the oracle", () => {
  test("finds nothing where every table is right", async () => {
    expect(await examine(bench, right, new Coverage())).toEqual({ kind: "held" });
  });

  test.each<[string, (frame: DataFrame<ColumnTypes>) => LogicalPlan]>([
    ["is changed", (frame) => frame.withColumns(() => ({ a: (frame.columns["a"] as Column<LongType>).plus(1) })).plan],
    ["is there twice", (frame) => frame.union(frame.filter(() => idOf(frame).eq(4))).plan],
    ["is gone", (frame) => frame.filter(() => idOf(frame).ne(4)).plan],
  ])("finds a view of which a row %s", async (_, change) => {
    const verdict = await examine(bench, right, new Coverage(), rewriting("gold.t1", change));
    expect(verdict).toMatchObject({ kind: "broken", counterexample: expect.stringContaining("gold.t1") });
    const { counterexample } = verdict as { readonly counterexample: string };
    expect(counterexample).toMatch(/(is missing|is there and should not be): +\{ id: /);
    expect(counterexample).toContain("groupBy");
    expect(counterexample).toContain("INSERT INTO s0");
  });

  test("finds a view in which a zero lost its sign", async () => {
    const view = { kind: "view", from: 0, refresh: "auto", partitionBy: null, steps: [] } as const;
    const shown: Case = { ...right, pipeline: { ...right.pipeline, tables: [view] } };
    const unsigned = rewriting(
      "gold.t0",
      (frame) => frame.withColumns(({ x }) => ({ x: (x as unknown as Column<DoubleType>).plus(0) })).plan,
    );
    expect(await examine(bench, shown, new Coverage())).toEqual({ kind: "held" });
    expect(await examine(bench, shown, new Coverage(), unsigned)).toMatchObject({
      kind: "broken",
      counterexample: expect.stringMatching(/should not be: .* x: 0,[^]*missing: .* x: -0,/),
    });
  });

  test("finds a streaming table that read a row which others had not yet committed", async () => {
    const early: Tamper = async (world) => {
      const path = (await world.hostPaths()).findLast((each) => /^checkpoints\/silver\.t0\/.*\/offsets\//.test(each));
      const offsets = JSON.stringify(await world.record(path as string));
      const shorter = offsets.replace(/"toVersion":(\d+)/, (_, version) => `"toVersion":${Number(version) - 1}`);
      await world.estate.host.put(path as string, new TextEncoder().encode(`${shorter}\n`));
    };
    expect(await examine(bench, right, new Coverage(), early)).toMatchObject({
      kind: "broken",
      counterexample: expect.stringContaining("silver.t0"),
    });
  });

  test.each(["silver.t0", "gold.t1"])("finds that %s stopped without a reason in its rows", async (flow) => {
    const stopped: Tamper = async (world) => {
      const state = { format: 1, flow, state: "FAILED" };
      await world.estate.host.put(`checkpoints/${flow}/state.json`, new TextEncoder().encode(JSON.stringify(state)));
    };
    expect(await examine(bench, right, new Coverage(), stopped)).toMatchObject({
      kind: "broken",
      counterexample: expect.stringContaining(`${flow} is FAILED`),
    });
  });
});

test("a view may hold although its query fails on a row that no row of the result is made of", async () => {
  const overflow = { ...row(1, 0.25), id: null, g: 2_147_483_647 };
  const joined: Case = {
    ...right,
    pipeline: {
      ...right.pipeline,
      tables: [
        {
          kind: "view",
          from: 0,
          refresh: "auto",
          partitionBy: null,
          steps: [
            { op: "group", keys: [0, 11], computed: null, window: null, aggregates: [{ name: "count()", column: 0 }] },
            { op: "compute", column: 1, how: 6 },
            { op: "join", table: 0, type: "inner", on: 0, and: null, others: 0, right: "groups", byName: false },
          ],
        },
      ],
    },
    history: { settings: [], before: [[[row(7, 1)]], []], then: [{ kind: "append", table: 0, rows: [overflow] }] },
  };
  expect(buildPipeline(joined.pipeline).code).toContain(".withColumns(({ g }) => ({ c: g.plus(1) }))\n    .join(");
  expect(await examine(bench, joined, new Coverage())).toEqual({ kind: "held" });
});

test("zeros of both signs are found in a column, and within nested values", () => {
  const rows = [
    { a: 0, b: -0, c: -0, d: '{"x":[0.0,1.0]}', e: '{"x":-0.0}' },
    { a: 0, b: 0, c: null, d: '{"x":[-0.0]}', e: '{"x":-0.0}' },
  ];
  expect([...mixedZeros(rows)]).toEqual(["b", "d"]);
  expect(mixedZeros([])).toEqual(new Set());
});

describe("two tables", () => {
  const nan = { k: "a", x: Number.NaN };
  const leeway = { inexact: new Set(["x"]), openZeros: new Set(["z"]) };
  test.each([
    ["rows in another order", "equal", [{ k: 1n }, { k: 2n }], [{ k: 2n }, { k: 1n }]],
    ["zeros of both signs", "different", [{ k: 0 }], [{ k: -0 }]],
    ["zeros of both signs in nested values", "different", [{ k: '{"a":[0.0]}' }], [{ k: '{"a":[-0.0]}' }]],
    ["zeros of both signs whose sign is open", "equal", [{ z: 0 }], [{ z: -0 }]],
    ["nested zeros whose sign is open", "equal", [{ z: '{"a":[0.0]}' }], [{ z: '{"a":[-0.0]}' }]],
    ["inexact zeros of both signs", "equal", [{ x: 0 }], [{ x: -0 }]],
    ["NaN and NaN", "equal", [nan], [nan]],
    ["a row twice and once", "different", [{ k: 1n }, { k: 1n }], [{ k: 1n }]],
    ["NULL and zero", "different", [{ x: null }], [{ x: 0 }]],
    ["NaN and NULL", "different", [nan], [{ ...nan, x: null }]],
    ["longs that are one as doubles", "different", [{ k: 2n ** 60n }], [{ k: 2n ** 60n + 1n }]],
    ["exact numbers that are only near", "different", [{ k: 0.1 + 0.2 }], [{ k: 0.3 }]],
    ["inexact numbers within the tolerance", "equal", [{ x: 0.1 + 0.2 }], [{ x: 0.3 }]],
    ["inexact numbers beyond it", "different", [{ x: 1 }], [{ x: 1.00000001 }]],
    ["inexact infinity and a number", "different", [{ x: Infinity }], [{ x: 1 }]],
  ])("with %s are %s", (_, verdict, actual, lawful) => {
    expect(difference(actual, lawful, leeway) === undefined).toBe(verdict === "equal");
  });
});
