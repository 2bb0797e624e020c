import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { breachesOf } from "./workflow-rules.ts";

const root = join(import.meta.dirname, "../../..");
const folder = join(root, ".github/workflows");
const names = (await readdir(folder)).toSorted();
const texts = new Map(
  await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
);
const textOf = (name: string) => texts.get(name) ?? "";

it("there are one for every change, one for pull requests and one that deploys", () => {
  expect(names).toEqual(["ci.yml", "deploy.yml", "preview.yml"]);
});

it.for(names)("%s keeps the rules", (name) => {
  expect(breachesOf(textOf(name))).toEqual([]);
});

describe("a workflow breaks the rules", () => {
  const breaches: readonly {
    readonly what: string;
    readonly of: string;
    readonly from: string | RegExp;
    readonly to: string;
    readonly says: string;
  }[] = [
    { what: "an action at a tag", of: "ci.yml", from: /@[0-9a-f]{40} # v/, to: "@v", says: "not pinned" },
    {
      what: "an action at a short hash",
      of: "ci.yml",
      from: /(@[0-9a-f]{12})[0-9a-f]{28}/,
      to: "$1",
      says: "not pinned",
    },
    { what: "an action without its version", of: "deploy.yml", from: / # v2\.3\.0/, to: "", says: "not pinned" },
    { what: "no permissions", of: "ci.yml", from: /permissions:\n {2}contents: read\n/, to: "", says: "permissions" },
    {
      what: "all permissions",
      of: "ci.yml",
      from: "permissions:\n  contents: read",
      to: "permissions: write-all",
      says: "permissions",
    },
    { what: "more permissions", of: "ci.yml", from: "contents: read", to: "contents: write", says: "more than read" },
    {
      what: "a login for all jobs",
      of: "preview.yml",
      from: "permissions:\n  contents: read",
      to: "permissions:\n  contents: read\n  id-token: write",
      says: "more than read",
    },
    {
      what: "a permission that nothing uses",
      of: "deploy.yml",
      from: "      id-token: write",
      to: "      id-token: write\n      packages: write",
      says: "does not need",
    },
    {
      what: "a login without its permission",
      of: "deploy.yml",
      from: "      id-token: write\n",
      to: "",
      says: "lacks one",
    },
    {
      what: "a login outside of an environment",
      of: "preview.yml",
      from: "    environment: preview\n",
      to: "",
      says: "outside of an environment",
    },
    {
      what: "a secret",
      of: "deploy.yml",
      from: "${{ vars.AZURE_TENANT_ID }}",
      to: "${{ secrets.AZURE_TENANT_ID }}",
      says: "secret",
    },
    {
      what: "secrets handed on",
      of: "deploy.yml",
      from: "    timeout-minutes: 60",
      to: "    timeout-minutes: 60\n    secrets: inherit",
      says: "secret",
    },
    {
      what: "code of others with our rights",
      of: "preview.yml",
      from: "pull_request:",
      to: "pull_request_target:",
      says: "code of others",
    },
    {
      what: "a token left behind",
      of: "ci.yml",
      from: "persist-credentials: false",
      to: "persist-credentials: true",
      says: "leaves a token",
    },
    {
      what: "an input in a shell",
      of: "deploy.yml",
      from: '--stack "$STACK" --non',
      to: "--stack ${{ inputs.stack }} --non",
      says: "into a shell",
    },
    { what: "no limit of time", of: "deploy.yml", from: "    timeout-minutes: 60\n", to: "", says: "timeout-minutes" },
    { what: "no concurrency", of: "ci.yml", from: /concurrency:\n( .*\n)+/, to: "", says: "concurrency" },
  ];
  it.for(breaches)("$what", ({ of, from, to, says }) => {
    const broken = textOf(of).replace(from, to);
    expect(broken).not.toBe(textOf(of));
    expect(breachesOf(broken).join("\n")).toContain(says);
  });
});

it("the app is deployed from the commit that was tested, one run after the other", () => {
  const { concurrency, jobs, on } = parse(textOf("deploy.yml"));
  expect(concurrency["cancel-in-progress"]).toBe(false);
  expect(on.workflow_run).toMatchObject({ workflows: [parse(textOf("ci.yml")).name], branches: ["main"] });
  expect(jobs.deploy.if).toContain("workflow_run.conclusion == 'success'");
  expect(jobs.deploy.steps[1].with.ref).toContain("workflow_run.head_sha");
});

it("every stack that can be deployed has an example of its configuration", async () => {
  const { on } = parse(textOf("deploy.yml"));
  const stacks: string[] = on.workflow_dispatch.inputs.stack.options;
  expect(stacks.length).toBeGreaterThan(1);
  for (const stack of stacks) await expect(access(join(root, `infra/Pulumi.${stack}.yaml`))).resolves.toBeUndefined();
});

it("the Pulumi that is installed is the one that the program is made with", async () => {
  const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const versions = [...texts.values()].flatMap((text) =>
    [...text.matchAll(/pulumi-version: (\S+)/g)].map((match) => match[1]),
  );
  expect(versions).toEqual([devDependencies["@pulumi/pulumi"], devDependencies["@pulumi/pulumi"]]);
});

it("actionlint finds nothing wrong with them", { timeout: 60_000 }, async ({ skip }) => {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), join(homedir(), "go/bin")];
  const program = await firstThere(folders.map((each) => join(each, "actionlint")));
  if (program === undefined) {
    return skip("actionlint is not installed: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12");
  }
  const paths = names.map((name) => join(folder, name));
  const { stdout } = await promisify(execFile)(program, ["-no-color", ...paths]).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe("");
});

describe("a deployment that is run again", () => {
  const { jobs } = parse(textOf("deploy.yml")) as {
    jobs: { deploy: { steps: { if?: string; run?: string; env?: Record<string, string> }[] } };
  };
  const guard = jobs.deploy.steps[0];
  /** Runs the step with a main that is at a commit, or where that cannot be told. */
  async function guarded(tested: string, newest: string | undefined) {
    const bin = await mkdtemp(join(tmpdir(), "dyne-gh-"));
    const answer = newest === undefined ? "exit 1" : `[ "$2" = repos/o/r/git/ref/heads/main ] && echo ${newest}`;
    await writeFile(join(bin, "gh"), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
    const env = { PATH: `${bin}${delimiter}${process.env["PATH"]}`, GITHUB_REPOSITORY: "o/r", TESTED: tested };
    try {
      // As GitHub runs it.
      return await promisify(execFile)("bash", ["-e", "-c", guard?.run ?? "exit 2"], { env }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
      );
    } finally {
      await rm(bin, { recursive: true });
    }
  }

  it("is asked first whether main is still what was tested, whether the deployment or its ci is run again", () => {
    expect(guard?.if).toBe(
      "github.event_name == 'workflow_run' && (github.run_attempt > 1 || github.event.workflow_run.run_attempt > 1)",
    );
    expect(guard?.env?.["TESTED"]).toBe("${{ github.event.workflow_run.head_sha }}");
  });

  it("goes on where main is there, and is refused where main is further, or cannot be told", async () => {
    expect(await guarded("aaa", "aaa")).toEqual({ code: 0, stdout: "" });
    expect(await guarded("aaa", "bbb")).toEqual({ code: 1, stdout: expect.stringMatching(/^::error::.*by hand/) });
    expect(await guarded("aaa", undefined)).toMatchObject({ code: 1 });
  });
});

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}
