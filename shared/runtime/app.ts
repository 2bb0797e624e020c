/** The composition root: builds an engine per pipeline from the settings, once per worker. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ManagedIdentityCredential, DefaultAzureCredential, type TokenCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { DuckDbCompute, type Compute } from "../compute/index.ts";
import { isDyneError, systemClock, systemRandom, type Clock, type Logger, type Random } from "../core/index.ts";
import { declaredFlows, Engine, type EngineContext } from "../engine/index.ts";
import type { Pipeline } from "../pipeline/index.ts";
import { AmqpEventHubReader, type EventHubReader, type HubEvent } from "../sources/index.ts";
import { AzureBlobStore, type ObjectStore } from "../storage/index.ts";
import { TableCatalog } from "../table/index.ts";
import { jsonLogger } from "./json-logger.ts";
import { readHubPartition, readHubPayload } from "./hub-payload.ts";
import { readNotice } from "./notice.ts";
import { QueueDoorbells } from "./queue-doorbells.ts";
import { readSettings, type Connection, type Settings } from "./settings.ts";

/** What the triggers of a worker start. Opened at the first use, so that loading the functions costs nothing. */
export class App {
  readonly #pipelines: readonly Pipeline[];
  #opened: Promise<OpenApp> | undefined;

  constructor(pipelines: readonly Pipeline[]) {
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
    const notice = readNotice(message);
    if (notice.kind === "other") return logger.warn("a notice was ignored", { reason: notice.reason });
    for (const engine of engines) {
      if (notice.kind === "blob") await engine.blobCreated(notice.path);
      else if (engine.flows.some((flow) => flow.id === notice.flow)) await engine.ring(notice.flow);
    }
  }

  /** Looks at every flow. */
  async sweep(): Promise<void> {
    for (const engine of (await this.#open()).engines) await engine.sweep();
  }

  /** Finishes or abandons what runs and gives leases back. */
  async close(): Promise<void> {
    const opened = await this.#opened;
    await opened?.close();
  }

  #open(): Promise<OpenApp> {
    this.#opened ??= openApp(this.#pipelines, readSettings(process.env));
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
  readonly logger: Logger;
  close(): Promise<void>;
}

async function openApp(pipelines: readonly Pipeline[], settings: Settings): Promise<OpenApp> {
  const logger = jsonLogger(settings.logLevel, (line) => process.stderr.write(line));
  const services = { clock: systemClock, random: systemRandom, logger };
  const credential = credentialOf(settings);
  const compute = await openCompute(settings, services.random);
  const hubs = new AmqpEventHubReader(
    settings.events.kind === "identity"
      ? { kind: "identity", fullyQualifiedNamespace: settings.events.endpoint, credential }
      : settings.events,
  );
  const queues = queueService(settings.notices, credential);
  const doorbells = new QueueDoorbells(queues.getQueueClient("notices"), services);
  const stores = openStores(settings);
  const engines = pipelines.map(
    (pipeline) =>
      new Engine(
        engineContext(pipeline, {
          ...services,
          ...stores,
          compute,
          hubs,
          doorbells,
          workDirectory: join(settings.directory, "work"),
        }),
        declaredFlows(pipeline),
      ),
  );
  return {
    engines,
    logger,
    close: async () => {
      await Promise.all(engines.map((engine) => engine.close()));
      await hubs.close();
      await compute.close();
    },
  };
}

/** The two accounts of the settings. */
export function openStores(settings: Settings): { readonly host: ObjectStore; readonly lake: ObjectStore } {
  const credential = credentialOf(settings);
  return {
    host: new AzureBlobStore(blobService(settings.host, credential)),
    lake: new AzureBlobStore(blobService(settings.lake, credential)),
  };
}

/** DuckDB within the bounds of the settings. */
export async function openCompute(settings: Settings, random: Random): Promise<Compute> {
  const directory = join(settings.directory, `compute-${process.pid}`);
  await mkdir(directory, { recursive: true });
  return DuckDbCompute.open(
    {
      directory,
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
    readonly hubs: EventHubReader;
    readonly doorbells: EngineContext["doorbells"];
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly workDirectory: string;
  },
): EngineContext {
  return { pipeline: pipeline.name, tables: new TableCatalog(parts, parts), ...parts };
}

function credentialOf(settings: Settings): TokenCredential {
  return settings.clientId === undefined
    ? new DefaultAzureCredential()
    : new ManagedIdentityCredential({ clientId: settings.clientId });
}

function blobService(connection: Connection, credential: TokenCredential): BlobServiceClient {
  return connection.kind === "identity"
    ? new BlobServiceClient(connection.endpoint, credential)
    : BlobServiceClient.fromConnectionString(connection.connectionString);
}

function queueService(connection: Connection, credential: TokenCredential): QueueServiceClient {
  return connection.kind === "identity"
    ? new QueueServiceClient(connection.endpoint, credential)
    : QueueServiceClient.fromConnectionString(connection.connectionString);
}
