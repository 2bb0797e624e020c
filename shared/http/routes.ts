/** All routes. */
import { liveRoute, readyRoute } from "./health-routes.ts";
import type { Route } from "./route.ts";
import { rowsRoute } from "./rows-route.ts";
import type { HttpServices } from "./services.ts";
import { statusRoute } from "./status-route.ts";

export const routes: readonly Route<HttpServices>[] = [rowsRoute, statusRoute, liveRoute, readyRoute];
