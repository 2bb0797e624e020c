/** Runs the program under Pulumi's mocks and keeps every resource that it asked for. */
import { runtime } from "@pulumi/pulumi";
import { pipelines } from "../../pipelines/index.ts";
import type { Pipeline } from "../../shared/pipeline/index.ts";
import program from "../../infra/index.ts";
import { configuration, make, type Inputs } from "./azure.ts";

/** A resource as the engine was asked for it. */
export interface Made {
  /** Pulumi's type without its package: `storage:StorageAccount`. */
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: Inputs;
  readonly protect: boolean;
  /** Names of what has to be made before, given by `dependsOn` or by inputs. */
  readonly after: readonly string[];
  readonly hooks: { readonly beforeCreate: readonly string[]; readonly afterCreate: readonly string[] };
}

export interface Deployment {
  /** By name: Pulumi asks for them as their inputs become known, which is no order to rely on. */
  readonly resources: readonly Made[];
  readonly outputs: Readonly<Record<string, string>>;
  /** The resources of a type. */
  all(type: string): readonly Made[];
  /** The one resource of a name. */
  get(name: string): Made;
  /** True where `later` is made only after `earlier`, by whatever chain. */
  isAfter(later: string, earlier: string): boolean;
}

export interface DeployOptions {
  readonly project?: string;
  readonly stack?: string;
  /** Beside what must be configured; undefined takes a setting away. */
  readonly config?: Readonly<Record<string, string | undefined>>;
  readonly pipelines?: readonly Pipeline[];
}

/** What of Pulumi's request is read here. */
interface Request {
  getUrn?(): string;
  getType(): string;
  getName(): string;
  getProtect(): boolean;
  getDependenciesList(): string[];
  getHooks(): { getBeforeCreateList(): string[]; getAfterCreateList(): string[] } | undefined;
}
type Answer = (error: Error | null, response: unknown) => void;

/** Deploys with the sample pipelines, unless others are given. Runs one after another: Pulumi's runtime is one per process. */
export async function deploy(options: DeployOptions = {}): Promise<Deployment> {
  const { project = "dyne", stack = "dev" } = options;
  const inputsOf = new Map<string, Inputs>();
  const requests: Request[] = [];
  await runtime.setMocks(
    {
      call: ({ token }) => Promise.reject(new Error(`The program must not ask for ${token}`)),
      newResource: ({ type, name, inputs }) => {
        if (type === runtime.rootPulumiStackTypeName) return { id: undefined, state: {} };
        inputsOf.set(name, inputs as Inputs);
        return make(type, name, inputs as Inputs);
      },
    },
    project,
    stack,
  );
  const config = Object.entries({ ...configuration, ...options.config });
  runtime.setAllConfig(Object.fromEntries(config.filter((entry): entry is [string, string] => entry[1] !== undefined)));
  record(requests);
  // A program that throws leaves rejections behind in Pulumi's own promises, which end a real deployment and would end this process.
  let refusal: Error | undefined;
  const outputs = await runtime.runInPulumiStack(async () => {
    try {
      return program(options.pipelines ?? pipelines);
    } catch (error) {
      refusal = error as Error;
      return {};
    }
  });
  await runtime.disconnect();
  if (refusal !== undefined) throw refusal;
  return deploymentOf(requests, inputsOf, outputs as Record<string, string>);
}

/** The mocks say nothing of order, protection and hooks, and know no hooks; so the requests to them are kept. */
function record(requests: Request[]): void {
  const monitor = runtime.getMonitor() as unknown as Record<string, (request: Request, answer: Answer) => unknown>;
  const register = monitor["registerResource"]!.bind(monitor);
  monitor["registerResource"] = (request, answer) => {
    if (request.getType() !== runtime.rootPulumiStackTypeName) requests.push(request);
    return register(request, answer);
  };
  monitor["registerResourceHook"] = (_, answer) => answer(null, {});
}

function deploymentOf(
  requests: readonly Request[],
  inputsOf: ReadonlyMap<string, Inputs>,
  outputs: Readonly<Record<string, string>>,
): Deployment {
  const resources = requests
    .map((request) => madeOf(request, inputsOf.get(request.getName()) ?? {}))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map(resources.map((made) => [made.name, made]));
  if (byName.size !== resources.length) throw new Error("Two resources have one name");
  const get = (name: string) => {
    const made = byName.get(name);
    if (made === undefined) throw new Error(`There is no "${name}". There are: ${[...byName.keys()].join(", ")}`);
    return made;
  };
  const isAfter = (later: string, earlier: string): boolean =>
    get(later).after.some((name) => name === earlier || isAfter(name, earlier));
  return { resources, outputs, get, isAfter, all: (type) => resources.filter((made) => made.type === type) };
}

function madeOf(request: Request, inputs: Inputs): Made {
  const type = request.getType();
  const name = request.getName();
  const hooks = request.getHooks();
  return {
    type: type.replace(/^azure-native:/, ""),
    name,
    id: make(type, name, inputs).id,
    inputs,
    protect: request.getProtect(),
    after: request
      .getDependenciesList()
      .map((urn) => urn.slice(urn.lastIndexOf("::") + 2))
      .sort(),
    hooks: { beforeCreate: hooks?.getBeforeCreateList() ?? [], afterCreate: hooks?.getAfterCreateList() ?? [] },
  };
}
