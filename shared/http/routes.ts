/** All routes. */
import { cancelBackfillRoute, findBackfillRoute, listBackfillsRoute, submitBackfillRoute } from "./backfill-routes.ts";
import { liveRoute, readyRoute } from "./health-routes.ts";
import type { Route } from "./route.ts";
import { rowsRoute } from "./rows-route.ts";
import type { HttpServices } from "./services.ts";
import { statusRoute } from "./status-route.ts";

export const routes: readonly Route<HttpServices>[] = [
  rowsRoute,
  statusRoute,
  submitBackfillRoute,
  listBackfillsRoute,
  findBackfillRoute,
  cancelBackfillRoute,
  liveRoute,
  readyRoute,
];
