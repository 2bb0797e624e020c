/**
 * Appends, overwrites, deletes, updates and merges against a naive model: after any history the table has the model's rows. `HISTORIES=1000` draws more of
 * them.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  appendRows,
  deleteRows,
  mergeRows,
  overwriteRows,
  readChanges,
  sourceColumn,
  targetColumn,
  updateRows,
} from "../../../../shared/table/index.ts";
import {
  call,
  changingTable,
  column,
  modelTexts,
  rowTexts,
  sourceOf,
  text,
  whole,
  type ChangingTable,
  type ModelRow,
} from "../../../support/changing-table.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => under[Symbol.asyncDispose]());

const rowArbitrary: fc.Arbitrary<ModelRow> = fc.record({
  id: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 6 }),
  n: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 6 }),
  text: fc.option(fc.constantFrom("", "a", "b'c"), { freq: 6 }),
  part: fc.option(fc.constantFrom("x", "y", "z z"), { freq: 6 }),
});
const rowsArbitrary = fc.array(rowArbitrary, { maxLength: 6 });

interface Step {
  readonly name: string;
  readonly take: (session: ChangingTable, model: readonly ModelRow[]) => Promise<readonly ModelRow[]>;
}

async function settled(outcome: Promise<{ readonly kind: string }>): Promise<void> {
  expect(["committed", "unchanged"]).toContain((await outcome).kind);
}

const append = rowsArbitrary.map((rows): Step => ({
  name: `append ${JSON.stringify(rows)}`,
  take: async (session, model) => {
    await settled(appendRows(session, sourceOf(rows)));
    return [...model, ...rows];
  },
}));

const overwrite = rowsArbitrary.map((rows): Step => ({
  name: `overwrite ${JSON.stringify(rows)}`,
  take: async (session) => {
    await settled(overwriteRows(session, sourceOf(rows)));
    return rows;
  },
}));

const replaceWhere = fc.tuple(rowsArbitrary, fc.constantFrom("x", "y")).map(([given, part]): Step => {
  const rows = given.map((row) => ({ ...row, part }));
  return {
    name: `replace part ${part} by ${JSON.stringify(rows)}`,
    take: async (session, model) => {
      const condition = call("eq", column("part"), text(part));
      await settled(overwriteRows(session, sourceOf(rows), { replace: { kind: "where", condition } }));
      return [...model.filter((row) => row.part !== part), ...rows];
    },
  };
});

/** Conditions, in SQL's logic and in the model's: undefined of a NULL is not true. */
const conditions = fc.oneof(
  fc.integer({ min: 0, max: 6 }).map((n) => ({
    name: `n < ${n}`,
    expression: call("lt", column("n"), whole(n)),
    holds: (row: ModelRow) => row.n !== null && row.n < n,
  })),
  fc.constantFrom("x", "y").map((part) => ({
    name: `part = ${part}`,
    expression: call("eq", column("part"), text(part)),
    holds: (row: ModelRow) => row.part === part,
  })),
  fc.constant({
    name: "id IS NULL",
    expression: call("is_null", column("id")),
    holds: (row: ModelRow) => row.id === null,
  }),
  fc.integer({ min: 0, max: 9 }).map((id) => ({
    name: `id = ${id} OR part <=> NULL`,
    expression: call("or", call("eq", column("id"), whole(id)), call("eq_null_safe", column("part"), text(null))),
    holds: (row: ModelRow) => row.id === id || row.part === null,
  })),
);

const remove = conditions.map(({ name, expression, holds }): Step => ({
  name: `delete where ${name}`,
  take: async (session, model) => {
    await settled(deleteRows(session, { where: expression }));
    return model.filter((row) => !holds(row));
  },
}));

const update = fc.tuple(conditions, fc.constantFrom("x", null)).map(([{ name, expression, holds }, part]): Step => ({
  name: `update set n = n + 1, part = ${part} where ${name}`,
  take: async (session, model) => {
    const set = { n: call("plus", column("n"), whole(1)), part: text(part) };
    await settled(updateRows(session, { where: expression, set }));
    return model.map((row) => (holds(row) ? { ...row, n: row.n === null ? null : row.n + 1, part } : row));
  },
}));

