/** A route as data: what is asked, who may ask, and what is answered. The description of the API is made of nothing else. */
import { z } from "zod";
import type { Logger } from "../core/index.ts";
import type { Role } from "./access.ts";

/** Names to schemas; the values are texts, numbers, or lists of texts. */
type Parameters = z.ZodObject;
const none = z.strictObject({});
type None = typeof none;

export interface Route<Services = unknown> {
  /** The name of the operation in the description. */
  readonly id: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** From the root, with parameters in braces: `/api/tables/{name}/rows`. */
  readonly path: string;
  /** Null: anybody may ask, and nothing is opened for it. */
  readonly role: Role | null;
  readonly summary: string;
  readonly description: string;
  readonly pathParameters: Parameters;
  readonly queryParameters: Parameters;
  readonly requestHeaders: Parameters;
  /** The body, as JSON; undefined where a request has none. */
  readonly body: z.ZodType | undefined;
  readonly answers: readonly DocumentedAnswer[];
  /** Statuses of problems beyond those that every route may have. */
  readonly problems: readonly number[];
  readonly handle: (input: RouteInput, context: RouteContext<Services>) => Promise<RouteAnswer>;
}

export interface DocumentedAnswer {
  readonly status: number;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** What was asked, as the route's schemas made it. */
export interface RouteInput<Path = unknown, Query = unknown, Headers = unknown, Body = unknown> {
  readonly path: Path;
  readonly query: Query;
  readonly headers: Headers;
  readonly body: Body;
}

export interface RouteContext<Services> {
  readonly services: () => Promise<Services>;
  readonly requestId: string;
  /** Who asks, by the object id of the token; undefined where anybody may. */
  readonly caller: string | undefined;
  readonly logger: Logger;
  /** Aborts when the answer is no longer waited for. */
  readonly signal: AbortSignal;
}

export interface RouteAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface RouteDefinition<
  Services,
  Path extends Parameters,
  Query extends Parameters,
  Headers extends Parameters,
  Body extends z.ZodType,
> extends Omit<Route<Services>, "pathParameters" | "queryParameters" | "requestHeaders" | "body" | "handle"> {
  readonly pathParameters?: Path;
  readonly queryParameters?: Query;
  readonly requestHeaders?: Headers;
  readonly body?: Body;
  readonly handle: (
    input: RouteInput<z.output<Path>, z.output<Query>, z.output<Headers>, z.output<Body>>,
    context: RouteContext<Services>,
  ) => Promise<RouteAnswer>;
}

/** A route whose handler is given what its schemas say. Objects of parameters are strict: unknown names are refused. */
export function route<
  Services,
  Path extends Parameters = None,
  Query extends Parameters = None,
  Headers extends Parameters = None,
  Body extends z.ZodType = z.ZodUndefined,
>(definition: RouteDefinition<Services, Path, Query, Headers, Body>): Route<Services> {
  const { handle } = definition;
  return {
    pathParameters: none,
    queryParameters: none,
    requestHeaders: none,
    body: undefined,
    ...definition,
    handle: (input, context) =>
      handle(input as RouteInput<z.output<Path>, z.output<Query>, z.output<Headers>, z.output<Body>>, context),
  };
}

/** An answer of one JSON value. */
export function jsonAnswer(value: unknown, status = 200, headers: RouteAnswer["headers"] = {}): RouteAnswer {
  return { status, body: JSON.stringify(value), headers };
}

/** The values of a path's parameters; undefined where the path is of another route. Throws URIError for a broken escape. */
export function matchPath(template: string, pathname: string): Readonly<Record<string, string>> | undefined {
  const wanted = template.split("/");
  const given = pathname.split("/");
  if (wanted.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    const text = given[index] as string;
    if (name === undefined ? part !== text : text === "") return undefined;
    if (name !== undefined) values[name] = decodeURIComponent(text);
  }
  return values;
}
