/** The queue of notices: blobs that were created in the lake, and dyne's own bells. */
import { app } from "@azure/functions";
import { pipelines } from "../pipelines/index.ts";
import { appOf, functionsOf } from "../shared/runtime/index.ts";

for (const { name, queue } of functionsOf(pipelines, "queue")) {
  if (name !== "notices") continue;
  app.storageQueue(name, {
    connection: "NOTICES",
    queueName: queue,
    handler: (message) => appOf(pipelines).notice(message),
  });
}
