/** What a flow would do, as data. */
import { expect, test } from "vitest";
import { declaredFlows, explainFlow } from "../../../shared/engine/index.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";

const explanations = new Map(
  declaredFlows(engineFixture({ failAtValue: 13 })).map((flow) => [flow.id as string, explainFlow(flow)]),
);

test("every flow says what it reads, what it writes and how", () => {
  expect(
    [...explanations].map(([flow, { kind, inputs, output, strategy }]) => [flow, kind, inputs, output, strategy.name]),
  ).toEqual([
    ["bronze.events", "hub", ["hub events"], "lake/bronze/events", "append"],
    ["bronze.devices", "files", ["landing/devices/**.csv"], "lake/bronze/devices", "append"],
    ["bronze.notes", "files", ["landing/notes/**.jsonl"], "lake/bronze/notes", "append"],
    ["silver.bodies", "stream", ["bronze.events (each row once)"], "lake/silver/bodies", "append"],
    [
      "silver.readings",
      "stream",
      ["bronze.events (each row once)", "bronze.devices (as it stands)"],
      "lake/silver/readings",
      "append",
    ],
    ["gold.by_device", "view", ["silver.readings"], "lake/gold/by_device", "merge-partials"],
    ["gold.by_site", "view", ["silver.readings"], "lake/gold/by_site", "merge-partials"],
    ["gold.with_device", "view", ["silver.readings", "bronze.devices"], "lake/gold/with_device", "append"],
    ["gold.total", "view", ["silver.readings"], "lake/gold/total", "merge-partials"],
  ]);
});

test("a view says what share of time its refreshes may take, other flows nothing of it", () => {
  expect([...explanations].filter(([, { dutyCycle }]) => dutyCycle !== undefined).map(([flow]) => flow)).toEqual(
    [...explanations].filter(([, { kind }]) => kind === "view").map(([flow]) => flow),
  );
  expect(explanations.get("gold.total")).toMatchObject({ dutyCycle: 0.2 });
});

test("a streaming table names its rules in the order in which a row meets them", () => {
  const steps = explanations.get("silver.readings")?.steps ?? [];
  const order = ["MALFORMED", "LATE", "possible", "EXPECTATION", "duplicates", "append"].map((word) =>
    steps.findIndex((step) => step.includes(word)),
  );
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  expect(steps[1]).toContain("600 s");
});

test("a query is shown as SQL, a source has none", () => {
  expect(explanations.get("bronze.events")?.sql).toBeUndefined();
  expect(explanations.get("gold.by_device")?.sql).toMatch(/^SELECT .*GROUP BY/s);
});
