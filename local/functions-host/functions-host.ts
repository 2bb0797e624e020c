import { DyneError, type Clock, type Logger, type Random } from "../../shared/core/index.ts";
import { App, type AppFunction } from "./app.ts";
import { eventHubListener } from "./event-hub-listener.ts";
import { parseHostJson } from "./host-json.ts";
import { HttpFront, type HttpOptions } from "./http-front.ts";
import { Invoker } from "./invocation.ts";
import type { Listener, ListenerFactory } from "./listener.ts";
import { queueListener } from "./queue-listener.ts";
import type { RpcMetadata, RpcTypedData } from "./rpc-data.ts";
import type { Settings } from "./settings.ts";
import { timerListener } from "./timer-listener.ts";

/** Who listens for which trigger, by the trigger's type in lower case, beside `httpTrigger`, whose functions share a server. */
const standardListeners: Readonly<Record<string, ListenerFactory>> = {
  eventhubtrigger: eventHubListener,
  queuetrigger: queueListener,
  timertrigger: timerListener,
};

/** How a host is started. */
export interface FunctionsHostOptions {
  /** The parsed `host.json`. */
  readonly hostJson: unknown;
  /** Application settings: connections by name, `AzureWebJobsStorage` for the host's own state, and the app's own. */
  readonly settings: Settings;
  /** Imports the app's modules; they register their functions while this runs. */
  readonly load: () => Promise<unknown>;
  /** Run every timer once at the start, as the real host does with one whose time has passed while no host ran. */
  readonly pastDue?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Further listeners by trigger type, or other ones than the standard ones. */
  readonly listeners?: Readonly<Record<string, ListenerFactory>>;
  /** Where and within what limits the HTTP functions are served. */
  readonly http?: HttpOptions;
  /** How long a stop waits for running invocations. */
  readonly stopLimitMs?: number;
}

/** A running host. Disposing of it drains it, then runs the app's `appTerminate` hooks. */
export interface FunctionsHost extends AsyncDisposable {
  /** Names of the app's functions, in the order of registration. */
  readonly functions: readonly string[];
  /** Where the HTTP functions are, `http://127.0.0.1:port`; undefined where the app has none, and after a stop. */
  readonly http: string | undefined;
  /** The same with the route prefix, `http://127.0.0.1:port/api`. */
  readonly api: string | undefined;
  /**
   * Runs one function at once, beside its trigger, with data and metadata as the host would send them. Gives the
   * function's return value as `TypedData`; rejects with its error.
   */
  invoke(name: string, data: RpcTypedData, metadata?: RpcMetadata): Promise<unknown>;
  /** Stops the listeners and waits for running invocations, up to the limit. Safe to repeat. */
  drain(): Promise<void>;
}

/**
 * Starts an app of `@azure/functions` in this process: loads it, checks that every function can run here, then begins
 * to listen. One host per process at a time.
 *
 * Errors: `INVALID_SETTING` (host.json, a connection, a binding), `UNSUPPORTED_FEATURE` (a trigger without a listener, a
 * retry policy, an `authLevel`, streamed HTTP), `DUPLICATE_NAME`, `INVALID_ARGUMENT`, and whatever loading the app throws.
 * Nothing keeps running then, but the server that the library itself opens where an app streams its HTTP.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const hostJson = parseHostJson(options.hostJson);
  const { clock, logger, http = {} } = options;
  const front = new HttpFront({ hostJson, http, clock, logger });
  const factories = new Map(
    Object.entries({ ...standardListeners, httptrigger: front.listener, ...options.listeners }).map(
      ([type, factory]) => [type.toLowerCase(), factory],
    ),
  );
  const app = new App(options.logger);
  const invoker = new Invoker({ app, clock: options.clock, random: options.random, logger: options.logger });
  const listeners: Listener[] = [];
  const host = new RunningHost(options, app, invoker, listeners, front);
  try {
    await app.load(options.load);
    for (const appFunction of app.functions.values()) {
      const functionName = appFunction.metadata.name;
      listeners.push(
        factoryFor(
          appFunction,
          factories,
        )({
          functionName,
          binding: appFunction.trigger,
          hostJson,
          settings: options.settings,
          pastDue: options.pastDue ?? false,
          clock: options.clock,
          random: options.random,
          logger: options.logger,
          invoke: (data, metadata) => invoker.invoke(functionName, data, metadata),
        }),
      );
    }
    for (const listener of listeners) await listener.start();
    return host;
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
}

function factoryFor(appFunction: AppFunction, factories: ReadonlyMap<string, ListenerFactory>): ListenerFactory {
  const { metadata, trigger } = appFunction;
  if (metadata.retryOptions !== undefined && metadata.retryOptions !== null) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `Function "${metadata.name}" has a retry policy, which this host does not run. Retry in the handler.`,
    );
  }
  const factory = factories.get(trigger.type.toLowerCase());
  if (!factory) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `Function "${metadata.name}" has a trigger of type "${trigger.type}", for which this host has no listener. It has: ${[...factories.keys()].join(", ")}.`,
    );
  }
  return factory;
}

const stopLimitMsDefault = 20_000;

class RunningHost implements FunctionsHost {
  readonly #options: FunctionsHostOptions;
  readonly #app: App;
  readonly #invoker: Invoker;
  readonly #listeners: readonly Listener[];
  readonly #front: HttpFront;
  #drained: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;

  constructor(
    options: FunctionsHostOptions,
    app: App,
    invoker: Invoker,
    listeners: readonly Listener[],
    front: HttpFront,
  ) {
    this.#options = options;
    this.#app = app;
    this.#invoker = invoker;
    this.#listeners = listeners;
    this.#front = front;
  }

  get functions(): readonly string[] {
    return [...this.#app.functions.keys()];
  }

  get http(): string | undefined {
    return this.#front.address;
  }

  get api(): string | undefined {
    return this.#front.api;
  }

  invoke(name: string, data: RpcTypedData, metadata: RpcMetadata = {}): Promise<unknown> {
    return this.#invoker.invoke(name, data, metadata);
  }

  drain(): Promise<void> {
    return (this.#drained ??= this.#drain());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#disposed ??= this.#end());
  }

  async #end(): Promise<void> {
    try {
      await this.drain();
    } finally {
      await this.#app.terminate();
    }
  }

  async #drain(): Promise<void> {
    const { clock, logger, stopLimitMs = stopLimitMsDefault } = this.#options;
    const stopped = Promise.all(this.#listeners.map((listener) => listener.stop())).then(() => this.#invoker.idle());
    const limit = new AbortController();
    const late = await Promise.race([
      stopped.then(() => false),
      clock.sleep(stopLimitMs, limit.signal).then(() => true),
    ]);
    limit.abort();
    this.#front.end();
    if (late)
      logger.warn("Invocations are still running; the host stops without them.", { running: this.#invoker.running });
  }
}
