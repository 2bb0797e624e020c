/** The program as `pulumi up` starts it: Pulumi's language host in a process of its own, on this Node.js, from what Pulumi.yaml says. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { expect, it } from "vitest";
import { configuration } from "./azure.ts";
import { deploy } from "./deployment.ts";
import { startEngine, type FakeEngine } from "./fake-engine.ts";

const infra = join(import.meta.dirname, "../../infra");
const pulumi = dirname(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));

/** One value of Pulumi.yaml by its key, wherever it stands. */
async function projectSetting(key: string): Promise<string | undefined> {
  const yaml = await readFile(join(infra, "Pulumi.yaml"), "utf8");
  return new RegExp(`^ *${key}: *(\\S+)$`, "m").exec(yaml)?.[1];
}

async function runProgram(engine: FakeEngine, config: Readonly<Record<string, string>>) {
  const main = await projectSetting("main");
  // As the command's plugin for Node.js does: the option is on unless the project turns it off.
  const typescript = String((await projectSetting("typescript")) !== "false");
  const host = spawn(
    process.execPath,
    [
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
      },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 110_000,
    },
  );
  const [said, [exitCode]] = await Promise.all([text(host.stderr), once(host, "exit"), text(host.stdout)]);
  return { exitCode: exitCode as number | null, said };
}

it(
  "it loads, asks for the same resources as under mocks, answers its hooks and ends",
  { timeout: 120_000 },
  async () => {
    await using engine = await startEngine();
    expect(await runProgram(engine, configuration)).toEqual({ exitCode: 0, said: "" });
    expect(engine.logged.filter(({ severity }) => severity > 1)).toEqual([]);

    const deployment = await deploy();
    const byName = (resources: readonly { readonly type: string; readonly name: string; readonly inputs: object }[]) =>
      Object.fromEntries(resources.map(({ type, name, inputs }) => [name, { type, inputs }]));
    expect(byName(engine.resources)).toEqual(byName(deployment.resources));
    expect(new Set(engine.resources.map(({ version }) => version))).toEqual(new Set(["3.28.0"]));
    expect(engine.outputs()).toEqual(deployment.outputs);

    const waits = engine.resources.filter(({ type }) =>
      ["web:WebApp", "eventgrid:SystemTopicEventSubscription", "eventhub:EventHub"].includes(type),
    );
    expect(engine.hooksRun).toEqual([...waits.map(() => "role-spread-is-awaited"), "role-spread-begins"]);
  },
);

it("a stack that is not configured is refused with what to do, and nothing is made", { timeout: 120_000 }, async () => {
  await using engine = await startEngine();
  const { exitCode } = await runProgram(engine, { "azure-native:location": "westeurope" });
  expect(exitCode).not.toBe(0);
  expect(engine.resources).toEqual([]);
  const [error] = engine.logged.filter(({ severity }) => severity === 3);
  expect(error?.message).toContain("pulumi config set azure-native:subscriptionId");
  expect(error?.message).not.toContain("at readConfig");
});
