/** Rules over the whole graph: what every resource must say, what it may say, and what none may be. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deploy, type Made } from "./deployment.ts";
import { checkInputs, enumValues } from "./typings.ts";

const everything = await deploy({
  stack: "prod",
  config: {
    "dyne:clientId": "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e",
    "dyne:profile": "warm",
    "dyne:network": "true",
    "dyne:maximumThroughputUnits": "10",
    "dyne:captureRetentionDays": "365",
    "dyne:alertEmails": "someone@example.com",
    "dyne:freshnessHours": "6",
    "dyne:monthlyBudget": "200",
    "dyne:budgetStart": "2026-01-01",
  },
});
const ofAzure = everything.resources.filter(({ type }) => !type.startsWith("pulumi:"));

/** By type: what Azure accepts the lack of, and this project does not. */
const required: Readonly<Record<string, readonly string[]>> = {
  "applicationinsights:Component": ["resourceName", "workspaceResourceId", "disableLocalAuth", "ingestionMode"],
  "authorization:RoleAssignment": ["roleAssignmentName", "principalType", "scope"],
  "consumption:Budget": ["budgetName", "notifications", "timePeriod"],
  "eventgrid:SystemTopic": ["systemTopicName", "identity", "source", "topicType"],
  "eventgrid:SystemTopicEventSubscription": [
    "deadLetterWithResourceIdentity",
    "deliveryWithResourceIdentity",
    "eventDeliverySchema",
    "filter",
    "retryPolicy",
  ],
  "eventhub:ConsumerGroup": ["consumerGroupName"],
  "eventhub:EventHub": ["eventHubName", "partitionCount", "retentionDescription", "captureDescription"],
  "eventhub:Namespace": ["namespaceName", "sku", "disableLocalAuth", "minimumTlsVersion", "identity"],
  "eventhub:NamespaceNetworkRuleSet": ["defaultAction", "publicNetworkAccess", "trustedServiceAccessEnabled"],
  "network:PrivateDnsZoneGroup": ["privateDnsZoneGroupName", "privateDnsZoneConfigs"],
  "network:PrivateEndpoint": ["privateEndpointName", "privateLinkServiceConnections", "subnet"],
  "network:VirtualNetwork": ["virtualNetworkName", "addressSpace", "subnets"],
  "privatedns:PrivateZone": ["privateZoneName"],
  "privatedns:VirtualNetworkLink": ["virtualNetworkLinkName", "virtualNetwork", "registrationEnabled"],
  "keyvault:Vault": ["vaultName", "properties"],
  "managedidentity:UserAssignedIdentity": ["resourceName"],
  "monitor:ActionGroup": ["actionGroupName", "emailReceivers"],
  "monitor:DiagnosticSetting": ["name", "workspaceId", "logs"],
  "monitor:MetricAlert": ["ruleName", "actions", "description", "autoMitigate"],
  "monitor:ScheduledQueryRule": [
    "ruleName",
    "actions",
    "criteria",
    "description",
    "displayName",
    "enabled",
    "evaluationFrequency",
    "kind",
    "scopes",
    "severity",
    "skipQueryValidation",
    "windowSize",
  ],
  "operationalinsights:Workspace": ["workspaceName", "retentionInDays", "workspaceCapping", "sku", "features"],
  "resources:ResourceGroup": ["resourceGroupName"],
  "storage:BlobContainer": ["containerName", "publicAccess"],
  "storage:BlobServiceProperties": ["deleteRetentionPolicy", "containerDeleteRetentionPolicy"],
  "storage:ManagementPolicy": ["managementPolicyName"],
  "storage:Queue": ["queueName"],
  "storage:StorageAccount": [
    "accountName",
    "accessTier",
    "allowBlobPublicAccess",
    "allowCrossTenantReplication",
    "allowSharedKeyAccess",
    "defaultToOAuthAuthentication",
    "enableHttpsTrafficOnly",
    "isHnsEnabled",
    "isLocalUserEnabled",
    "minimumTlsVersion",
  ],
  "web:AppServicePlan": ["name", "sku", "reserved"],
  "web:WebApp": [
    "name",
    "functionAppConfig",
    "httpsOnly",
    "identity",
    "keyVaultReferenceIdentity",
    "kind",
    "serverFarmId",
    "siteConfig",
  ],
  "web:WebAppAuthSettingsV2": ["platform", "globalValidation", "identityProviders"],
  "web:WebAppFtpAllowed": ["allow"],
  "web:WebAppScmAllowed": ["allow"],
};

/**
 * Where the typings name another enumeration than Azure's: the generator took the first of that name in the module. What rules of alerts take is in
 * https://learn.microsoft.com/rest/api/monitor/scheduled-query-rules/create-or-update, and is what metric alerts take too.
 */
const corrected: Readonly<Record<string, string>> = { "criteria.allOf[0].operator": "monitor.Operator" };

const about = ({ type, name }: Made, told: string) => `${type} ${name}: ${told}`;

