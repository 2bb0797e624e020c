/**
 * Watches a process from outside of the app, the same from source and from the bundle: Node's channel of HTTP requests, and DuckDB's library
 * at the moment it is loaded.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { subscribe } from "node:diagnostics_channel";
import type { Span } from "./spans.ts";

export interface StorageRequest extends Span {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface DuckDbCall extends Span {
  readonly name: string;
}

/** What was seen so far. */
export interface Probes {
  readonly requests: readonly StorageRequest[];
  readonly calls: readonly DuckDbCall[];
  /** How long loading native libraries took. */
  readonly libraryMs: () => number;
}

/** What takes time: the rest of the library's functions read and write values. */
const timed =
  /^(open|connect|query|prepare|prepare_extracted_statement|execute_\w+|pending_execute_task|extract_statements|fetch_chunk)$/;

/** Begins to watch, before anything of the app is loaded. `onResponse` is told of each answer as it comes. */
export function watch(onResponse: (request: StorageRequest) => void): Probes {
  const requests: StorageRequest[] = [];
  const calls: DuckDbCall[] = [];
  let libraryMs = 0;

  const begunMs = new WeakMap<ClientRequest, number>();
  subscribe("http.client.request.start", (message) => {
    begunMs.set((message as { request: ClientRequest }).request, performance.now());
  });
  subscribe("http.client.response.finish", (message) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const toMs = performance.now();
    const { method, path } = request;
    const seen = { method, path, status: response.statusCode ?? 0, fromMs: begunMs.get(request) ?? toMs, toMs };
    requests.push(seen);
    onResponse(seen);
  });

  const load = process.dlopen.bind(process);
  process.dlopen = (module: object, ...rest: [string, number?]) => {
    const fromMs = performance.now();
    load(module, ...(rest as [string]));
    libraryMs += performance.now() - fromMs;
    const library = module as { exports: object };
    library.exports = timedCalls(library.exports, calls);
  };
  return { requests, calls, libraryMs: () => libraryMs };
}

const isTimed = (name: string, value: unknown): value is (...args: unknown[]) => unknown =>
  typeof value === "function" && timed.test(name);

/** The native side of a library ends when nothing refers to what it exported. */
const loaded: object[] = [];

/** A library's functions, those that take time with a stop-watch. The library itself cannot be changed. */
function timedCalls(library: object, calls: DuckDbCall[]): object {
  loaded.push(library);
  const names = Object.getOwnPropertyNames(library);
  return Object.fromEntries(
    names.map((name) => {
      const own: unknown = Reflect.get(library, name);
      return [name, isTimed(name, own) ? timedCall(name, own, calls) : own];
    }),
  );
}

function timedCall(name: string, call: (...args: unknown[]) => unknown, calls: DuckDbCall[]) {
  return (...args: unknown[]) => {
    const fromMs = performance.now();
    const ended = () => void calls.push({ name, fromMs, toMs: performance.now() });
    const result = call(...args);
    if (result instanceof Promise) result.then(ended, ended);
    else ended();
    return result;
  };
}
