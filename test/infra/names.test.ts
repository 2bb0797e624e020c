import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namesOf, type Names, type Origin } from "../../infra/names.ts";
import { azure } from "./azure.ts";
import { deploy } from "./deployment.ts";

/** Azure's rules: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules. */
const rules: Readonly<Record<keyof Names, RegExp>> = {
  resourceGroup: /^[\w.()-]{1,89}[\w()-]$/,
  host: /^[a-z0-9]{3,24}$/,
  lake: /^[a-z0-9]{3,24}$/,
  eventHubs: /^(?!.*-(sb|mgmt)$)[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]$/,
  vault: /^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/,
  functionPlan: /^[a-zA-Z0-9-]{1,60}$/,
  functionApp: /^[a-zA-Z0-9][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]$/,
  appIdentity: /^[a-zA-Z0-9][\w-]{2,127}$/,
  captureIdentity: /^[a-zA-Z0-9][\w-]{2,127}$/,
  noticesIdentity: /^[a-zA-Z0-9][\w-]{2,127}$/,
  noticesTopic: /^[a-zA-Z0-9-]{3,50}$/,
  // What follows it is the name of a service, of at most 21 characters.
  network: /^[a-zA-Z0-9][\w.-]{0,41}\w$/,
  workspace: /^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$/,
  insights: /^[\w.()-]{1,259}[\w()-]$/,
  diagnostics: /^[\w.-]{1,260}$/,
  actionGroup: /^[\w.()-]{1,259}[\w()-]$/,
  // What follows it is a hyphen and the name of an alert.
  alerts: /^[\w.()-]{1,200}$/,
  budget: /^[\w-]{1,63}$/,
};

/** Names that everybody in Azure shares, where a clash would stop a stranger's deployment. */
const shared = ["host", "lake", "eventHubs", "vault", "functionApp"] as const;

/** Pulumi's rule for names of projects and stacks, and what else might come. */
const pulumiName = fc.stringMatching(/^[A-Za-z0-9_.-]{1,100}$/);
const anyName = fc.oneof(pulumiName, fc.string({ unit: "grapheme", minLength: 0, maxLength: 120 }));
const origin: fc.Arbitrary<Origin> = fc.record(
  {
    project: anyName,
    stack: anyName,
    subscriptionId: fc.uuid(),
    salt: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
  },
  { requiredKeys: ["project", "stack", "subscriptionId"] },
);

describe("names", () => {
  it("follow Azure's rules whatever project and stack are called", () => {
    fc.assert(
      fc.property(origin, (of) => {
        for (const [name, value] of Object.entries(namesOf(of))) expect(value).toMatch(rules[name as keyof Names]);
      }),
      { numRuns: 500 },
    );
  });

  it.for([
    { project: "dyne", stack: "dev", host: /^dynedevhost[a-z2-7]{8}$/, vault: /^dyne-dev-[a-z2-7]{8}$/ },
    {
      project: "2024_Sales.EU",
      stack: "PROD",
      host: /^dyne2024salehost[a-z2-7]{8}$/,
      vault: /^dyne-2024-sales-[a-z2-7]{8}$/,
    },
    { project: "---", stack: "...", host: /^dynehost[a-z2-7]{8}$/, vault: /^dyne-[a-z2-7]{8}$/ },
  ])("of $project and $stack can be read", ({ project, stack, host, vault }) => {
    const names = namesOf({ project, stack, subscriptionId: azure.subscriptionId });
    expect(names.host).toMatch(host);
    expect(names.vault).toMatch(vault);
  });

  it("of an origin never change, because other names would be other resources, and the data stays in the old ones", () => {
    expect(namesOf({ project: "dyne", stack: "dev", subscriptionId: azure.subscriptionId })).toEqual({
      resourceGroup: "dyne-dev-mi3amuab",
      host: "dynedevhostmi3amuab",
      lake: "dynedevlakemi3amuab",
      eventHubs: "dyne-dev-mi3amuab",
      vault: "dyne-dev-mi3amuab",
      functionPlan: "dyne-dev-mi3amuab",
      functionApp: "dyne-dev-mi3amuab",
      appIdentity: "dyne-dev-mi3amuab-app",
      captureIdentity: "dyne-dev-mi3amuab-capture",
      noticesIdentity: "dyne-dev-mi3amuab-notices",
      noticesTopic: "dyne-dev-mi3amuab",
      network: "dyne-dev-mi3amuab",
      workspace: "dyne-dev-mi3amuab",
      insights: "dyne-dev-mi3amuab",
      diagnostics: "dyne-dev-mi3amuab",
      actionGroup: "dyne-dev-mi3amuab",
      alerts: "dyne-dev-mi3amuab",
      budget: "dyne-dev-mi3amuab",
    });
  });

  it("are the same for the same origin, however its subscription is spelled", () => {
    fc.assert(
      fc.property(origin, (of) => {
        expect(namesOf({ ...of, subscriptionId: of.subscriptionId.toUpperCase() })).toEqual(namesOf(of));
      }),
    );
  });

  it("of two origins share nothing that all of Azure shares, even where they are cut alike", () => {
    const long = "a-project-whose-name-is-longer-than-any-name-may-be";
    const origins = [
      { project: "dyne", stack: "dev", subscriptionId: azure.subscriptionId },
      { project: "dyne", stack: "prod", subscriptionId: azure.subscriptionId },
      { project: "dyne", stack: "dev", subscriptionId: azure.tenantId },
      { project: "dyne-dev", stack: "", subscriptionId: azure.subscriptionId },
      { project: "dyn", stack: "e-dev", subscriptionId: azure.subscriptionId },
      { project: "dyne", stack: "dev", subscriptionId: azure.subscriptionId, salt: "2" },
      { project: long, stack: "a", subscriptionId: azure.subscriptionId },
      { project: long, stack: "b", subscriptionId: azure.subscriptionId },
    ];
    for (const kind of shared) expect(new Set(origins.map((of) => namesOf(of)[kind])).size).toBe(origins.length);
  });

  it("of two accounts of one deployment differ", () => {
    fc.assert(
      fc.property(origin, (of) => {
        expect(namesOf(of).host).not.toBe(namesOf(of).lake);
      }),
    );
  });
});

it("two stacks of a project have no resource in common", async () => {
  const [dev, prod] = [await deploy({ stack: "dev" }), await deploy({ stack: "prod" })];
  const ids = new Set(dev.resources.map(({ id }) => id));
  expect(ids.size).toBe(dev.resources.length);
  expect(prod.resources.filter(({ id }) => ids.has(id))).toEqual([]);
});

it("everything says by tags whose it is, where Azure takes tags", async () => {
  const { resources } = await deploy({ stack: "prod" });
  const tagged = resources.filter(({ inputs }) => "location" in inputs);
  expect(tagged.length).toBeGreaterThan(20);
  for (const { inputs } of tagged) expect(inputs).toMatchObject({ tags: { project: "dyne", stack: "prod" } });
  const elsewhere = tagged.filter(({ inputs }) => inputs["location"] !== azure.location);
  // These have no region.
  expect(new Set(elsewhere.map(({ type }) => type))).toEqual(new Set(["monitor:MetricAlert"]));
});
