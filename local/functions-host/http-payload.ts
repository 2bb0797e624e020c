/**
 * HTTP on the host's side of the protocol, `RpcHttp`: what it tells the worker of a request, and what it makes of the
 * worker's answer. The worker asks for bodies as bytes and for nullable values, so that is the form they have here.
 *
 * Some of it is lossy, as in the real host: values of a query parameter or a header that occurs more than once are joined
 * with commas, names of query parameters differ by more than case, and a body of unknown length (`Transfer-Encoding:
 * chunked`) is left out. The whole query is in `url`.
 * Source: github.com/Azure/azure-functions-host, GrpcMessageConversionExtensions.cs (`ToRpcHttp`) and
 * GrpcMessageExtensionUtilities.cs; github.com/Azure/azure-functions-nodejs-worker, issue 524 (chunked bodies).
 */
import { validateHeaderName, validateHeaderValue } from "node:http";

import { z } from "zod";

import type { RouteParameters } from "./http-route.ts";
import type { RpcTypedData } from "./rpc-data.ts";

/** A request that was read to its end. */
export interface HttpRequestParts {
  readonly method: string;
  /** Absolute, as the client wrote it. */
  readonly url: string;
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[];
  readonly parameters: RouteParameters;
  /** Undefined where it is empty or its length was not announced. */
  readonly body: Uint8Array | undefined;
}

/** What a client is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
}

/** The data of an HTTP trigger. */
export function httpData(request: HttpRequestParts): RpcTypedData {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2)
    headers.push([request.rawHeaders[index] ?? "", request.rawHeaders[index + 1] ?? ""]);
  return {
    http: {
      method: request.method,
      url: request.url,
      nullableHeaders: nullable(joined(headers.map(([name, value]) => [name.toLowerCase(), value]))),
      nullableQuery: nullable(joined(new URL(request.url).searchParams)),
      nullableParams: nullable(request.parameters),
      ...(request.body === undefined ? {} : { body: { bytes: request.body } }),
    },
  };
}

/** Values by name, the first spelling of a name counting, all values of it joined. */
function joined(pairs: Iterable<readonly [string, string]>): ReadonlyMap<string, string> {
  const spellings = new Map<string, string>();
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const spelling = spellings.get(name.toLowerCase()) ?? name;
    spellings.set(name.toLowerCase(), spelling);
    const before = values.get(spelling);
    values.set(spelling, before === undefined ? value : `${before},${value}`);
  }
  return values;
}

function nullable(values: ReadonlyMap<string, string>): Readonly<Record<string, { readonly value: string }>> {
  return Object.fromEntries([...values].map(([name, value]) => [name, { value }]));
}

const nullableText = z.object({ value: z.string() }).nullish();
const nullableFlag = z.object({ value: z.boolean() }).nullish();

const cookieSchema = z.object({
  name: z.string(),
  value: z.string(),
  domain: nullableText,
  path: nullableText,
  expires: z.object({ value: z.object({ seconds: z.number() }) }).nullish(),
  maxAge: z.object({ value: z.number() }).nullish(),
  secure: nullableFlag,
  httpOnly: nullableFlag,
  sameSite: z.enum(["none", "lax", "strict", "explicitNone"]).nullish(),
});

const answerSchema = z.object({
  http: z.object({
    statusCode: z.coerce.number().int().min(200).max(599),
    headers: z.record(z.string(), z.string()).default({}),
    cookies: z.array(cookieSchema).default([]),
    body: z
      .object({ bytes: z.instanceof(Uint8Array) })
      .nullish()
      .transform((body) => body?.bytes),
  }),
});

/** What the connection decides, not the handler. */
const ownHeaders = new Set(["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"]);

/**
 * The answer to the client from what an invocation returned; 204 where that is nothing. Throws where the worker gave
 * something else than HTTP, or a header that cannot be sent.
 */
export function httpAnswer(returned: unknown): HttpAnswer {
  if (returned === undefined || returned === null) return { status: 204, headers: [] };
  const { statusCode, headers, cookies, body } = answerSchema.parse(returned).http;
  for (const { name } of cookies) validateHeaderName(name);
  const lines = [
    ...Object.entries(headers).filter(([name]) => !ownHeaders.has(name.toLowerCase())),
    ...cookies.map((cookie): [string, string] => ["set-cookie", cookieLine(cookie)]),
  ];
  for (const [name, value] of lines) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  return { status: statusCode, headers: lines, ...(body === undefined ? {} : { body }) };
}

/** A cookie as ASP.NET writes it: values escaped, the path `/` unless there is one, `SameSite` only where it was asked for. */
function cookieLine(cookie: z.output<typeof cookieSchema>): string {
  const { expires, maxAge, sameSite } = cookie;
  const parts = [`${cookie.name}=${escaped(cookie.value)}`];
  if (expires) parts.push(`expires=${new Date(expires.value.seconds * 1000).toUTCString()}`);
  if (maxAge) parts.push(`max-age=${Math.trunc(maxAge.value)}`);
  if (cookie.domain) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? "/"}`);
  if (cookie.secure?.value === true) parts.push("secure");
  if (sameSite && sameSite !== "none") parts.push(`samesite=${sameSite === "explicitNone" ? "none" : sameSite}`);
  if (cookie.httpOnly?.value === true) parts.push("httponly");
  return parts.join("; ");
}

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
