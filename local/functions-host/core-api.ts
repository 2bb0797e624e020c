/**
 * `@azure/functions-core`: the module that the Functions worker makes up when an app's library requires it. It exists
 * in no package; the worker answers the `require` itself, and so does this file.
 * Source: github.com/Azure/azure-functions-nodejs-worker, src/setupCoreModule.ts.
 */
import Module from "node:module";

import { DyneError } from "../../shared/core/index.ts";

/** A binding as the library hands it over. */
export type RpcBinding = Readonly<Record<string, unknown>> & { readonly type: string; readonly direction: string };

/** What an app registers for one function. */
export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, RpcBinding>>;
  readonly retryOptions?: unknown;
}

/** The app's handler. */
export type FunctionCallback = (...inputs: unknown[]) => unknown;

/** The library's answer to one invocation. */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: unknown; outputData?: unknown }>;
}

interface ProgrammingModel {
  getInvocationModel(context: unknown): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

/** Where the app takes part in the host's life. */
export type HookName = "appStart" | "appTerminate" | "preInvocation" | "postInvocation" | "log";
/** A hook gets a context that it may change. */
export type HookCallback = (context: Record<string, unknown>) => unknown;
/** Log levels of the protocol. */
export type RpcLogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical" | "none";

/** The side of the core API that a host answers. */
export interface CoreHost {
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): () => void;
  registerHook(name: HookName, callback: HookCallback): () => void;
  log(level: RpcLogLevel, category: string, message: string): void;
}

class Disposable {
  readonly dispose: () => void;

  constructor(dispose: () => void) {
    this.dispose = dispose;
  }
}

let attached: CoreHost | undefined;
// The library sets its model once per process, when the first function registers: it is kept for every later host.
let model: ProgrammingModel | undefined;

function host(): CoreHost {
  if (!attached)
    throw new DyneError("INVALID_ARGUMENT", "A function can be registered only while an app is loaded by a host.");
  return attached;
}

const core = {
  version: "3.10.0",
  hostVersion: "4.1037.0",
  Disposable,
  setProgrammingModel: (next: ProgrammingModel) => {
    model = next;
  },
  getProgrammingModel: () => model,
  registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
    new Disposable(host().registerFunction(metadata, callback)),
  registerHook: (name: HookName, callback: HookCallback) => new Disposable(host().registerHook(name, callback)),
  log: (level: RpcLogLevel, category: string, message: string) => attached?.log(level, category, message),
};

type Require = (this: unknown, specifier: string) => unknown;
const prototype = Module.prototype as unknown as { require: Require };

/**
 * Makes `host` the one that apps of this process talk to, and returns how to end that. One at a time: the library keeps
 * one core per process. Errors: `INVALID_ARGUMENT` while another host is attached.
 */
export function attachHost(next: CoreHost): () => void {
  if (attached)
    throw new DyneError("INVALID_ARGUMENT", "A Functions host runs in this process already. Dispose of it first.");
  attached = next;
  const original = prototype.require;
  prototype.require = function (this: unknown, specifier: string): unknown {
    return specifier === "@azure/functions-core" ? core : original.call(this, specifier);
  };
  return () => {
    attached = undefined;
    prototype.require = original;
  };
}

/** The library's programming model. Errors: `INVALID_ARGUMENT` if no app has registered anything. */
export function programmingModel(): ProgrammingModel {
  if (!model) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      "The app registered no function through @azure/functions. Is it loaded by this host?",
    );
  }
  return model;
}
