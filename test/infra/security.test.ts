import { describe, expect, it } from "vitest";
import { pipelines } from "../../pipelines/index.ts";
import { backfillRequest } from "../../shared/checkpoint/index.ts";
import { azure, type Inputs } from "./azure.ts";
import { deploy } from "./deployment.ts";

const deployment = await deploy();
const clientId = "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e";
const withApi = await deploy({ config: { "dyne:clientId": clientId } });

/** What every resource of a type must say, whichever it is. */
const promises: readonly { readonly promise: string; readonly type: string; readonly inputs: object }[] = [
  { promise: "no storage key opens anything", type: "storage:StorageAccount", inputs: { allowSharedKeyAccess: false } },
  {
    promise: "people come by Entra ID too",
    type: "storage:StorageAccount",
    inputs: { defaultToOAuthAuthentication: true },
  },
  { promise: "storage has no users of its own", type: "storage:StorageAccount", inputs: { isLocalUserEnabled: false } },
  { promise: "no blob is public", type: "storage:StorageAccount", inputs: { allowBlobPublicAccess: false } },
  { promise: "no container is public", type: "storage:BlobContainer", inputs: { publicAccess: "None" } },
  {
    promise: "storage is not replicated to other tenants",
    type: "storage:StorageAccount",
    inputs: { allowCrossTenantReplication: false },
  },
  { promise: "storage takes HTTPS only", type: "storage:StorageAccount", inputs: { enableHttpsTrafficOnly: true } },
  {
    promise: "storage takes TLS 1.2 or later",
    type: "storage:StorageAccount",
    inputs: { minimumTlsVersion: "TLS1_2" },
  },
  { promise: "no key sends or reads events", type: "eventhub:Namespace", inputs: { disableLocalAuth: true } },
  { promise: "Event Hubs takes TLS 1.2 or later", type: "eventhub:Namespace", inputs: { minimumTlsVersion: "1.2" } },
  {
    promise: "roles decide who reads secrets",
    type: "keyvault:Vault",
    inputs: { properties: { enableRbacAuthorization: true } },
  },
  {
    promise: "secrets can be brought back and not purged",
    type: "keyvault:Vault",
    inputs: { properties: { enableSoftDelete: true, enablePurgeProtection: true, softDeleteRetentionInDays: 90 } },
  },
  { promise: "the app takes HTTPS only", type: "web:WebApp", inputs: { httpsOnly: true } },
  {
    promise: "the app and its publishing take TLS 1.2 or later, and no FTP",
    type: "web:WebApp",
    inputs: { siteConfig: { minTlsVersion: "1.2", scmMinTlsVersion: "1.2", ftpsState: "Disabled" } },
  },
  {
    promise: "nobody writes telemetry without a token",
    type: "applicationinsights:Component",
    inputs: { disableLocalAuth: true },
  },
  {
    promise: "nobody writes or reads logs by a key of the workspace",
    type: "operationalinsights:Workspace",
    inputs: { features: { disableLocalAuth: true } },
  },
  { promise: "nobody publishes by FTP with a password", type: "web:WebAppFtpAllowed", inputs: { allow: false } },
  { promise: "nobody publishes by HTTP with a password", type: "web:WebAppScmAllowed", inputs: { allow: false } },
];

it.for(promises)("$promise", ({ type, inputs }) => {
  const made = deployment.all(type);
  expect(made).not.toEqual([]);
  for (const resource of made) expect(resource.inputs).toMatchObject(inputs);
});