const merge = fc.tuple(rowsArbitrary, fc.boolean(), fc.boolean()).map(([given, nullSafe, bySource]): Step => {
  const rows = [...new Map(given.map((row) => [row.id, row])).values()];
  return {
    name: `merge ${JSON.stringify(rows)} on id${nullSafe ? " null-safe" : ""}${bySource ? ", others deleted where n = 3" : ""}`,
    take: async (session, model) => {
      const on = call(nullSafe ? "eq_null_safe" : "eq", column(targetColumn("id")), column(sourceColumn("id")));
      const outcome = mergeRows(session, sourceOf(rows), {
        on,
        clauses: [
          { kind: "matched-delete", when: call("eq", column(sourceColumn("n")), whole(0)) },
          { kind: "matched-update", set: { kind: "all" } },
          {
            kind: "not-matched-insert",
            when: call("is_not_null", column(sourceColumn("text"))),
            values: { kind: "all" },
          },
          ...(bySource
            ? [{ kind: "not-matched-by-source-delete" as const, when: call("eq", column(targetColumn("n")), whole(3)) }]
            : []),
        ],
        scratch: session.scratch,
      });
      await settled(outcome);
      const matches = (a: ModelRow, b: ModelRow) => (nullSafe || a.id !== null) && a.id === b.id;
      const kept = model.flatMap((row) => {
        const match = rows.find((other) => matches(row, other));
        if (match === undefined) return bySource && row.n === 3 ? [] : [row];
        return match.n === 0 ? [] : [match];
      });
      const inserted = rows.filter((row) => row.text !== null && !model.some((other) => matches(other, row)));
      return [...kept, ...inserted];
    },
  };
});

/** The rows of the newest version, from those of an older one and what the log says has changed since. */
async function changedTexts(
  session: ChangingTable,
  rows: readonly string[],
  version: number,
): Promise<readonly string[]> {
  const weights = new Map<string, number>();
  const weigh = (row: string, by: number) => weights.set(row, (weights.get(row) ?? 0) + by);
  for (const row of rows) weigh(row, 1);
  if ((await session.table.latest()).version > version) {
    for await (const change of readChanges(session, { from: version + 1 })) {
      const { _change_type, _commit_version, _commit_timestamp, ...row } = JSON.parse(change) as Record<
        string,
        unknown
      >;
      weigh(JSON.stringify(row), _change_type === "insert" || _change_type === "update_postimage" ? 1 : -1);
    }
  }
  return [...weights].flatMap(([row, weight]) => Array<string>(weight).fill(row)).sort();
}

const history = fc.array(
  fc.oneof({ weight: 3, arbitrary: append }, overwrite, replaceWhere, remove, update, { weight: 3, arbitrary: merge }),
  { minLength: 1, maxLength: 8 },
);

const shapes = [
  { name: "a plain table", partitionBy: [], configuration: {} },
  { name: "a partitioned table", partitionBy: ["part"], configuration: {} },
  {
    name: "a partitioned table with a change feed",
    partitionBy: ["part"],
    configuration: { "delta.enableChangeDataFeed": "true" },
  },
  {
    name: "a table with deletion vectors",
    partitionBy: [],
    configuration: { "delta.enableDeletionVectors": "true" },
  },
  {
    name: "a partitioned table with deletion vectors and a change feed",
    partitionBy: ["part"],
    configuration: { "delta.enableDeletionVectors": "true", "delta.enableChangeDataFeed": "true" },
  },
  {
    name: "a partitioned table with columns mapped by name, deletion vectors and a change feed",
    partitionBy: ["part"],
    configuration: {
      "delta.columnMapping.mode": "name",
      "delta.enableDeletionVectors": "true",
      "delta.enableChangeDataFeed": "true",
    },
  },
  { name: "a table with columns mapped by id", partitionBy: [], configuration: { "delta.columnMapping.mode": "id" } },
];

describe.for(shapes)("$name", ({ partitionBy, configuration }) => {
  test("has the model's rows after any history", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const session = await changingTable(under.compute, { partitionBy, configuration });
        let model: readonly ModelRow[] = [];
        let [known, { version }] = [await rowTexts(session), await session.table.latest()];
        for (const step of steps) {
          model = await step.take(session, model);
          const [rows, after] = [await rowTexts(session), await session.table.latest()];
          expect(rows, step.name).toEqual(modelTexts(model));
          expect(await changedTexts(session, known, version), `changes of: ${step.name}`).toEqual(rows);
          [known, version] = [rows, after.version];
        }
        const left: string[] = [];
        for await (const { path } of session.scratch.list("merge/")) left.push(path);
        expect(left).toEqual([]);
      }),
      { numRuns: Number(process.env["HISTORIES"] ?? 8) },
    );
  });
});
