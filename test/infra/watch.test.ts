/** What is logged, who is told, and of what. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom, type LogFields } from "../../shared/core/index.ts";
import { logStatus } from "../../shared/runtime/status-log.ts";
import { MemoryStore } from "../../shared/storage/index.ts";
import { TableCatalog } from "../../shared/table/index.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { diagnosticCategories } from "../../infra/diagnostics.ts";
import { pipelines } from "../../pipelines/index.ts";
import { azure, type Inputs } from "./azure.ts";
import { deploy, type Deployment } from "./deployment.ts";

const alerts = { "dyne:alertEmails": '["ada@example.com","grace@example.com"]' };
const deployment = await deploy();
const told = await deploy({
  config: { ...alerts, "dyne:monthlyBudget": "200", "dyne:budgetStart": "2026-01-01", "dyne:freshnessHours": "6" },
});

describe("logs", () => {
  it("are kept in a workspace with a bound to what a day may cost", () => {
    expect(deployment.get("workspace").inputs).toMatchObject({
      sku: { name: "PerGB2018" },
      retentionInDays: 30,
      workspaceCapping: { dailyQuotaGb: 2 },
    });
    expect(deployment.get("insights").inputs).toMatchObject({
      workspaceResourceId: deployment.get("workspace").id,
      ingestionMode: "LogAnalytics",
    });
  });

  it("go to a workspace that exists, if there is one", async () => {
    const id = `/subscriptions/${azure.subscriptionId}/resourceGroups/shared/providers/Microsoft.OperationalInsights/workspaces/all-logs`;
    const { all, get } = await deploy({ config: { "dyne:existingLogWorkspace": id } });
    expect(all("operationalinsights:Workspace")).toEqual([]);
    expect(get("insights").inputs["workspaceResourceId"]).toBe(id);
    for (const { inputs } of all("monitor:DiagnosticSetting")) expect(inputs["workspaceId"]).toBe(id);
  });

  it("are written by the app as its identity, without the key that is in the connection string", () => {
    const { appSettings } = deployment.get("app").inputs["siteConfig"] as {
      appSettings: { name: string; value: string }[];
    };
    const settings = Object.fromEntries(appSettings.map(({ name, value }) => [name, value]));
    expect(settings["APPLICATIONINSIGHTS_CONNECTION_STRING"]).toContain("IngestionEndpoint=https://");
    expect(settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]).toBe(
      "Authorization=AAD;ClientId=client of identity/app",
    );
    expect(settings["DYNE_STATUS_LOG"]).toBe("on");
  });
});

describe("diagnostics", () => {
  it("are those of this table, each of its resource, in the workspace", () => {
    const kept = deployment.all("monitor:DiagnosticSetting").flatMap(({ name, inputs }) => {
      expect(inputs["workspaceId"]).toBe(deployment.get("workspace").id);
      const logs = inputs["logs"] as { category: string; enabled: boolean }[];
      return logs.map(({ category, enabled }) => [name, inputs["resourceUri"], category, enabled]);
    });
    expect(kept).toEqual([
      ["diagnostics/app", deployment.get("app").id, "AppServiceAuthenticationLogs", true],
      ["diagnostics/event-hubs", deployment.get("event-hubs").id, "ArchiveLogs", true],
      ["diagnostics/event-hubs", deployment.get("event-hubs").id, "AutoScaleLogs", true],
      ["diagnostics/event-hubs", deployment.get("event-hubs").id, "OperationalLogs", true],
      ["diagnostics/lake", `${deployment.get("lake").id}/blobServices/default`, "StorageDelete", true],
      ["diagnostics/notices", deployment.get("notices").id, "DeliveryFailures", true],
      ["diagnostics/vault", deployment.get("vault").id, "AuditEvent", true],
    ]);
    expect(Object.values(diagnosticCategories).flat().length).toBe(kept.length);
  });
});

/** The one condition of an alert by query. */
function conditionOf({ inputs }: { readonly inputs: Inputs }) {
  const { allOf } = inputs["criteria"] as {
    allOf: { query: string; dimensions: { name: string }[]; operator: string; threshold: number }[];
  };
  expect(allOf.length).toBe(1);
  return allOf[0]!;
}

