/** The storage of a data folder: that of the run that owns it, or one started for the moment. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { DyneError, type Logger } from "../../shared/core/index.ts";
import { AzureBlobStore, type ObjectStore } from "../../shared/storage/index.ts";
import { startAzurite } from "../azurite/index.ts";
import { endpointsFile, ownDataFolder, ownerOf } from "./data-folder.ts";
import { startHubs, type HubsOptions } from "./event-hubs.ts";
import { breakLeases } from "./leases.ts";
import { logFile } from "./log-file.ts";

export interface LocalStorage extends AsyncDisposable {
  readonly host: ObjectStore;
  readonly lake: ObjectStore;
  readonly connections: Connections;
  /** A platform runs on it beside the caller. */
  readonly isShared: boolean;
}

/** Connection strings of what runs; Event Hubs only where the whole platform does. */
export interface Connections {
  readonly host: string;
  readonly lake: string;
  readonly eventHubs?: string;
}

/** Says where the services of a running platform are, the HTTP functions' address among them once there is one; taken back when it stops. */
export async function publishEndpoints(
  directory: string,
  connectionStrings: Connections,
  http?: string,
): Promise<AsyncDisposable> {
  const file = endpointsFile(directory);
  // Another command may be reading it just now.
  await writeFile(`${file}.new`, JSON.stringify({ format: 1, connectionStrings, http }));
  await rename(`${file}.new`, file);
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** Opens the storage of a data folder, with the hubs named where they do not run. Throws TABLE_NOT_FOUND where the folder holds none. */
export async function openLocalStorage(
  directory: string,
  services: { readonly logger: Logger },
  hubs?: HubsOptions["hubs"],
): Promise<LocalStorage> {
  if (!existsSync(join(directory, "storage"))) {
    throw new DyneError(
      "TABLE_NOT_FOUND",
      `${directory} holds no tables. Run "npm start" or "npm run dev" first, or name another folder with --data.`,
    );
  }
  if ((await ownerOf(directory)) !== undefined && existsSync(endpointsFile(directory))) {
    const { connectionStrings } = JSON.parse(await readFile(endpointsFile(directory), "utf8")) as {
      connectionStrings: Connections;
    };
    return { ...stores(connectionStrings), isShared: true, [Symbol.asyncDispose]: async () => undefined };
  }
  await using stack = new AsyncDisposableStack();
  stack.use(await ownDataFolder(directory));
  const azurite = stack.use(await startAzurite({ directory: join(directory, "storage"), logger: services.logger }));
  let connections: Connections = azurite.connectionStrings;
  if (hubs !== undefined) {
    await breakLeases(connections.host);
    await mkdir(join(directory, "logs"), { recursive: true });
    const onLog = logFile(directory, "event-hubs", stack);
    const child = stack.use(await startHubs({ directory, hubs }, undefined, onLog));
    connections = { ...connections, eventHubs: String(child.ready["connectionString"]) };
  }
  const opened = stack.move();
  return { ...stores(connections), isShared: false, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function stores(connections: Connections): Omit<LocalStorage, "isShared" | typeof Symbol.asyncDispose> {
  return {
    connections,
    host: new AzureBlobStore(BlobServiceClient.fromConnectionString(connections.host)),
    lake: new AzureBlobStore(BlobServiceClient.fromConnectionString(connections.lake)),
  };
}
