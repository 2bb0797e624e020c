import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { z } from "zod";

import { DyneError, type Clock, type Logger } from "../../shared/core/index.ts";
import { parseBinding } from "./binding.ts";
import type { HostJson } from "./host-json.ts";
import { httpAnswer, httpData, type HttpAnswer } from "./http-payload.ts";
import { matchRoute, orderRoutes, parseRoute, shadowedRoutes, type HttpRoute } from "./http-route.ts";
import { parseTarget } from "./http-target.ts";
import type { Listener, ListenerFactory, TriggerContext } from "./listener.ts";
import { resolveSettings } from "./settings.ts";

/** What may differ from the real host: the port, and for tests the limits. */
export interface HttpOptions {
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  /** The longest body of a request; 100 MB unless told. */
  readonly maxBodyBytes?: number;
  /** After this long the client is answered with 504, and the function goes on; 230 s unless told, as Azure's load balancer has it. */
  readonly answerLimitMs?: number;
}

interface HttpFrontOptions {
  readonly hostJson: HostJson;
  readonly http: HttpOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

// The library's requests are those of fetch, which takes neither CONNECT nor TRACE.
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;

const bindingSchema = z.object({
  authLevel: z.string().default("anonymous"),
  methods: z.array(z.string().toUpperCase().pipe(z.enum(methods))).min(1),
  route: z.string().optional(),
});

const maxBodyBytesDefault = 104_857_600;
const answerLimitMsDefault = 230_000;

/** Routes that the real host has for itself. */
const ownRoutes = /^(?:admin|runtime)(?:\/|$)/i;

/**
 * The HTTP side of a host: one server on loopback that all functions with an `httpTrigger` share.
 *
 * What a handler returns is sent byte for byte. A handler that fails is answered with an empty 500, one that returns
 * nothing with 204, a request that no route matches with 404, whatever its method. A client that hangs up does not end
 * the function.
 * Source: learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger (limits, 204),
 * github.com/Azure/azure-functions-host, ExceptionMiddleware.cs.
 */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #contexts = new Map<string, TriggerContext>();
  readonly #answering = new Set<Promise<void>>();
  #routes: readonly HttpRoute[] = [];
  #server: Server | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
  }

  /** `http://127.0.0.1:port` while it listens; undefined where the app has no HTTP function. */
  get address(): string | undefined {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address ? `http://127.0.0.1:${address.port}` : undefined;
  }

  /** The address with the route prefix: what all routes begin with. */
  get api(): string | undefined {
    const { routePrefix } = this.#options.hostJson.extensions.http;
    return this.address === undefined || routePrefix === "" ? this.address : `${this.address}/${routePrefix}`;
  }

  /** The listener of one function. They start together, with the first, and stop together. */
  readonly listener: ListenerFactory = (context): Listener => {
    this.#routes = orderRoutes([...this.#routes, this.#routeOf(context)]);
    this.#contexts.set(context.functionName, context);
    return { start: () => (this.#started ??= this.#start()), stop: () => (this.#stopped ??= this.#stop()) };
  };

  /** Cuts off who is still connected. */
  end(): void {
    this.#server?.closeAllConnections();
  }

  #routeOf(context: TriggerContext): HttpRoute {
    const { functionName, settings } = context;
    const binding = parseBinding(bindingSchema, context);
    if (binding.authLevel.toLowerCase() !== "anonymous") {
      throw new DyneError(
        "UNSUPPORTED_FEATURE",
        `Function "${functionName}" has the authLevel "${binding.authLevel}", which asks for host keys, and only Azure has those. Use "anonymous" and check who calls in the handler.`,
      );
    }
    const route = resolveSettings(binding.route ?? "", settings, functionName) || functionName;
    if (ownRoutes.test(route)) {
      throw new DyneError(
        "INVALID_SETTING",
        `Function "${functionName}" has the route "${route}", but the host keeps admin and runtime for itself. Choose another.`,
      );
    }
    const { routePrefix } = this.#options.hostJson.extensions.http;
    return parseRoute(functionName, routePrefix === "" ? route : `${routePrefix}/${route}`, binding.methods);
  }

  async #start(): Promise<void> {
    const { http, logger } = this.#options;
    for (const { route, by } of shadowedRoutes(this.#routes)) {
      logger.warn(
        "A route is never reached: the host tries routes in the order of their functions' names. Rename a function.",
        { route: route.template, functionName: route.functionName, takenBy: by.functionName },
      );
    }
    const server = createServer((request, response) => {
      const answering = this.#handle(request, response).finally(() => this.#answering.delete(answering));
      this.#answering.add(answering);
    });
    const listening = once(server, "listening");
    server.listen(http.port ?? 0, "127.0.0.1");
    try {
      await listening;
    } catch (cause) {
      throw new DyneError(
        "INVALID_SETTING",
        `The HTTP functions cannot listen on port ${http.port ?? 0}. Is it taken? Free it, or choose another.`,
        { cause },
      );
    }
    this.#server = server;
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => {});
    const server = this.#server;
    if (!server) return;
    const closed = once(server, "close");
    server.close();
    while (this.#answering.size > 0) await Promise.all(this.#answering);
    // A connection on which nothing was asked yet would keep the server open.
    server.closeAllConnections();
    await closed;
  }

  /** Answers one request, and is done when the answer has been written or nobody is there to read it. Never rejects. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { logger, hostJson } = this.#options;
    // Who hangs up is seen where the body is read and the answer written.
    for (const stream of [request, response]) stream.on("error", () => {});
    let answer: HttpAnswer | undefined;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      logger.error("An HTTP request could not be answered.", { method: request.method, error: String(error) });
      answer = { status: 500, headers: [] };
    }
    if (answer === undefined || response.destroyed) {
      logger.debug("A client hung up before it was answered.", { method: request.method });
      response.destroy();
      return;
    }
    const closed = new Promise((resolve) => response.once("close", resolve));
    for (const [name, value] of Object.entries(hostJson.extensions.http.customHeaders)) response.setHeader(name, value);
    if (this.#stopped) response.setHeader("connection", "close");
    for (const [name, value] of answer.headers) {
      if (name === "set-cookie") response.appendHeader(name, value);
      else response.setHeader(name, value);
    }
    const { status, body } = answer;
    if (status !== 204 && status !== 304) response.setHeader("content-length", body?.byteLength ?? 0);
    response.writeHead(status);
    if (body && body.byteLength > 0) {
      // The server takes an answer for finished, and its connection for idle, as soon as it queues for the socket: a stop would cut it off.
      const written = new Promise<void>((resolve) => response.write(body, () => resolve()));
      await Promise.race([written, closed]);
    }
    response.end();
    await closed;
  }

  /** The answer; undefined where the client has gone. */
  async #answer(request: IncomingMessage): Promise<HttpAnswer | undefined> {
    const { hostJson, http, logger } = this.#options;
    const { maxOutstandingRequests } = hostJson.extensions.http;
    if (this.#stopped) return { status: 503, headers: [] };
    if (maxOutstandingRequests >= 0 && this.#answering.size >= maxOutstandingRequests)
      return { status: 429, headers: [] };
    const parsed = parseTarget(request.url ?? "", request.headers.host ?? "127.0.0.1");
    if (parsed.kind !== "target") return { status: parsed.kind === "malformed" ? 400 : 421, headers: [] };
    const { target } = parsed;
    const method = request.method ?? "";
    for (const route of this.#routes) {
      const parameters = route.methods.includes(method) ? matchRoute(route, target.path) : undefined;
      const context = this.#contexts.get(route.functionName);
      if (!parameters || !context) continue;
      const { functionName } = route;
      if (request.headers["transfer-encoding"] !== undefined)
        logger.warn("A body came without its length; as in Azure, the function does not get it.", { functionName });
      const length = Number(request.headers["content-length"] ?? 0);
      if (length > (http.maxBodyBytes ?? maxBodyBytesDefault)) return { status: 413, headers: [] };
      const body = length > 0 ? await readBody(request) : undefined;
      if (body === "gone") return undefined;
      const { rawHeaders } = request;
      return this.#invoke(context, { method, url: target.url, rawHeaders, parameters, body });
    }
    return { status: 404, headers: [] };
  }

  async #invoke(context: TriggerContext, request: Parameters<typeof httpData>[0]): Promise<HttpAnswer> {
    const { clock, http, logger } = this.#options;
    const limit = new AbortController();
    const outcome = await Promise.race([
      context.invoke(httpData(request), {}).then(
        (returned) => ({ kind: "returned", returned }) as const,
        // The host has logged it; who calls is told nothing.
        () => ({ kind: "failed" }) as const,
      ),
      clock.sleep(http.answerLimitMs ?? answerLimitMsDefault, limit.signal).then(() => ({ kind: "late" }) as const),
    ]);
    limit.abort();
    if (outcome.kind === "returned") return httpAnswer(outcome.returned);
    if (outcome.kind === "failed") return { status: 500, headers: [] };
    logger.warn("A function has not answered in time; it goes on without its client.", {
      functionName: context.functionName,
    });
    return { status: 504, headers: [] };
  }
}

/** Reads the body, whose length was announced. */
async function readBody(request: IncomingMessage): Promise<Buffer | "gone"> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return "gone";
  }
  return Buffer.concat(chunks);
}
