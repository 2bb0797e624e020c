/** An Event Hubs namespace on loopback, its hubs in a folder, for development, the demo and tests. */
export { startEventHubs } from "./server.ts";
export type { EventHubsOptions, EventHubsServer } from "./server.ts";
export type { HubAuthorization, HubRight } from "./authorization.ts";
export type { HubSettings } from "./hub.ts";
export type { Publish, PublishFault } from "./publisher-link.ts";
export { partitionOf } from "./partition-hash.ts";
