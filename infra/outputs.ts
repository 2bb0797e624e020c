/** What `pulumi stack output` says: where things are, where to publish, and how to begin. */
import type { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import type { WebApp } from "@pulumi/azure-native/web/webApp.js";
import { interpolate, type Output } from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import type { Demand } from "./demand.ts";
import type { EventHubs } from "./event-hubs.ts";
import type { Place } from "./place.ts";
import type { LakeAccount } from "./storage.ts";

export interface Outputs {
  readonly resourceGroup: Output<string>;
  readonly functionApp: Output<string>;
  readonly apiUrl: Output<string>;
  /** Takes the zipped bundle by POST, with an Entra ID token. */
  readonly publishUrl: Output<string>;
  /** Absent where no hub is read. */
  readonly eventHubsNamespace?: Output<string>;
  readonly lakeUrl: Output<string>;
  readonly vaultUrl: Output<string>;
  /** By table: where Spark, Databricks, Fabric and Power BI find it (`abfss://…`). */
  readonly tables: Output<Readonly<Record<string, string>>>;
  /** By table that is fed from outside: the command that fills it with what is there already. Empty where the API lets nobody in. */
  readonly firstBackfills: Output<Readonly<Record<string, string>>>;
}

/** The stack's outputs. None is a secret. */
export function outputsOf(
  { within }: Place,
  { api }: Config,
  { tables, backfills }: Demand,
  made: {
    readonly app: WebApp;
    readonly eventHubs: EventHubs | undefined;
    readonly lake: LakeAccount;
    readonly vault: Vault;
  },
): Outputs {
  const { app, eventHubs, lake, vault } = made;
  const apiUrl = interpolate`https://${app.defaultHostName}/api`;
  const dfs = lake.account.primaryEndpoints.dfs;
  return {
    resourceGroup: within.resourceGroupName,
    functionApp: app.name,
    apiUrl,
    publishUrl: interpolate`https://${scmHostOf(app)}/api/publish`,
    ...(eventHubs !== undefined && { eventHubsNamespace: eventHubs.fullyQualifiedNamespace }),
    lakeUrl: dfs,
    vaultUrl: vault.properties.vaultUri.apply((uri) => uri ?? ""),
    tables: dfs.apply((url) => Object.fromEntries(tables.map(({ name, path }) => [name, abfss(url, path)]))),
    firstBackfills: apiUrl.apply((url) =>
      Object.fromEntries(
        api === undefined
          ? []
          : backfills.map(({ table, request }) => [table, backfillCommand(url, api.audience, request)]),
      ),
    ),
  };
}

/** Container first, as the driver of Hadoop spells it. */
function abfss(dfsUrl: string, path: string): string {
  const host = /^https:\/\/([^/]+)/.exec(dfsUrl)?.[1] ?? "";
  const slash = path.indexOf("/");
  return `abfss://${path.slice(0, slash)}@${host}${path.slice(slash)}`;
}

function backfillCommand(apiUrl: string, audience: string, request: object): string {
  const resource = audience.includes("://") ? audience : `api://${audience}`;
  const token = `$(az account get-access-token --resource ${resource} --query accessToken --output tsv)`;
  return `curl --fail --request POST ${apiUrl}/backfill --header "Authorization: Bearer ${token}" --header "Content-Type: application/json" --data '${JSON.stringify(request)}'`;
}

/** Azure may put a random part into an app's host names, so the publishing one is looked up. */
function scmHostOf(app: WebApp): Output<string> {
  return app.hostNameSslStates.apply((states) => states?.find(({ hostType }) => hostType === "Repository")?.name ?? "");
}