it("nothing is made of a kind that needs a key, or code in the state of the stack", () => {
  expect([...new Set(withApi.resources.map(({ type }) => type))].sort()).toEqual([
    "applicationinsights:Component",
    "authorization:RoleAssignment",
    "eventgrid:SystemTopic",
    "eventgrid:SystemTopicEventSubscription",
    "eventhub:ConsumerGroup",
    "eventhub:EventHub",
    "eventhub:Namespace",
    "keyvault:Vault",
    "managedidentity:UserAssignedIdentity",
    "monitor:DiagnosticSetting",
    "monitor:MetricAlert",
    "monitor:ScheduledQueryRule",
    "operationalinsights:Workspace",
    "pulumi:index:Stash",
    "resources:ResourceGroup",
    "storage:BlobContainer",
    "storage:BlobServiceProperties",
    "storage:ManagementPolicy",
    "storage:Queue",
    "storage:StorageAccount",
    "web:AppServicePlan",
    "web:WebApp",
    "web:WebAppAuthSettingsV2",
    "web:WebAppFtpAllowed",
    "web:WebAppScmAllowed",
  ]);
});

describe("data", () => {
  it("lies in a flat account of the host without versions and soft delete, and in a hierarchical lake with it", () => {
    expect(deployment.get("host").inputs["isHnsEnabled"]).toBe(false);
    expect(deployment.get("lake").inputs["isHnsEnabled"]).toBe(true);
    const off = { enabled: false };
    expect(deployment.get("host/blobs").inputs).toMatchObject({
      isVersioningEnabled: false,
      changeFeed: off,
      deleteRetentionPolicy: off,
      containerDeleteRetentionPolicy: off,
    });
    const softDelete = { enabled: true, days: 7 };
    expect(deployment.get("lake/blobs").inputs).toMatchObject({
      deleteRetentionPolicy: softDelete,
      containerDeleteRetentionPolicy: softDelete,
    });
    // A hierarchical account refuses these.
    expect(deployment.get("lake/blobs").inputs).not.toHaveProperty("isVersioningEnabled");
    expect(deployment.get("lake/blobs").inputs).not.toHaveProperty("changeFeed");
  });

  it("becomes cool where it is read once, and never in a table, whose files a rule cannot tell from each other", async () => {
    const rules = (made: typeof deployment) =>
      (made.get("lake/aging").inputs["policy"] as { rules: { definition: object }[] }).rules.map(
        ({ definition }) => definition,
      );
    const aged = (folder: string, baseBlob: object) => ({
      actions: { baseBlob },
      filters: { blobTypes: ["blockBlob"], prefixMatch: [folder] },
    });
    const after = (days: number) => ({ daysAfterModificationGreaterThan: days });
    expect(rules(deployment)).toEqual([
      aged("landing/", { tierToCool: after(30) }),
      aged("capture/", { tierToCool: after(30) }),
    ]);
    const forgetting = await deploy({ config: { "dyne:coolAfterDays": "0", "dyne:captureRetentionDays": "365" } });
    expect(rules(forgetting)).toEqual([aged("capture/", { delete: after(365) })]);
    for (const [captureRetentionDays, baseBlob] of [
      ["30", { delete: after(30) }],
      ["31", { tierToCool: after(30), delete: after(31) }],
    ] as const) {
      const shortly = await deploy({ config: { "dyne:captureRetentionDays": captureRetentionDays } });
      expect(rules(shortly)).toEqual([aged("landing/", { tierToCool: after(30) }), aged("capture/", baseBlob)]);
    }
    const keeping = await deploy({ config: { "dyne:coolAfterDays": "0" } });
    expect(keeping.all("storage:ManagementPolicy")).toEqual([]);
  });

  it("that a hub holds is kept as files, written by an identity of its own", async () => {
    const identity = deployment.get("identity/capture").id;
    expect(deployment.get("event-hubs").inputs["identity"]).toEqual({
      type: "UserAssigned",
      userAssignedIdentities: [identity],
    });
    const hubs = deployment.all("eventhub:EventHub");
    expect(hubs.length).toBe(4);
    for (const { inputs } of hubs) {
      expect(inputs["captureDescription"]).toEqual({
        enabled: true,
        encoding: "Avro",
        intervalInSeconds: 300,
        sizeLimitInBytes: 300 * 1024 * 1024,
        skipEmptyArchives: true,
        destination: {
          name: "EventHubArchive.AzureBlockBlob",
          storageAccountResourceId: deployment.get("lake").id,
          blobContainer: "capture",
          archiveNameFormat: "{EventHub}/{Namespace}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}",
          identity: { type: "UserAssigned", userAssignedIdentity: identity },
        },
      });
    }
    const without = await deploy({ config: { "dyne:capture": "false" } });
    const uncaptured = without.resources.filter(({ inputs }) => "captureDescription" in inputs);
    expect(uncaptured).toEqual([]);
    const gone = deployment.resources
      .map(({ name }) => name)
      .filter((name) => !without.resources.some((made) => made.name === name));
    expect(gone).toEqual(["identity/capture", "role/capture/lake/capture/storage-blob-data-contributor"]);
  });

  it("is protected, with all that it lies in, and nothing else is", () => {
    const kept = ["storage:StorageAccount", "storage:BlobContainer", "eventhub:Namespace", "eventhub:EventHub"];
    for (const { name, type, protect } of deployment.resources)
      expect([name, protect]).toEqual([name, kept.includes(type)]);
  });

  it("is known to Pulumi by names that never change, because a new name is a new resource", () => {
    expect(deployment.resources.filter(({ protect }) => protect).map(({ name }) => name)).toEqual([
      "event-hubs",
      "host",
      "host/checkpoints",
      "host/dead-letter",
      "host/deployments",
      "hub/customers",
      "hub/events",
      "hub/flights",
      "hub/readings",
      "lake",
      "lake/capture",
      "lake/lake",
      "lake/landing",
      "lake/quarantine",
    ]);
  });

  it("can be deleted where the stack says so", async () => {
    const { resources } = await deploy({ config: { "dyne:protectData": "false" } });
    expect(resources.filter(({ protect }) => protect)).toEqual([]);
  });
});

