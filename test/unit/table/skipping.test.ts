/**
 * No file is skipped that has a row for which a condition is true, whatever the rows, the statistics and the condition; and files are skipped.
 * `SKIPPING=1000` draws more tables.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AddFile, Snapshot } from "../../../shared/delta/index.ts";
import {
  parsePredicate,
  type DataType,
  type Expression,
  type Literal,
  type Schema,
  type StructField,
} from "../../../shared/plan/index.ts";
import { appendRows, deleteRows, readRowTexts, sourceOfRows } from "../../../shared/table/index.ts";
import { filesMatching } from "../../../shared/table/file-condition.ts";
import { rowSetOf } from "../../../shared/table/lake/row-input.ts";
import { call, changingTable, column, text, type ChangingTable } from "../../support/changing-table.ts";
import { openCompute, type ComputeUnderTest } from "../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => under[Symbol.asyncDispose]());

type Value = Literal["value"];
interface Place {
  readonly path: readonly string[];
  readonly type: DataType;
  /** Values that are near to each other, or hard to tell apart. */
  readonly values: readonly NonNullable<Value>[];
}

const a32 = "a".repeat(32);
const last = "\u{10FFFF}";
const numbers = [NaN, 0, -0, Infinity, -Infinity, 1, -1.5, 0.1, 0.25, 16_777_216];
const texts = [
  "",
  "a",
  "b",
  a32,
  `${a32}a`,
  `${a32}b`,
  `${a32}${last}`,
  last.repeat(33),
  "\uFFFF",
  "\u{10000}",
  "é".repeat(33),
  "a%_\\",
];
const moments = [
  "1969-12-31T23:59:59.999999",
  "1970-01-01T00:00:00.000001",
  "2026-01-02T03:04:05.678",
  "2026-01-02T03:04:05.678001",
  "2026-01-02T03:04:05.678999",
  "9999-12-31T23:59:59.999999",
];
const kinds: Readonly<Record<string, readonly [DataType, readonly NonNullable<Value>[]]>> = {
  l: [{ kind: "long" }, [-(2n ** 63n), -1n, 0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]],
  i: [{ kind: "integer" }, [-2_147_483_648, -1, 0, 1, 2, 2_147_483_647]],
  f: [{ kind: "float" }, [...numbers, 3.402_823_466_385_288_6e38, 1.401_298_464_324_817e-45].map(Math.fround)],
  d: [{ kind: "double" }, [...numbers, Number.MAX_VALUE, Number.MIN_VALUE, 9_007_199_254_740_992]],
  t: [{ kind: "string" }, texts],
  b: [{ kind: "boolean" }, [false, true]],
  day: [{ kind: "date" }, ["0001-01-01", "1969-12-31", "1970-01-01", "2026-01-02", "9999-12-31"]],
  at: [{ kind: "timestamp" }, moments.map((each) => `${each}Z`)],
  local: [{ kind: "timestamp_ntz" }, moments],
  m: [
    { kind: "decimal", precision: 20, scale: 2 },
    ["-0.01", "0.00", "0.01", "1.50", "123456789012345678.90", "123456789012345678.91"],
  ],
};
const places: readonly Place[] = [
  ...Object.entries(kinds).map(([name, [type, values]]): Place => ({ path: [name], type, values })),
  { path: ["o", "i"], type: { kind: "integer" }, values: kinds["i"]![1] },
  { path: ["o", "t"], type: { kind: "string" }, values: texts },
  { path: ["o", "deep", "d"], type: { kind: "double" }, values: kinds["d"]![1] },
];
const nullable = (type: DataType): StructField => ({ type, nullable: true });
const schema: Schema = {
  kind: "struct",
  fields: {
    ...Object.fromEntries(Object.entries(kinds).map(([name, [type]]) => [name, nullable(type)])),
    o: nullable({
      kind: "struct",
      fields: {
        i: nullable({ kind: "integer" }),
        t: nullable({ kind: "string" }),
        deep: nullable({ kind: "struct", fields: { d: nullable({ kind: "double" }) } }),
      },
    }),
    p: nullable({ kind: "long" }),
  },
};

const valueOf = ({ values }: Place) => fc.option(fc.constantFrom(...values), { freq: 4 });
const place = (...path: readonly string[]): Place => places.find((each) => each.path.join(".") === path.join("."))!;
const rowArbitrary = fc.record({
  ...Object.fromEntries(Object.keys(kinds).map((name) => [name, valueOf(place(name))])),
  o: fc.option(
    fc.record({
      i: valueOf(place("o", "i")),
      t: valueOf(place("o", "t")),
      deep: fc.option(fc.record({ d: valueOf(place("o", "deep", "d")) }), { freq: 4 }),
    }),
    { freq: 4 },
  ),
});
type DrawnRow = Readonly<Record<string, unknown>>;

