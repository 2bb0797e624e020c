/**
 * What a stack may be told, as `Pulumi.<stack>.yaml` has it. Every default is explained in README.md; the examples are Pulumi.dev.yaml, which costs
 * little, and Pulumi.prod.yaml, which is always warm.
 *
 *     azure-native:location           westeurope
 *     azure-native:subscriptionId     whose id is part of all names, and which another login cannot replace by accident
 *     azure-native:tenantId
 *     dyne:profile                    warm
 *     dyne:alertEmails                ["someone@example.com"]
 */
import { z } from "zod";
import { emails, flag, oneOf, resourceId, wholeNumber } from "./setting-kinds.ts";

/** Not `z.uuid()`: Azure has given out ids that are no valid UUIDs. */
const id = z.guid("it has to be an id such as 6f1a4f0e-4c0b-4a52-9a0e-1f6a7c0f2b11");

/** Settings of Pulumi's provider for Azure; it has more, which are its own business. */
export const azureSchema = z.object({
  location: z
    .string("it is missing")
    .regex(/^[A-Za-z][A-Za-z0-9 ]+$/, "it has to be a region such as westeurope")
    .transform((name) => name.replaceAll(" ", "").toLowerCase()),
  subscriptionId: z.string("it is missing").pipe(id),
  tenantId: z.string("it is missing").pipe(id),
});
export type AzureSettings = Readonly<z.output<typeof azureSchema>>;

/** Settings of this program. */
export const ownSchema = z.strictObject({
  clientId: id.optional(),
  // Commands among the outputs have it as a word of a shell.
  audience: z
    .string()
    .regex(/^[\w.~:/-]{1,256}$/, "it has to be an application ID URI or a client id, such as api://dyne")
    .optional(),
  package: z.string().min(1, "it is empty").optional(),
  nameSalt: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, "it has to be 1 to 40 lower-case letters, digits and hyphens")
    .optional(),
  existingResourceGroup: z
    .string()
    .regex(/^[\w.()-]{0,89}[\w()-]$/, "it has to be the name of a resource group: 1 to 90 letters, digits and _.()-")
    .optional(),
  lakeReplication: oneOf("LRS", "ZRS", "GRS", "RAGRS", "GZRS", "RAGZRS").default("LRS"),
  coolAfterDays: wholeNumber(0, 3_650).default(30),
  captureRetentionDays: wholeNumber(1, 36_500).optional(),
  protectData: flag.default(true),
  purgeProtection: flag.default(true),
  eventHubsTier: oneOf("Standard", "Premium").default("Standard"),
  throughputUnits: wholeNumber(1, 40).optional(),
  maximumThroughputUnits: wholeNumber(1, 40).optional(),
  processingUnits: oneOf("1", "2", "4", "6", "8", "10", "12", "16").transform(Number).optional(),
  hubRetentionHours: wholeNumber(1, 2_160).default(168),
  capture: flag.default(true),
  captureMinutes: wholeNumber(1, 15).default(5),
  captureMegabytes: wholeNumber(10, 500).default(300),
  profile: oneOf("idle", "warm").default("idle"),
  instanceMemoryMb: oneOf("512", "2048", "4096")
    .transform((text) => Number(text) as 512 | 2048 | 4096)
    .default(2048),
  maximumInstances: wholeNumber(1, 1_000).default(100),
  rollingUpdates: flag.default(false),
  network: flag.default(false),
  networkAddressSpace: z
    .string()
    .regex(
      /^(?:10\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)|172\.(?:1[6-9]|2\d|3[01])|192\.168)\.(?:25[024]|2[0-4][02468]|1\d[02468]|[1-9]?[02468])\.0\/23$/,
      "it has to be 512 private addresses such as 10.64.0.0/23",
    )
    .default("10.64.0.0/23"),
  logRetentionDays: wholeNumber(30, 730).default(30),
  logCapGb: wholeNumber(1, 1_000).default(2),
  existingLogWorkspace: resourceId("Microsoft.OperationalInsights/workspaces").optional(),
  alertEmails: emails.optional(),
  freshnessHours: wholeNumber(1, 8_760).optional(),
  monthlyBudget: wholeNumber(1, 100_000_000).optional(),
  budgetStart: z
    .string()
    .regex(/^\d{4}-(?:0[1-9]|1[0-2])-01$/, "it has to be the first day of a month, such as 2026-01-01")
    .optional(),
  existingSystemTopic: resourceId("Microsoft.EventGrid/systemTopics").optional(),
  existingSystemTopicPrincipalId: id.optional(),
});
export type OwnSettings = Readonly<z.output<typeof ownSchema>>;

