/** Role assignments: which identity may do what where. Names follow from what they say, so that a second run finds the first one's. */
import { RoleAssignment } from "@pulumi/azure-native/authorization/roleAssignment.js";
import { PrincipalType } from "@pulumi/azure-native/types/enums/authorization/index.js";
import { all, type Input, type Output } from "@pulumi/pulumi";
import { v5 as uuid5 } from "uuid";
import type { Place } from "./place.ts";
import type { RoleSpread } from "./role-spread.ts";

/** Azure's built-in roles that dyne uses: learn.microsoft.com/azure/role-based-access-control/built-in-roles. */
const roleIds = {
  "Azure Event Hubs Data Receiver": "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
  "Key Vault Secrets User": "4633458b-17de-408a-874b-0445c86b69e6",
  "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
  "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
  "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
  "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
  "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
  "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
} as const;

/** One right: a role at a place. */
export interface Right {
  readonly role: keyof typeof roleIds;
  /** The Pulumi name of the resource, which names the assignment too. */
  readonly at: string;
  /** The resource's id in Azure. */
  readonly scope: Output<string>;
}

/** The space of the names of role assignments. Another value would assign every role anew. */
const assignmentNames = "0b5ad3a2-5d0c-4f43-8f0e-6a4a36a2f7c1";

/** Who is given rights: what its assignments are called by, and its id in the directory. */
export interface Principal {
  readonly name: string;
  readonly principalId: Input<string>;
}

/** Assigns rights to an identity; what acts by them depends on the result and awaits their spread. */
export function assignRoles(
  place: Place,
  { name, principalId }: Principal,
  rights: readonly Right[],
  spread: RoleSpread,
): readonly RoleAssignment[] {
  return rights.map(({ role, at, scope }) => {
    const roleDefinitionId = `/subscriptions/${place.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roleIds[role]}`;
    const roleAssignmentName = all([scope, principalId]).apply(([scopeId, principal]) =>
      uuid5(JSON.stringify([scopeId, principal, roleIds[role]]), assignmentNames),
    );
    return new RoleAssignment(
      `role/${name}/${at}/${role.toLowerCase().replaceAll(" ", "-")}`,
      // Without the type, Azure looks the new principal up in a directory that may not know it yet.
      {
        scope,
        roleDefinitionId,
        roleAssignmentName,
        principalId,
        principalType: PrincipalType.ServicePrincipal,
      },
      { ...place.options, hooks: { afterCreate: [spread.begins] } },
    );
  });
}
