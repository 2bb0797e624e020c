/** What `pulumi stack output` says: where things are, and where to publish. */
import type { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import type { WebApp } from "@pulumi/azure-native/web/webApp.js";
import { interpolate, type Output } from "@pulumi/pulumi";
import type { EventHubs } from "./event-hubs.ts";
import type { Place } from "./place.ts";
import type { LakeAccount } from "./storage.ts";

export interface Outputs {
  readonly resourceGroup: Output<string>;
  readonly functionApp: Output<string>;
  readonly apiUrl: Output<string>;
  /** Takes the zipped bundle by POST, with an Entra ID token. */
  readonly publishUrl: Output<string>;
  readonly eventHubsNamespace: Output<string>;
  readonly lakeUrl: Output<string>;
  readonly vaultUrl: Output<string>;
}

/** The stack's outputs. None is a secret. */
export function outputsOf(
  { within }: Place,
  made: { readonly app: WebApp; readonly eventHubs: EventHubs; readonly lake: LakeAccount; readonly vault: Vault },
): Outputs {
  const { app, eventHubs, lake, vault } = made;
  return {
    resourceGroup: within.resourceGroupName,
    functionApp: app.name,
    apiUrl: interpolate`https://${app.defaultHostName}/api`,
    publishUrl: interpolate`https://${scmHostOf(app)}/api/publish`,
    eventHubsNamespace: eventHubs.fullyQualifiedNamespace,
    lakeUrl: lake.account.primaryEndpoints.dfs,
    vaultUrl: vault.properties.vaultUri.apply((uri) => uri ?? ""),
  };
}

/** Azure may put a random part into an app's host names, so the publishing one is looked up. */
function scmHostOf(app: WebApp): Output<string> {
  return app.hostNameSslStates.apply((states) => states?.find(({ hostType }) => hostType === "Repository")?.name ?? "");
}
