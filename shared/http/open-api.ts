/** The description of the API (OpenAPI 3.1), made of the routes. */
import { createDocument, type ZodOpenApiOperationObject } from "zod-openapi";
import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { problemSchema } from "./problem.ts";
import type { Route } from "./route.ts";

/** Problems that any request may meet, and those of requests that need a role. */
const common = [400, 404, 405, 413, 414, 500, 503];
const commonWithRole = [401, 403, 429, 501];

const answerHeaders = z.object({
  "x-request-id": z.string().meta({ description: "Ties the answer to the service's log." }),
});

/** The document of these routes, as JSON. */
export function openApiDocument(routes: readonly Route<never>[]): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "dyne",
      version: "1",
      description: "Rows of the tables, where the tables stand, backfills, and whether the service can work.",
      license: { name: "MIT", identifier: "MIT" },
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "A token of Entra ID for the service's audience, with the app role Dyne.Reader or Dyne.Operator.",
        },
      },
    },
  });
}

function operation(route: Route<never>): ZodOpenApiOperationObject {
  const problems = [...new Set([...common, ...(route.role === null ? [] : commonWithRole), ...route.problems])];
  const answers = route.answers.map(({ status, description, schema }) => [
    String(status),
    { description, headers: answerHeaders, content: { "application/json": { schema } } },
  ]);
  const refusals = problems.map((status) => [
    String(status),
    {
      description: STATUS_CODES[status] ?? "Problem",
      headers: answerHeaders,
      content: { "application/problem+json": { schema: problemSchema } },
    },
  ]);
  const { pathParameters: path, queryParameters: query, requestHeaders: header } = route;
  return {
    operationId: route.id,
    summary: route.summary,
    description: route.role === null ? route.description : `${route.description} Needs the role ${route.role}.`,
    ...(route.role === null ? { security: [] } : {}),
    requestParams: { path, query, header },
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: route.body } } } }),
    responses: Object.fromEntries([...answers, ...refusals]),
  };
}
