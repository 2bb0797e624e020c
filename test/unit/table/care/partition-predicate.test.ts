import { expect, test } from "vitest";
import type { AddFile } from "../../../../shared/delta/index.ts";
import type { RowCondition } from "../../../../shared/table/index.ts";
import { conditionText, partitionPredicate } from "../../../../shared/table/care/partition-predicate.ts";
import { schemaOf } from "../../../support/compute-under-test.ts";

const table = {
  schema: schemaOf({ day: { kind: "date" }, name: { kind: "string" }, n: { kind: "integer" }, id: { kind: "long" } }),
  partitionBy: ["day", "name", "n"],
};
const fileOf = (day: string | null, name: string | null, n: string | null): AddFile => ({
  path: "a",
  partitionValues: { day, name, n },
  size: 1,
  modificationTime: 0,
  dataChange: true,
});
const files = [fileOf("2026-01-01", "ab", "9"), fileOf("2026-01-02", "ac", "10"), fileOf(null, null, null)];

const cases: readonly (readonly [RowCondition, readonly number[]])[] = [
  [{ kind: "eq", column: "day", value: "2026-01-02" }, [1]],
  [{ kind: "ne", column: "day", value: "2026-01-02" }, [0]],
  [{ kind: "lt", column: "n", value: 10n }, [0]],
  [{ kind: "le", column: "n", value: 10n }, [0, 1]],
  [{ kind: "gt", column: "n", value: 9n }, [1]],
  [{ kind: "ge", column: "n", value: 9n }, [0, 1]],
  [{ kind: "in", column: "name", values: ["ac", "zz"] }, [1]],
  [{ kind: "startswith", column: "name", text: "ab" }, [0]],
  [{ kind: "startswith", column: "name", text: "a" }, [0, 1]],
  [{ kind: "isnull", column: "day" }, [2]],
  [{ kind: "notnull", column: "name" }, [0, 1]],
];
test.each(cases.map(([condition, chosen]) => [conditionText(condition), condition, chosen] as const))(
  "partitions with %s are chosen exactly",
  (_, condition, chosen) => {
    const isChosen = partitionPredicate(table, "t", [condition]);
    expect(files.flatMap((file, index) => (isChosen(file) ? [index] : []))).toEqual(chosen);
  },
);

test("several conditions are all met", () => {
  const isChosen = partitionPredicate(
    table,
    "t",
    cases.flatMap(([condition, chosen]) => (chosen.join() === "0,1" ? [condition] : [])),
  );
  expect(files.map(isChosen)).toEqual([true, true, false]);
});
