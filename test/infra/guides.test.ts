/** What the guides say of the program is what it does. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deploy } from "./deployment.ts";
import { runShell } from "../support/guide-shell.ts";

const root = join(import.meta.dirname, "../..");
const [readme, guide] = await Promise.all(
  ["infra/README.md", "docs/deploy.md"].map((path) => readFile(join(root, path), "utf8")),
);
const deployment = await deploy();

/** What stands between backticks in the first cells of the table below a heading. */
function firstCells(text: string, heading: string): readonly string[] {
  const section = text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const cells = [...section.matchAll(/^\| ([^|]+) \|/gm)].map((match) => match[1] ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""));
}

it("the settings of the table are those that there are", async () => {
  const refusal = await deploy({ config: { "dyne:unheard": "1" } }).catch((error: Error) => error.message);
  const known = /there are ([\w, ]+)\./.exec(String(refusal))?.[1]?.split(", ") ?? [];
  expect(known.length).toBeGreaterThan(3);
  const told = firstCells(readme ?? "", "Settings of a stack").filter((name) => !name.startsWith("azure-native:"));
  expect(told.sort()).toEqual(known.sort());
});

it.for(["dev", "prod"])("the example of a stack %s lacks only what is the user's own", async (stack) => {
  const example = await readFile(join(root, `infra/Pulumi.${stack}.yaml`), "utf8");
  const settings = [...example.matchAll(/^ {2}([\w-]+:\w+): (.+)$/gm)].map(([, key = "", value = ""]) => [
    key,
    value.replaceAll(/^"|"$/g, ""),
  ]);
  expect(settings.length).toBe(
    example
      .split("config:\n")[1]
      ?.split("\n")
      .filter((line) => /^ *[^ #]/.test(line)).length,
  );
  expect(settings.length).toBeGreaterThan(1);
  const config = { "azure-native:location": undefined, ...Object.fromEntries(settings) };
  expect(Object.keys(config)).not.toContain("azure-native:subscriptionId");
  expect((await deploy({ config, stack })).get("group").inputs["location"]).toBe("westeurope");
});

it("commands of the guide set settings that there are, and read outputs that there are", async () => {
  const settings = firstCells(readme ?? "", "Settings of a stack");
  const set = [...(guide ?? "").matchAll(/pulumi config set (\S+)/g)].map((match) => match[1] ?? "");
  const read = [...(guide ?? "").matchAll(/pulumi stack output (\w+)/g)].map((match) => match[1] ?? "");
  expect(set.length).toBeGreaterThan(3);
  expect(read.length).toBeGreaterThan(3);
  expect(set.filter((name) => !settings.includes(name))).toEqual([]);
  expect(read.filter((name) => !(name in deployment.outputs))).toEqual([]);
});

it("every file that makes something is in the table", async () => {
  const files = (await readdir(join(root, "infra"))).filter((name) => name.endsWith(".ts"));
  const making: string[] = [];
  for (const file of files) {
    const source = await readFile(join(root, "infra", file), "utf8");
    if (/from "@pulumi\/azure-native\//.test(source.replaceAll(/^import type .*$/gm, ""))) making.push(file);
  }
  expect(making.length).toBeGreaterThan(6);
  expect(making.filter((file) => !(readme ?? "").includes(`[${file}](${file})`))).toEqual([]);
});

it("the rights of the table are those that are given", () => {
  const section = (readme ?? "").split("## Who may do what")[1]?.split("\n## ")[0] ?? "";
  const identities: Readonly<Record<string, string>> = {
    "the app": "app",
    "Event Grid": "notices",
    "Event Hubs": "capture",
  };
  const told = [...section.matchAll(/^\| (the app|Event Grid|Event Hubs) +\| ([^|]+?) +\|/gm)].flatMap(
    ([, who = "", roles = ""]) =>
      roles.split(", ").map((role) => `${identities[who]}: ${role.toLowerCase().replaceAll(" ", "-")}`),
  );
  const given = deployment
    .all("authorization:RoleAssignment")
    .map(({ name }) => `${name.split("/")[1]}: ${name.split("/").at(-1)}`);
  expect(new Set(told)).toEqual(new Set(given));
});

describe("commands of docs/deploy.md", () => {
  const blocks = [...(guide ?? "").matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
  const outputs = Object.fromEntries(
    Object.entries(deployment.outputs).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  const azure = { outputs, folders: ["dist", "infra"] };
  /** Every block, run once for all tests. */
  const ran = Promise.all(
    blocks.map(async (block) => ({ block, ...(await runShell(block.replaceAll(/<\w+>/g, "somebody"), azure)) })),
  );
  const allCalls = async () => (await ran).flatMap(({ calls }) => calls);

  it("run in a shell as they are shown, with the outputs of a deployment", async () => {
    expect(blocks.length).toBeGreaterThan(4);
    for (const { block, exitCode, stderr, calls } of await ran) {
      expect({ block, exitCode, stderr }).toEqual({ block, exitCode: 0, stderr: "" });
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.flat()).not.toContain("");
    }
  });

  it("name the resources that the program made", async () => {
    const calls = await allCalls();
    const valuesOf = (option: string, ...words: string[]) =>
      calls
        .filter((call) => words.every((word, index) => call[index] === word))
        .map((call) => call[call.indexOf(option) + 1]);
    const named = (name: string, property: string) => deployment.get(name).inputs[property];
    const posted = calls.filter(([program]) => program === "curl").flat();
    expect(posted).toContain(`${String(deployment.outputs["publishUrl"])}?remoteBuild=false`);
    expect(valuesOf("--name", "az", "eventhubs")).toEqual([named("event-hubs", "namespaceName")]);
    expect(valuesOf("--name", "az", "storage", "account", "show")).toEqual([named("lake", "accountName")]);
    expect(valuesOf("--resource-group", "az", "storage", "account", "show")).toEqual([
      named("group", "resourceGroupName"),
    ]);
    expect(valuesOf("--account-name", "az", "storage", "blob", "upload")).toEqual([named("lake", "accountName")]);
  });

  it("register every service that resources of a deployment are of", async () => {
    const registered = (await allCalls())
      .filter(([, subject]) => subject === "provider")
      .map((call) => call[call.indexOf("--namespace") + 1]);
    const needed = deployment.resources.flatMap(({ id }) =>
      [...id.matchAll(/\/providers\/([^/]+)/g)].map((match) => match[1]),
    );
    expect(needed.length).toBeGreaterThan(50);
    // Flex Consumption runs on Microsoft.App.
    expect(["Microsoft.App", ...needed].filter((name) => !registered.includes(name))).toEqual([]);
  });

  it("fail where an output is not there", async () => {
    const { exitCode, stderr } = await runShell('name="$(pulumi stack output unheard)"', azure);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("unheard");
  });
});
