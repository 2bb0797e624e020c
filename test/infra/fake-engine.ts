/**
 * Pulumi's engine as its Node.js language host sees it, over gRPC on the loopback: it takes every registration, makes what was asked for in
 * memory, and calls the program's hooks. With it the program runs as `pulumi up` runs it, without the command and without a cloud.
 */
import { createRequire } from "node:module";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb.js";
import callbackMessages from "@pulumi/pulumi/proto/callback_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import { isPart, make, type Inputs } from "./azure.ts";

const fromTest = createRequire(import.meta.url);
/** The gRPC that Pulumi itself uses, which is no library of this project. */
const fromPulumi = createRequire(fromTest.resolve("@pulumi/pulumi"));
const grpc = fromPulumi("@grpc/grpc-js") as Grpc;
const services = {
  monitor: fromPulumi("@pulumi/pulumi/proto/resource_grpc_pb.js") as { ResourceMonitorService: unknown },
  engine: fromPulumi("@pulumi/pulumi/proto/engine_grpc_pb.js") as { EngineService: unknown },
  callbacks: fromPulumi("@pulumi/pulumi/proto/callback_grpc_pb.js") as { CallbacksClient: CallbacksClient },
};
const { Empty } = fromPulumi("google-protobuf/google/protobuf/empty_pb.js") as { Empty: new () => object };
const { Struct } = fromPulumi("google-protobuf/google/protobuf/struct_pb.js") as {
  Struct: { fromJavaScript(value: object): never };
};

type Answer = (error: Error | null, response?: object) => void;
type Methods = Readonly<Record<string, (call: { readonly request: never }, answer: Answer) => void>>;
interface Grpc {
  readonly Server: new () => {
    addService(service: unknown, methods: Methods): void;
    bindAsync(address: string, credentials: unknown, bound: (error: Error | null, port: number) => void): void;
    forceShutdown(): void;
  };
  readonly ServerCredentials: { createInsecure(): unknown };
  readonly credentials: { createInsecure(): unknown };
}
type CallbacksClient = new (
  address: string,
  credentials: unknown,
) => {
  invoke(request: object, answer: (error: Error | null, response: { getResponse_asU8(): Uint8Array }) => void): void;
  close(): void;
};

export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly version: string;
}

export interface FakeEngine extends AsyncDisposable {
  /** Where the language host finds engine and monitor. */
  readonly address: string;
  readonly resources: readonly Registered[];
  /** Names of the program's hooks that were called, in order. */
  readonly hooksRun: readonly string[];
  /** What the program logged, with its severity: 1 info, 2 warning, 3 error. */
  readonly logged: readonly { readonly severity: number; readonly message: string }[];
  /** The stack's outputs, once the program has ended. */
  readonly outputs: () => Inputs | undefined;
}

export interface EngineOptions {
  /** The publishing host of the app, in place of the one that Azure would give it. */
  readonly publishingHost?: string;
  /** What Pulumi's login gives as a token; without it nobody is logged in. */
  readonly token?: string;
}

/**
 * Starts an engine. Hooks that follow a creation are called when the program has said that it is done, so that those that precede one have
 * nothing to wait for: a run takes no two minutes.
 */
