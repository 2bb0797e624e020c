/** The composition root: builds an engine per pipeline from the settings, once per worker. */
import { join } from "node:path";
import { DuckDbCompute, type CheckpointFiles, type Compute } from "../compute/index.ts";
import { isDyneError, systemClock, systemRandom, type Clock, type Logger, type Random } from "../core/index.ts";
import { Backfill, declaredFlows, Engine, type EngineContext } from "../engine/index.ts";
import { checkTogether, type Pipeline } from "../pipeline/index.ts";
import type { EventHubReader, HubEvent } from "../sources/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { TableCatalog } from "../table/index.ts";
import { openHubReader, openQueues, openStores } from "./connections.ts";
import { credentialOf } from "./credential.ts";
import { jsonLogger } from "./json-logger.ts";
import { readHubPartition, readHubPayload } from "./hub-payload.ts";
import { readJobBell, readNotices } from "./notice.ts";
import { QueueDoorbells, QueueJobBells } from "./queue-doorbells.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import { readSettings, type Settings } from "./settings.ts";
import { openWorkerFolder, type WorkerFolder } from "./worker-folder.ts";

/** A step of a job ends well before half of a function's time limit, and its progress is seen after it. */
const jobStepMs = 60_000;

/** What the triggers of a worker start. Opened at the first use, so that loading the functions costs nothing. */
export class App {
  readonly #pipelines: readonly Pipeline[];
  #opened: Promise<OpenApp> | undefined;

  /** Throws DUPLICATE_NAME where pipelines do not go together. */
  constructor(pipelines: readonly Pipeline[]) {
    checkTogether(pipelines);
    this.#pipelines = pipelines;
  }

  /** Takes a batch of the Event Hubs trigger into bronze and carries on downstream. */
  async hubBatch(hub: string, bodies: unknown, triggerMetadata: unknown): Promise<void> {
    const { engines, logger } = await this.#open();
    const partition = readHubPartition(triggerMetadata);
    const events = payloadEvents(bodies, triggerMetadata, logger);
    for (const engine of engines) await engine.hubEvents(hub, partition, events);
  }

  /** Follows a message of the queue. */
  async notice(message: unknown): Promise<void> {
    const { engines, logger } = await this.#open();
    for (const notice of readNotices(message)) {
      if (notice.kind === "other") {
        logger.warn("a notice was ignored", { reason: notice.reason });
        continue;
      }
      for (const engine of engines) {
        if (notice.kind === "blob") await engine.blobCreated(notice.path);
        else if (engine.flows.some((flow) => flow.id === notice.flow)) await engine.ring(notice.flow);
      }
    }
  }

  /** Takes a backfill job further, whose message of the queue `bulk` this is. */
  async bulk(message: unknown): Promise<void> {
    const { backfill, logger } = await this.#open();
    const job = readJobBell(message);
    if (job === undefined) logger.warn("a message of the queue for long work was ignored", { message });
    else await backfill.advance(job, jobStepMs);
  }

  /** Looks at every flow, and at every job. */
  async sweep(): Promise<void> {
    const { engines, backfill } = await this.#open();
    const results = await Promise.allSettled([...engines, backfill].map((each) => each.sweep()));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (errors.length > 0) throw new AggregateError(errors, "The sweep failed for some flows or jobs.");
  }

  /** The vault's secrets, for a source that knows keys alone; where no vault is set, asking for one throws INVALID_SETTING. */
  async secrets(): Promise<Secrets> {
    return (await this.#open()).secrets;
  }

  /** Finishes or abandons what runs and gives leases back. */
  async close(): Promise<void> {
    const opened = await this.#opened;
    await opened?.close();
  }

  #open(): Promise<OpenApp> {
    this.#opened ??= openApp(this.#pipelines, readSettings(process.env)).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }
}

/** The payload is only a head start: one that cannot be read still rings, and its events are read from the hub. */
function payloadEvents(bodies: unknown, triggerMetadata: unknown, logger: Logger): readonly HubEvent[] {
  try {
    return readHubPayload(bodies, triggerMetadata).events;
  } catch (error) {
    if (!isDyneError(error, "INVALID_MESSAGE")) throw error;
    logger.error(error.message, { cause: String(error.cause) });
    return [];
  }
}

let worker: App | undefined;

/** The one app of this worker: all functions of it share the engines, the compute and the caches. */
export function appOf(pipelines: readonly Pipeline[]): App {
  worker ??= new App(pipelines);
  return worker;
}

interface OpenApp {
  readonly engines: readonly Engine[];
  readonly backfill: Backfill;
  readonly logger: Logger;
  readonly secrets: Secrets;
  close(): Promise<void>;
}

async function openApp(pipelines: readonly Pipeline[], settings: Settings): Promise<OpenApp> {
  const logger = jsonLogger(settings.logLevel, (line) => process.stderr.write(line));
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
  };
  const engines = pipelines.map((pipeline) =>
    stack.adopt(new Engine(engineContext(pipeline, parts), declaredFlows(pipeline)), (engine) => engine.close()),
  );
  const tables = new TableCatalog(stores, { ...services, checkpointReader: checkpoints });
  const backfill = new Backfill({ ...services, ...stores, hubs, tables, bells }, engines);
  const running = stack.move();
  const secrets = openSecrets(settings.keyVault, credential, services);
  return { engines, backfill, logger, secrets, close: () => running.disposeAsync() };
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

/** An engine's context from its parts. */
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
  },
): EngineContext {
  const { checkpoints, ...rest } = parts;
  const tables = new TableCatalog(rest, { ...rest, checkpointReader: checkpoints, checkpointWriter: checkpoints });
  return { pipeline: pipeline.name, tables, ...rest };
}
