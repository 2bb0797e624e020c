import { describe, expect, test } from "vitest";
import { pipelines } from "../../../pipelines/index.ts";
import { declaredFlows } from "../../../shared/engine/index.ts";
import { manifest, manifestSchema } from "../../../shared/pipeline/index.ts";
import { dyne, shell } from "./command.ts";

const flows = pipelines.flatMap(declaredFlows).map((flow) => flow.id);

describe("help", () => {
  test("begins with the version, which is that of the package", async () => {
    expect((await dyne("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("of the command names every subcommand", async () => {
    const { exitCode, stdout } = await dyne("--help");
    expect(exitCode).toBe(0);
    for (const name of [
      "start",
      "dev",
      "run",
      "send",
      "land",
      "flow",
      "backfill",
      "explain",
      "manifest",
      "openapi",
      "table",
      "quarantine",
      "doctor",
    ])
      expect(stdout).toContain(`\n  ${name} `);
  });

  test.each([
    ["start"],
    ["dev"],
    ["explain"],
    ["manifest"],
    ["openapi"],
    ["table", "read"],
    ["table", "history"],
    ["table", "files"],
  ])("of %s %s says what it does, its options and examples", async (...command) => {
    const { exitCode, stdout, stderr } = await dyne(...command, "--help");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: dyne ${command.join(" ")} `));
    expect(stdout).toContain("Options:");
    expect(stdout).toContain("Examples:\n  npm ");
  });
});

test.each([
  ["reset", "silver.flights --yes"],
  ["refresh", "gold.route_daily"],
  ["skip", "silver.flights --batch 7 --yes"],
  ["restore", "silver.flights --version 12 --yes"],
])("the example of flow %s would do what it is for", async (verb, args) => {
  expect((await dyne("flow", verb, "--help")).stdout).toContain(`dyne -- flow ${verb} ${args}\n`);
});

describe("used wrongly it ends with 2 and says how to use it", () => {
  test.each<[string, readonly string[], string]>([
    ["without a subcommand", [], "Usage: dyne"],
    ["with one that there is not", ["nope"], "unknown command 'nope'"],
    ["with an option that there is not", ["manifest", "--nope"], "unknown option '--nope'"],
    ["without a flow", ["explain"], "missing required argument 'flow'"],
    ["with a flow that there is not", ["explain", "no.flow"], `Choose one of ${flows.join(", ")}`],
    ["without a subcommand of table", ["table"], "Usage: dyne table"],
    ["with a number that is none", ["start", "--events", "many"], "Use a whole number from 1 to"],
    ["with a number out of range", ["start", "--partitions", "33"], "Use a whole number from 1 to 32"],
    ["with a rate that is none", ["start", "--rate", "fast"], "--rate"],
    ["with a format that there is not", ["table", "read", "x", "--format", "xml"], "Allowed choices are ndjson, table"],
    ["with a version that is none", ["table", "read", "x", "--version", "-1"], "Use a whole number from 0 on"],
  ])("%s", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await dyne(...args);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: "", stderr: expect.stringContaining(message) });
  });
});

test("its exit code is that of the process", { timeout: 30_000 }, async () => {
  const ran = await Promise.all(["dyne --help", "dyne nope"].map(shell));
  expect(ran.map(({ exitCode }) => exitCode)).toEqual([0, 2]);
});

describe("manifest", () => {
  test("is one line of JSON for each pipeline with --json, which its schema accepts", async () => {
    const { exitCode, stdout } = await dyne("manifest", "--json");
    const lines = stdout.trimEnd().split("\n");
    expect([exitCode, lines.length]).toEqual([0, pipelines.length]);
    expect(lines.map((line) => manifestSchema.parse(JSON.parse(line)))).toEqual(pipelines.map(manifest));
  });

  test("is JSON for people without", async () => {
    const { stdout } = await dyne("manifest");
    expect(stdout).toMatch(/^\{\n {2}"format": 1,/);
  });
});

test("openapi prints the description of the HTTP API, in one line with --json", async () => {
  const [text, json] = [await dyne("openapi"), await dyne("openapi", "--json")];
  expect([text.exitCode, json.exitCode, json.stdout.split("\n").length]).toEqual([0, 0, 2]);
  expect(JSON.parse(text.stdout)).toEqual(JSON.parse(json.stdout));
  expect(JSON.parse(json.stdout)).toMatchObject({ openapi: "3.1.0", paths: { "/api/status": { get: {} } } });
});

describe("explain", () => {
  test.each(flows)("says of %s what a batch does, as text and as JSON", async (flow) => {
    const text = await dyne("explain", flow, "--data", "no-such-folder");
    const json = await dyne("explain", flow, "--json", "--data", "no-such-folder");
    expect([text.exitCode, json.exitCode]).toEqual([0, 0]);
    const explanation = JSON.parse(json.stdout) as {
      flow: string;
      inputs: string[];
      output: string;
      steps: string[];
      sql?: string;
    };
    expect(explanation).toMatchObject({
      flow,
      kind: expect.stringMatching(/^(hub|files|stream|view)$/),
      strategy: { name: expect.any(String), reason: expect.any(String) },
    });
    expect(text.stdout.startsWith(`${flow} (`)).toBe(true);
    expect(text.stdout.includes("refreshes take at most 20 % of the time"), flow).toBe(text.stdout.includes("(view)"));
    for (const part of [...explanation.inputs, explanation.output, ...explanation.steps])
      expect(text.stdout).toContain(part);
    expect(text.stdout.includes("SELECT")).toBe(explanation.sql !== undefined);
  });
});
