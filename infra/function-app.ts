/** The Functions: a Flex Consumption plan, which costs nothing while nothing runs, and the app on it. Publishing to it takes an Entra ID token. */
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { AppServicePlan } from "@pulumi/azure-native/web/appServicePlan.js";
import { WebApp } from "@pulumi/azure-native/web/webApp.js";
import { WebAppFtpAllowed } from "@pulumi/azure-native/web/webAppFtpAllowed.js";
import { WebAppScmAllowed } from "@pulumi/azure-native/web/webAppScmAllowed.js";
import { interpolate, type Resource } from "@pulumi/pulumi";
import { appSettings, type Connections } from "./app-settings.ts";
import { requireTokens } from "./authentication.ts";
import type { Config } from "./config.ts";
import { instance } from "./instance.ts";
import type { Place } from "./place.ts";
import type { RoleSpread } from "./role-spread.ts";

/** Makes plan and app once everything is there that its triggers connect to, `dependsOn`, and its roles have spread. */
export function makeFunctionApp(
  place: Place,
  config: Config,
  connections: Connections,
  { dependsOn, spread }: { readonly dependsOn: readonly Resource[]; readonly spread: RoleSpread },
): WebApp {
  const { identity } = connections;
  const plan = new AppServicePlan("plan", {
    ...place.located,
    name: place.names.functionPlan,
    kind: "functionapp",
    reserved: true,
    sku: { name: "FC1", tier: "FlexConsumption" },
  });
  const settings = Object.entries(appSettings(config, connections));
  const app = new WebApp(
    "app",
    {
      ...place.located,
      name: place.names.functionApp,
      kind: "functionapp,linux",
      serverFarmId: plan.id,
      identity: { type: "UserAssigned", userAssignedIdentities: [identity.id] },
      keyVaultReferenceIdentity: identity.id,
      httpsOnly: true,
      siteConfig: {
        appSettings: settings.map(([name, value]) => ({ name, value })),
        minTlsVersion: "1.2",
        scmMinTlsVersion: "1.2",
        ftpsState: "Disabled",
      },
      functionAppConfig: flexConsumption(config, connections.host, identity),
    },
    { dependsOn: [...dependsOn], hooks: { beforeCreate: [spread.isAwaited] } },
  );
  closeBasicPublishing(place, app);
  if (config.api?.clientId !== undefined) {
    requireTokens(place, app, { audience: config.api.audience, clientId: config.api.clientId });
  }
  return app;
}

function flexConsumption({ maximumInstances }: Config, host: Connections["host"], identity: UserAssignedIdentity) {
  const { account, containers } = host;
  return {
    deployment: {
      storage: {
        type: "blobContainer",
        value: interpolate`${account.primaryEndpoints.blob}${containers.deployments.name}`,
        authentication: { type: "UserAssignedIdentity", userAssignedIdentityResourceId: identity.id },
      },
    },
    runtime: { name: "node", version: "24" },
    scaleAndConcurrency: { instanceMemoryMB: instance.memoryMb, maximumInstanceCount: maximumInstances },
  };
}

/** User names and passwords for publishing exist unless they are forbidden. */
function closeBasicPublishing({ within }: Place, app: WebApp): void {
  const args = { ...within, name: app.name, allow: false };
  new WebAppFtpAllowed("app/ftp", args);
  new WebAppScmAllowed("app/scm", args);
}
