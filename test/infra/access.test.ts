import { expect, it } from "vitest";
import { azure } from "./azure.ts";
import { deploy, deployAnew } from "./deployment.ts";

const deployment = await deploy();
const assignments = deployment.all("authorization:RoleAssignment");

/** The published ids of the roles that are given, by their names in Azure. */
const roles: Readonly<Record<string, string>> = {
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
  "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
  "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
  "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
  "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
  "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
  "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": "Azure Event Hubs Data Receiver",
  "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
  "4633458b-17de-408a-874b-0445c86b69e6": "Key Vault Secrets User",
};

const prefix = `/subscriptions/${azure.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/`;
const text = (value: unknown) => String(value);
const resourceAt = (scope: unknown) =>
  deployment.resources.find(({ id }) => id === scope)?.name ?? `unknown: ${text(scope)}`;

it("every right is one of this table, and every line of the table is a right", () => {
  const given = assignments.map(({ inputs }) => [
    text(inputs["principalId"]).replace("principal of identity/", ""),
    roles[text(inputs["roleDefinitionId"]).replace(prefix, "")] ?? text(inputs["roleDefinitionId"]),
    resourceAt(inputs["scope"]),
  ]);
  const table = (rights: readonly (readonly string[])[]) => rights.map((right) => right.join(": ")).sort();
  expect(table(given)).toEqual(
    table([
      ["app", "Storage Blob Data Owner", "host"],
      ["app", "Storage Queue Data Contributor", "host"],
      ["app", "Storage Table Data Contributor", "host"],
      ["app", "Storage Blob Data Contributor", "lake/lake"],
      ["app", "Storage Blob Data Contributor", "lake/quarantine"],
      ["app", "Storage Blob Data Reader", "lake/landing"],
      ["app", "Storage Blob Data Reader", "lake/capture"],
      ["app", "Azure Event Hubs Data Receiver", "hub/flights"],
      ["app", "Azure Event Hubs Data Receiver", "hub/customers"],
      ["app", "Azure Event Hubs Data Receiver", "hub/events"],
      ["app", "Azure Event Hubs Data Receiver", "hub/readings"],
      ["app", "Key Vault Secrets User", "vault"],
      ["app", "Monitoring Metrics Publisher", "insights"],
      ["capture", "Storage Blob Data Contributor", "lake/capture"],
      ["notices", "Storage Queue Data Message Sender", "host/notices"],
      ["notices", "Storage Blob Data Contributor", "host/dead-letter"],
    ]),
  );
});

it("no right reaches beyond one resource", () => {
  const group = deployment.get("group").id;
  for (const { inputs } of assignments) {
    expect(text(inputs["scope"])).toMatch(new RegExp(`^${group}/providers/[^/]+/[^/]+/.+`));
    expect(inputs).toHaveProperty("principalType", "ServicePrincipal");
  }
});

it("an assignment's name follows from what it says, so that no two share one and a second run makes none anew", async () => {
  const namesOf = (made: typeof assignments) => made.map(({ inputs }) => text(inputs["roleAssignmentName"])).sort();
  const names = namesOf(assignments);
  expect(new Set(names).size).toBe(assignments.length);
  for (const name of names)
    expect(name).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const again = await deployAnew();
  expect(namesOf(again.all("authorization:RoleAssignment"))).toEqual(names);
  const other = await deploy({ stack: "prod" });
  expect(namesOf(other.all("authorization:RoleAssignment")).filter((name) => names.includes(name))).toEqual([]);
});
