import { DyneError, type Logger, type LogFields } from "../../shared/core/index.ts";
import {
  attachHost,
  programmingModel,
  type CoreHost,
  type FunctionCallback,
  type FunctionMetadata,
  type HookCallback,
  type HookName,
  type RpcBinding,
  type RpcLogLevel,
} from "./core-api.ts";

/** A function of the loaded app. */
export interface AppFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
  readonly triggerName: string;
  readonly trigger: RpcBinding;
}

/** A loaded app: its functions and its hooks, in the order of registration. */
export class App implements CoreHost {
  readonly functions = new Map<string, AppFunction>();
  /** Shared by all hooks of the app, as in the worker. */
  readonly appHookData: Record<string, unknown> = {};
  readonly #hooks = new Map<HookName, HookCallback[]>();
  readonly #logger: Logger;
  #detach: (() => void) | undefined;
  #loaded = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Loads the app and runs its start hooks. Errors: those of the app, and `DUPLICATE_NAME`, `INVALID_ARGUMENT`. */
  async load(load: () => Promise<unknown>): Promise<void> {
    this.#detach = attachHost(this);
    await load();
    this.#loaded = true;
    if (this.functions.size === 0) throw new DyneError("INVALID_ARGUMENT", "The app registered no functions.");
    await this.runHooks("appStart", {
      functionAppDirectory: process.cwd(),
      hookData: {},
      appHookData: this.appHookData,
    });
    const { HttpUri } = await programmingModel().getCapabilities({});
    if (HttpUri !== undefined) {
      throw new DyneError(
        "UNSUPPORTED_FEATURE",
        "The app sets enableHttpStream, which this host does not run. Leave it out of app.setup.",
      );
    }
  }

  /** Runs the app's terminate hooks and lets go of the process. */
  async terminate(): Promise<void> {
    try {
      if (this.#loaded) await this.runHooks("appTerminate", { hookData: {}, appHookData: this.appHookData });
    } finally {
      this.#detach?.();
      this.#detach = undefined;
    }
  }

  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): () => void {
    if (this.#loaded) {
      throw new DyneError(
        "INVALID_ARGUMENT",
        `Function "${metadata.name}" is registered after the app has started. Register it while loading.`,
      );
    }
    if (this.functions.has(metadata.name)) {
      throw new DyneError("DUPLICATE_NAME", `Two functions are named "${metadata.name}". Rename one.`);
    }
    const triggers = Object.entries(metadata.bindings).filter(([, binding]) => /trigger$/i.test(binding.type));
    const [trigger] = triggers;
    if (trigger === undefined || triggers.length > 1) {
      throw new DyneError(
        "INVALID_ARGUMENT",
        `Function "${metadata.name}" has ${triggers.length} triggers. It needs exactly one.`,
      );
    }
    this.functions.set(metadata.name, { metadata, callback, triggerName: trigger[0], trigger: trigger[1] });
    return () => this.functions.delete(metadata.name);
  }

  registerHook(name: HookName, callback: HookCallback): () => void {
    const callbacks = this.#hooks.get(name) ?? [];
    this.#hooks.set(name, callbacks);
    callbacks.push(callback);
    return () => callbacks.splice(callbacks.indexOf(callback), 1);
  }

  async runHooks(name: Exclude<HookName, "log">, context: Record<string, unknown>): Promise<void> {
    for (const callback of this.#hooks.get(name) ?? []) await callback(context);
  }

  log(
    level: RpcLogLevel,
    category: string,
    message: string,
    fields: LogFields = {},
    invocationContext?: unknown,
  ): void {
    const context = { hookData: {}, appHookData: this.appHookData, level, category, message, invocationContext };
    for (const callback of this.#hooks.get("log") ?? []) callback(context);
    const write = loggerMethod[context.level];
    if (write !== "none") this.#logger[write](context.message, { ...fields, category: context.category });
  }
}

const loggerMethod: Readonly<Record<RpcLogLevel, keyof Logger | "none">> = {
  trace: "debug",
  debug: "debug",
  information: "info",
  warning: "warn",
  error: "error",
  critical: "error",
  none: "none",
};