describe("the app", () => {
  it("runs on Node.js 24 in a Flex Consumption plan with nothing always ready, deployed by identity", () => {
    const { inputs } = deployment.get("app");
    const identity = deployment.get("identity/app").id;
    expect(deployment.get("plan").inputs).toMatchObject({
      reserved: true,
      sku: { name: "FC1", tier: "FlexConsumption" },
    });
    expect(inputs["serverFarmId"]).toBe(deployment.get("plan").id);
    expect(inputs["identity"]).toEqual({ type: "UserAssigned", userAssignedIdentities: [identity] });
    expect(inputs["functionAppConfig"]).toEqual({
      deployment: {
        storage: {
          type: "blobContainer",
          value: `https://${String(deployment.get("host").inputs["accountName"])}.blob.core.windows.net/deployments`,
          authentication: { type: "UserAssignedIdentity", userAssignedIdentityResourceId: identity },
        },
      },
      runtime: { name: "node", version: "24" },
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 100 },
      siteUpdateStrategy: { type: "Recreate" },
    });
  });

  it("has no App Service authentication where no app registration is configured", () => {
    expect(deployment.all("web:WebAppAuthSettingsV2")).toEqual([]);
  });

  it("turns away who has no token for the configured app registration, without knowing a secret", () => {
    const { inputs } = withApi.get("app/authentication");
    expect(inputs).toMatchObject({
      name: withApi.get("app").inputs["name"],
      platform: { enabled: true },
      httpSettings: { requireHttps: true },
      globalValidation: { requireAuthentication: true, unauthenticatedClientAction: "Return401" },
    });
    expect(inputs["identityProviders"]).toEqual({
      azureActiveDirectory: {
        enabled: true,
        registration: { clientId, openIdIssuer: `https://login.microsoftonline.com/${azure.tenantId}/v2.0` },
        validation: { allowedAudiences: [clientId] },
      },
    });
    const { excludedPaths } = inputs["globalValidation"] as { excludedPaths: string[] };
    for (const path of excludedPaths) expect(path).toMatch(/^\/api\/health\//);
  });
});

