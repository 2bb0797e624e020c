import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  date,
  DeltaLake,
  integer,
  localFolder,
  long,
  string,
  struct,
  type LakeTable,
} from "../../../../shared/table/lake/index.ts";

let folder: string;
let lake: DeltaLake;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-lake-"));
  lake = await DeltaLake.open({ store: localFolder(folder), memoryLimitMb: 512, directory: folder });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

let tables = 0;
const schema = struct({ id: long(), name: string(), home: struct({ city: string() }) });
const people = async () => {
  const table = await lake.create(`tables/t${++tables}`, { schema });
  await table.append(["Ada", "Alan", "Grace"].map((name, i) => ({ id: i + 1, name, home: { city: `c${i + 1}` } })));
  return table;
};
const idsOf = async (table: { rows(): Promise<readonly Readonly<Record<string, unknown>>[]> }) =>
  (await table.rows()).map(({ id }) => Number(id)).toSorted((a, b) => a - b);

describe("a condition in Spark's SQL", () => {
  test("chooses the rows that are read, like the function that says the same", async () => {
    const table = await people();
    const read = await table.rows({ where: "ID >= 2 AND home.city <> 'c3'" });
    expect(read).toEqual(await table.rows({ where: ({ id, home }) => id.ge(2).and(home.fields.city.ne("c3")) }));
    expect(read.map(({ name }) => name)).toEqual(["Alan"]);
  });

  test("chooses the rows that are deleted, updated and replaced", async () => {
    const table = await people();
    await table.delete("name LIKE 'Al%'");
    await table.update(({ id }) => ({ id: id.plus(10) }), "name = 'Ada'");
    await table.overwrite([{ id: 4, name: "Edsger" }], { replaceWhere: "id BETWEEN 3 AND 9" });
    expect(await idsOf(table)).toEqual([4, 11]);
  });

  test("chooses the rows that a merge matches, with the side before each column", async () => {
    const table = await people();
    const merge = await table.merge(
      [
        { id: 1, name: "Ada L." },
        { id: 2, name: "nobody" },
        { id: 8, name: "Barbara", home: { city: "c8" } },
        { id: 9, name: "nobody" },
      ],
      "target.id = source.id",
    );
    await merge
      .whenMatchedUpdate("all", "source.name <> 'nobody'")
      .whenMatchedDelete("target.home.city = 'c2'")
      .whenNotMatchedInsert("all", "Source.home.city IS NOT NULL")
      .whenNotMatchedBySourceUpdate(({ id }) => ({ id: id.plus(100) }), "target.id = 3")
      .execute();
    expect(await idsOf(table)).toEqual([1, 8, 103]);
  });

  test.for([
    ["a column that the table has not", "idd = 1", "UNKNOWN_COLUMN"],
    ["a value that is no condition", "id + 1", "TYPE_MISMATCH"],
    ["two statements", "id = 1; drop table people", "INVALID_ARGUMENT"],
    ["a subquery", "id IN (SELECT 1)", "UNSUPPORTED_FEATURE"],
  ] as const)("is refused for %s, and nothing is changed", async ([, where, code]) => {
    const table = await people();
    await expect(table.delete(where)).rejects.toMatchObject({ code });
    await expect(table.rows({ where })).rejects.toMatchObject({ code });
    expect((await table.snapshot()).version).toBe(1);
  });

  test.for([
    ["a column without its side", "id = source.id", "UNKNOWN_COLUMN"],
    ["a column that a side has not", "target.id = source.idd", "UNKNOWN_COLUMN"],
    ["a whole row", "target IS NOT NULL", "INVALID_ARGUMENT"],
  ] as const)("of a merge is refused for %s", async ([, on, code]) => {
    await expect((await people()).merge([{ id: 1 }], on)).rejects.toMatchObject({ code });
  });

  test("of rows that are on one side only cannot speak of the other", async () => {
    const merge = await (await people()).merge([{ id: 1 }], ({ target, source }) => target.id.eq(source.id));
    expect(() => merge.whenNotMatchedInsert("all", "target.id = 1")).toThrow(/target/);
    expect(() => merge.whenNotMatchedBySourceDelete("source.id = 1")).toThrow(/source/);
  });
});

