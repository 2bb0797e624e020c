/** Who acts: the app and the notices each have an identity of their own, which exists before anything that needs it. */
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import type { Place } from "./place.ts";

export interface Identities {
  /** The Functions. */
  readonly app: UserAssignedIdentity;
  /** Event Grid, when it puts notices into the queue. */
  readonly notices: UserAssignedIdentity;
}

/** Makes the identities. */
export function makeIdentities(place: Place): Identities {
  const make = (name: string, resourceName: string) =>
    new UserAssignedIdentity(`identity/${name}`, { ...place.located, resourceName });
  return { app: make("app", place.names.appIdentity), notices: make("notices", place.names.noticesIdentity) };
}
