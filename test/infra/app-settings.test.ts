import { describe, expect, it } from "vitest";
import { readSettings } from "../../shared/runtime/settings.ts";
import { azure } from "./azure.ts";
import { deploy, type Deployment } from "./deployment.ts";

const clientId = "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e";
const deployment = await deploy();
const withApi = await deploy({ config: { "dyne:clientId": clientId } });

function settingsOf(from: Deployment): Readonly<Record<string, string>> {
  const { appSettings } = from.get("app").inputs["siteConfig"] as { appSettings: { name: string; value: string }[] };
  expect(new Set(appSettings.map(({ name }) => name)).size).toBe(appSettings.length);
  return Object.fromEntries(appSettings.map(({ name, value }) => [name, value]));
}

/** As the platform hands them to the runtime; the client id is one in form, which the one of these tests is not. */
const environment: Readonly<Record<string, string>> = { ...settingsOf(withApi), AZURE_CLIENT_ID: clientId };

/** Settings that a deployment leaves alone: what is meant for a laptop, another cloud's authority, and what is on unless it is turned off. */
const leftAlone = ["DYNE_AUTH", "EVENTS__customEndpointAddress", "AZURE_AUTHORITY_HOST", "DYNE_PROGRESS"];

describe("shared/runtime", () => {
  it("finds every setting that it reads", () => {
    const read = new Set<string>();
    readSettings(
      new Proxy(environment, {
        get: (settings, name) => {
          read.add(String(name));
          return settings[String(name)];
        },
      }),
    );
    expect(read.size).toBeGreaterThan(8);
    expect([...read].filter((name) => !(name in environment)).sort()).toEqual([...leftAlone].sort());
  });

  it("comes everywhere by identity, to the resources of this deployment", () => {
    const address = (name: string, key: string, host: string) =>
      `https://${String(deployment.get(name).inputs[key])}.${host}/`;
    const settings = readSettings(environment);
    expect(settings).toMatchObject({
      host: { kind: "identity", endpoint: address("host", "accountName", "blob.core.windows.net") },
      lake: { kind: "identity", endpoint: address("lake", "accountName", "blob.core.windows.net") },
      notices: { kind: "identity", endpoint: address("host", "accountName", "queue.core.windows.net") },
      events: {
        kind: "identity",
        endpoint: `${String(deployment.get("event-hubs").inputs["namespaceName"])}.servicebus.windows.net`,
      },
      clientId,
    });
  });

  it("is told what an instance of 2,048 MB has: one core, and 800 MB of disk of which 500 are for files", () => {
    expect(readSettings(environment)).toMatchObject({ threads: 1, memoryLimitMb: 512, cacheMb: 500 });
  });
});

it("the Functions host makes each of its connections by the app's identity", () => {
  const settings = settingsOf(deployment);
  const identity = "client of identity/app";
  expect(settings["AZURE_CLIENT_ID"]).toBe(identity);
  for (const connection of ["AzureWebJobsStorage", "EVENTS", "NOTICES"]) {
    expect(settings).toMatchObject({
      [`${connection}__credential`]: "managedidentity",
      [`${connection}__clientId`]: identity,
    });
  }
  for (const service of ["blob", "queue", "table"]) {
    const host = String(deployment.get("host").inputs["accountName"]);
    expect(settings[`AzureWebJobsStorage__${service}ServiceUri`]).toBe(`https://${host}.${service}.core.windows.net/`);
  }
});

it("nothing is set that the plan refuses or decides, and no connection by key", () => {
  const forbidden =
    /^(FUNCTIONS_|WEBSITE_|SCM_|TZ$|AZURE_CLIENT_SECRET|AZURE_STORAGE|(AzureWebJobsStorage|EVENTS|LAKE|NOTICES|AzureWebJobsDashboard)$)|__accountName$|_KEY$|SECRET|PASSWORD/;
  for (const settings of [settingsOf(deployment), settingsOf(withApi)]) {
    expect(Object.keys(settings).filter((name) => forbidden.test(name))).toEqual([]);
  }
});

describe("the API", () => {
  it("has no tenant and no audience where none is configured, so that it turns everybody away", () => {
    expect(Object.keys(settingsOf(deployment)).filter((name) => /TENANT|AUDIENCE/.test(name))).toEqual([]);
  });

  it("takes tokens for the app registration", () => {
    expect(settingsOf(withApi)).toMatchObject({ DYNE_TENANT_ID: azure.tenantId, DYNE_AUDIENCE: clientId });
  });

  it("takes tokens for another audience where one is configured, also without a registration in front", async () => {
    const made = await deploy({ config: { "dyne:audience": "api://dyne" } });
    expect(settingsOf(made)).toMatchObject({ DYNE_TENANT_ID: azure.tenantId, DYNE_AUDIENCE: "api://dyne" });
    expect(made.all("web:WebAppAuthSettingsV2")).toEqual([]);
  });
});
