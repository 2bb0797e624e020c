/** What every workflow of the repository has to keep: it runs with rights that others would like to have. */
import { parse } from "yaml";
import { z } from "zod";

const permissionsSchema = z.record(z.string(), z.string());
const stepSchema = z.looseObject({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const workflowSchema = z.looseObject({
  on: z.unknown(),
  permissions: permissionsSchema,
  concurrency: z.looseObject({ group: z.string(), "cancel-in-progress": z.union([z.boolean(), z.string()]) }),
  jobs: z.record(
    z.string(),
    z.looseObject({
      "timeout-minutes": z.number().max(90),
      environment: z.string().optional(),
      permissions: permissionsSchema.optional(),
      steps: z.array(stepSchema).min(1),
    }),
  ),
});

/** Whose code runs, pinned to one commit that nobody can move; the comment says which version that is. */
const pinned = /^\s*(?:- )?uses: [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

/** Who else writes into a shell what they like: titles of pull requests, names of branches, inputs. */
const injected = /\$\{\{[^}]*\b(github\.(event|head_ref|ref_name)|inputs|vars|env|steps|needs)\b/;

const onlyRead = { contents: "read" };
const logsIn = { contents: "read", "id-token": "write" };

/** All that a workflow breaks, in words; empty where it keeps the rules. */
export function breachesOf(text: string): readonly string[] {
  const parsed = workflowSchema.safeParse(parse(text));
  if (!parsed.success) return [z.prettifyError(parsed.error)];
  const { on, permissions, jobs } = parsed.data;
  const breaches = text
    .split("\n")
    .filter((line) => /\buses:/.test(line) && !pinned.test(line))
    .map((line) => `not pinned to a commit, with its version behind it: ${line.trim()}`);
  if (/\bsecrets\b\s*[.[:]/.test(withoutComments(text))) breaches.push("uses a secret");
  if (JSON.stringify(on).includes("pull_request_target"))
    breaches.push("gives code of others the rights of this repository");
  if (!same(permissions, onlyRead)) breaches.push("may do more than read by default");
  for (const [name, job] of Object.entries(jobs)) {
    const say = (breach: string) => breaches.push(`${name}: ${breach}`);
    const login = job.steps.some(({ uses = "" }) => uses.startsWith("azure/login@"));
    if (!same(job.permissions ?? onlyRead, login ? logsIn : onlyRead))
      say("has permissions that it does not need, or lacks one");
    if (login && job.environment === undefined) say("logs in outside of an environment");
    for (const { uses = "", run = "", with: options = {} } of job.steps) {
      if (uses.startsWith("actions/checkout@") && options["persist-credentials"] !== false)
        say("leaves a token behind");
      if (injected.test(run)) say(`writes a value of others into a shell: ${run.trim().split("\n")[0]}`);
    }
  }
  return breaches;
}

function withoutComments(text: string): string {
  return text.replaceAll(/(^|\s)#.*$/gm, "");
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const entries = (record: typeof a) =>
    JSON.stringify(
      Object.entries(record)
        .map((entry) => entry.join(": "))
        .sort(),
    );
  return entries(a) === entries(b);
}
