/** What a refresh reads and computes, told from the query and from which inputs changed (engine-rules 10, 11). */
import { describe, expect, test } from "vitest";
import { refreshPlan, type RefreshPlan } from "../../../../shared/engine/incremental/refresh-plan.ts";
import type { ScanChange } from "../../../../shared/engine/incremental/operators/refresh-scope.ts";
import { viewPlan } from "../../../../shared/engine/incremental/view-plan.ts";
import { long, read, struct } from "../../../../shared/pipeline/index.ts";
import type { Join, LogicalPlan } from "../../../../shared/plan/index.ts";

const table = (number: number): LogicalPlan =>
  read({ name: `silver.t${number}`, schema: struct({ k: long(), [`v${number}`]: long() }) }).plan;

function chain(type: Join["type"], nested: "left" | "right", joins: number): LogicalPlan {
  let plan = table(0);
  for (let number = 1; number <= joins; number++) {
    const [left, right] = nested === "left" ? [plan, table(number)] : [table(number), plan];
    plan = { kind: "join", type, left, right, on: [{ left: "k", right: "k" }], dropRight: ["k"] };
  }
  return plan;
}

function refreshOf(query: LogicalPlan, changes?: readonly ScanChange[]): RefreshPlan {
  const view = viewPlan(query);
  if (view.kind !== "changes") throw new Error(view.reason);
  return refreshPlan(view, "change", changes ?? view.scans.map(() => ({ added: true, removed: true })));
}

/** Characters of all that is computed. */
const sizeOf = ({ steps, output, tables }: RefreshPlan): number => JSON.stringify([steps, output, tables]).length;

/** A view that stands on the rows of joins, which it needs as they come and go. */
const counted = (rows: LogicalPlan): LogicalPlan => ({
  kind: "aggregate",
  input: rows,
  groupBy: [{ name: "k", expression: { kind: "column", name: "k" } }],
  aggregates: [
    { name: "n", expression: { kind: "aggregate", name: "count", args: [], distinct: false, filter: undefined } },
  ],
});

describe("the plans of a chain of joins", () => {
  const cases = (["inner", "left", "right", "full"] as const).flatMap((type) =>
    (["left", "right"] as const).map((nested) => ({ type, nested })),
  );
  test.each(cases)("of the kind $type, nested to the $nested, grow with it, and do not double with each", (given) => {
    const [two, eight] = [2, 8].map((joins) => sizeOf(refreshOf(counted(chain(given.type, given.nested, joins)))));
    expect(eight! / two!).toBeLessThan(10);
  });
});

test("a join whose rows are made anew by key does not ask for inputs as they were", () => {
  const { reads, steps, output } = refreshOf(chain("inner", "left", 1));
  expect(output.kind).toBe("keys");
  expect(reads.map(({ subject }) => subject.kind)).not.toContain("before");
  expect(steps.map(({ name }) => name)).toContain("keys");
});

/** Ranks over a join by `k`, within each value of the left table's own column. */
const ranked = (rows: LogicalPlan): LogicalPlan => ({
  kind: "project",
  input: rows,
  columns: [
    ...["k", "v0", "v1"].map((name) => ({ name, expression: { kind: "column" as const, name } })),
    {
      name: "place",
      expression: {
        kind: "window",
        call: { kind: "call", name: "row_number", args: [] },
        partitionBy: [{ kind: "column", name: "v0" }],
        orderBy: ["k", "v1"].map((name) => ({
          by: { kind: "column" as const, name },
          direction: "ascending" as const,
          nulls: "first" as const,
        })),
        frame: undefined,
      },
    },
  ],
});

test("what an operator would say of rows that went is not asked for where its rows are made anew by key", () => {
  const onlyRight = [
    { added: false, removed: false },
    { added: true, removed: true },
  ];
  const { reads, output } = refreshOf(ranked(chain("inner", "left", 1)), onlyRight);
  expect(output.kind).toBe("keys");
  // The partitions that are touched are those of the left rows that the change is joined to: they are looked up in all rows, once.
  const whole = reads.flatMap(({ relation, subject: { kind }, uses }) =>
    kind === "added" || kind === "removed" ? [] : uses.flatMap((asked) => (asked.length === 0 ? [relation] : [])),
  );
  expect(whole).toEqual(["0/now", "1/now"]);
});
