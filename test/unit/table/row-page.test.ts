/** Laws of pages: each row of a version comes once and in order, and what is skipped had nothing that was asked for. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { literalOfText, type LogicalPlan } from "../../../shared/plan/index.ts";
import type { Snapshot } from "../../../shared/delta/index.ts";
import {
  conditionExpression,
  readRowPage,
  visibleColumns,
  type DeltaTable,
  type PageRequest,
  type RowCondition,
  type RowOrder,
  type RowPosition,
  type RowQuery,
} from "../../../shared/table/index.ts";
import { openCompute, rowsOf, scan, type ComputeUnderTest } from "../../support/compute-under-test.ts";
import { Meter } from "../../support/metered-store.ts";
import {
  append,
  filesArbitrary,
  sampleColumns,
  samples,
  sampleTable,
  textAt,
  type SampleColumn,
  type SampleRow,
} from "../../support/sample-table.ts";

const seed = Number(process.env["SEED"] ?? 71);
const numRuns = Number(process.env["RUNS"] ?? 10);
const settings = { seed, numRuns, endOnFailure: process.env["SHRINK"] === undefined };
const replay = `again with: SEED=${seed} RUNS=${numRuns} [SHRINK=1] npx vitest run --project unit test/unit/table/row-page.test.ts`;

let under: ComputeUnderTest;
const meter = new Meter();
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

async function tableOf(files: readonly (readonly SampleRow[])[], partitionBy: readonly string[] = []) {
  const table = await sampleTable(meter.of(under.store), partitionBy);
  let id = 0;
  for (const rows of files) {
    await append(under.compute, table, rows, id);
    id += rows.length;
  }
  return table;
}

/** All pages one after another, in which the table goes on between them. */
async function pages(
  table: DeltaTable,
  snapshot: Snapshot,
  query: RowQuery,
  rowsMax: number,
  between: () => Promise<void> = async () => undefined,
): Promise<{ readonly rows: readonly string[]; readonly pages: number }> {
  const rows: string[] = [];
  let after: RowPosition | undefined;
  for (let count = 1; count < 200; count++) {
    const page = await readRowPage(under.compute, table, snapshot, query, { rowsMax, after, isLate: () => false });
    expect(page.rows.length).toBeLessThanOrEqual(rowsMax);
    rows.push(...page.rows);
    if (page.next === undefined) return { rows, pages: count };
    // A cursor travels as JSON.
    after = JSON.parse(JSON.stringify(page.next)) as RowPosition;
    await between();
  }
  throw new Error("the pages do not end");
}

/** The same, by one batch query over all files of the version. */
async function idsOf(table: DeltaTable, snapshot: Snapshot, { conditions, orders }: RowQuery): Promise<string[]> {
  const all: LogicalPlan = scan("t", snapshot.schema);
  const condition = conditionExpression(snapshot.schema, conditions);
  const filtered: LogicalPlan = condition === undefined ? all : { kind: "filter", input: all, condition };
  const sorted: LogicalPlan =
    orders.length === 0
      ? filtered
      : {
          kind: "sort",
          input: filtered,
          orders: orders.map(({ column, direction, nulls }) => ({
            by: { kind: "column", name: column },
            direction,
            nulls,
          })),
        };
  const rows = await rowsOf(under.compute, { t: table.fileSet(snapshot) }, sorted);
  return rows.map(({ id }) => String(id));
}

const idOf = (text: string): string => /"id":(\d+)/.exec(text)![1]!;

