/** Where everything that runs is written down: a workspace of Log Analytics, and Application Insights in it, which take tokens alone. */
import { Component } from "@pulumi/azure-native/applicationinsights/component.js";
import { Workspace } from "@pulumi/azure-native/operationalinsights/workspace.js";
import { ApplicationType, IngestionMode } from "@pulumi/azure-native/types/enums/applicationinsights/index.js";
import { WorkspaceSkuNameEnum } from "@pulumi/azure-native/types/enums/operationalinsights/index.js";
import { output, type Output } from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import type { Place } from "./place.ts";

export interface Logs {
  readonly workspaceId: Output<string>;
  readonly insights: Component;
}

/** Makes Application Insights, and a workspace unless one exists for it. */
export function makeLogs(place: Place, config: Config): Logs {
  const { existingLogWorkspace } = config;
  const workspaceId =
    existingLogWorkspace === undefined ? makeWorkspace(place, config).id : output(existingLogWorkspace);
  const insights = new Component(
    "insights",
    {
      ...place.located,
      resourceName: place.names.insights,
      kind: "web",
      applicationType: ApplicationType.Web,
      ingestionMode: IngestionMode.LogAnalytics,
      workspaceResourceId: workspaceId,
      // The connection string is an address from then on: without a token and a role nobody writes there.
      disableLocalAuth: true,
    },
    place.options,
  );
  return { workspaceId, insights };
}

function makeWorkspace(place: Place, { logRetentionDays, logCapGb }: Config): Workspace {
  return new Workspace(
    "workspace",
    {
      ...place.located,
      workspaceName: place.names.workspace,
      sku: { name: WorkspaceSkuNameEnum.PerGB2018 },
      retentionInDays: logRetentionDays,
      features: { disableLocalAuth: true },
      // A flow in an endless loop of errors must not cost more than the data that it could not read.
      workspaceCapping: { dailyQuotaGb: logCapGb },
    },
    place.options,
  );
}
