/** Runs the program under Pulumi's mocks and keeps every resource that it asked for. */
import { runtime } from "@pulumi/pulumi";
import { pipelines } from "../../pipelines/index.ts";
import type { Pipeline } from "../../shared/pipeline/index.ts";
import program from "../../infra/index.ts";
import { configuration, packagePath, isPart, make, type Inputs } from "./azure.ts";

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
  readonly hooks: {
    readonly beforeCreate: readonly string[];
    readonly afterCreate: readonly string[];
    readonly beforeUpdate: readonly string[];
  };
  /** The part of the program that it belongs to; empty for what belongs to none. */
  readonly part: string;
  /** As what else it may be in the state of an earlier program: its type then, `outside` where it belonged to no part. */
  readonly aliases: readonly string[];
}

export interface Deployment {
  /** By name: Pulumi asks for them as their inputs become known, which is no order to rely on. */
  readonly resources: readonly Made[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The resources of a type. */
  readonly all: (type: string) => readonly Made[];
  /** The one resource of a name. */
  readonly get: (name: string) => Made;
  /** True where `later` is made only after `earlier`, by whatever chain. */
  readonly isAfter: (later: string, earlier: string) => boolean;
}

export interface DeployOptions {
  readonly project?: string;
  readonly stack?: string;
  /** Beside what must be configured; undefined takes a setting away. */
  readonly config?: Readonly<Record<string, string | undefined>>;
  readonly pipelines?: readonly Pipeline[];
  /** What Azure says of the namespace's units, or why it does not; by default there is no namespace yet. */
  readonly unitsThere?: number | Error;
}

/** What of Pulumi's request is read here. */
interface Request {
  getUrn?(): string;
  getType(): string;
  getName(): string;
  getProtect(): boolean;
  getDependenciesList(): string[];
  getParent(): string;
  getAliasesList(): { getSpec(): { getType(): string; getNoparent(): boolean } | undefined }[];
  getHooks():
    | { getBeforeCreateList(): string[]; getAfterCreateList(): string[]; getBeforeUpdateList(): string[] }
    | undefined;
}
type Answer = (error: Error | null, response: unknown) => void;

/** What was deployed, for each way to do so: most tests look at the same few deployments. */
const made: { readonly options: DeployOptions; readonly deployment: Deployment }[] = [];

/** Deploys with the sample pipelines, unless others are given; what was deployed so already is given again. */
export async function deploy(options: DeployOptions = {}): Promise<Deployment> {
  const known = made.find((each) => isSame(each.options, options));
  if (known !== undefined) return known.deployment;
  const deployment = await deployAnew(options);
  made.push({ options, deployment });
  return deployment;
}

function isSame(a: DeployOptions, b: DeployOptions): boolean {
  const [own, other] = [a.pipelines ?? pipelines, b.pipelines ?? pipelines];
  const settingsOf = ({ project, stack, unitsThere, config = {} }: DeployOptions) =>
    JSON.stringify([
      String(unitsThere),
      project ?? "dyne",
      stack ?? "dev",
      Object.entries(config)
        .map(([key, value]) => JSON.stringify([key, value ?? null]))
        .sort(),
    ]);
  return (
    settingsOf(a) === settingsOf(b) &&
    own.length === other.length &&
    own.every((pipeline, index) => pipeline === other[index])
  );
}

/** Runs the program, also where the same was deployed before. One after another: Pulumi's runtime is one per process. */
export async function deployAnew(options: DeployOptions = {}): Promise<Deployment> {
  const before = {
    stackTraceLimit: Error.stackTraceLimit,
    prepareStackTrace: Reflect.get(Error, "prepareStackTrace") as unknown,
  };
  // Pulumi takes a stack trace for each of its thousands of promises, and a whole one for each resource: most of what a run costs.
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = String;
  try {
    return await run(options);
  } finally {
    Object.assign(Error, before);
  }
}

const notThere = `autorest/azure: Service returned an error. Status=404 Code="ResourceGroupNotFound"`;

async function run(options: DeployOptions): Promise<Deployment> {
  const { project = "dyne", stack = "dev", unitsThere = new Error(notThere) } = options;
  const inputsOf = new Map<string, Inputs>();
  const requests: Request[] = [];
  await runtime.setMocks(
    {
      call: async ({ token }) => {
        if (token !== "azure-native:eventhub:getNamespace") throw new Error(`The program must not ask for ${token}`);
        // A refusal by gRPC has its words in `details`.
        if (typeof unitsThere !== "number") throw Object.assign(unitsThere, { details: unitsThere.message });
        return { sku: { name: "Standard", capacity: unitsThere } };
      },
      newResource: ({ type, name, inputs }) => {
        if (type === runtime.rootPulumiStackTypeName || isPart(type)) return { id: undefined, state: {} };
        inputsOf.set(name, inputs as Inputs);
        return make(type, name, inputs as Inputs);
      },
    },
    project,
    stack,
  );
  const config = Object.entries({
    ...configuration,
    // Nothing is built, whatever the project is called.
    [`${project}:package`]: packagePath,
    ...options.config,
  });
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
  return deploymentOf(requests, inputsOf, outputs as Record<string, unknown>);
}

/** The mocks say nothing of order, protection and hooks, and know no hooks; so the requests to them are kept. */
function record(requests: Request[]): void {
  const monitor = runtime.getMonitor() as unknown as Record<string, (request: Request, answer: Answer) => unknown>;
  const register = monitor["registerResource"]!.bind(monitor);
  monitor["registerResource"] = (request, answer) => {
    const type = request.getType();
    if (type !== runtime.rootPulumiStackTypeName && !isPart(type)) requests.push(request);
    return register(request, answer);
  };
  monitor["registerResourceHook"] = (_, answer) => answer(null, {});
}

function deploymentOf(
  requests: readonly Request[],
  inputsOf: ReadonlyMap<string, Inputs>,
  outputs: Readonly<Record<string, unknown>>,
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
    hooks: {
      beforeCreate: hooks?.getBeforeCreateList() ?? [],
      afterCreate: hooks?.getAfterCreateList() ?? [],
      beforeUpdate: hooks?.getBeforeUpdateList() ?? [],
    },
    part: /::part\/([^:]+)$/.exec(request.getParent())?.[1] ?? "",
    aliases: request.getAliasesList().map((alias) => {
      const spec = alias.getSpec();
      return spec?.getNoparent() === true ? "outside" : (spec?.getType() ?? "");
    }),
  };
}