const columnArbitrary = fc.constantFrom(...sampleColumns);
const orderArbitrary: fc.Arbitrary<RowOrder> = fc.record({
  column: columnArbitrary,
  direction: fc.constantFrom("ascending", "descending"),
  nulls: fc.constantFrom("first", "last"),
});
const conditionArbitrary: fc.Arbitrary<RowCondition> = columnArbitrary.chain((column): fc.Arbitrary<RowCondition> => {
  const { type, values } = samples[column];
  const value = fc.nat(values.length - 1).map((index) => literalOfText(textAt(column, index), type)!);
  return fc.oneof(
    fc.record({
      kind: fc.constantFrom("eq", "ne", "lt", "le", "gt", "ge"),
      column: fc.constant(column),
      value,
    }),
    fc.record({
      kind: fc.constant("in"),
      column: fc.constant(column),
      values: fc.array(value, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constantFrom("isnull", "notnull"), column: fc.constant(column) }),
    fc.record({
      kind: fc.constant("startswith"),
      column: fc.constant("name"),
      text: fc.constantFrom("", "a", "x", "x".repeat(33), "é", "\u{10FFFF}", `${"x".repeat(31)}\u{10FFFF}`),
    }),
  ) as fc.Arbitrary<RowCondition>;
});
const queryArbitrary = fc.record({
  conditions: fc.array(conditionArbitrary, { maxLength: 2 }),
  orders: fc.uniqueArray(orderArbitrary, { maxLength: 3, selector: ({ column }) => column }),
});
/** What a table may be partitioned by. */
const partitionArbitrary = fc.constantFrom<readonly SampleColumn[]>([], [], ["day"], ["name"], ["truth"]);

test("pages of a growing table have each row of their version once, in order, and only what was asked for", async () => {
  const scenario = fc.record({
    files: filesArbitrary,
    partitionBy: partitionArbitrary,
    query: queryArbitrary,
    rowsMax: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ files, partitionBy, query, rowsMax }) => {
      const table = await tableOf(files, partitionBy);
      const snapshot = await table.latest();
      const asked: RowQuery = { columns: visibleColumns(snapshot.schema), ...query };
      const expected = await idsOf(table, snapshot, asked);
      let grown = 1_000;
      const found = await pages(table, snapshot, asked, rowsMax, async () => {
        if (files[0] !== undefined && grown < 1_010) await append(under.compute, table, files[0], (grown += 5));
      });
      const ids = found.rows.map(idOf);
      expect(ids.toSorted(), replay).toEqual(expected.toSorted());
      // Ties may come in any order, so that the rows are compared by what they are ordered by.
      const texts = new Map(found.rows.map((text) => [idOf(text), JSON.parse(text) as Record<string, unknown>]));
      const keys = (all: readonly string[]) =>
        all.map((id) => query.orders.map(({ column }) => texts.get(id)![column]));
      expect(keys(ids).map(zeroes), replay).toEqual(keys(expected).map(zeroes));
    }),
    settings,
  );
}, 60_000);

/** −0.0 and 0.0 are equal. */
const zeroes = (keys: readonly unknown[]): readonly unknown[] => keys.map((key) => (key === 0 ? 0 : key));

/** A row that is NULL but for what is named. */
const at = (part: Partial<Record<SampleColumn, number>>): SampleRow => ({
  ...(Object.fromEntries(sampleColumns.map((name) => [name, null])) as unknown as SampleRow),
  ...part,
});

describe("pages of rows", () => {
  /** Each file with values of one kind: NULLs, numbers, NaN and infinities, and ties across files. */
  const values = [[null, null], [0, 1], [3], [null, 0], [4, 5], [2, 2]];
  let mixed: DeltaTable;
  beforeAll(async () => {
    mixed = await tableOf(values.map((file) => file.map((real) => at(real === null ? {} : { real, small: real % 3 }))));
  });

  const orders = (["real", "small"] as const).flatMap((column) =>
    (["ascending", "descending"] as const).flatMap((direction) =>
      (["first", "last"] as const).map((nulls): RowOrder => ({ column, direction, nulls })),
    ),
  );
  test.each(orders)(
    "come once and in order, NULLs, NaN and ties among them: $column $direction, NULLs $nulls",
    async (order) => {
      const snapshot = await mixed.latest();
      const query: RowQuery = { columns: ["id", order.column], conditions: [], orders: [order] };
      const whole = await pages(mixed, snapshot, query, 50);
      const { rows } = await pages(mixed, snapshot, query, 3);
      expect(rows).toEqual(whole.rows);
      expect(rows.map(idOf).toSorted()).toEqual((await idsOf(mixed, snapshot, query)).toSorted());
    },
  );

  test("without an order come by the paths of their files, however the version was opened", async () => {
    const snapshot = await mixed.latest();
    const byPath = [...snapshot.files].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const first = byPath.map(({ stats }) => (JSON.parse(stats ?? "") as { minValues: { id: number } }).minValues.id);
    const query: RowQuery = { columns: ["id"], conditions: [], orders: [] };
    const ids = (await pages(mixed, snapshot, query, 4)).rows.map((text) => Number(idOf(text)));
    expect(ids.filter((id) => first.includes(id))).toEqual(first);
    expect(first).not.toEqual(first.toSorted((a, b) => a - b));
  });
});