/** Most rows of a file are alike in most columns, or few files could be skipped. */
const fileArbitrary = fc
  .tuple(
    rowArbitrary,
    fc.array(fc.tuple(rowArbitrary, fc.subarray([...Object.keys(kinds), "o"], { maxLength: 3 })), { maxLength: 3 }),
  )
  .map(([first, others]): readonly DrawnRow[] => [
    first,
    ...others.map(([row, names]) => ({
      ...first,
      ...Object.fromEntries(names.map((name) => [name, (row as DrawnRow)[name]])),
    })),
  ]);

const literal = (type: DataType, value: Value): Expression => ({ kind: "literal", value, type });
const valueAt = (path: readonly string[]): Expression =>
  path.slice(1).reduce<Expression>((input, name) => ({ kind: "field", input, name }), column(path[0]!));
const comparisons = ["eq", "ne", "lt", "le", "gt", "ge", "eq_null_safe"] as const;
const swapped: Readonly<Record<string, string>> = { lt: "gt", le: "ge", gt: "lt", ge: "le" };

const leaf: fc.Arbitrary<Expression> = fc
  .constantFrom(...places)
  .chain(({ path, type, values }): fc.Arbitrary<Expression> => {
    const value = valueAt(path);
    const one = fc.constantFrom(...values).map((each) => literal(type, each));
    const compared = type.kind === "boolean" ? fc.constantFrom("eq", "ne") : fc.constantFrom(...comparisons);
    const general: fc.Arbitrary<Expression>[] = [
      fc
        .tuple(compared, one, fc.boolean())
        .map(([name, other, swap]) => (swap ? call(swapped[name] ?? name, other, value) : call(name, value, other))),
      fc.array(one, { minLength: 1, maxLength: 3 }).map((all) => call("isin", value, ...all)),
      fc.constantFrom(
        call("is_null", value),
        call("is_not_null", value),
        call("eq_null_safe", value, literal(type, null)),
        call("lt", value, literal(type, null)),
      ),
    ];
    if (type.kind === "string")
      general.push(
        fc.constantFrom("", "a", a32, `${a32}a`, last).map((prefix) => call("starts_with", value, text(prefix))),
        fc
          .constantFrom("a%", "%a", "a_%", "_%", `${a32}%`, "a\\%\\_%", "a\\%\\_\\\\", "b", "")
          .map((pattern) => call("like", value, text(pattern))),
      );
    if (["long", "integer", "float", "double", "decimal"].includes(type.kind))
      general.push(
        fc
          .tuple(
            fc.constantFrom(...comparisons),
            fc.constantFrom<[DataType, Value]>(
              [{ kind: "integer" }, 1],
              [{ kind: "long" }, 2n ** 53n + 1n],
              [{ kind: "double" }, 0.1],
              [{ kind: "double" }, NaN],
              [{ kind: "decimal", precision: 3, scale: 1 }, "1.0"],
              [{ kind: "float" }, 0.25],
            ),
          )
          .map(([name, [other, given]]) => call(name, value, literal(other, given))),
      );
    if (type.kind === "boolean") general.push(fc.constant(value));
    return fc.oneof(...general);
  });
const { condition } = fc.letrec<{ condition: Expression }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("and", "or"), tie("condition"), tie("condition"))
        .map(([name, a, b]) => call(name, a, b)),
    },
    { weight: 1, arbitrary: tie("condition").map((inner) => call("not", inner)) },
  ),
}));

/** What becomes of a file's statistics: other writers say less, and later changes loosen them. */
const fates = ["kept", "kept", "none", "no-bounds", "no-counts", "loose", "some-columns"] as const;
type Fate = (typeof fates)[number];
type Tree = Readonly<Record<string, unknown>>;

