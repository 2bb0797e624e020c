/** Azure's side of a deployment in tests: what a resource is called there once it is made, and what it then says of itself. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Inputs as Pulumi hands them to a provider. */
export type Inputs = Readonly<Record<string, unknown>>;

export const azure = {
  subscriptionId: "6f1a4f0e-4c0b-4a52-9a0e-1f6a7c0f2b11",
  tenantId: "0c6d2f7a-93a4-4c3b-8b76-6f0c8a2f5d10",
  location: "westeurope",
} as const;

/** A package that was built before: a zip without entries. It is there as long as this process. */
export const packagePath = join(mkdtempSync(join(tmpdir(), "dyne-package-")), "app.zip");
writeFileSync(packagePath, Buffer.from("PK\x05\x06".padEnd(22, "\0"), "latin1"));
process.once("exit", () => rmSync(join(packagePath, ".."), { recursive: true, force: true }));

/** Configuration of a stack that has what it must have, and needs no build. */
export const configuration: Readonly<Record<string, string>> = {
  "azure-native:location": azure.location,
  "azure-native:subscriptionId": azure.subscriptionId,
  "azure-native:tenantId": azure.tenantId,
  "dyne:package": packagePath,
};

const { subscriptionId } = azure;
const group = (inputs: Inputs) =>
  `/subscriptions/${subscriptionId}/resourceGroups/${text(inputs, "resourceGroupName")}`;
const account = (inputs: Inputs) =>
  `${group(inputs)}/providers/Microsoft.Storage/storageAccounts/${text(inputs, "accountName")}`;
const namespace = (inputs: Inputs) =>
  `${group(inputs)}/providers/Microsoft.EventHub/namespaces/${text(inputs, "namespaceName")}`;
const site = (inputs: Inputs) => `${group(inputs)}/providers/Microsoft.Web/sites/${text(inputs, "name")}`;

const endpoint = (inputs: Inputs) =>
  `${group(inputs)}/providers/Microsoft.Network/privateEndpoints/${text(inputs, "privateEndpointName")}`;
const zone = (inputs: Inputs) =>
  `${group(inputs)}/providers/Microsoft.Network/privateDnsZones/${text(inputs, "privateZoneName")}`;

/** By Pulumi's type without its package: the id in Azure. A type that is not here is one that the tests know nothing of. */
const ids: Readonly<Record<string, (inputs: Inputs) => string>> = {
  "resources:ResourceGroup": group,
  "managedidentity:UserAssignedIdentity": (inputs) =>
    `${group(inputs)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${text(inputs, "resourceName")}`,
  "storage:StorageAccount": account,
  "storage:BlobServiceProperties": (inputs) => `${account(inputs)}/blobServices/default`,
  "storage:BlobContainer": (inputs) =>
    `${account(inputs)}/blobServices/default/containers/${text(inputs, "containerName")}`,
  "storage:Queue": (inputs) => `${account(inputs)}/queueServices/default/queues/${text(inputs, "queueName")}`,
  "storage:ManagementPolicy": (inputs) => `${account(inputs)}/managementPolicies/default`,
  "eventhub:Namespace": namespace,
  "eventhub:EventHub": (inputs) => `${namespace(inputs)}/eventhubs/${text(inputs, "eventHubName")}`,
  "eventhub:ConsumerGroup": (inputs) =>
    `${namespace(inputs)}/eventhubs/${text(inputs, "eventHubName")}/consumergroups/${text(inputs, "consumerGroupName")}`,
  "eventhub:NamespaceNetworkRuleSet": (inputs) => `${namespace(inputs)}/networkRuleSets/default`,
  "network:VirtualNetwork": (inputs) =>
    `${group(inputs)}/providers/Microsoft.Network/virtualNetworks/${text(inputs, "virtualNetworkName")}`,
  "network:PrivateEndpoint": endpoint,
  "network:PrivateDnsZoneGroup": (inputs) => `${endpoint(inputs)}/privateDnsZoneGroups/default`,
  "privatedns:PrivateZone": zone,
  "privatedns:VirtualNetworkLink": (inputs) =>
    `${zone(inputs)}/virtualNetworkLinks/${text(inputs, "virtualNetworkLinkName")}`,
  "operationalinsights:Workspace": (inputs) =>
    `${group(inputs)}/providers/Microsoft.OperationalInsights/workspaces/${text(inputs, "workspaceName")}`,
  "applicationinsights:Component": (inputs) =>
    `${group(inputs)}/providers/Microsoft.Insights/components/${text(inputs, "resourceName")}`,
  "monitor:DiagnosticSetting": (inputs) =>
    `${text(inputs, "resourceUri")}/providers/Microsoft.Insights/diagnosticSettings/${text(inputs, "name")}`,
  "monitor:ScheduledQueryRule": (inputs) =>
    `${group(inputs)}/providers/Microsoft.Insights/scheduledQueryRules/${text(inputs, "ruleName")}`,
  "monitor:MetricAlert": (inputs) =>
    `${group(inputs)}/providers/Microsoft.Insights/metricAlerts/${text(inputs, "ruleName")}`,
  "monitor:ActionGroup": (inputs) =>
    `${group(inputs)}/providers/Microsoft.Insights/actionGroups/${text(inputs, "actionGroupName")}`,
  "consumption:Budget": (inputs) =>
    `${text(inputs, "scope")}/providers/Microsoft.Consumption/budgets/${text(inputs, "budgetName")}`,
  "keyvault:Vault": (inputs) => `${group(inputs)}/providers/Microsoft.KeyVault/vaults/${text(inputs, "vaultName")}`,
  "web:AppServicePlan": (inputs) => `${group(inputs)}/providers/Microsoft.Web/serverfarms/${text(inputs, "name")}`,
  "web:WebApp": site,
  "web:WebAppFtpAllowed": (inputs) => `${site(inputs)}/basicPublishingCredentialsPolicies/ftp`,
  "web:WebAppScmAllowed": (inputs) => `${site(inputs)}/basicPublishingCredentialsPolicies/scm`,
  "web:WebAppAuthSettingsV2": (inputs) => `${site(inputs)}/config/authsettingsV2`,
  "authorization:RoleAssignment": (inputs) =>
    `${text(inputs, "scope")}/providers/Microsoft.Authorization/roleAssignments/${text(inputs, "roleAssignmentName")}`,
  "eventgrid:SystemTopic": (inputs) =>
    `${group(inputs)}/providers/Microsoft.EventGrid/systemTopics/${text(inputs, "systemTopicName")}`,
  // A value that Pulumi keeps, of which Azure knows nothing.
  "pulumi:index:Stash": (inputs) => `stash of ${JSON.stringify(inputs["input"])}`,
  "eventgrid:SystemTopicEventSubscription": (inputs) =>
    `${group(inputs)}/providers/Microsoft.EventGrid/systemTopics/${text(inputs, "systemTopicName")}/eventSubscriptions/${text(inputs, "eventSubscriptionName")}`,
};

