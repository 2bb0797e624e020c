/** The program as `pulumi up` starts it: Pulumi's language host in a process of its own, on this Node.js, from what Pulumi.yaml says. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificate, type Certificate } from "../../local/identity/index.ts";
import { systemClock } from "../../shared/core/index.ts";
import { temporaryFolder } from "../e2e/temporary-folder.ts";
import { configuration, packagePath } from "./azure.ts";
import { deploy } from "./deployment.ts";
import { startEngine, type FakeEngine } from "./fake-engine.ts";
import { startPublishHost, type Answer } from "./publish-host.ts";

const infra = join(import.meta.dirname, "../../infra");
const pulumi = dirname(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));

/** One value of Pulumi.yaml by its key, wherever it stands. */
async function projectSetting(key: string): Promise<string | undefined> {
  const yaml = await readFile(join(infra, "Pulumi.yaml"), "utf8");
  return new RegExp(`^ *${key}: *(\\S+)$`, "m").exec(yaml)?.[1];
}

async function runProgram(
  engine: FakeEngine,
  config: Readonly<Record<string, string>>,
  {
    nodeOptions = [],
    environment = {},
  }: { readonly nodeOptions?: readonly string[]; readonly environment?: Readonly<Record<string, string>> } = {},
) {
  const main = await projectSetting("main");
  // As the command's plugin for Node.js does: the option is on unless the project turns it off.
  const typescript = String((await projectSetting("typescript")) !== "false");
  const host = spawn(
    process.execPath,
    [
      ...nodeOptions,
      join(pulumi, "cmd/run/index.js"),
      `--monitor=${engine.address}`,
      `--engine=${engine.address}`,
      "--organization=organization",
      "--project=dyne",
      "--stack=dev",
      `--pwd=${infra}`,
      `--root-directory=${infra}`,
      "--parallel=16",
      main ?? ".",
    ],
    {
      env: {
        PATH: process.env["PATH"],
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: "[]",
        PULUMI_NODEJS_TYPESCRIPT: typescript,
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 110_000,
    },
  );
  const [said, [exitCode]] = await Promise.all([text(host.stderr), once(host, "exit"), text(host.stdout)]);
  return { exitCode: exitCode as number | null, said };
}

it.concurrent(
  "a stack that is not configured is refused with what to do, and nothing is made",
  { timeout: 120_000 },
  async () => {
    await using engine = await startEngine();
    const { exitCode } = await runProgram(engine, { "azure-native:location": "westeurope" });
    expect(exitCode).not.toBe(0);
    expect(engine.resources).toEqual([]);
    const [error] = engine.logged.filter(({ severity }) => severity === 3);
    expect(error?.message).toContain("pulumi config set azure-native:subscriptionId");
    expect(error?.message).not.toContain("at readConfig");
  },
);

const byName = (resources: readonly { readonly type: string; readonly name: string; readonly inputs: object }[]) =>
  Object.fromEntries(resources.map(({ type, name, inputs }) => [name, { type, inputs }]));

describe.concurrent("the program", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let certificate: Certificate;
  beforeAll(async () => {
    folder = await temporaryFolder();
    certificate = await createCertificate(folder.path, systemClock);
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  async function running(answers: readonly Answer[], token?: string) {
    await using host = await startPublishHost(answers, certificate);
    await using engine = await startEngine({ publishingHost: host.host, ...(token === undefined ? {} : { token }) });
    const { exitCode, said } = await runProgram(engine, configuration, {
      environment: { NODE_EXTRA_CA_CERTS: certificate.certificatePath },
      // Pulumi takes a stack trace for each of its thousands of promises, and looks every line of it up in source maps.
      nodeOptions: ["--stack-trace-limit=0"],
    });
    return { exitCode, said, engine, asked: host.asked, publishUrl: `https://${host.host}/api/publish` };
  }

  it(
    "loads, asks for the same resources as under mocks, publishes by Pulumi's own login, answers its hooks and ends",
    { timeout: 120_000 },
    async () => {
      const { exitCode, said, engine, asked, publishUrl } = await running([{ status: 200 }], "of the login");
      expect([exitCode, said]).toEqual([0, ""]);
      expect(engine.logged.filter(({ severity }) => severity > 1)).toEqual([]);

      const deployment = await deploy();
      const sha256 = createHash("sha256").update(readFileSync(packagePath)).digest("hex");
      expect(byName(engine.resources)).toEqual({
        ...byName(deployment.resources),
        "app/code": { type: "pulumi:index:Stash", inputs: { input: { sha256, publishUrl } } },
      });
      const versions = new Map(engine.resources.map(({ name, version }) => [name, version]));
      expect(versions.get("app/code")).toBe("");
      versions.delete("app/code");
      expect(new Set(versions.values())).toEqual(new Set(["3.28.0"]));
      expect(engine.outputs()).toEqual({ ...deployment.outputs, publishUrl });

      const waits = engine.resources.filter(({ type }) =>
        ["web:WebApp", "eventgrid:SystemTopicEventSubscription", "eventhub:EventHub"].includes(type),
      );
      expect(engine.hooksRun.toSorted()).toEqual(
        [...waits.map(() => "role-spread-is-awaited"), "role-spread-begins", "code-is-published"].toSorted(),
      );
      expect(engine.hooksRun.at(-1)).toBe("role-spread-begins");

      expect(asked).toMatchObject([
        { method: "POST", path: "/api/publish?remoteBuild=false", authorization: "Bearer of the login", sha256 },
      ]);
      expect(engine.logged.map(({ message }) => message)).toContain("The package is sent: 0.0 MB.");
      expect(JSON.stringify([engine.resources, engine.outputs()])).not.toContain("of the login");
    },
  );

  it(
    "fails where Azure refuses the code, which the state then does not have, so that the next run publishes",
    { timeout: 120_000 },
    async () => {
      const { exitCode, engine } = await running([{ status: 403, body: "not you" }], "of the login");
      expect(exitCode).not.toBe(0);
      expect(engine.resources.map(({ name }) => name)).not.toContain("app/code");
      expect(engine.resources.map(({ name }) => name)).toContain("app");
      const errors = engine.logged.filter(({ severity }) => severity === 3).map(({ message }) => message);
      expect(errors.join("\n")).toContain("Website Contributor or Contributor on it. Azure says: not you");
    },
  );
});