describe("files that cannot have what is asked for are not fetched", () => {
  const condition = (text: string): RowCondition => {
    const [column, kind, value] = text.split(":") as [SampleColumn, string, string?];
    const literal = value === undefined ? undefined : literalOfText(value, samples[column].type);
    return { kind, column, value: literal, text: value, values: [literal] } as unknown as RowCondition;
  };
  /** Keeps no file, so that each one that is read is fetched. */
  let forgetful: ComputeUnderTest;
  /** The days 2026-01-02, 0001-01-01 and none; the texts "a", forty x, and none; with and without partitions. */
  let threeFiles: readonly DeltaTable[];
  let twelveFiles: DeltaTable;
  beforeAll(async () => {
    forgetful = await openCompute({ cacheBytes: 0 });
    const rows = [
      [at({ day: 0, name: 1, whole: 3, single: 1 })],
      [at({ day: 1, name: 4, whole: 0 })],
      [at({ whole: 1 })],
    ];
    threeFiles = [await tableOf(rows), await tableOf(rows, ["day"])];
    twelveFiles = await tableOf(Array.from({ length: 12 }, (_, index) => [at({ whole: 3, small: index % 3 })]));
  });
  afterAll(() => forgetful[Symbol.asyncDispose]());

  async function fetching(table: DeltaTable, query: Partial<RowQuery>, request: Partial<PageRequest> = {}) {
    const asked: RowQuery = { columns: ["id"], conditions: [], orders: [], ...query };
    const all: PageRequest = { rowsMax: 50, after: undefined, isLate: () => false, ...request };
    const snapshot = await table.latest();
    meter.reset();
    const { rows, next } = await readRowPage(forgetful.compute, table, snapshot, asked, all);
    return { fetched: meter.calls["downloadFile"] ?? 0, rows: rows.length, next };
  }

  test.each<[string, number, number]>([
    ["day:eq:2026-01-02", 1, 1],
    ["day:lt:2026-01-02", 1, 1],
    ["day:ge:0001-01-01", 2, 2],
    ["day:in:2026-01-03", 0, 0],
    ["day:ne:2026-01-02", 1, 1],
    ["day:isnull", 1, 1],
    ["day:notnull", 2, 2],
    ["name:startswith:xxx", 1, 1],
    ["name:startswith:b", 0, 0],
    ["name:gt:b", 1, 1],
    ["whole:gt:9007199254740992", 1, 1],
    ["whole:le:9007199254740992", 2, 2],
    ["single:eq:0.1", 1, 1],
    ["single:gt:0.1", 1, 0],
    ["price:isnull", 3, 3],
  ])("%s: %i of three", async (text, fetched, rows) => {
    for (const table of threeFiles)
      expect(await fetching(table, { conditions: [condition(text)] })).toMatchObject({ fetched, rows });
  });

  test("nor files behind a page that is full", async () => {
    const first = await fetching(twelveFiles, {}, { rowsMax: 2 });
    expect(first).toMatchObject({ fetched: 3, rows: 2 });
    expect(await fetching(twelveFiles, {}, { rowsMax: 2, after: first.next })).toMatchObject({ fetched: 3, rows: 2 });
  });

  test("nor those that an ordered page has left behind", async () => {
    const orders: readonly RowOrder[] = [{ column: "small", direction: "ascending", nulls: "first" }];
    const after = { file: 11, row: 0, keys: ["0"] };
    expect(await fetching(twelveFiles, { orders }, { after })).toMatchObject({ fetched: 8, rows: 4 });
  });

  test("and a page that takes long ends where it is, and the next one goes on there", async () => {
    const conditions = [condition("whole:eq:5")];
    const first = await fetching(twelveFiles, { conditions }, { isLate: () => true });
    expect(first).toMatchObject({ fetched: 4, rows: 4, next: { file: 4, row: -1 } });
    const second = await fetching(twelveFiles, { conditions }, { isLate: () => true, after: first.next });
    expect(second).toMatchObject({ fetched: 4, rows: 4, next: { file: 8, row: -1 } });
  });
});

test("a place that the version does not have, or a value that the column cannot have, is a wrong cursor", async () => {
  const table = await tableOf([]);
  const snapshot = await table.latest();
  const query: RowQuery = { columns: ["id"], conditions: [], orders: [] };
  const request = { rowsMax: 1, isLate: () => false };
  const read = (asked: RowQuery, after: RowPosition) =>
    readRowPage(under.compute, table, snapshot, asked, { ...request, after });
  await expect(read(query, { file: 0, row: 0, keys: [] })).rejects.toMatchObject({ code: "INVALID_CURSOR" });
  await append(under.compute, table, [Object.fromEntries(sampleColumns.map((name) => [name, 0])) as SampleRow], 0);
  const one = await table.latest();
  const ordered = (column: SampleColumn): RowQuery => ({
    ...query,
    orders: [{ column, direction: "ascending", nulls: "last" }],
  });
  for (const [column, key] of [
    ["whole", "1.5"],
    ["moment", "x"],
    ["truth", "1"],
    ["price", "NaN"],
    ["bytes", "?"],
    ["real", "1e999"],
  ] as const)
    await expect(
      readRowPage(under.compute, table, one, ordered(column), { ...request, after: { file: 0, row: 0, keys: [key] } }),
    ).rejects.toMatchObject({ code: "INVALID_CURSOR" });
});
