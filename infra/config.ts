/**
 * The configuration of the stack that is being deployed: read at once, checked as a whole before anything is made, and from then on believed.
 * Which settings there are, and what each may be, is in settings.ts.
 */
import { getProject, RunError, runtime } from "@pulumi/pulumi";
import type { z } from "zod";
import { azureSchema, crossChecks, ownSchema, remedies, type AzureSettings, type OwnSettings } from "./settings.ts";

export interface Config extends AzureSettings, Omit<OwnSettings, "clientId" | "audience"> {
  /** Who may call the HTTP API; undefined closes it. */
  readonly api: { readonly audience: string; readonly clientId: string | undefined } | undefined;
}

/**
 * The configuration of the stack. Throws a RunError, INVALID_SETTING, that names every wrong setting with its value, what it may be, and the
 * command that corrects it.
 */
export function readConfig(): Config {
  const all = runtime.allConfig();
  const project = getProject();
  const azure = parse(azureSchema, settingsOf(all, "azure-native"), "azure-native");
  const own = parse(ownSchema, settingsOf(all, project), project);
  const problems = [...azure.problems, ...own.problems];
  if (own.settings !== undefined) {
    for (const { key, problem, remedy } of crossChecks(own.settings)) {
      problems.push(`- ${project}:${key}: ${problem}. ${remedy.replaceAll("dyne:", `${project}:`)}`);
    }
  }
  problems.push(...strangeTopic(azure.settings, own.settings, project));
  if (azure.settings === undefined || own.settings === undefined || problems.length > 0) {
    throw new RunError(
      `INVALID_SETTING: the stack cannot be deployed with this configuration, and nothing was made:\n${problems.join("\n")}`,
    );
  }
  const { clientId, audience, ...rest } = own.settings;
  const tokensFor = audience ?? clientId;
  return { ...azure.settings, ...rest, api: tokensFor === undefined ? undefined : { audience: tokensFor, clientId } };
}

/** A topic lies where its account does, and is looked for by group and name alone: in another subscription it would be another one, or none. */
function strangeTopic(
  azure: AzureSettings | undefined,
  { existingSystemTopic: topic }: Partial<OwnSettings> = {},
  project: string,
): readonly string[] {
  if (azure === undefined || topic === undefined) return [];
  if (topic.toLowerCase().startsWith(`/subscriptions/${azure.subscriptionId.toLowerCase()}/`)) return [];
  const problem = `it is in another subscription than azure-native:subscriptionId, ${azure.subscriptionId}, where the account is whose topic it has to be`;
  return [describe(`${project}:existingSystemTopic`, topic, problem)];
}

function settingsOf(all: Readonly<Record<string, string>>, namespace: string): Readonly<Record<string, string>> {
  const prefix = `${namespace}:`;
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}

function parse<Shape extends z.ZodObject>(
  schema: Shape,
  settings: Readonly<Record<string, string>>,
  namespace: string,
): { readonly settings?: z.output<Shape>; readonly problems: string[] } {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return { settings: parsed.data, problems: [] };
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") {
      const name = String(issue.path[0]);
      return [describe(`${namespace}:${name}`, settings[name], issue.message)];
    }
    const known = Object.keys(schema.shape).join(", ");
    return issue.keys.map(
      (key) =>
        `- ${namespace}:${key} is no setting; there are ${known}. Remove it: pulumi config rm ${namespace}:${key}`,
    );
  });
  return { problems: [...new Set(problems)] };
}

function describe(key: string, value: string | undefined, problem: string): string {
  const told = value === undefined ? key : `${key} is ${JSON.stringify(value)}`;
  return `- ${told}: ${problem}. Set it: pulumi config set ${key} ${remedies[key] ?? "<value>"}`;
}