function statsAfter(fate: Fate, stats: string): string | undefined {
  if (fate === "kept") return stats;
  if (fate === "none") return undefined;
  const { numRecords, minValues, maxValues, nullCount } = parsed(stats);
  const half = (tree: unknown): Tree => Object.fromEntries(Object.entries(tree as Tree).filter((_, n) => n % 2 === 0));
  const left: Readonly<Record<Exclude<Fate, "kept" | "none">, Tree>> = {
    loose: { numRecords, minValues, maxValues, nullCount, tightBounds: false },
    "no-bounds": { numRecords, nullCount },
    "no-counts": { numRecords, minValues, maxValues },
    "some-columns": { numRecords, minValues: half(minValues), maxValues: half(maxValues), nullCount: half(nullCount) },
  };
  return JSON.stringify(left[fate]);
}

/** JSON whose numbers keep their digits when it is written again. The language has it; its library types do not yet. */
function parsed(json: string): Tree {
  const exact = JSON as unknown as {
    parse(text: string, reviver: (key: string, value: unknown, context: { readonly source: string }) => unknown): Tree;
    rawJSON(text: string): unknown;
  };
  return exact.parse(json, (_, value, { source }) => (typeof value === "number" ? exact.rawJSON(source) : value));
}

interface Drawn {
  readonly files: readonly { readonly rows: readonly DrawnRow[]; readonly fate: Fate }[];
  readonly partitionBy: string | undefined;
  readonly mapped: boolean;
  readonly deleted: number | undefined;
}
const drawn: fc.Arbitrary<Drawn> = fc.record({
  files: fc.array(fc.record({ rows: fileArbitrary, fate: fc.constantFrom(...fates) }), { minLength: 1, maxLength: 3 }),
  partitionBy: fc.option(fc.constantFrom(...Object.keys(kinds)), { nil: undefined }),
  mapped: fc.boolean(),
  deleted: fc.option(fc.constantFrom(-1, 0, 1), { nil: undefined }),
});

/** Folders of partitions have the names of their values. */
const shortText = (value: unknown): unknown => (typeof value === "string" ? [...value].slice(0, 8).join("") : value);

async function tableOf({ files, partitionBy, mapped, deleted }: Drawn): Promise<ChangingTable> {
  const session = await changingTable(under.compute, {
    schema,
    partitionBy: partitionBy === undefined ? [] : [partitionBy],
    configuration: { "delta.enableDeletionVectors": "true", ...(mapped && { "delta.columnMapping.mode": "name" }) },
  });
  for (const { rows, fate } of files) {
    const before = new Set([...(await session.table.latest()).files].map(({ path }) => path));
    await appendRows(
      session,
      sourceOfRows(
        rowSetOf(
          schema,
          rows.map((row) => ({ ...row, p: 1, ...(partitionBy === "t" && { t: shortText(row["t"]) }) })),
        ),
      ),
    );
    const added = [...(await session.table.latest()).files].filter(({ path }) => !before.has(path));
    const changed = added.map(({ stats = "", ...file }): AddFile => {
      const now = statsAfter(fate, stats);
      return { ...file, dataChange: false, ...(now !== undefined && { stats: now }) };
    });
    await session.table.commit({ actions: changed.map((add) => ({ add })), isBlindAppend: false, operation: "WRITE" });
  }
  if (deleted !== undefined)
    await deleteRows(session, { where: call("eq", column("i"), literal({ kind: "integer" }, deleted)) });
  return session;
}

/** How many rows of each file make each condition true, which one job looks for in all of them. */
async function matches({ compute, table }: ChangingTable, conditions: readonly Expression[]) {
  const snapshot = await table.latest();
  const files = [...snapshot.files];
  const index = { name: "_file", type: { kind: "long" }, expression: column("_file_index") } as const;
  const scanned: Schema = {
    kind: "struct",
    fields: { ...schema.fields, _file: { type: { kind: "long" }, nullable: false } },
  };
  const result = await compute.run({
    name: "matches",
    inputs: { rows: table.fileSet(snapshot, files, [index]) },
    steps: [],
    writes: [],
    collects: [
      {
        name: "matches",
        rowsMax: files.length,
        plan: {
          kind: "aggregate",
          input: { kind: "scan", source: "rows", schema: scanned, streaming: false },
          groupBy: [{ name: "file", expression: column("_file") }],
          aggregates: conditions.map((filter, n) => ({
            name: `c${n}`,
            expression: { kind: "aggregate", name: "count", args: [], distinct: false, filter },
          })),
        },
      },
    ],
    parameters: {},
  });
  const rows = result.kind === "done" ? (result.collected["matches"] ?? []) : [];
  return files.map((file, n) => {
    const row = rows.find((each) => Number(each["file"]) === n);
    return { file, counts: conditions.map((_, c) => Number(row?.[`c${c}`] ?? 0)) };
  });
}

