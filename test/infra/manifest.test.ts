import { describe, expect, it } from "vitest";
import { storageLayout } from "../../local/azurite/layout.ts";
import { pipelines } from "../../pipelines/index.ts";
import {
  definePipeline,
  eventHub,
  files,
  manifest,
  streamingTable,
  string,
  struct,
  type Pipeline,
} from "../../shared/pipeline/index.ts";
import { deploy, deployAnew, type Deployment } from "./deployment.ts";

const orders = definePipeline("orders", [
  streamingTable("bronze.orders", { from: eventHub("orders", { partitions: 12 }) }),
]);
const visits = definePipeline("visits", [
  streamingTable("bronze.visits", { from: eventHub("web_visits", { partitions: 32 }) }),
  streamingTable("bronze.shops", {
    from: files("landing/shops/**.csv", { format: "csv", schema: struct({ id: string() }) }),
  }),
]);
/** Reads what another pipeline reads too. */
const audit = definePipeline("audit", [
  streamingTable("audit.orders", { from: eventHub("orders", { partitions: 12 }) }),
]);

const text = (value: unknown) => String(value);

const sample = await deploy();
const several = await deploy({ pipelines: [orders, visits, audit] });

/** Hubs with their partitions and consumer groups. */
function hubsOf(deployment: Deployment) {
  const groups = deployment.all("eventhub:ConsumerGroup");
  return Object.fromEntries(
    deployment.all("eventhub:EventHub").map(({ inputs }) => {
      const own = groups.filter((group) => group.inputs["eventHubName"] === inputs["eventHubName"]);
      return [
        inputs["eventHubName"],
        [inputs["partitionCount"], ...own.map((group) => group.inputs["consumerGroupName"])],
      ];
    }),
  );
}

/** What each function of the manifests waits for. */
function triggersOf(declared: readonly Pipeline[]) {
  return declared.map(manifest).flatMap(({ functions }) => functions.map(({ trigger }) => trigger));
}

describe("hubs", () => {
  it("are those of the samples, with the groups of the trigger and of dyne's own reads", () => {
    expect(hubsOf(sample)).toEqual({
      customers: [4, "dyne-read", "dyne-trigger"],
      events: [4, "dyne-read", "dyne-trigger"],
      flights: [4, "dyne-read", "dyne-trigger"],
      readings: [4, "dyne-read", "dyne-trigger"],
    });
  });

  it("are those of any other pipelines, each once", () => {
    expect(hubsOf(several)).toEqual({
      orders: [12, "dyne-read", "dyne-trigger"],
      web_visits: [32, "dyne-read", "dyne-trigger"],
    });
  });

  it("keep events for seven days", () => {
    for (const { inputs } of several.all("eventhub:EventHub")) {
      expect(inputs["retentionDescription"]).toEqual({ cleanupPolicy: "Delete", retentionTimeInHours: 168 });
    }
  });

  it("give the app a right of its own each", () => {
    const scopes = several.all("authorization:RoleAssignment").map(({ inputs }) => inputs["scope"]);
    for (const { id } of several.all("eventhub:EventHub")) expect(scopes).toContain(id);
  });
});

describe.for([
  { situation: "the sample", declared: pipelines, deployment: sample },
  { situation: "several pipelines", declared: [orders, visits, audit], deployment: several },
])("of $situation", ({ declared, deployment }) => {
  it("every function finds its hub, its consumer group and its queue", () => {
    const hubs = hubsOf(deployment);
    const queues = deployment.all("storage:Queue").map(({ inputs }) => inputs["queueName"]);
    const triggers = triggersOf(declared);
    expect(triggers.length).toBeGreaterThan(5);
    for (const trigger of triggers) {
      if (trigger.kind === "eventHub") expect(hubs[trigger.hub]).toContain(trigger.consumerGroup);
      if (trigger.kind === "queue")
        expect(queues).toEqual(expect.arrayContaining([trigger.queue, `${trigger.queue}-poison`]));
    }
  });
});

