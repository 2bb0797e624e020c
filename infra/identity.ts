/** Who acts: the app, the notices and Capture each have an identity of their own, which exists before anything that needs it, where Azure takes one. */
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import type { Config } from "./config.ts";
import type { Demand } from "./demand.ts";
import type { Place } from "./place.ts";

export interface Identities {
  /** The Functions. */
  readonly app: UserAssignedIdentity;
  /**
   * Event Grid, when it puts notices into the queue; undefined where the topic delivers by its own: one that exists already, and any whose queue is
   * closed to the outside, since Event Grid counts as a trusted service by a topic's own identity alone
   * (learn.microsoft.com/azure/event-grid/handler-storage-queues).
   */
  readonly notices: UserAssignedIdentity | undefined;
  /** Event Hubs, when it writes what its hubs hold into the lake; undefined where it does not. */
  readonly capture: UserAssignedIdentity | undefined;
}

/** Makes the identities that the configuration needs; where no hub is read, there is nothing to capture. */
export function makeIdentities(
  place: Place,
  { capture, existingSystemTopic, network }: Config,
  { hubs }: Pick<Demand, "hubs">,
): Identities {
  const make = (name: string, resourceName: string) =>
    new UserAssignedIdentity(`identity/${name}`, { ...place.located, resourceName }, place.options);
  return {
    app: make("app", place.names.appIdentity),
    notices: existingSystemTopic === undefined && !network ? make("notices", place.names.noticesIdentity) : undefined,
    capture: capture && hubs.length > 0 ? make("capture", place.names.captureIdentity) : undefined,
  };
}
