/** Events of a hub ring bronze and bring their bodies along. One function per hub that the pipelines read. */
import { app } from "@azure/functions";
import { pipelines } from "../pipelines/index.ts";
import { appOf, functionsOf } from "../shared/runtime/index.ts";

for (const { name, hub, consumerGroup } of functionsOf(pipelines, "eventHub")) {
  app.eventHub(name, {
    connection: "EVENTS",
    eventHubName: hub,
    consumerGroup,
    cardinality: "many",
    // Without it the host decodes bodies as text, and bytes that are no UTF-8 are lost. The types of the library lack the option.
    ...{ dataType: "binary" },
    handler: (bodies, context) => appOf(pipelines).hubBatch(hub, bodies, context.triggerMetadata),
  });
}
