/** Azure on this machine with the sample's pipeline running, and the tables as anybody with access to the lake reads them. */
import { join } from "node:path";
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { EventHubProducerClient } from "@azure/event-hubs";
import { ManagedIdentityCredential } from "@azure/identity";
import { QueueServiceClient, type QueueClient } from "@azure/storage-queue";
import {
  hubsOf,
  ownDataFolder,
  startPlatform,
  type Platform,
  type PlatformOptions,
} from "../../local/platform/index.ts";
import { pipelines } from "../../pipelines/index.ts";
import { DuckDbCompute, transientCheckpoints } from "../../shared/compute/index.ts";
import { systemClock, systemRandom, type Logger } from "../../shared/core/index.ts";
import { openStores, readSettings } from "../../shared/runtime/index.ts";
import type { ObjectStore } from "../../shared/storage/index.ts";
import { readRowTexts, TableCatalog, type DeltaTable } from "../../shared/table/index.ts";
import { eventually } from "./eventually.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export type TableRow = Readonly<Record<string, unknown>>;

export interface RunningPlatform extends AsyncDisposable {
  /** The data folder. */
  readonly folder: string;
  readonly platform: Platform;
  readonly host: ObjectStore;
  readonly landing: ContainerClient;
  readonly notices: QueueClient;
  readonly producer: EventHubProducerClient;
  /** Warnings and errors of this process's own parts. */
  readonly complaints: readonly string[];
  table(path: string): DeltaTable;
  /** All rows of a table's newest version; none where there is no table yet. */
  rows(path: string): Promise<TableRow[]>;
  /** Waits until a table's rows are as wanted, and returns them. */
  rowsWhen(path: string, isThere: (rows: readonly TableRow[]) => boolean): Promise<TableRow[]>;
}

/**
 * Starts everything in a fresh folder, with the app of the sources or a built one; disposing of it stops everything and removes the folder.
 */
export async function runPlatform(options: Pick<PlatformOptions, "app" | "identity"> = {}): Promise<RunningPlatform> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder()).path;
  stack.use(await ownDataFolder(folder));
  const complaints: string[] = [];
  const complain = (message: string) => void complaints.push(message);
  const logger: Logger = { debug() {}, info() {}, warn: complain, error: complain };
  const services = { clock: systemClock, random: systemRandom, logger };
  const platform = stack.use(
    await startPlatform({
      ...services,
      ...options,
      directory: folder,
      hubs: hubsOf(pipelines, { flights: 2 }),
    }),
  );
  // Where the platform is secured this process has the app's identity, and finds it as the app does.
  Object.assign(process.env, platform.security?.identity.environment);
  const stores = openStores(readSettings(platform.settings));
  const catalog = new TableCatalog(stores, { ...services, checkpointReader: transientCheckpoints() });
  const compute = await DuckDbCompute.open(
    { directory: join(folder, "reader"), memoryLimitMb: 500, threads: 1, cacheBytes: 64 * 1024 * 1024 },
    systemRandom,
  );
  stack.defer(() => compute.close());
  const producer = producerOf(platform);
  stack.defer(() => producer.close());
  const lake = BlobServiceClient.fromConnectionString(platform.azurite.connectionStrings.lake);
  const queues = QueueServiceClient.fromConnectionString(platform.azurite.connectionStrings.host);

  const table = (path: string) => catalog.open("lake", path);
  const rows = async (path: string) => {
    const snapshot = await table(path).find();
    if (snapshot === undefined) return [];
    return (await Array.fromAsync(readRowTexts(compute, table(path), snapshot, { limit: Infinity }))).map(
      (text) => JSON.parse(text) as TableRow,
    );
  };
  const running = stack.move();
  return {
    folder,
    platform,
    host: stores.host,
    landing: lake.getContainerClient("landing"),
    notices: queues.getQueueClient("notices"),
    producer,
    complaints,
    table,
    rows,
    rowsWhen: (path, isThere) => eventually(() => rows(path), isThere, platform.failed),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function producerOf({ eventHubs, security, settings }: Platform): EventHubProducerClient {
  const retryOptions = { timeoutInMs: 10_000 };
  if (security === undefined) return new EventHubProducerClient(eventHubs, "flights", { retryOptions });
  return new EventHubProducerClient(
    settings["EVENTS__fullyQualifiedNamespace"] ?? "",
    "flights",
    new ManagedIdentityCredential({ clientId: security.sender.clientId }),
    { retryOptions, customEndpointAddress: settings["EVENTS__customEndpointAddress"] ?? "" },
  );
}