/** What Azure adds to what it was told. */
const additions: Readonly<Record<string, (inputs: Inputs, name: string) => Inputs>> = {
  "resources:ResourceGroup": (inputs) => ({ name: text(inputs, "resourceGroupName") }),
  "managedidentity:UserAssignedIdentity": (inputs, name) => ({
    name: text(inputs, "resourceName"),
    clientId: `client of ${name}`,
    principalId: `principal of ${name}`,
  }),
  "storage:StorageAccount": (inputs) => ({
    name: text(inputs, "accountName"),
    primaryEndpoints: Object.fromEntries(
      ["blob", "dfs", "queue", "table"].map((service) => [
        service,
        `https://${text(inputs, "accountName")}.${service}.core.windows.net/`,
      ]),
    ),
  }),
  "storage:BlobContainer": (inputs) => ({ name: text(inputs, "containerName") }),
  "storage:Queue": (inputs) => ({ name: text(inputs, "queueName") }),
  "eventhub:Namespace": (inputs) => ({
    name: text(inputs, "namespaceName"),
    serviceBusEndpoint: `https://${text(inputs, "namespaceName")}.servicebus.windows.net:443/`,
  }),
  "eventhub:EventHub": (inputs) => ({ name: text(inputs, "eventHubName") }),
  "keyvault:Vault": (inputs) => ({
    name: text(inputs, "vaultName"),
    properties: {
      ...(inputs["properties"] as Inputs),
      vaultUri: `https://${text(inputs, "vaultName")}.vault.azure.net/`,
    },
  }),
  "network:PrivateEndpoint": (inputs) => ({ name: text(inputs, "privateEndpointName") }),
  "privatedns:PrivateZone": (inputs) => ({ name: text(inputs, "privateZoneName") }),
  "applicationinsights:Component": () => ({
    connectionString:
      "InstrumentationKey=2b7d1c1e-5a0b-4d5e-8c57-0b1f6f2c9a10;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
  }),
  "web:WebApp": (inputs) => ({
    defaultHostName: `${text(inputs, "name")}-a1b2.azurewebsites.net`,
    hostNameSslStates: [
      { hostType: "Standard", name: `${text(inputs, "name")}-a1b2.azurewebsites.net` },
      { hostType: "Repository", name: `${text(inputs, "name")}-a1b2.scm.azurewebsites.net` },
    ],
  }),
  "eventgrid:SystemTopic": (inputs, name) => {
    const identity = inputs["identity"] as Inputs;
    const own = identity["type"] === "SystemAssigned" ? { principalId: `principal of ${name}` } : {};
    return { name: text(inputs, "systemTopicName"), identity: { ...identity, ...own } };
  },
};

/** Parts of the program group resources; Azure knows nothing of them. */
export function isPart(type: string): boolean {
  return type.startsWith("dyne:infra:");
}

/** Makes a resource: its id, and its state. Throws where the type is unknown or a part of the id is missing. */
export function make(type: string, name: string, inputs: Inputs): { readonly id: string; readonly state: Inputs } {
  if (isPart(type)) return { id: "", state: {} };
  const kind = type.replace(/^azure-native:/, "");
  const idOf = ids[kind];
  if (idOf === undefined) throw new Error(`Azure in tests does not know ${type}`);
  return { id: idOf(inputs), state: { ...inputs, ...additions[kind]?.(inputs, name) } };
}

function text(inputs: Inputs, key: string): string {
  const value = inputs[key];
  if (typeof value !== "string" || value === "") throw new Error(`${key} is missing in ${JSON.stringify(inputs)}`);
  return value;
}
