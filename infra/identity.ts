/** Who acts: the app, the notices and Capture each have an identity of their own, which exists before anything that needs it. */
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import type { Config } from "./config.ts";
import type { Place } from "./place.ts";

export interface Identities {
  /** The Functions. */
  readonly app: UserAssignedIdentity;
  /** Event Grid, when it puts notices into the queue; undefined where a topic that exists delivers by its own. */
  readonly notices: UserAssignedIdentity | undefined;
  /** Event Hubs, when it writes what its hubs hold into the lake; undefined where it does not. */
  readonly capture: UserAssignedIdentity | undefined;
}

/** Makes the identities that the configuration needs. */
export function makeIdentities(place: Place, { capture, existingSystemTopic }: Config): Identities {
  const make = (name: string, resourceName: string) =>
    new UserAssignedIdentity(`identity/${name}`, { ...place.located, resourceName }, place.options);
  return {
    app: make("app", place.names.appIdentity),
    notices: existingSystemTopic === undefined ? make("notices", place.names.noticesIdentity) : undefined,
    capture: capture ? make("capture", place.names.captureIdentity) : undefined,
  };
}
