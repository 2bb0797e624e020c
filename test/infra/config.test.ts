import { describe, expect, it } from "vitest";
import { definePipeline, eventHub, streamingTable } from "../../shared/pipeline/index.ts";
import { azure } from "./azure.ts";
import { deploy, type Deployment } from "./deployment.ts";

const topic = `/subscriptions/${azure.subscriptionId}/resourceGroups/shared/providers/Microsoft.EventGrid/systemTopics/lake`;

const wrong = [
  {
    key: "azure-native:location",
    value: undefined,
    says: "it is missing. Set it: pulumi config set azure-native:location westeurope",
  },
  { key: "azure-native:location", value: "?", says: "it has to be a region" },
  {
    key: "azure-native:subscriptionId",
    value: undefined,
    says: 'azure-native:subscriptionId "$(az account show --query id',
  },
  { key: "azure-native:subscriptionId", value: "my subscription", says: "it has to be an id such as" },
  { key: "azure-native:tenantId", value: undefined, says: 'azure-native:tenantId "$(az account show --query tenantId' },
  { key: "dyne:clientId", value: "dyne", says: "it has to be an id such as" },
  { key: "dyne:audience", value: "", says: "it has to be an application ID URI or a client id" },
  { key: "dyne:audience", value: "api://dyne $(id)", says: "it has to be an application ID URI or a client id" },
  { key: "dyne:throughputUnits", value: "0", says: "a whole number from 1 to 40" },
  { key: "dyne:throughputUnits", value: "41", says: "a whole number from 1 to 40" },
  { key: "dyne:throughputUnits", value: "1.5", says: "a whole number from 1 to 40" },
  { key: "dyne:maximumInstances", value: "1001", says: "a whole number from 1 to 1000" },
  { key: "dyne:maximumInstances", value: "many", says: "a whole number from 1 to 1000" },
  { key: "dyne:protectData", value: "yes", says: "it has to be true or false" },
  {
    key: "dyne:maxInstances",
    value: "5",
    says: "is no setting; there are clientId, audience, package, nameSalt",
  },
  { key: "dyne:nameSalt", value: "Two", says: 'dyne:nameSalt is "Two": it has to be 1 to 40 lower-case letters' },
  { key: "dyne:existingResourceGroup", value: "a/b", says: "the name of a resource group" },
  { key: "dyne:lakeReplication", value: "XRS", says: "one of LRS, ZRS, GRS, RAGRS, GZRS, RAGZRS" },
  { key: "dyne:coolAfterDays", value: "-1", says: "a whole number from 0 to 3650" },
  { key: "dyne:captureRetentionDays", value: "0", says: "a whole number from 1 to 36500" },
  { key: "dyne:purgeProtection", value: "1", says: 'is "1": it has to be true or false' },
  { key: "dyne:eventHubsTier", value: "Basic", says: "one of Standard, Premium" },
  { key: "dyne:maximumThroughputUnits", value: "41", says: "a whole number from 1 to 40" },
  { key: "dyne:processingUnits", value: "3", says: "one of 1, 2, 4, 6, 8, 10, 12, 16" },
  { key: "dyne:processingUnits", value: "2", says: "it is 2, and the tier Standard has no such units" },
  { key: "dyne:hubRetentionHours", value: "169", says: "it is 169; the tier Standard keeps events for 1 to 168 hours" },
  { key: "dyne:capture", value: "off", says: "it has to be true or false" },
  { key: "dyne:captureMinutes", value: "16", says: "a whole number from 1 to 15" },
  { key: "dyne:captureMegabytes", value: "9", says: "a whole number from 10 to 500" },
  { key: "dyne:profile", value: "hot", says: 'is "hot": it has to be one of idle, warm' },
  { key: "dyne:instanceMemoryMb", value: "1024", says: "one of 512, 2048, 4096" },
  { key: "dyne:rollingUpdates", value: "", says: 'is "": it has to be true or false' },
  { key: "dyne:network", value: "on", says: "it has to be true or false" },
  { key: "dyne:networkAddressSpace", value: "10.64.1.0/23", says: "512 private addresses such as 10.64.0.0/23" },
  { key: "dyne:networkAddressSpace", value: "8.8.8.0/23", says: "512 private addresses such as 10.64.0.0/23" },
  { key: "dyne:networkAddressSpace", value: "10.300.0.0/23", says: "512 private addresses such as 10.64.0.0/23" },
  { key: "dyne:logRetentionDays", value: "29", says: "a whole number from 30 to 730" },
  { key: "dyne:logCapGb", value: "0", says: "a whole number from 1 to 1000" },
  {
    key: "dyne:existingLogWorkspace",
    value: topic,
    says: "/providers/Microsoft.OperationalInsights/workspaces/<name>",
  },
  { key: "dyne:alertEmails", value: "ada", says: "1 to 10 mail addresses" },
  { key: "dyne:alertEmails", value: "[]", says: "1 to 10 mail addresses" },
  { key: "dyne:alertEmails", value: "ada@example.com, Ada@example.com", says: "mail addresses, each once" },
  { key: "dyne:alertEmails", value: '["ada@example.com"', says: "1 to 10 mail addresses" },
  { key: "dyne:freshnessHours", value: "0", says: "a whole number from 1 to 8760" },
  { key: "dyne:monthlyBudget", value: "12.5", says: "a whole number from 1 to" },
  { key: "dyne:monthlyBudget", value: "100", says: "it is 100, and budgetStart is not set" },
  { key: "dyne:monthlyBudget", value: "100", says: "it is 100, and alertEmails is not set" },
  { key: "dyne:budgetStart", value: "2026-01-15", says: "the first day of a month" },
  { key: "dyne:budgetStart", value: "2026-01-01", says: "there is no monthlyBudget" },
  { key: "dyne:existingSystemTopic", value: "topic", says: "/providers/Microsoft.EventGrid/systemTopics/<name>" },
  { key: "dyne:existingSystemTopic", value: topic, says: "existingSystemTopicPrincipalId is not" },
  {
    key: "dyne:existingSystemTopic",
    value: topic.replace(azure.subscriptionId, azure.tenantId),
    says: "in another subscription than azure-native:subscriptionId",
  },
  { key: "dyne:monthlyBudget", value: "100", says: 'pulumi config set dyne:budgetStart "$(date +%Y-%m-01)"' },
  {
    key: "dyne:existingSystemTopicPrincipalId",
    value: azure.tenantId,
    says: "it is set and existingSystemTopic is not",
  },
];

