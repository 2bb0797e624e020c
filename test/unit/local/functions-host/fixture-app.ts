import { app, type InvocationContext } from "@azure/functions";

/** One call of a handler, as the app saw it. */
export interface Call {
  readonly functionName: string;
  readonly input: unknown;
  readonly context: InvocationContext;
}

/** Collects calls, and lets a test wait for the next ones without polling. */
export class Calls {
  readonly all: Call[] = [];
  #waiters: { readonly ready: () => boolean; readonly resolve: () => void }[] = [];

  add(call: Call): void {
    this.all.push(call);
    this.#waiters = this.#waiters.filter(({ ready, resolve }) => {
      if (ready()) resolve();
      return !ready();
    });
  }

  /** Resolves as soon as `ready` holds; it is asked at every call. */
  until(ready: (calls: readonly Call[]) => boolean): Promise<void> {
    if (ready(this.all)) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ ready: () => ready(this.all), resolve }));
  }
}

type Handler = (input: unknown, context: InvocationContext) => unknown;

/** What the fixture app does; a function without a handler is not registered. */
export interface FixtureHandlers {
  readonly hub?: Handler;
  readonly queue?: Handler;
  readonly timer?: Handler;
}

/** Registers the fixture app's functions; every call of a handler is collected when it begins. */
export function registerFixtureApp(
  handlers: FixtureHandlers,
  calls: Calls,
  timer = { schedule: "0 0 * * * *", runOnStartup: false },
): void {
  const record =
    (handler: Handler): Handler =>
    (input, context) => {
      calls.add({ functionName: context.functionName, input, context });
      return handler(input, context);
    };
  if (handlers.hub) {
    app.eventHub("hub-events", {
      connection: "EVENTS",
      eventHubName: "events",
      consumerGroup: "dyne-trigger",
      cardinality: "many",
      ...({ dataType: "binary" } as object),
      handler: record(handlers.hub),
    });
  }
  if (handlers.queue)
    app.storageQueue("notices", { connection: "NOTICES", queueName: "%QUEUE%", handler: record(handlers.queue) });
  if (handlers.timer) app.timer("sweep", { ...timer, handler: record(handlers.timer) });
}