/** The same condition as one that statistics say nothing of. */
const opaque = (condition: Expression): Expression =>
  call("or", condition, call("eq", call("upper", text("a")), text("b")));

async function readTexts({ compute, table }: ChangingTable, where: Expression): Promise<readonly string[]> {
  const rows = readRowTexts(compute, table, await table.latest(), { limit: Number.POSITIVE_INFINITY, where });
  return (await Array.fromAsync(rows)).sort();
}

describe("reading with a condition", () => {
  test("finds every row, and leaves files out", { timeout: 600_000 }, async () => {
    const seen = { without: 0, skipped: 0 };
    await fc.assert(
      fc.asyncProperty(drawn, fc.array(condition, { minLength: 30, maxLength: 30 }), async (given, conditions) => {
        const session = await tableOf(given);
        const snapshot = await session.table.latest();
        const tests = conditions.map((each) => filesMatching(snapshot, each));
        for (const { file, counts } of await matches(session, conditions)) {
          for (const [n, count] of counts.entries()) {
            const isRead = tests[n]!(file);
            if (count > 0) expect(isRead, `${file.stats} has ${JSON.stringify(conditions[n], bigints)}`).toBe(true);
            else {
              seen.without++;
              if (!isRead) seen.skipped++;
            }
          }
        }
        const [first] = conditions;
        expect(await readTexts(session, first!)).toEqual(await readTexts(session, opaque(first!)));
      }),
      { numRuns: Number(process.env["SKIPPING"] ?? 12) },
    );
    expect(seen.skipped / seen.without, JSON.stringify(seen)).toBeGreaterThan(0.3);
  });
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" || Object.is(value, NaN) ? String(value) : value;
}

describe("a file", () => {
  const given = {
    l: 5,
    i: 5,
    f: 0.5,
    d: NaN,
    t: `${a32}m`,
    b: true,
    day: "2026-01-02",
    at: "2026-01-02T03:04:05.678901Z",
    m: "1.50",
    o: { i: 7, t: "seven", deep: { d: 7.5 } },
  };
  let snapshot: Snapshot;
  beforeAll(async () => {
    const configuration = { "delta.columnMapping.mode": "name" };
    const session = await changingTable(under.compute, { schema, partitionBy: ["b"], configuration });
    await appendRows(session, sourceOfRows(rowSetOf(schema, [given])));
    snapshot = await session.table.latest();
  });

  test.each<[string, boolean]>([
    ["l = 5", true],
    ["l = 6", false],
    ["6 <= l", false],
    ["l <> 5", false],
    ["NOT l = 5", false],
    ["NOT (l < 5 OR l > 5)", true],
    ["NOT (l <= 5 AND i = 5)", false],
    ["NOT NOT l > 5", false],
    ["l IN (1, 5)", true],
    ["l IN (1, 6)", false],
    ["l IS NULL", false],
    ["l IS NOT NULL", true],
    ["local IS NULL", true],
    ["local IS NOT NULL", false],
    ["NOT local IS NULL", false],
    ["local > TIMESTAMP_NTZ '2000-01-01 00:00:00'", false],
    ["l = 6 AND length(t) = 1", false],
    ["l = 6 OR length(t) = 1", true],
    ["d > 1.0D", true],
    ["d < 1.0D", true],
    ["f <> 0.5F", true],
    ["t = 'b'", false],
    [`t LIKE '${a32}%'`, true],
    ["t LIKE 'b%'", false],
    ["t LIKE '%b'", true],
    ["t LIKE 'b'", false],
    ["NOT t LIKE 'a%'", true],
    [`t > '${a32}z'`, true],
    ["t > 'ab'", false],
    ["day < DATE '2026-01-02'", false],
    ["at > TIMESTAMP '2026-01-02 03:04:05.681Z'", false],
    ["m <> 1.5BD", false],
    ["m > 1.49BD", true],
    ["b", true],
    ["NOT b", false],
    ["b <> true", false],
    ["o.i > 7", false],
    ["o.i > 6", true],
    ["o.i IS NULL", false],
    ["o.t LIKE 'six%'", false],
    ["o.deep.d > 7.5D AND l = 5", true],
    ["o.deep.d < 7.5D", false],
    ["o IS NULL", true],
    ["o IS NOT NULL", true],
  ])("is read for %s: %s", (condition, isRead) => {
    const [file] = snapshot.files;
    expect(filesMatching(snapshot, parsePredicate(condition, schema))(file!)).toBe(isRead);
  });
});
