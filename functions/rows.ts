/** Rows of tables, page by page. */
import { app } from "@azure/functions";
import { pipelines } from "../pipelines/index.ts";
import { appOf, functionsOf } from "../shared/runtime/index.ts";

for (const { name, route, methods } of functionsOf(pipelines, "http")) {
  if (name !== "rows") continue;
  // Whoever asks is told by the app itself, from the token: a key of the host would say nothing about the caller.
  app.http(name, { authLevel: "anonymous", route, methods, handler: (request) => appOf(pipelines).http(request) });
}
