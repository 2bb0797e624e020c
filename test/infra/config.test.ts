import { describe, expect, it } from "vitest";
import { deploy } from "./deployment.ts";

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
  { key: "dyne:audience", value: "", says: "it is empty" },
  { key: "dyne:throughputUnits", value: "0", says: "a whole number from 1 to 40" },
  { key: "dyne:throughputUnits", value: "41", says: "a whole number from 1 to 40" },
  { key: "dyne:throughputUnits", value: "1.5", says: "a whole number from 1 to 40" },
  { key: "dyne:maximumInstances", value: "1001", says: "a whole number from 1 to 1000" },
  { key: "dyne:maximumInstances", value: "many", says: "a whole number from 1 to 1000" },
  { key: "dyne:protectData", value: "yes", says: "it has to be true or false" },
  {
    key: "dyne:maxInstances",
    value: "5",
    says: "is no setting; there are clientId, audience, throughputUnits, maximumInstances",
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
  });

  it("belongs to the project, whatever it is called", async () => {
    const deployment = await deploy({
      project: "trail",
      config: { "trail:throughputUnits": "3", "dyne:throughputUnits": "x" },
    });
    expect(deployment.get("event-hubs").inputs["sku"]).toMatchObject({ capacity: 3 });
  });
});
