/** What a command needs to look at flows, or to change what becomes of them: the storage of a data folder, and engines over it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { QueueServiceClient, type QueueClient } from "@azure/storage-queue";
import { hubsOf, openLocalStorage, type LocalStorage } from "../local/platform/index.ts";
import { pipelines } from "../pipelines/index.ts";
import { DuckDbCompute } from "../shared/compute/index.ts";
import { DyneError, silentLogger, systemClock, systemRandom } from "../shared/core/index.ts";
import { Backfill, declaredFlows, Engine, type DeclaredFlow } from "../shared/engine/index.ts";
import { AmqpEventHubReader, engineContext, QueueDoorbells, QueueJobBells } from "../shared/runtime/index.ts";
import type { EventHubReader } from "../shared/sources/index.ts";
import type { ObjectStore } from "../shared/storage/index.ts";
import type { Pipeline } from "../shared/pipeline/index.ts";
import { flowStatus, quarantinedRows, type FlowStatus, type QuarantinedRows } from "../shared/serving/index.ts";
import { TableCatalog } from "../shared/table/index.ts";

const services = { clock: systemClock, random: systemRandom, logger: silentLogger };

export class Operator implements AsyncDisposable {
  readonly #storage: LocalStorage;
  readonly #data: string;

  private constructor(storage: LocalStorage, data: string) {
    this.#storage = storage;
    this.#data = data;
  }

  /** Opens a data folder, whether its platform runs or not. Throws TABLE_NOT_FOUND where it holds nothing. */
  static async open(data: string): Promise<Operator> {
    return new Operator(await openLocalStorage(resolve(data), services), data);
  }

  /** The same with the hubs of the pipelines, which are started where they do not run. */
  static async openWithHubs(data: string): Promise<Operator> {
    return new Operator(await openLocalStorage(resolve(data), services, hubsOf(pipelines)), data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storage[Symbol.asyncDispose]();
  }

  /** True where the platform of the folder runs beside this command. */
  get isRunning(): boolean {
    return this.#storage.isShared;
  }

  /** The connection string of the hubs. Throws STORAGE_UNAVAILABLE where they do not run. */
  get eventHubs(): string {
    return this.#storage.connections.eventHubs ?? notRunning(this.#data);
  }

  /** The account that holds the tables. */
  get lake(): ObjectStore {
    return this.#storage.lake;
  }

  /** Copies a file of this machine into the lake. */
  async land(file: string, path: string): Promise<void> {
    await this.#storage.lake.uploadFile(path, file);
  }

  /** All declared flows, in the order of the graph. */
  static get flows(): readonly DeclaredFlow[] {
    return pipelines.flatMap(declaredFlows);
  }

  /** Where flows stand; all of them, or one. Throws INVALID_ARGUMENT for a flow that is not declared. */
  async status(flow?: string): Promise<readonly FlowStatus[]> {
    const { host } = this.#storage;
    const tables = new TableCatalog(this.#storage, services);
    const wanted = flow === undefined ? undefined : declared(flow);
    return await Promise.all(
      pipelines
        .flatMap(({ flows }) => flows)
        .filter(({ id }) => wanted === undefined || id === wanted.id)
        .map((each) => flowStatus({ host, tables, ...services }, each)),
    );
  }

  /** What is in quarantine; of all tables, or of one. Throws INVALID_ARGUMENT for a table that is not declared or has none. */
  async quarantined(table?: string): Promise<readonly QuarantinedRows[]> {
    const names = Operator.flows.flatMap((flow) => ("quarantine" in flow ? [flow.output.name] : []));
    if (table !== undefined && !names.includes(table))
      throw new DyneError(
        "INVALID_ARGUMENT",
        `"${table}" is no table with a quarantine. Choose one of ${names.join(", ")}.`,
      );
    await using stack = new AsyncDisposableStack();
    const { compute } = await openCompute(stack);
    const tables = new TableCatalog(this.#storage, services);
    const found: QuarantinedRows[] = [];
    for (const name of table === undefined ? names : [table])
      found.push(...(await quarantinedRows({ compute, tables }, name)));
    return found;
  }

  /** Has the engine of a flow's pipeline do something to it. Throws INVALID_ARGUMENT for a flow that is not declared. */
  async operate(flow: string, work: (engine: Engine) => Promise<void>): Promise<void> {
    declared(flow);
    await using stack = new AsyncDisposableStack();
    const parts = await this.#parts(stack);
    await work(
      this.#engine(
        stack,
        parts,
        pipelines.find((each) => declaredFlows(each).some(({ id }) => id === flow))!,
      ),
    );
  }

  /** Runs all flows until none has anything left to do. Gives those that could not go on, and why. */
  async runAvailable(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    await using stack = new AsyncDisposableStack();
    const parts = await this.#parts(stack);
    const stopped = new Map<string, string>();
    for (const pipeline of pipelines)
      for (const [flow, why] of await this.#engine(stack, parts, pipeline).runAvailable(signal)) stopped.set(flow, why);
    return stopped;
  }

  /** Has backfills do something. Without `runs` they are only looked at, and nothing is opened to run them. */
  async backfills<Result>({ runs }: { readonly runs: boolean }, work: (backfill: Backfill) => Promise<Result>) {
    await using stack = new AsyncDisposableStack();
    const { host } = this.#storage;
    const hubs = stack.adopt(this.#hubs(), (opened) => opened.close());
    const tables = new TableCatalog(this.#storage, services);
    const bells = new QueueJobBells(this.#queue("bulk"), services);
    const parts = runs ? await this.#parts(stack) : undefined;
    const engines = parts === undefined ? [] : pipelines.map((each) => this.#engine(stack, parts, each));
    return await work(new Backfill({ ...services, host, hubs, tables, bells }, engines));
  }

  async #parts(stack: AsyncDisposableStack) {
    const { compute, directory } = await openCompute(stack);
    return { compute, directory, hubs: stack.adopt(this.#hubs(), (opened) => opened.close()) };
  }

  #engine(stack: AsyncDisposableStack, { compute, directory, hubs }: Parts, pipeline: Pipeline): Engine {
    const context = engineContext(pipeline, {
      ...services,
      host: this.#storage.host,
      lake: this.#storage.lake,
      compute,
      checkpoints: compute.checkpoints,
      hubs,
      doorbells: new QueueDoorbells(this.#queue("notices"), services),
      workDirectory: join(directory, "work"),
    });
    return stack.adopt(new Engine(context, declaredFlows(pipeline)), (engine) => engine.close());
  }

  #queue(name: string): QueueClient {
    return QueueServiceClient.fromConnectionString(this.#storage.connections.host).getQueueClient(name);
  }

  #hubs(): EventHubReader {
    const { eventHubs } = this.#storage.connections;
    return eventHubs === undefined
      ? absentHubs(this.#data)
      : new AmqpEventHubReader({ kind: "connection-string", connectionString: eventHubs });
  }
}

/** What an engine needs beside the storage. */
interface Parts {
  readonly compute: DuckDbCompute;
  readonly directory: string;
  readonly hubs: EventHubReader;
}

/** DuckDB in a folder of its own, which goes with it. */
async function openCompute(stack: AsyncDisposableStack) {
  const directory = await mkdtemp(join(tmpdir(), "dyne-operator-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const settings = { directory, memoryLimitMb: 1_000, threads: 2, cacheBytes: 256 * 1024 * 1024 };
  const compute = stack.adopt(await DuckDbCompute.open(settings, systemRandom), (opened) => opened.close());
  return { compute, directory };
}

function declared(flow: string): DeclaredFlow {
  const found = Operator.flows.find(({ id }) => id === flow);
  if (found !== undefined) return found;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `There is no flow "${flow}". Choose one of ${Operator.flows.map(({ id }) => id).join(", ")}.`,
  );
}

/** In the place of Event Hubs that do not run: some changes need to know the partitions. */
function absentHubs(data: string): EventHubReader {
  const refuse = async (): Promise<never> => notRunning(data);
  return { describe: refuse, partition: refuse, read: refuse, sequenceAt: refuse, close: async () => undefined };
}

function notRunning(data: string): never {
  throw new DyneError(
    "STORAGE_UNAVAILABLE",
    `This needs Event Hubs, which do not run. Start them with "npm run dev -- --data ${data}", and repeat it beside them.`,
  );
}
