/** Who is told, and of what: alerts from the app's own log, from metrics of Azure's services, and from the bill. */
import { Budget } from "@pulumi/azure-native/consumption/budget.js";
import { ActionGroup } from "@pulumi/azure-native/monitor/actionGroup.js";
import { MetricAlert } from "@pulumi/azure-native/monitor/metricAlert.js";
import { ScheduledQueryRule } from "@pulumi/azure-native/monitor/scheduledQueryRule.js";
import {
  CategoryType,
  OperatorType,
  ThresholdType,
  TimeGrainType,
} from "@pulumi/azure-native/types/enums/consumption/index.js";
import {
  AggregationTypeEnum,
  DimensionOperator,
  Kind,
  Operator,
  TimeAggregation,
} from "@pulumi/azure-native/types/enums/monitor/index.js";
import { interpolate, type Input } from "@pulumi/pulumi";
import { queryAlerts, type QueryAlert } from "./alert-queries.ts";
import type { Config } from "./config.ts";
import type { Logs } from "./logs.ts";
import type { Place } from "./place.ts";

/** An alert when a metric of a resource counts anything within 15 minutes. */
interface MetricCount {
  readonly name: string;
  readonly description: string;
  readonly scope: Input<string>;
  readonly metricNamespace: string;
  readonly metricName: string;
  readonly dimension?: { readonly name: string; readonly values: readonly string[] };
}

/** Answers of storage that ask its callers to slow down. */
const throttlings = [
  "ClientAccountBandwidthThrottlingError",
  "ClientAccountRequestThrottlingError",
  "ClientThrottlingError",
  "ServerBusyError",
];

/** Resources whose metrics are watched; undefined are a namespace that no hub needs, and a topic of somebody else. */
export interface Watched {
  readonly namespace: Input<string> | undefined;
  readonly host: Input<string>;
  readonly lake: Input<string>;
  readonly topic: Input<string> | undefined;
}

/** Makes alerts, and whoever they are sent to. Without addresses they are seen in the portal alone. */
export function makeAlerts(place: Place, config: Config, logs: Logs, watched: Watched): void {
  const { alertEmails, freshnessHours } = config;
  const group = alertEmails === undefined ? undefined : makeActionGroup(place, alertEmails);
  const groups = group === undefined ? [] : [group.id];
  for (const alert of queryAlerts({ freshnessHours })) makeQueryAlert(place, logs, alert, groups);
  for (const count of metricCounts(watched)) makeMetricAlert(place, count, groups);
  makeBudget(place, config, groups);
}

function makeActionGroup(place: Place, emails: readonly string[]): ActionGroup {
  return new ActionGroup(
    "alerts",
    {
      ...place.within,
      location: "Global",
      tags: place.located.tags,
      actionGroupName: place.names.actionGroup,
      groupShortName: "dyne",
      enabled: true,
      emailReceivers: emails.map((emailAddress) => ({
        name: emailAddress,
        emailAddress,
        useCommonAlertSchema: true,
      })),
    },
    place.options,
  );
}