it.for(wrong)("$key = $value is refused with the way to correct it", async ({ key, value, says }) => {
  const failed = deploy({ config: { [key]: value } });
  await expect(failed).rejects.toThrow(key);
  await expect(failed).rejects.toThrow(says);
  await expect(failed).rejects.toMatchObject({ __pulumiRunError: true });
});

it("everything wrong is said at once", async () => {
  const failed = deploy({
    config: { "azure-native:location": undefined, "dyne:throughputUnits": "x", "dyne:typo": "1" },
  });
  for (const key of ["azure-native:location", "dyne:throughputUnits", "dyne:typo"])
    await expect(failed).rejects.toThrow(key);
});

it("what each is right and does not go together is refused, with both", async () => {
  const config = { "dyne:throughputUnits": "4", "dyne:maximumThroughputUnits": "2" };
  await expect(deploy({ config })).rejects.toThrow("it is 2 and has to be at least throughputUnits, 4");
  const premium = { "dyne:eventHubsTier": "Premium", "dyne:throughputUnits": "4", "dyne:hubRetentionHours": "2161" };
  await expect(deploy({ config: premium })).rejects.toThrow("a whole number from 1 to 2160");
  const units = { "dyne:eventHubsTier": "Premium", "dyne:throughputUnits": "4" };
  await expect(deploy({ config: units })).rejects.toThrow("Remove it: pulumi config rm dyne:throughputUnits");
});

