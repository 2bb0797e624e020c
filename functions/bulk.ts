/** The queue of long work: backfill jobs, step by step, beside the live stream. */
import { app } from "@azure/functions";
import { pipelines } from "../pipelines/index.ts";
import { appOf, functionsOf } from "../shared/runtime/index.ts";

for (const { name, queue } of functionsOf(pipelines, "queue")) {
  if (name !== "bulk") continue;
  app.storageQueue(name, {
    connection: "NOTICES",
    queueName: queue,
    handler: (message) => appOf(pipelines).bulk(message),
  });
}