/** Every text in the inputs of all resources, with where it stands. */
function* texts(value: unknown, path: string): Generator<{ readonly path: string; readonly text: string }> {
  if (typeof value === "string") yield { path, text: value };
  else if (Array.isArray(value)) for (const [index, entry] of value.entries()) yield* texts(entry, `${path}[${index}]`);
  else if (value !== null && typeof value === "object") {
    for (const [key, entry] of Object.entries(value as Inputs)) yield* texts(entry, `${path}.${key}`);
  }
}

/** Keys and tokens by their form, and what names one. */
const forms = [
  /AccountKey=|SharedAccess|[?&]sig=|password|secret=|-----BEGIN/i,
  /^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9+=])[A-Za-z0-9+/]{43,}={0,2}$/,
  /^eyJ/,
];
const looksSecret = (text: string) => forms.some((form) => form.test(text));

it("what looks like a secret is told from names and ids", () => {
  const key = Buffer.from(Array.from({ length: 64 }, (_, index) => index * 3)).toString("base64");
  const secrets = [
    key,
    `AccountName=a;AccountKey=${key}`,
    "Endpoint=sb://x/;SharedAccessKeyName=Root",
    "https://a/b?sv=1&sig=abc",
  ];
  expect(secrets.filter((text) => !looksSecret(text))).toEqual([]);
});

it("no input of any resource looks like a secret, and neither does an output", () => {
  const said = [
    ...withApi.resources.map(({ name, inputs }) => ({ name, value: inputs as unknown })),
    { name: "outputs", value: withApi.outputs },
  ].flatMap(({ name, value }) => [...texts(value, name)]);
  expect(said.length).toBeGreaterThan(200);
  expect(said.filter(({ text }) => looksSecret(text))).toEqual([]);
});

it("the outputs say where things are", () => {
  const name = (resource: string, key: string) => String(deployment.get(resource).inputs[key]);
  expect(deployment.outputs).toEqual({
    resourceGroup: name("group", "resourceGroupName"),
    functionApp: name("app", "name"),
    apiUrl: `https://${name("app", "name")}-a1b2.azurewebsites.net/api`,
    publishUrl: `https://${name("app", "name")}-a1b2.scm.azurewebsites.net/api/publish`,
    eventHubsNamespace: `${name("event-hubs", "namespaceName")}.servicebus.windows.net`,
    lakeUrl: `https://${name("lake", "accountName")}.dfs.core.windows.net/`,
    vaultUrl: `https://${name("vault", "vaultName")}.vault.azure.net/`,
    tables: Object.fromEntries(
      pipelines.flatMap((pipeline) =>
        pipeline.tables.map(({ name: table }) => [
          table,
          `abfss://lake@${name("lake", "accountName")}.dfs.core.windows.net/${table.replace(".", "/")}`,
        ]),
      ),
    ),
    firstBackfills: {},
  });
  const { firstBackfills } = withApi.outputs as { firstBackfills: Record<string, string> };
  expect(Object.keys(firstBackfills)).toEqual(
    pipelines
      .flatMap(({ tables }) => tables.flatMap((table) => (table.source === undefined ? [] : [table.name])))
      .sort(),
  );
});

it("the commands of a first backfill ask the API for what it understands", () => {
  const { firstBackfills, apiUrl } = withApi.outputs as { firstBackfills: Record<string, string>; apiUrl: string };
  for (const [table, command] of Object.entries(firstBackfills)) {
    expect(command).toContain(`--request POST ${apiUrl}/backfill`);
    const body = JSON.parse(/--data '([^']+)'/.exec(command)?.[1] ?? "") as object;
    expect(backfillRequest.parse(body)).toMatchObject({ kind: "replay", source: table });
    expect(Object.keys(body).sort()).toEqual(
      table === "bronze.airports" ? ["kind", "prefix", "source"] : ["from", "kind", "source"],
    );
  }
});