describe("every resource", () => {
  it("is the one that it was outside of its part or as a type of another service, and looked for under no version of the API", () => {
    const former = everything.resources.map(({ name, part, aliases }) => ({ name, part, aliases }));
    expect(former.filter(({ aliases }) => aliases.some((alias) => /\/v\d/.test(alias)))).toEqual([]);
    expect(former.filter(({ part, aliases }) => aliases.includes("outside") !== (part !== ""))).toEqual([]);
    expect(everything.get("diagnostics/lake").aliases).toContain("azure-native:insights:DiagnosticSetting");
  });

  it("says what this project wants it to say, whatever Azure would make of its silence", () => {
    const types = [...new Set(ofAzure.map(({ type }) => type))];
    expect(types.filter((type) => !(type in required))).toEqual([]);
    const missing = ofAzure.flatMap((made) =>
      (required[made.type] ?? []).filter((key) => !(key in made.inputs)).map((key) => about(made, key)),
    );
    expect(missing).toEqual([]);
  });

  it("says only what its typings have, at every depth, and all that they require", () => {
    const findings = ofAzure.flatMap((made) =>
      checkInputs(made.type, made.inputs).findings.map(({ path, problem }) => about(made, `${path} ${problem}`)),
    );
    expect(findings).toEqual([]);
  });

  it("says nothing for an enumeration that is not in it", () => {
    const uses = ofAzure.flatMap((made) => checkInputs(made.type, made.inputs).enums.map((use) => ({ made, ...use })));
    expect(uses.length).toBeGreaterThan(100);
    const wrong = uses
      .filter(({ path, value, enumeration }) => {
        const named = enumeration === "monitor.ConditionOperator" ? (corrected[path] ?? enumeration) : enumeration;
        return !enumValues(named).includes(value);
      })
      .map(({ made, path, value, enumeration }) => about(made, `${path} is ${String(value)}, no ${enumeration}`));
    expect(wrong).toEqual([]);
  });

  it("is read by a check that tells what is wrong", () => {
    const hub = everything.get("hub/flights").inputs;
    const findings = (inputs: object) => checkInputs("eventhub:EventHub", inputs).findings;
    expect(findings({ ...hub, retentionInHours: 1 })).toEqual([
      { path: "retentionInHours", problem: "is no argument" },
    ]);
    const { namespaceName: _, ...nowhere } = hub;
    expect(findings(nowhere)).toEqual([{ path: "namespaceName", problem: "is required and missing" }]);
    const retentionDescription = { cleanupPolicy: "Forget", hours: 3 };
    const { findings: deep, enums } = checkInputs("eventhub:EventHub", { ...hub, retentionDescription });
    expect(deep).toEqual([{ path: "retentionDescription.hours", problem: "is no argument" }]);
    const use = enums.find(({ path }) => path === "retentionDescription.cleanupPolicy");
    expect(use?.enumeration).toBe("eventhub.CleanupPolicyRetentionDescription");
    expect(enumValues(use?.enumeration ?? "")).toEqual(["Delete", "Compact"]);
  });
});

it("the program spells no value of an enumeration itself where the package has a constant for it", async () => {
  const folder = join(import.meta.dirname, "../../infra");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  const sources = await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(join(folder, file), "utf8") })),
  );
  const uses = ofAzure.flatMap((made) => checkInputs(made.type, made.inputs).enums);
  const spelled = new Set(
    uses.flatMap(({ path, value }) => {
      const key =
        path
          .split(".")
          .at(-1)
          ?.replace(/\[\d+\]$/, "") ?? "";
      const literal = `${key}: ${JSON.stringify(value)}`;
      return sources.filter(({ text }) => text.includes(literal)).map(({ file }) => `${file}: ${literal}`);
    }),
  );
  expect([...spelled]).toEqual([]);
});

it("nothing is a blob or a secret, whose values would be in the state of the stack", () => {
  const types = ofAzure.map(({ type }) => type);
  expect(
    types.filter((type) => /^storage:(Blob|StorageAccountStaticWebsite)$|Secret|Key$|listKeys/i.test(type)),
  ).toEqual([]);
});

it("no role is one that may do everything, or may give roles", () => {
  const wide = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "f526a384-b230-433a-b45c-95f59c4a2dec": "Azure Event Hubs Data Owner",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
  };
  const roles = everything.all("authorization:RoleAssignment").map(({ inputs }) => String(inputs["roleDefinitionId"]));
  expect(roles.length).toBeGreaterThan(10);
  expect(roles.filter((id) => Object.keys(wide).some((role) => id.endsWith(role)))).toEqual([]);
  expect(everything.all("authorization:RoleDefinition")).toEqual([]);
});

it("whatever takes logs of its own has them listed, and nothing else has", () => {
  const logged = everything.all("monitor:DiagnosticSetting").map(({ inputs }) => String(inputs["resourceUri"]));
  const owners = ["app", "event-hubs", "lake", "notices", "vault"].map((name) => everything.get(name).id);
  expect(logged.map((uri) => uri.replace(/\/blobServices\/default$/, "")).sort()).toEqual(owners.sort());
});
