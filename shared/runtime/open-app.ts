/** Opens what a worker works with, from the settings: stores, compute, hubs and one engine per pipeline. */
import { join } from "node:path";
import { DuckDbCompute, type CheckpointFiles, type Compute } from "../compute/index.ts";
import { limits, systemClock, systemRandom, type Clock, type Logger, type Random } from "../core/index.ts";
import {
  Backfill,
  CareSnapshots,
  declaredFlows,
  Engine,
  SelfCare,
  smallInputs,
  type EngineContext,
} from "../engine/index.ts";
import { ServedTables, type HttpServices } from "../http/index.ts";
import { tablePath, type Pipeline } from "../pipeline/index.ts";
import type { EventHubReader } from "../sources/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { TableCatalog } from "../table/index.ts";
import { lengthOf, openHubReader, openQueues, openStores } from "./connections.ts";
import { credentialOf } from "./credential.ts";
import { QueueDoorbells, QueueJobBells } from "./queue-doorbells.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import type { Settings } from "./settings.ts";
import { logStatus as logStatusOf, type StatusTurn } from "./status-log.ts";
import { openWorkerFolder, type WorkerFolder } from "./worker-folder.ts";

/** Opened; the caller closes it. */
export interface OpenApp {
  readonly engines: readonly Engine[];
  readonly backfill: Backfill;
  /** One for each engine: what keeps its tables in shape. */
  readonly selfCares: readonly SelfCare[];
  /** What requests are answered from. */
  readonly http: HttpServices;
  readonly secrets: Secrets;
  /** Says in the log where everything stands, where the settings ask for it and it is time. Never throws. */
  readonly logStatus: () => Promise<void>;
  close(): Promise<void>;
}

/** Errors: INVALID_SETTING, and those of the local disk. Leaves nothing open where it fails. */
export async function openApp(pipelines: readonly Pipeline[], settings: Settings, logger: Logger): Promise<OpenApp> {
  const services = { clock: systemClock, random: systemRandom, logger };
  const credential = credentialOf(settings.clientId);
  const stores = openStores(settings, credential);
  const queues = openQueues(settings, credential);
  const doorbells = new QueueDoorbells(queues.getQueueClient("notices"), services);
  const bells = new QueueJobBells(queues.getQueueClient("bulk"), services);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openWorkerFolder(settings.directory));
  const compute = stack.adopt(await openCompute(settings, folder, services.random), (opened) => opened.close());
  const hubs = stack.adopt(openHubReader(settings, credential), (opened) => opened.close());
  const { checkpoints } = compute;
  const parts = {
    ...services,
    ...stores,
    compute,
    checkpoints,
    hubs,
    doorbells,
    workDirectory: join(folder.path, "work"),
    foldsProgress: settings.foldsProgress,
  };
  const careSnapshots = new CareSnapshots(limits.selfCareSnapshotFiles);
  const running = pipelines.map((pipeline) => {
    const context = engineContext(pipeline, parts);
    const engine = stack.adopt(new Engine(context, declaredFlows(pipeline)), (each) => each.close());
    return {
      engine,
      selfCare: stack.adopt(new SelfCare(context, engine, limits, careSnapshots), (each) => each.close()),
    };
  });
  const engines = running.map(({ engine }) => engine);
  // A catalog of its own: engines decide by what they have seen of a table, and readers must not change that.
  const tables = new TableCatalog(stores, { ...services, checkpointReader: checkpoints });
  const served = new ServedTables(pipelines, tables);
  const backfill = new Backfill({ ...services, ...stores, hubs, tables, bells }, engines);
  const http = { ...services, ...stores, pipelines, tables, served, compute, hubs, backfill };
  const secrets = openSecrets(settings.keyVault, credential, services);
  const queueLength = (name: string) => lengthOf(queues.getQueueClient(name));
  const turn: StatusTurn = { lastLook: undefined };
  const logStatus = async () => {
    if (settings.logsStatus) await logStatusOf({ ...http, logger, queueLength }, pipelines, turn);
  };
  const selfCares = running.map(({ selfCare }) => selfCare);
  const opened = stack.move();
  return { engines, selfCares, backfill, http, secrets, logStatus, close: () => opened.disposeAsync() };
}

/** DuckDB within the bounds of the settings. */
async function openCompute(settings: Settings, folder: WorkerFolder, random: Random): Promise<DuckDbCompute> {
  return DuckDbCompute.open(
    {
      directory: join(folder.path, "compute"),
      memoryLimitMb: settings.memoryLimitMb,
      threads: settings.threads,
      cacheBytes: settings.cacheMb * 1024 * 1024,
    },
    random,
  );
}

/** An engine's context from its parts. Progress is folded into `system.progress` unless it is said not to be. */
export function engineContext(
  pipeline: Pipeline,
  parts: {
    readonly host: ObjectStore;
    readonly lake: ObjectStore;
    readonly compute: Compute;
    readonly checkpoints: CheckpointFiles;
    readonly hubs: EventHubReader;
    readonly doorbells: EngineContext["doorbells"];
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly workDirectory: string;
    readonly foldsProgress?: boolean;
  },
): EngineContext {
  const { checkpoints, foldsProgress = true, ...rest } = parts;
  const tables = new TableCatalog(rest, { ...rest, checkpointReader: checkpoints, checkpointWriter: checkpoints });
  const progressPath = foldsProgress ? tablePath("system.progress") : undefined;
  return { pipeline: pipeline.name, tables, progressPath, smallInput: smallInputs, ...rest };
}