describe("alerts", () => {
  const namesOf = (made: Deployment, type: string) => made.all(type).map(({ name }) => name);

  it("are made of the app's log and of Azure's metrics, and freshness is watched where there is a limit to it", () => {
    const byQuery = ["alert/failed", "alert/lag", "alert/poison", "alert/silent"];
    const byMetric = ["alert/dead-letters", "alert/throttled-host", "alert/throttled-hubs", "alert/throttled-lake"];
    expect(namesOf(deployment, "monitor:ScheduledQueryRule")).toEqual(byQuery);
    expect(namesOf(deployment, "monitor:MetricAlert")).toEqual(byMetric);
    expect(namesOf(told, "monitor:ScheduledQueryRule")).toEqual([...byQuery, "alert/stale"]);
    expect(conditionOf(told.get("alert/stale")).query).toContain("freshnessMs > 21600000");
  });

  it("look at the app's own log, and say which flow or queue it is", () => {
    for (const alert of told.all("monitor:ScheduledQueryRule")) {
      expect(alert.inputs).toMatchObject({
        scopes: [told.get("insights").id],
        skipQueryValidation: true,
        enabled: true,
      });
      const { query, dimensions, operator, threshold } = conditionOf(alert);
      expect(query).toMatch(/summarize|project/);
      const isAboutSilence = alert.name === "alert/silent";
      expect([operator, threshold]).toEqual(isAboutSilence ? ["LessThan", 1] : ["GreaterThan", 0]);
      for (const { name } of dimensions) expect(query.split("\n").at(-1)).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it("ask for messages and fields that the app writes, and for states that a flow has", async () => {
    const lines: LogFields[] = [];
    const note = (message: string, fields?: LogFields) => void lines.push({ message, ...fields });
    const logger = { debug: note, info: note, warn: note, error: note };
    const services = { clock: new InstantClock(Date.parse("2026-05-01T10:05:00Z")), random: seededRandom(1), logger };
    const stores = { host: new MemoryStore(services), lake: new MemoryStore(services) };
    const tables = new TableCatalog(stores, services);
    await logStatus({ ...services, ...stores, tables, queueLength: async () => 2 }, pipelines);
    const sources = await Promise.all(
      ["lane-runner.ts", "flow-state.ts"].map((file) =>
        readFile(join(import.meta.dirname, "../../shared/engine", file), "utf8"),
      ),
    );
    const written = new Set([...lines.map(({ message }) => String(message)), "batch committed", "flow failed"]);
    for (const message of ["batch committed", "flow failed"]) expect(sources.join("")).toContain(`"${message}"`);
    const fields = new Set([...lines.flatMap((line) => Object.keys(line)), "inputRows"]);
    expect(sources.join("")).toContain("inputRows: rolled.outcome.counts.inputRows");
    for (const alert of told.all("monitor:ScheduledQueryRule")) {
      const { query } = conditionOf(alert);
      const asked = [...query.matchAll(/said == "([^"]+)"/g)].map((match) => match[1] ?? "");
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((message) => !written.has(message))).toEqual([]);
      const read = [...query.matchAll(/\bline\.(\w+)/g)].map((match) => match[1] ?? "");
      expect(read.filter((field) => !fields.has(field))).toEqual([]);
    }
  });

  it("of lag gives a flow whose batches are further apart than the window as much time more, once it has had one", () => {
    const { query } = conditionOf(deployment.get("alert/lag"));
    expect(query).toContain("intervalMs = max(tolong(line.intervalMs)), idleMs = min(tolong(line.freshnessMs))");
    expect(query).toContain(
      "| where iff(intervalMs > 900000 and isnotnull(idleMs), (events > 0 or versions > 0) and idleMs > intervalMs + 900000, isBehind)",
    );
  });

  it("of lag does not wait for a look that may be on its way to the log still, whenever the rule looks", () => {
    const { inputs } = deployment.get("alert/lag");
    const minutes = /^PT(\d+)M$/.exec(String(inputs["windowSize"]))?.[1];
    const looks = /looks >= (\d+)/.exec(conditionOf({ inputs }).query)?.[1];
    // A look every five minutes, of which the newest one is not there yet.
    const seen = Number(minutes) / 5 - 1;
    expect(Number(looks)).toBeGreaterThan(1);
    expect(Number(looks)).toBeLessThanOrEqual(seen);
  });

  it("count what a metric of one resource counts", () => {
    const watched = deployment.all("monitor:MetricAlert").map(({ name, inputs }) => {
      const { allOf } = inputs["criteria"] as { allOf: { metricNamespace: string; metricName: string }[] };
      const scope = deployment.resources.find(({ id }) => id === (inputs["scopes"] as string[])[0])?.name;
      return [name, scope, allOf[0]?.metricNamespace, allOf[0]?.metricName];
    });
    const storage = "Microsoft.Storage/storageAccounts";
    expect(watched).toEqual([
      ["alert/dead-letters", "notices", "Microsoft.EventGrid/systemTopics", "DeadLetteredCount"],
      ["alert/throttled-host", "host", storage, "Transactions"],
      ["alert/throttled-hubs", "event-hubs", "Microsoft.EventHub/namespaces", "ThrottledRequests"],
      ["alert/throttled-lake", "lake", storage, "Transactions"],
    ]);
  });

  it("are sent to the configured addresses, all of them, or seen in the portal alone", () => {
    const group = told.get("alerts");
    expect(group.inputs["emailReceivers"]).toEqual(
      ["ada@example.com", "grace@example.com"].map((emailAddress) => ({
        name: emailAddress,
        emailAddress,
        useCommonAlertSchema: true,
      })),
    );
    for (const { inputs } of told.all("monitor:ScheduledQueryRule")) {
      expect(inputs["actions"]).toEqual({ actionGroups: [group.id] });
    }
    for (const { inputs } of told.all("monitor:MetricAlert")) {
      expect(inputs["actions"]).toEqual([{ actionGroupId: group.id }]);
    }
    expect(deployment.all("monitor:ActionGroup")).toEqual([]);
    for (const { inputs } of deployment.all("monitor:ScheduledQueryRule")) {
      expect(inputs["actions"]).toEqual({ actionGroups: [] });
    }
  });

  it.for([
    { text: "ada@example.com, grace@example.com", to: ["ada@example.com", "grace@example.com"] },
    { text: '["ada@example.com"]', to: ["ada@example.com"] },
  ])("take addresses as Pulumi hands them over: $text", async ({ text, to }) => {
    const { get } = await deploy({ config: { "dyne:alertEmails": text } });
    const receivers = get("alerts").inputs["emailReceivers"] as { emailAddress: string }[];
    expect(receivers.map(({ emailAddress }) => emailAddress)).toEqual(to);
  });

  it("of a topic that belongs to somebody else are theirs", async () => {
    const topic = `/subscriptions/${azure.subscriptionId}/resourceGroups/shared/providers/Microsoft.EventGrid/systemTopics/lake`;
    const config = { "dyne:existingSystemTopic": topic, "dyne:existingSystemTopicPrincipalId": azure.tenantId };
    const { resources } = await deploy({ config });
    const names = resources.map(({ name }) => name);
    expect(names).not.toContain("alert/dead-letters");
    expect(names).not.toContain("diagnostics/notices");
    expect(names).toContain("alert/throttled-lake");
  });
});

describe("the budget", () => {
  it("is that of the resource group, from a day that is configured, and warns before it is spent", () => {
    const { inputs } = told.get("budget");
    expect(inputs).toMatchObject({
      scope: told.get("group").id,
      amount: 200,
      category: "Cost",
      timeGrain: "Monthly",
      timePeriod: { startDate: "2026-01-01T00:00:00Z" },
    });
    const notifications = Object.values(inputs["notifications"] as Record<string, Inputs>);
    expect(
      notifications.map(({ threshold, thresholdType }) => `${String(thresholdType)} ${String(threshold)}`).sort(),
    ).toEqual(["Actual 100", "Actual 80", "Forecasted 100"]);
    for (const each of notifications) {
      expect(each).toMatchObject({ enabled: true, contactEmails: ["ada@example.com", "grace@example.com"] });
    }
    expect(deployment.all("consumption:Budget")).toEqual([]);
  });
});