/** What to write after `pulumi config set <key>`, where that can be told. */
export const remedies: Readonly<Record<string, string>> = {
  "azure-native:location": "westeurope",
  "azure-native:subscriptionId": '"$(az account show --query id --output tsv)"',
  "azure-native:tenantId": '"$(az account show --query tenantId --output tsv)"',
};

/** What is wrong between settings that are right each by itself. */
export interface CrossProblem {
  readonly key: string;
  readonly problem: string;
  /** What to do; settings are spelled with the project `dyne`. */
  readonly remedy: string;
}

/** What a tier keeps events for, at most. */
const retentionHoursMax = { Standard: 168, Premium: 2_160 } as const;

/** All that does not go together; empty where everything does. */
export function crossChecks(settings: OwnSettings): readonly CrossProblem[] {
  const problems: CrossProblem[] = [];
  const { eventHubsTier: tier, throughputUnits = 1, maximumThroughputUnits, hubRetentionHours } = settings;
  const ofOtherTier =
    tier === "Premium" ? (["throughputUnits", "maximumThroughputUnits"] as const) : (["processingUnits"] as const);
  for (const key of ofOtherTier) {
    if (settings[key] === undefined) continue;
    problems.push({
      key,
      problem: `it is ${settings[key]}, and the tier ${tier} has no such units`,
      remedy: `Remove it: pulumi config rm dyne:${key}`,
    });
  }
  if (maximumThroughputUnits !== undefined && maximumThroughputUnits < throughputUnits) {
    problems.push({
      key: "maximumThroughputUnits",
      problem: `it is ${maximumThroughputUnits} and has to be at least throughputUnits, ${throughputUnits}`,
      remedy: `Set it: pulumi config set dyne:maximumThroughputUnits ${throughputUnits}`,
    });
  }
  if (hubRetentionHours > retentionHoursMax[tier]) {
    problems.push({
      key: "hubRetentionHours",
      problem: `it is ${hubRetentionHours}; the tier ${tier} keeps events for 1 to ${retentionHoursMax[tier]} hours`,
      remedy: `Set it: pulumi config set dyne:hubRetentionHours ${retentionHoursMax[tier]}`,
    });
  }
  return [...problems, ...topicProblems(settings), ...budgetProblems(settings)];
}

/** Event Grid delivers by the topic's own identity, and roles are given to its principal: one without the other delivers nothing. */
function topicProblems({ existingSystemTopic, existingSystemTopicPrincipalId }: OwnSettings): readonly CrossProblem[] {
  if ((existingSystemTopic === undefined) === (existingSystemTopicPrincipalId === undefined)) return [];
  const [key, other] =
    existingSystemTopic === undefined
      ? (["existingSystemTopicPrincipalId", "existingSystemTopic"] as const)
      : (["existingSystemTopic", "existingSystemTopicPrincipalId"] as const);
  return [
    {
      key,
      problem: `it is set and ${other} is not; a topic that exists delivers by its system-assigned identity, so both have to be known`,
      remedy: `Set the other one: pulumi config set dyne:${other} <value>`,
    },
  ];
}

/** A budget that tells nobody is none, and its start cannot be made up: another one would be another budget. */
function budgetProblems({ monthlyBudget, budgetStart, alertEmails }: OwnSettings): readonly CrossProblem[] {
  if (monthlyBudget === undefined) {
    if (budgetStart === undefined) return [];
    const problem = `it is ${budgetStart}, and there is no monthlyBudget`;
    return [{ key: "budgetStart", problem, remedy: "Set it: pulumi config set dyne:monthlyBudget <amount>" }];
  }
  const missing = [
    // Azure takes no new budget that began before this month.
    ...(budgetStart === undefined ? [{ other: "budgetStart", value: '"$(date +%Y-%m-01)"' }] : []),
    ...(alertEmails === undefined ? [{ other: "alertEmails", value: "someone@example.com" }] : []),
  ];
  return missing.map(({ other, value }) => ({
    key: "monthlyBudget",
    problem: `it is ${monthlyBudget}, and ${other} is not set`,
    remedy: `Set it: pulumi config set dyne:${other} ${value}`,
  }));
}