export async function startEngine({ publishingHost, token }: EngineOptions = {}): Promise<FakeEngine> {
  const resources: Registered[] = [];
  const hooksRun: string[] = [];
  const logged: { severity: number; message: string }[] = [];
  const hooks = new Map<string, callbackMessages.Callback>();
  const afterwards: string[] = [];
  let outputs: Inputs | undefined;
  let rootUrn = "";

  async function run(names: readonly string[], newInputs?: Inputs): Promise<void> {
    for (const name of names) {
      await callHook(name, hooks.get(name), newInputs);
      hooksRun.push(name);
    }
  }

  async function register(request: resourceMessages.RegisterResourceRequest): Promise<object> {
    const [type, name] = [request.getType(), request.getName()];
    const response = new resourceMessages.RegisterResourceResponse();
    response.setUrn(`urn:pulumi:dev::dyne::${type}::${name}`);
    if (type === "pulumi:pulumi:Stack" || isPart(type)) return response;
    const inputs = (request.getObject()?.toJavaScript() ?? {}) as Inputs;
    await run(request.getHooks()?.getBeforeCreateList() ?? [], inputs);
    const made = make(type, name, inputs);
    resources.push({ type: type.replace(/^azure-native:/, ""), name, inputs, version: request.getVersion() });
    afterwards.push(...(request.getHooks()?.getAfterCreateList() ?? []));
    response.setId(made.id);
    const published = type === "azure-native:web:WebApp" && publishingHost !== undefined;
    const hosts = published ? { hostNameSslStates: [{ hostType: "Repository", name: publishingHost }] } : {};
    response.setObject(Struct.fromJavaScript({ ...made.state, ...hosts }));
    return response;
  }

  const monitor = {
    getDeploymentInfo: answering(() => {
      const info = new resourceMessages.DeploymentInfo();
      const features = resourceMessages.ResourceMonitorFeature;
      info.setSupportedfeaturesList([
        features.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
        features.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
        features.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
      ]);
      return info;
    }),
    registerResource: answering(register),
    invoke: answering((request: resourceMessages.ResourceInvokeRequest) => {
      const asked = request.getTok();
      if (asked !== "azure-native:authorization:getClientToken" || token === undefined) {
        throw new Error(`The engine does not answer ${asked}`);
      }
      const response = new resourceMessages.ResourceInvokeResponse();
      response.setReturn(Struct.fromJavaScript({ token }));
      return response;
    }),
    registerResourceOutputs: answering((request: resourceMessages.RegisterResourceOutputsRequest) => {
      if (request.getUrn().includes("::pulumi:pulumi:Stack::"))
        outputs = request.getOutputs()?.toJavaScript() as Inputs;
    }),
    registerResourceHook: answering((request: resourceMessages.RegisterResourceHookRequest) => {
      hooks.set(request.getName(), request.getCallback()!);
    }),
    signalAndWaitForShutdown: answering(() => run([...new Set(afterwards)])),
  };
  const engine = {
    log: answering((request: engineMessages.LogRequest) => {
      logged.push({ severity: request.getSeverity(), message: request.getMessage() });
    }),
    setRootResource: answering((request: engineMessages.SetRootResourceRequest) => {
      rootUrn = request.getUrn();
      return new engineMessages.SetRootResourceResponse();
    }),
    getRootResource: answering(() => {
      const response = new engineMessages.GetRootResourceResponse();
      response.setUrn(rootUrn);
      return response;
    }),
  };
  const server = new grpc.Server();
  server.addService(services.monitor.ResourceMonitorService, monitor);
  server.addService(services.engine.EngineService, engine);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    resources,
    hooksRun,
    logged,
    outputs: () => outputs,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

/** A method of a service from a function; what it throws is the call's error, and nothing is an empty answer. */
function answering<Request>(respond: (request: Request) => object | void | Promise<object | void>): Methods[string] {
  return ({ request }, answer) => {
    void (async () => respond(request))().then(
      (response) => answer(null, response ?? new Empty()),
      (error: Error) => answer(error),
    );
  };
}

/** Calls a hook in the program's process. Throws what the hook answered with. */
async function callHook(
  name: string,
  callback: callbackMessages.Callback | undefined,
  newInputs: Inputs | undefined,
): Promise<void> {
  if (callback === undefined) throw new Error(`The hook ${name} was not registered`);
  const client = new services.callbacks.CallbacksClient(callback.getTarget(), grpc.credentials.createInsecure());
  try {
    const request = new callbackMessages.CallbackInvokeRequest();
    request.setToken(callback.getToken());
    const hookRequest = new resourceMessages.ResourceHookRequest();
    if (newInputs !== undefined) hookRequest.setNewInputs(Struct.fromJavaScript(newInputs));
    request.setRequest(hookRequest.serializeBinary());
    const response = await new Promise<Uint8Array>((resolve, reject) => {
      client.invoke(request, (error, answered) =>
        error === null ? resolve(answered.getResponse_asU8()) : reject(error),
      );
    });
    const failure = resourceMessages.ResourceHookResponse.deserializeBinary(response).getError();
    if (failure !== "") throw new Error(`The hook ${name} failed: ${failure}`);
  } finally {
    client.close();
  }
}
