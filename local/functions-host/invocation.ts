import { DyneError, type Clock, type Logger, type Random } from "../../shared/core/index.ts";
import type { App } from "./app.ts";
import { programmingModel, type RpcLogLevel } from "./core-api.ts";
import type { RpcMetadata, RpcTypedData } from "./rpc-data.ts";

/** What the invoker needs of the host. */
export interface InvokerOptions {
  readonly app: App;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Runs functions in the worker's order of steps: arguments, `preInvocation` hooks, the handler, `postInvocation` hooks
 * (which may replace result and error), response.
 * Source: github.com/Azure/azure-functions-nodejs-worker, src/eventHandlers/InvocationHandler.ts.
 */
export class Invoker {
  readonly #options: InvokerOptions;
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  /** Invocations that have begun and not ended. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Runs one function once and gives what it returned to the host (`TypedData`, or undefined). Rejects with the
   * function's own error. Errors: `INVALID_ARGUMENT` for a function that the app does not have.
   */
  invoke(name: string, data: RpcTypedData, metadata: RpcMetadata): Promise<unknown> {
    const running = this.#invoke(name, data, metadata).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  async #invoke(name: string, data: RpcTypedData, metadata: RpcMetadata): Promise<unknown> {
    const { app, clock, random, logger } = this.#options;
    const invocationId = random.uuid();
    const fields = { functionName: name, invocationId };
    const startedMs = clock.nowMs();
    try {
      const result = await this.#run(app, invocationId, name, data, metadata);
      logger.debug("Function succeeded.", { ...fields, durationMs: clock.nowMs() - startedMs });
      return result;
    } catch (error) {
      logger.error("Function failed.", { ...fields, durationMs: clock.nowMs() - startedMs, error: describe(error) });
      throw error;
    }
  }

  async #run(
    app: App,
    invocationId: string,
    name: string,
    data: RpcTypedData,
    metadata: RpcMetadata,
  ): Promise<unknown> {
    const appFunction = app.functions.get(name);
    if (!appFunction) throw new DyneError("INVALID_ARGUMENT", `The app has no function named "${name}".`);
    const { clock, random } = this.#options;
    const invocation: { context?: unknown } = {};
    const coreContext = {
      invocationId,
      metadata: appFunction.metadata,
      state: undefined as "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined,
      request: {
        invocationId,
        functionId: name,
        inputData: [{ name: appFunction.triggerName, data }],
        triggerMetadata: { ...metadata, ...systemMetadata(name, clock, random) },
        traceContext: { traceParent: traceParent(random), traceState: "", attributes: {} },
        retryContext: null,
      },
      log: (level: RpcLogLevel, category: string, message: string) =>
        app.log(level, category, message, { functionName: name, invocationId }, invocation.context),
    };

    const model = programmingModel().getInvocationModel(coreContext);
    const { context, inputs } = await model.getArguments();
    invocation.context = context;
    const shared = { hookData: {}, appHookData: app.appHookData, invocationContext: context };
    coreContext.state = "preInvocationHooks";
    const before = { ...shared, inputs, functionCallback: appFunction.callback };
    await app.runHooks("preInvocation", before);

    coreContext.state = "invocation";
    const after = {
      ...shared,
      hookData: before.hookData,
      inputs: before.inputs,
      result: null as unknown,
      error: null as unknown,
    };
    try {
      after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after.error = error;
    }
    coreContext.state = "postInvocationHooks";
    await app.runHooks("postInvocation", after);
    if (after.error !== null && after.error !== undefined) throw asError(after.error);
    return (await model.getResponse(context, after.result)).returnValue;
  }
}

/** The entry `sys` that the host adds to the metadata of every trigger. */
function systemMetadata(name: string, clock: Clock, random: Random): RpcMetadata {
  const sys = { MethodName: name, UtcNow: new Date(clock.nowMs()).toISOString(), RandGuid: random.uuid() };
  return { sys: { json: JSON.stringify(sys) } };
}

/** A sampled W3C trace parent. */
function traceParent(random: Random): string {
  const hex = (random.uuid() + random.uuid()).replaceAll("-", "");
  return `00-${hex.slice(0, 32)}-${hex.slice(32, 48)}-01`;
}

/** What a handler threw, as an error: the log and the caller rely on it. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
