/** http: requests of people and programs. What is asked is checked here; what is answered is told by other rooms. */
export { accessOf, type Access, type AccessSettings } from "./access.ts";
export { HttpApi } from "./http-api.ts";
export { openApiDocument } from "./open-api.ts";
export type { HttpAnswer, HttpRequest } from "./request.ts";
export { routes } from "./routes.ts";
export { ServedTables } from "./served-tables.ts";
export type { HttpServices } from "./services.ts";
