/**
 * The whole graph of resources of every sample pipeline, as files to review: a change of the program or of a pipeline shows there what it does to
 * Azure. They are written anew with `npx vitest run --project infra test/infra/graph.test.ts -u`.
 */
import { describe, expect, it } from "vitest";
import { customerEvents } from "../../pipelines/customer-events.ts";
import { flights } from "../../pipelines/flights.ts";
import { sensors } from "../../pipelines/sensors.ts";
import {
  count,
  definePipeline,
  eventHub,
  materializedView,
  read,
  streamingTable,
} from "../../shared/pipeline/index.ts";
import { deploy, type Deployment } from "./deployment.ts";
import { graphText } from "./graph-text.ts";

/** Everything that a stack may ask for beside what it has anyway. */
const everything = {
  "dyne:clientId": "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e",
  "dyne:profile": "warm",
  "dyne:rollingUpdates": "true",
  "dyne:lakeReplication": "ZRS",
  "dyne:network": "true",
  "dyne:throughputUnits": "2",
  "dyne:maximumThroughputUnits": "10",
  "dyne:captureRetentionDays": "365",
  "dyne:alertEmails": '["someone@example.com"]',
  "dyne:freshnessHours": "6",
  "dyne:monthlyBudget": "200",
  "dyne:budgetStart": "2026-01-01",
};

it.for([
  { name: "flights", pipeline: flights, stack: "dev", config: {} },
  { name: "customer-events", pipeline: customerEvents, stack: "dev", config: {} },
  { name: "sensors", pipeline: sensors, stack: "dev", config: {} },
  { name: "sensors-with-everything", pipeline: sensors, stack: "prod", config: everything },
])("of $name is the one that was reviewed", async ({ name, pipeline, stack, config }) => {
  const text = graphText(await deploy({ pipelines: [pipeline], stack, config }));
  await expect(text).toMatchFileSnapshot(`graphs/${name}.txt`);
});

const orders = streamingTable("bronze.orders", { from: eventHub("orders") });
const visits = streamingTable("bronze.visits", { from: eventHub("visits", { partitions: 8 }) });
const visitsPerDay = materializedView("gold.visits_per_day", {
  query: read(visits)
    .groupBy("ingestion_date")
    .agg(() => ({ visits: count() })),
});

/** Names of what is there only later, only before, and in both with other inputs. */
function difference(before: Deployment, after: Deployment) {
  const [old, made] = [before, after].map(({ resources }) => new Map(resources.map((each) => [each.name, each])));
  const names = (from: Deployment, missing: typeof old) =>
    from.resources.map(({ name }) => name).filter((name) => missing?.has(name) !== true);
  const changed = before.resources
    .filter(
      ({ name, inputs }) =>
        made?.has(name) === true && JSON.stringify(made.get(name)?.inputs) !== JSON.stringify(inputs),
    )
    .map(({ name }) => name);
  return { added: names(after, old), removed: names(before, made), changed };
}

describe("one more in a pipeline", () => {
  const shop = (...tables: Parameters<typeof definePipeline>[1]) => [definePipeline("shop", tables)];
  const hubOf = (name: string) => [
    `hub/${name}`,
    `hub/${name}/dyne-read`,
    `hub/${name}/dyne-trigger`,
    `role/app/hub/${name}/azure-event-hubs-data-receiver`,
  ];

  it.for([
    { profile: "idle", changed: [] },
    // An instance is kept ready for its function.
    { profile: "warm", changed: ["app"] },
  ])("hub is that hub, its consumer groups and the right to read it: $profile", async ({ profile, changed }) => {
    const config = { "dyne:profile": profile };
    const before = await deploy({ pipelines: shop(orders), config });
    const after = await deploy({ pipelines: shop(orders, visits), config });
    expect(difference(before, after)).toEqual({ added: hubOf("visits"), removed: [], changed });
    expect(difference(after, before)).toEqual({ added: [], removed: hubOf("visits"), changed });
    for (const name of hubOf("visits").slice(1)) expect([name, after.isAfter("app", name)]).toEqual([name, true]);
  });

  it("table is no resource: it lies where tables lie, and is named by the outputs", async () => {
    const before = await deploy({ pipelines: shop(orders, visits) });
    const after = await deploy({ pipelines: shop(orders, visits, visitsPerDay) });
    expect(difference(before, after)).toEqual({ added: [], removed: [], changed: [] });
    const tables = (made: Deployment) => Object.keys(made.outputs["tables"] as object);
    expect(tables(after).filter((name) => !tables(before).includes(name))).toEqual(["gold.visits_per_day"]);
  });
});