describe("a setting", () => {
  it("may name a region as the portal does", async () => {
    const deployment = await deploy({ config: { "azure-native:location": "West Europe" } });
    expect(deployment.get("group").inputs["location"]).toBe("westeurope");
  });

  it("decides on throughput and scale", async () => {
    const deployment = await deploy({ config: { "dyne:throughputUnits": "7", "dyne:maximumInstances": "40" } });
    expect(deployment.get("event-hubs").inputs["sku"]).toEqual({ name: "Standard", tier: "Standard", capacity: 7 });
    expect(deployment.get("app").inputs["functionAppConfig"]).toMatchObject({
      scaleAndConcurrency: { maximumInstanceCount: 40 },
    });
    expect(deployment.get("event-hubs").inputs).not.toHaveProperty("isAutoInflateEnabled");
  });

  it("lets throughput grow by itself", async () => {
    const { get } = await deploy({ config: { "dyne:throughputUnits": "2", "dyne:maximumThroughputUnits": "8" } });
    expect(get("event-hubs").inputs).toMatchObject({
      sku: { capacity: 2 },
      isAutoInflateEnabled: true,
      maximumThroughputUnits: 8,
    });
  });

  it("keeps the units that throughput has grown to, within what is allowed now, and asks for them only then", async () => {
    const grows = { "dyne:throughputUnits": "2", "dyne:maximumThroughputUnits": "8" };
    const unitsOf = async (config: Record<string, string>, unitsThere: number | Error) =>
      (await deploy({ config, unitsThere })).get("event-hubs").inputs["sku"];
    for (const [there, units] of [
      [5, 5],
      [1, 2],
      [12, 8],
    ] as const)
      expect(await unitsOf(grows, there)).toMatchObject({ capacity: units });
    expect(await unitsOf({ "dyne:throughputUnits": "2" }, new Error("not asked for"))).toMatchObject({ capacity: 2 });
  });

  it("takes the tier Premium, where hubs keep events for longer and may have more partitions", async () => {
    const declared = [
      definePipeline("wide", [streamingTable("bronze.wide", { from: eventHub("wide", { partitions: 100 }) })]),
    ];
    const config = { "dyne:eventHubsTier": "Premium", "dyne:processingUnits": "2", "dyne:hubRetentionHours": "2160" };
    const { get } = await deploy({ config, pipelines: declared });
    expect(get("event-hubs").inputs["sku"]).toEqual({ name: "Premium", tier: "Premium", capacity: 2 });
    expect(get("hub/wide").inputs).toMatchObject({
      partitionCount: 100,
      retentionDescription: { retentionTimeInHours: 2_160 },
    });
    await expect(deploy({ pipelines: declared })).rejects.toThrow("pulumi config set eventHubsTier Premium");
  });

  it("keeps instances ready for all that events, notices and people start, in the profile warm", async () => {
    const { get } = await deploy({ config: { "dyne:profile": "warm" } });
    const { alwaysReady } = (
      get("app").inputs["functionAppConfig"] as { scaleAndConcurrency: { alwaysReady: unknown } }
    ).scaleAndConcurrency;
    expect(alwaysReady).toEqual(
      [
        "http",
        ...["bulk", "hub-customers", "hub-events", "hub-flights", "hub-readings", "notices"].map(
          (name) => `function:${name}`,
        ),
      ].map((name) => ({ name, instanceCount: 1 })),
    );
  });

  it.for([
    { memory: "512", threads: "1", duckDb: "160" },
    { memory: "2048", threads: "1", duckDb: "512" },
    { memory: "4096", threads: "2", duckDb: "1536" },
  ])("gives instances $memory MB, and DuckDB what fits them", async ({ memory, threads, duckDb }) => {
    const { get } = await deploy({ config: { "dyne:instanceMemoryMb": memory } });
    expect(get("app").inputs["functionAppConfig"]).toMatchObject({
      scaleAndConcurrency: { instanceMemoryMB: Number(memory) },
    });
    const { appSettings } = get("app").inputs["siteConfig"] as { appSettings: { name: string; value: string }[] };
    expect(appSettings).toEqual(
      expect.arrayContaining([
        { name: "DYNE_THREADS", value: threads },
        { name: "DYNE_MEMORY_MB", value: duckDb },
      ]),
    );
  });

  it("replaces instances one after the other, or ends their runs at once", async () => {
    const strategyOf = ({ get }: Deployment) =>
      (get("app").inputs["functionAppConfig"] as { siteUpdateStrategy: { type: string } }).siteUpdateStrategy.type;
    expect(strategyOf(await deploy())).toBe("Recreate");
    expect(strategyOf(await deploy({ config: { "dyne:rollingUpdates": "true" } }))).toBe("RollingUpdate");
  });

  it("gives other names to the same stack", async () => {
    const [plain, salted] = [await deploy(), await deploy({ config: { "dyne:nameSalt": "2" } })];
    const ids = new Set(plain.resources.map(({ id }) => id));
    expect(salted.resources.filter(({ id }) => ids.has(id))).toEqual([]);
  });

  it("lets a vault be purged", async () => {
    const { get } = await deploy({ config: { "dyne:purgeProtection": "false" } });
    expect(get("vault").inputs["properties"]).not.toHaveProperty("enablePurgeProtection");
    expect(get("vault").inputs["properties"]).toMatchObject({ enableSoftDelete: true });
  });

  it("copies the lake to other zones or another region, never the account of leases", async () => {
    const { get } = await deploy({ config: { "dyne:lakeReplication": "GZRS" } });
    expect(get("lake").inputs["sku"]).toEqual({ name: "Standard_GZRS" });
    expect(get("host").inputs["sku"]).toEqual({ name: "Standard_LRS" });
  });

  it("goes into a resource group that exists, and makes none", async () => {
    const { all, get } = await deploy({ config: { "dyne:existingResourceGroup": "shared" } });
    expect(all("resources:ResourceGroup")).toEqual([]);
    expect(get("lake").inputs["resourceGroupName"]).toBe("shared");
  });

  it("subscribes to a topic that exists, whose own identity is given the rights", async () => {
    const principalId = "7a1c9c62-0f6b-4f0e-9a55-5a8f1c2b3d4e";
    const config = { "dyne:existingSystemTopic": topic, "dyne:existingSystemTopicPrincipalId": principalId };
    const { all, get, resources } = await deploy({ config });
    expect(all("eventgrid:SystemTopic")).toEqual([]);
    expect(resources.map(({ name }) => name)).not.toContain("identity/notices");
    for (const { inputs } of all("eventgrid:SystemTopicEventSubscription")) {
      expect(inputs).toMatchObject({
        resourceGroupName: "shared",
        systemTopicName: "lake",
        deliveryWithResourceIdentity: { identity: { type: "SystemAssigned" } },
        deadLetterWithResourceIdentity: { identity: { type: "SystemAssigned" } },
      });
    }
    expect(get("role/notices/host/notices/storage-queue-data-message-sender").inputs).toMatchObject({ principalId });
  });

  it("belongs to the project, whatever it is called", async () => {
    const deployment = await deploy({
      project: "trail",
      config: { "trail:throughputUnits": "3", "dyne:throughputUnits": "x" },
    });
    expect(deployment.get("event-hubs").inputs["sku"]).toMatchObject({ capacity: 3 });
  });
});
