/**
 * What a stack may be told, checked before anything is made:
 *
 *     azure-native:location           westeurope
 *     azure-native:subscriptionId     whose id is part of all names, and which another login cannot replace by accident
 *     azure-native:tenantId
 *     dyne:clientId                   the app registration of the HTTP API; without it nobody gets in
 *     dyne:audience                   what its tokens are made out to, where that is not the client id
 *     dyne:throughputUnits            of the Event Hubs namespace, 1 to 40
 *     dyne:maximumInstances           of each function's own instances, 1 to 1,000
 *     dyne:protectData                false lets `pulumi destroy` delete what holds data
 */
import { getProject, RunError, runtime } from "@pulumi/pulumi";
import { z } from "zod";

export interface Config {
  readonly location: string;
  readonly subscriptionId: string;
  readonly tenantId: string;
  /** Who may call the HTTP API; undefined closes it. */
  readonly api: { readonly audience: string; readonly clientId: string | undefined } | undefined;
  readonly throughputUnits: number;
  readonly maximumInstances: number;
  readonly protectData: boolean;
}

/** Not `z.uuid()`: Azure has given out ids that are no valid UUIDs. */
const id = z.guid("it has to be an id such as 6f1a4f0e-4c0b-4a52-9a0e-1f6a7c0f2b11");
const azureSchema = z.object({
  location: z
    .string("it is missing")
    .regex(/^[A-Za-z][A-Za-z0-9 ]+$/, "it has to be a region such as westeurope")
    .transform((name) => name.replaceAll(" ", "").toLowerCase()),
  subscriptionId: z.string("it is missing").pipe(id),
  tenantId: z.string("it is missing").pipe(id),
});
const ownSchema = z.strictObject({
  clientId: id.optional(),
  audience: z.string().min(1, "it is empty").optional(),
  throughputUnits: wholeNumber(1, 40).default(1),
  maximumInstances: wholeNumber(1, 1_000).default(100),
  protectData: z
    .enum(["true", "false"], "it has to be true or false")
    .default("true")
    .transform((text) => text === "true"),
});

const remedies: Readonly<Record<string, string>> = {
  "azure-native:location": "westeurope",
  "azure-native:subscriptionId": '"$(az account show --query id --output tsv)"',
  "azure-native:tenantId": '"$(az account show --query tenantId --output tsv)"',
};

/** The configuration of the stack that is being deployed. Throws a RunError that names every wrong setting and the command that corrects it. */
export function readConfig(): Config {
  const all = runtime.allConfig();
  const problems: string[] = [];
  const azure = parse(azureSchema, settingsOf(all, "azure-native"), "azure-native", problems);
  const own = parse(ownSchema, settingsOf(all, getProject()), getProject(), problems);
  if (azure === undefined || own === undefined) {
    throw new RunError(`The stack cannot be deployed with this configuration:\n${problems.join("\n")}`);
  }
  const { clientId, audience, ...rest } = own;
  const tokensFor = audience ?? clientId;
  return { ...azure, ...rest, api: tokensFor === undefined ? undefined : { audience: tokensFor, clientId } };
}

function settingsOf(all: Readonly<Record<string, string>>, namespace: string): Record<string, string> {
  const prefix = `${namespace}:`;
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}

function wholeNumber(from: number, to: number) {
  const problem = `it has to be a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, problem)
    .transform(Number)
    .pipe(z.number().min(from, problem).max(to, problem));
}

function parse<Shape extends z.ZodObject>(
  schema: Shape,
  settings: Readonly<Record<string, string>>,
  namespace: string,
  problems: string[],
): z.output<Shape> | undefined {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys(schema.shape).join(", ");
      for (const key of issue.keys) {
        problems.push(
          `- ${namespace}:${key} is no setting; there are ${known}. Remove it: pulumi config rm ${namespace}:${key}`,
        );
      }
      continue;
    }
    const key = `${namespace}:${issue.path.join(".")}`;
    problems.push(`- ${key}: ${issue.message}. Set it: pulumi config set ${key} ${remedies[key] ?? "<value>"}`);
  }
  return undefined;
}
