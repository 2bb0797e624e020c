/** The Functions: a Flex Consumption plan, which costs nothing while nothing runs, and the app on it. Publishing to it takes an Entra ID token. */
import type { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import {
  AuthenticationType,
  FtpsState,
  FunctionsDeploymentStorageType,
  ManagedServiceIdentityType,
  RuntimeName,
  SiteUpdateStrategyType,
  SupportedTlsVersions,
} from "@pulumi/azure-native/types/enums/web/index.js";
import { AppServicePlan } from "@pulumi/azure-native/web/appServicePlan.js";
import { WebApp } from "@pulumi/azure-native/web/webApp.js";
import { WebAppFtpAllowed } from "@pulumi/azure-native/web/webAppFtpAllowed.js";
import { WebAppScmAllowed } from "@pulumi/azure-native/web/webAppScmAllowed.js";
import { interpolate, type Input, type Resource } from "@pulumi/pulumi";
import { appSettings, type Connections } from "./app-settings.ts";
import { requireTokens } from "./authentication.ts";
import type { Config } from "./config.ts";
import { instanceOf } from "./instance.ts";
import type { Place } from "./place.ts";
import type { RoleSpread } from "./role-spread.ts";

/** The app, and the last of its settings, which Azure takes one after the other. */
export interface FunctionApp {
  readonly app: WebApp;
  readonly settled: Resource;
}

/** Makes plan and app once everything is there that its triggers connect to, `dependsOn`, and its roles have spread. */
export function makeFunctionApp(
  place: Place,
  config: Config,
  connections: Connections,
  {
    dependsOn,
    spread,
    streamFunctions,
    subnetId,
  }: {
    readonly dependsOn: readonly Resource[];
    readonly spread: RoleSpread;
    /** Names of those that a warm profile keeps ready. */
    readonly streamFunctions: readonly string[];
    /** Where its connections come from; undefined where it is in no network. */
    readonly subnetId: Input<string> | undefined;
  },
): FunctionApp {
  const { identity } = connections;
  const plan = new AppServicePlan(
    "plan",
    {
      ...place.located,
      name: place.names.functionPlan,
      kind: "functionapp",
      reserved: true,
      sku: { name: "FC1", tier: "FlexConsumption" },
    },
    place.options,
  );
  const settings = Object.entries(appSettings(config, connections));
  const app = new WebApp(
    "app",
    {
      ...place.located,
      name: place.names.functionApp,
      kind: "functionapp,linux",
      serverFarmId: plan.id,
      identity: { type: ManagedServiceIdentityType.UserAssigned, userAssignedIdentities: [identity.id] },
      keyVaultReferenceIdentity: identity.id,
      httpsOnly: true,
      siteConfig: {
        appSettings: settings.map(([name, value]) => ({ name, value })),
        minTlsVersion: SupportedTlsVersions.SupportedTlsVersions_1_2,
        scmMinTlsVersion: SupportedTlsVersions.SupportedTlsVersions_1_2,
        ftpsState: FtpsState.Disabled,
      },
      ...(subnetId !== undefined && { virtualNetworkSubnetId: subnetId }),
      functionAppConfig: flexConsumption(config, connections.host, identity, streamFunctions),
    },
    { ...place.options, dependsOn: [...dependsOn], hooks: { beforeCreate: [spread.isAwaited] } },
  );
  const closed = closeBasicPublishing(place, app);
  if (config.api?.clientId === undefined) return { app, settled: closed };
  const { audience, clientId } = config.api;
  return { app, settled: requireTokens(place, app, { audience, clientId }, closed) };
}

/**
 * Kept ready, in the profile `warm`: an instance for each function that events and notices start, because every one of these has instances of
 * its own, and one that all HTTP functions share.
 */
function alwaysReady(streamFunctions: readonly string[]) {
  return ["http", ...streamFunctions.map((name) => `function:${name}`)].map((name) => ({ name, instanceCount: 1 }));
}

function flexConsumption(
  config: Config,
  { account, containers }: Connections["host"],
  identity: UserAssignedIdentity,
  streamFunctions: readonly string[],
) {
  const { maximumInstances, profile, instanceMemoryMb, rollingUpdates } = config;
  return {
    deployment: {
      storage: {
        type: FunctionsDeploymentStorageType.BlobContainer,
        value: interpolate`${account.primaryEndpoints.blob}${containers.deployments.name}`,
        authentication: {
          type: AuthenticationType.UserAssignedIdentity,
          userAssignedIdentityResourceId: identity.id,
        },
      },
    },
    runtime: { name: RuntimeName.Node, version: "24" },
    scaleAndConcurrency: {
      instanceMemoryMB: instanceOf(instanceMemoryMb).memoryMb,
      maximumInstanceCount: maximumInstances,
      ...(profile === "warm" && { alwaysReady: alwaysReady(streamFunctions) }),
    },
    siteUpdateStrategy: {
      type: rollingUpdates ? SiteUpdateStrategyType.RollingUpdate : SiteUpdateStrategyType.Recreate,
    },
  };
}

/** User names and passwords for publishing exist unless they are forbidden. */
function closeBasicPublishing({ within, options }: Place, app: WebApp): Resource {
  const args = { ...within, name: app.name, allow: false };
  const ftp = new WebAppFtpAllowed("app/ftp", args, options);
  return new WebAppScmAllowed("app/scm", args, { ...options, dependsOn: [ftp] });
}