function makeQueryAlert(place: Place, { insights }: Logs, alert: QueryAlert, groups: readonly Input<string>[]): void {
  const { name, severity, description, query, per, windowMinutes, isAboutSilence } = alert;
  new ScheduledQueryRule(
    `alert/${name}`,
    {
      ...place.located,
      ruleName: `${place.names.alerts}-${name}`,
      displayName: `dyne: ${name}`,
      kind: Kind.LogAlert,
      description,
      severity,
      enabled: true,
      scopes: [insights.id],
      evaluationFrequency: "PT5M",
      windowSize: `PT${windowMinutes}M`,
      // It is over when it is over, and says so.
      autoMitigate: true,
      // Nothing has been logged yet when it is made.
      skipQueryValidation: true,
      criteria: {
        allOf: [
          {
            query,
            metricMeasureColumn: "found",
            timeAggregation: TimeAggregation.Total,
            // The package's enum ConditionOperator is that of another API, which says "gt" for what rules call "GreaterThan".
            operator: isAboutSilence ? Operator.LessThan : Operator.GreaterThan,
            threshold: isAboutSilence ? 1 : 0,
            dimensions: per === undefined ? [] : [{ name: per, operator: DimensionOperator.Include, values: ["*"] }],
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      actions: { actionGroups: [...groups] },
    },
    place.options,
  );
}

function metricCounts({ namespace, host, lake, topic }: Watched): readonly MetricCount[] {
  const storage = (name: string, scope: Input<string>) => ({
    name: `throttled-${name}`,
    description: `The account ${name} asks its callers to slow down.`,
    scope,
    metricNamespace: "Microsoft.Storage/storageAccounts",
    metricName: "Transactions",
    dimension: { name: "ResponseType", values: throttlings },
  });
  return [
    ...(namespace === undefined
      ? []
      : [
          {
            name: "throttled-hubs",
            description: "The namespace takes or gives events more slowly than it is asked to: raise its units.",
            scope: namespace,
            metricNamespace: "Microsoft.EventHub/namespaces",
            metricName: "ThrottledRequests",
          },
        ]),
    storage("host", host),
    storage("lake", lake),
    ...(topic === undefined
      ? []
      : [
          {
            name: "dead-letters",
            description: "Notices could not be delivered for a day, and are in the container dead-letter.",
            scope: topic,
            metricNamespace: "Microsoft.EventGrid/systemTopics",
            metricName: "DeadLetteredCount",
          },
        ]),
  ];
}

function makeMetricAlert(place: Place, count: MetricCount, groups: readonly Input<string>[]): void {
  const { name, description, scope, metricNamespace, metricName, dimension } = count;
  new MetricAlert(
    `alert/${name}`,
    {
      ...place.within,
      location: "Global",
      tags: place.located.tags,
      ruleName: `${place.names.alerts}-${name}`,
      description,
      severity: 2,
      enabled: true,
      scopes: [scope],
      evaluationFrequency: "PT5M",
      windowSize: "PT15M",
      autoMitigate: true,
      criteria: {
        odataType: "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        allOf: [
          {
            criterionType: "StaticThresholdCriterion",
            name: "count",
            metricNamespace,
            metricName,
            operator: Operator.GreaterThan,
            threshold: 0,
            timeAggregation: AggregationTypeEnum.Total,
            dimensions:
              dimension === undefined
                ? []
                : [{ name: dimension.name, operator: DimensionOperator.Include, values: [...dimension.values] }],
          },
        ],
      },
      actions: groups.map((actionGroupId) => ({ actionGroupId })),
    },
    place.options,
  );
}

/** A budget of the resource group. Its start is configured: one from the clock would make it anew at every run. */
function makeBudget(place: Place, config: Config, groups: readonly Input<string>[]): void {
  const { monthlyBudget, budgetStart, alertEmails } = config;
  if (monthlyBudget === undefined || budgetStart === undefined || alertEmails === undefined) return;
  const told = (threshold: number, thresholdType: ThresholdType) => ({
    enabled: true,
    operator: OperatorType.GreaterThanOrEqualTo,
    threshold,
    thresholdType,
    contactEmails: [...alertEmails],
    contactGroups: [...groups],
  });
  new Budget(
    "budget",
    {
      scope: interpolate`/subscriptions/${place.subscriptionId}/resourceGroups/${place.within.resourceGroupName}`,
      budgetName: place.names.budget,
      category: CategoryType.Cost,
      amount: monthlyBudget,
      timeGrain: TimeGrainType.Monthly,
      timePeriod: { startDate: `${budgetStart}T00:00:00Z` },
      notifications: {
        spent: told(80, ThresholdType.Actual),
        overspent: told(100, ThresholdType.Actual),
        expected: told(100, ThresholdType.Forecasted),
      },
    },
    place.options,
  );
}
