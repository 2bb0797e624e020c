/** Files of other writers, whose statistics say a value in another way than we would. */
import { expect, test } from "vitest";
import type { AddFile } from "../../../shared/delta/index.ts";
import { literalOfText, type DataType } from "../../../shared/plan/index.ts";
import { fileMatcher, type RowCondition } from "../../../shared/table/index.ts";
import { schemaOf } from "../../support/compute-under-test.ts";

test.each<[string, DataType, string, RowCondition["kind"], string, boolean]>([
  ["the shortest text of a number of 32 bits", { kind: "float" }, "0.1", "eq", "0.1", true],
  ["the double of a number of 32 bits", { kind: "float" }, "0.10000000149011612", "eq", "0.1", true],
  ["no NaN, which is above every number", { kind: "double" }, "3", "gt", "5", true],
  ["no NaN, though it is asked for", { kind: "double" }, "3", "eq", "NaN", true],
  ["a number that no NaN is below", { kind: "double" }, "3", "lt", "2", false],
  ["the next number of 32 bits but some", { kind: "float" }, "0.1001", "eq", "0.1", false],
  [
    "a time cut to milliseconds",
    { kind: "timestamp" },
    '"2026-01-01T00:00:00.123Z"',
    "eq",
    "2026-01-01T00:00:00.123999Z",
    true,
  ],
  [
    "a time cut to milliseconds",
    { kind: "timestamp" },
    '"2026-01-01T00:00:00.123Z"',
    "gt",
    "2026-01-01T00:00:00.124001Z",
    false,
  ],
  [
    "a time in another zone",
    { kind: "timestamp" },
    '"2026-01-01T00:00:00.000Z"',
    "le",
    "2026-01-01T00:59:00+01:00",
    false,
  ],
  ["a decimal with other zeros", { kind: "decimal", precision: 5, scale: 2 }, "1.5", "eq", "1.50", true],
  ["no bound that can be compared", { kind: "long" }, '"many"', "eq", "1", true],
])("%s: %o %s, asked for %s %s: %s", (_, type, bound, kind, text, expected) => {
  const stats = `{"numRecords":1,"minValues":{"c":${bound}},"maxValues":{"c":${bound}},"nullCount":{"c":0}}`;
  const file: AddFile = { path: "f", partitionValues: {}, size: 1, modificationTime: 0, dataChange: true, stats };
  const condition = { kind, column: "c", value: literalOfText(text, type) } as RowCondition;
  expect(fileMatcher({ schema: schemaOf({ c: type }), partitionBy: [] }, [condition])(file)).toBe(expected);
});

test("a long list is brought into the form of statistics once, however many files there are", () => {
  let reads = 0;
  const condition: RowCondition = {
    kind: "in",
    column: "c",
    get values() {
      reads++;
      return [1n, 2n, 9n];
    },
  };
  const matches = fileMatcher({ schema: schemaOf({ c: { kind: "long" } }), partitionBy: [] }, [condition]);
  const found = [0, 1, 2, 5, 9].filter((value) =>
    matches({
      path: `f${value}`,
      partitionValues: {},
      size: 1,
      modificationTime: 0,
      dataChange: true,
      stats: `{"numRecords":1,"minValues":{"c":${value}},"maxValues":{"c":${value}},"nullCount":{"c":0}}`,
    }),
  );
  expect({ found, reads }).toEqual({ found: [1, 2, 9], reads: 1 });
});