it("pipelines that are fed by files alone get no namespace, and nothing that knows of one", async () => {
  const shops = definePipeline("shops", [
    streamingTable("bronze.shops", {
      from: files("landing/shops/**.csv", { format: "csv", schema: struct({ id: string() }) }),
    }),
  ]);
  const readsCaptured = "role/app/lake/capture/storage-blob-data-reader";
  for (const network of ["false", "true"]) {
    const { resources, outputs, get } = await deploy({ pipelines: [shops], config: { "dyne:network": network } });
    const names = resources.map(({ name }) => name);
    expect(names.filter((name) => /hub|capture|servicebus/.test(name))).toEqual(["lake/capture", readsCaptured]);
    expect(resources.filter(({ type }) => type.startsWith("eventhub:"))).toEqual([]);
    expect(resources.filter(({ inputs }) => /servicebus|EventHub/i.test(JSON.stringify(inputs)))).toEqual([]);
    expect(JSON.stringify(get("app").inputs)).not.toContain("EVENTS");
    expect(outputs).not.toHaveProperty("eventHubsNamespace");
    expect(names).toContain("notices/landing");
  }
});
describe("storage", () => {
  it("has the containers and queues that the local platform has, and the queues of failed messages", () => {
    for (const account of ["host", "lake"] as const) {
      const accountName = sample.get(account).inputs["accountName"];
      const namesOf = (type: string, key: string) =>
        sample
          .all(type)
          .filter(({ inputs }) => inputs["accountName"] === accountName)
          .map(({ inputs }) => text(inputs[key]))
          .sort();
      expect(namesOf("storage:BlobContainer", "containerName")).toEqual([...storageLayout[account].containers].sort());
      expect(namesOf("storage:Queue", "queueName").filter((name) => !name.endsWith("-poison"))).toEqual(
        [...storageLayout[account].queues].sort(),
      );
    }
  });

  it("is told of landed files only where a table is fed by them", async () => {
    const subscriptions = (made: Deployment) =>
      made.all("eventgrid:SystemTopicEventSubscription").map(({ name }) => name);
    expect(subscriptions(await deploy({ pipelines: [orders] }))).toEqual(["notices/commits"]);
    expect(subscriptions(await deploy({ pipelines: [visits] }))).toEqual(["notices/commits", "notices/landing"]);
  });
});

describe("pipelines that do not fit are refused before anything is made", () => {
  const hub = (name: string, partitions: number) =>
    definePipeline(`of_${name.replaceAll("-", "_")}_${partitions}`, [
      streamingTable(`bronze.t_${name.replaceAll("-", "_")}_${partitions}`, { from: eventHub(name, { partitions }) }),
    ]);
  const cases = [
    {
      situation: "two numbers of partitions for one hub",
      declared: [hub("a", 4), hub("a", 8)],
      says: /"a" is declared with 4 and with 8/,
    },
    {
      situation: "more partitions than the tier has",
      declared: [hub("a", 33)],
      says: /"a" wants 33 partitions.*allows 32/,
    },
    {
      situation: "more hubs than a namespace holds",
      declared: Array.from({ length: 11 }, (_, index) => hub(`hub-${index}`, 1)),
      says: /read 11 hubs.*holds 10/,
    },
    { situation: "two pipelines of one name", declared: [orders, orders], says: /Two pipelines are called orders/ },
    { situation: "no pipeline at all", declared: [], says: /There is no pipeline/ },
  ];
  it.for(cases)("$situation", async ({ declared, says }) => {
    await expect(deploy({ pipelines: declared })).rejects.toThrow(says);
  });
});

it("the same manifests make the same resources, in whatever order the pipelines are listed", async () => {
  const again = await deployAnew({ pipelines: [orders, visits, audit] });
  expect(again.resources).toEqual(several.resources);
  const turned = await deploy({ pipelines: [audit, visits, orders] });
  expect(turned.resources).toEqual(several.resources);
});
