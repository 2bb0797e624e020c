/**
 * Requests in, answers out: finds the route, asks who is there, reads what is asked, has the route answer within its time, and says by a
 * problem document what went wrong. Never throws.
 */
import { DyneError, limits, type Clock, type Logger, type Random } from "../core/index.ts";
import { requireRole, type Access } from "./access.ts";
import { checkLength, parseBody, parseQuery, parseTexts } from "./parameters.ts";
import { problemAnswer } from "./problem.ts";
import { requestIdHeader, requestIdOf } from "./request-id.ts";
import type { HttpAnswer, HttpRequest } from "./request.ts";
import { matchPath, type Route, type RouteAnswer } from "./route.ts";

export interface HttpApiOptions<Services> {
  readonly routes: readonly Route<Services>[];
  /** Asked for at each request that needs a role, before anything is opened for it. */
  readonly access: () => Access;
  /** What routes answer from; opened by the first of them that asks for it. */
  readonly services: () => Promise<Services>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: () => Logger;
}

/** What is known of a request while it is answered, for its log line. */
interface Handling {
  readonly requestId: string;
  readonly method: string;
  readonly instance: string;
  route?: string;
  caller?: string;
  isProbe?: boolean;
}

interface Found<Services> {
  readonly route: Route<Services>;
  readonly path: Readonly<Record<string, string>>;
}

export class HttpApi<Services> {
  readonly #options: HttpApiOptions<Services>;
  #underWay = 0;

  constructor(options: HttpApiOptions<Services>) {
    this.#options = options;
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const { clock, random } = this.#options;
    const startMs = clock.nowMs();
    const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
    const handling: Handling = {
      requestId: requestIdOf(request, random),
      method: request.method,
      instance: (url?.pathname ?? "/").slice(0, limits.httpUrlBytes),
    };
    let answer: HttpAnswer;
    let failure: unknown;
    try {
      answer = withDefaults(await this.#routed(request, url, handling));
    } catch (error) {
      failure = error;
      answer = problemAnswer(error, handling);
    }
    this.#log(handling, answer.status, clock.nowMs() - startMs, failure);
    return { ...answer, headers: { ...commonHeaders, ...answer.headers, [requestIdHeader]: handling.requestId } };
  }

  async #routed(request: HttpRequest, url: URL | undefined, handling: Handling): Promise<RouteAnswer> {
    if (Buffer.byteLength(request.url) > limits.httpUrlBytes)
      throw new DyneError("URL_TOO_LONG", `An address may have ${limits.httpUrlBytes} bytes. Ask for less at once.`);
    if (url === undefined) throw notFound(request.url);
    const found = this.#find(request.method, url.pathname);
    const { role, method, path } = found.route;
    handling.route = `${method} ${path}`;
    handling.isProbe = role === null;
    if (role === null) return this.#handled(found, request, url, handling);
    if (this.#underWay >= limits.httpRequestsAtOnce)
      throw new DyneError("TOO_MANY_REQUESTS", "Too many requests are being answered. Ask again in a moment.");
    this.#underWay++;
    try {
      const caller = await this.#options.access().authenticate(request);
      handling.caller = caller.subject;
      requireRole(caller, role);
      return await this.#handled(found, request, url, handling);
    } finally {
      this.#underWay--;
    }
  }

  /** The route of a request. Throws ROUTE_NOT_FOUND, or METHOD_NOT_ALLOWED with the methods that are. */
  #find(method: string, pathname: string): Found<Services> {
    const found = this.#options.routes.flatMap((route) => {
      const path = matched(route.path, pathname);
      return path === undefined ? [] : [{ route, path }];
    });
    if (found.length === 0) throw notFound(pathname);
    const wanted = found.find(({ route }) => route.method === method.toUpperCase());
    if (wanted !== undefined) return wanted;
    const allow = found.map(({ route }) => route.method).join(", ");
    throw new DyneError("METHOD_NOT_ALLOWED", `${pathname} answers ${allow}, not ${method}.`, { details: { allow } });
  }

  async #handled(
    { route, path }: Found<Services>,
    request: HttpRequest,
    url: URL,
    { requestId, caller }: Handling,
  ): Promise<RouteAnswer> {
    checkLength(request);
    const parameters = {
      path: parseTexts(route.pathParameters, (name) => path[name]),
      query: parseQuery(route.queryParameters, url.searchParams),
      headers: parseTexts(route.requestHeaders, (name) => request.headers.get(name)),
    };
    const { services } = this.#options;
    const logger = this.#options.logger();
    return this.#inTime(async (signal) => {
      const body = route.body === undefined ? undefined : await parseBody(route.body, request);
      return route.handle({ ...parameters, body }, { services, requestId, caller, logger, signal });
    });
  }

  /** Throws REQUEST_TIMED_OUT where the work takes too long, and tells it to stop. */
  async #inTime(work: (signal: AbortSignal) => Promise<RouteAnswer>): Promise<RouteAnswer> {
    const aborter = new AbortController();
    const finished = new AbortController();
    const late = this.#options.clock.sleep(limits.httpAnswerMs, finished.signal).then(() => undefined);
    const working = work(aborter.signal);
    try {
      const answer = await Promise.race([working, late]);
      if (answer !== undefined) return answer;
    } finally {
      finished.abort();
    }
    aborter.abort();
    // Whatever becomes of it now, nobody waits for it.
    working.catch(() => undefined);
    throw new DyneError(
      "REQUEST_TIMED_OUT",
      `There was no answer within ${limits.httpAnswerMs / 1000} s. Ask for less at once, or later.`,
    );
  }

  /** Addresses are logged without what was asked: it may name people. */
  #log(
    { requestId, method, instance, route, caller, isProbe }: Handling,
    status: number,
    ms: number,
    failure: unknown,
  ): void {
    const logger = this.#options.logger();
    const fields = {
      requestId,
      method,
      route: route ?? instance.slice(0, limits.sampleCharacters),
      status,
      ms,
      caller,
    };
    if (failure === undefined || status < 500) {
      const code = failure instanceof DyneError ? failure.code : undefined;
      // Whoever watches whether the process lives asks every few seconds.
      logger[isProbe ? "debug" : "info"]("a request was answered", { ...fields, code });
      return;
    }
    const error = failure instanceof DyneError && status !== 500 ? failure.message : stackOf(failure);
    const reason = { code: failure instanceof DyneError ? failure.code : undefined, error, cause: causeOf(failure) };
    if (failure instanceof DyneError && failure.kind === "unavailable")
      logger.warn("a request could not be answered now", { ...fields, ...reason });
    else logger.error("a request failed", { ...fields, ...reason });
  }
}

function stackOf(failure: unknown): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}

function causeOf(failure: unknown): string | undefined {
  return failure instanceof Error && failure.cause !== undefined ? String(failure.cause) : undefined;
}

const commonHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function withDefaults({ status, body, headers = {} }: RouteAnswer): HttpAnswer {
  return { status, body, headers: { "content-type": "application/json", ...headers } };
}

function matched(template: string, pathname: string): Readonly<Record<string, string>> | undefined {
  try {
    return matchPath(template, pathname);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function notFound(place: string): DyneError {
  return new DyneError(
    "ROUTE_NOT_FOUND",
    `There is nothing at ${place.slice(0, limits.sampleCharacters)}. See the description of the API.`,
  );
}
