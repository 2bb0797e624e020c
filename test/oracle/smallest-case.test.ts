import fc from "fast-check";
import { expect, test } from "vitest";
import { drawnCase, type Case } from "./case.ts";
import { smallestCase } from "./smallest-case.ts";

const rowsOf = ({ history }: Case) => [
  ...history.before.flat(2),
  ...history.then.flatMap((now) => (now.kind === "append" ? now.rows : [])),
];
const groupsOf = ({ pipeline }: Case) =>
  pipeline.tables.flatMap(({ steps }) => steps.filter(({ op }) => op === "group"));
const isBroken = (one: Case): boolean => groupsOf(one).length > 0 && rowsOf(one).some(({ k }) => k === null);

test("a case that needs a group and a row with a NULL is left with one group and one row", async () => {
  const large = fc.sample(drawnCase.filter(isBroken), { numRuns: 20, seed: 5 });
  for (const one of large) {
    const smallest = await smallestCase(
      one,
      async (candidate) => isBroken(candidate),
      () => true,
    );
    expect(smallest.pipeline.tables).toHaveLength(1);
    expect(smallest.pipeline.tables[0]?.steps).toMatchObject([
      { op: "group", keys: [], computed: null, aggregates: [] },
    ]);
    expect(rowsOf(smallest)).toMatchObject([{ id: 1, k: null, g: 0, big: 0n, x: 0.25, tags: '["p"]' }]);
    expect(smallest.history.then.length).toBeLessThanOrEqual(1);
  }
});

test("a case is left as it is when there is no time", async () => {
  const [one] = fc.sample(drawnCase, { numRuns: 1, seed: 5 }) as [Case];
  expect(
    await smallestCase(
      one,
      async () => true,
      () => false,
    ),
  ).toBe(one);
});