describe("a condition that JavaScript gives and that is none", () => {
  test.for<readonly [string, unknown, string]>([
    ["JavaScript's own comparison", ({ id }: { id: unknown }) => id === 1, "TYPE_MISMATCH"],
    ["a function that returns nothing", () => undefined, "TYPE_MISMATCH"],
    ["a promise", async () => Promise.resolve(true), "TYPE_MISMATCH"],
    [
      "a column misspelt",
      ({ idd }: Readonly<Record<string, { eq: (value: number) => unknown }>>) => idd?.eq(1),
      "UNKNOWN_COLUMN",
    ],
    ["null", null, "INVALID_ARGUMENT"],
    ["true", true, "INVALID_ARGUMENT"],
    ["an object", { id: 1 }, "INVALID_ARGUMENT"],
  ])("is refused for %s, and no row is touched", async ([, where, code]) => {
    const table = await people();
    const given = where as string;
    await expect(table.delete(given)).rejects.toMatchObject({ code });
    await expect(table.update(({ id }) => ({ id: id.plus(10) }), given)).rejects.toMatchObject({ code });
    await expect(table.rows({ where: given })).rejects.toMatchObject({ code });
    await expect(table.overwrite([], { replaceWhere: given })).rejects.toMatchObject({ code });
    const merge = await table.merge([{ id: 1 }], "target.id = source.id");
    expect(() => merge.whenNotMatchedBySourceDelete(given)).toThrow(expect.objectContaining({ code }));
    expect((await table.snapshot()).version).toBe(1);
  });

  test("is refused for new values too", async () => {
    const table = await people();
    const set = () => ({ id: 1 }) as never;
    await expect(table.update(set)).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
    expect((await table.snapshot()).version).toBe(1);
  });
});

describe("partitions are chosen for optimize", () => {
  type Daily = LakeTable<{
    day: ReturnType<typeof date>;
    part: ReturnType<typeof integer>;
    id: ReturnType<typeof long>;
  }>;
  const daily = async (): Promise<Daily> => {
    const table = await lake.create(`tables/d${++tables}`, {
      schema: struct({ day: date(), part: integer(), id: long() }),
      partitionBy: ["day", "part"],
    });
    for (const id of [1, 2])
      await table.append(
        ["2026-01-01", "2026-01-02", null].flatMap((day) => [1, 2].map((part) => ({ day, part, id }))),
      );
    return table;
  };
  const partitions = async (table: Daily) => {
    const files = [...(await table.snapshot()).files].map(({ partitionValues: { day, part } }) => `${day}/${part}`);
    // Those that one file has, instead of one of each append.
    return [...new Set(files)].filter((each) => files.filter((other) => other === each).length === 1).toSorted();
  };

  test.for([
    ["day = '2026-01-02'", ["2026-01-02/1", "2026-01-02/2"]],
    ["day > '2026-01-01' AND part IN (2, 3)", ["2026-01-02/2"]],
    ["'2026-01-01' >= day AND part <> 1", ["2026-01-01/2"]],
    ["day IS NULL AND part BETWEEN 1 AND 1", ["null/1"]],
    ["part = NULL", []],
  ] as const)("by %s", async ([where, merged]) => {
    const table = await daily();
    const result = await table.optimize({ where });
    expect(result.kind).toBe(merged.length > 0 ? "committed" : "unchanged");
    expect(await partitions(table)).toEqual(merged);
  });

  test("by a function", async () => {
    const table = await daily();
    await table.optimize({ where: ({ part, day }) => part.eq(1).and(day.isNotNull()) });
    expect(await partitions(table)).toEqual(["2026-01-01/1", "2026-01-02/1"]);
  });

  test.for(["part = 1 OR part = 2", "part + 1 = 2", "part NOT IN (1)", "id = 1", "true"])(
    "not by %s, which is refused",
    async (where) => {
      const table = await daily();
      await expect(table.optimize({ where })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await expect(table.purge({ where })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );
});
