/**
 * Azure on this machine: storage with its notices, Event Hubs, and the Functions host, each a process of its own, all data in one folder.
 *
 *     <data>/storage/   Azurite: the accounts `host` and `lake`
 *     <data>/hubs/      the loopback Event Hubs
 *     <data>/work/      caches; nothing in it must survive
 *     <data>/logs/      what the processes say
 *     <data>/lock…      who owns the folder and its parts
 */
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { once } from "node:events";
import { type Clock, type Logger, type Random } from "../../shared/core/index.ts";
import { ensureAzuriteLayout, startAzurite, type Azurite } from "../azurite/index.ts";
import { startNotifier } from "../notifier/index.ts";
import { endOwner } from "../ownership/index.ts";
import { entriesOf } from "./built-app.ts";
import { startChild, type Child } from "./child-process.ts";
import { processLocks } from "./data-folder.ts";
import { functionModules } from "./function-modules.ts";
import { breakLeases } from "./leases.ts";
import { publishEndpoints } from "./local-storage.ts";
import { rememberPort, rememberedPort } from "./remembered-port.ts";

export interface PlatformOptions {
  readonly directory: string;
  readonly hubs: Readonly<Record<string, { readonly partitions: number; readonly consumerGroups: readonly string[] }>>;
  /** Memory of DuckDB in the Functions host. */
  readonly memoryMb?: number;
  /** The folder of a built app to run; the sources of the checkout otherwise. */
  readonly app?: string;
  /** Further settings of the app. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface Platform extends AsyncDisposable {
  readonly azurite: Azurite;
  readonly eventHubs: string;
  readonly functions: readonly string[];
  /** Where the HTTP functions are, `http://127.0.0.1:port` without their route prefix; undefined where there are none. */
  readonly http: string | undefined;
  /** The same with their route prefix, `http://127.0.0.1:port/api`. */
  readonly api: string | undefined;
  /** Settings with which another process reaches the same services. */
  readonly settings: Readonly<Record<string, string>>;
  /** Resolves with the name of a process that ended by itself. */
  readonly failed: Promise<string>;
}

const root = resolve(import.meta.dirname, "../..");
const extension = extname(import.meta.filename);
const entry = (path: string): string => join(root, `${path}${extension}`);

/**
 * Starts everything in a folder that the caller owns, and goes on with what the folder holds: leases of an earlier run are broken, and every
 * flow is looked at at once. What was started is stopped again where a part does not come up.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  await using stack = new AsyncDisposableStack();
  const { directory } = options;
  const app = options.app === undefined ? undefined : resolve(options.app);
  await mkdir(join(directory, "logs"), { recursive: true });
  await rm(join(directory, "work"), { recursive: true, force: true });
  const isResumed = existsSync(join(directory, "storage"));
  const locks = processLocks(directory);
  const azurite = stack.use(await startStorage(options));
  if (isResumed) await breakLeases(azurite.connectionStrings.host);
  // A child that was just starting when its parent was killed may have taken its lock by now.
  for (const lock of [locks.eventHubs, locks.functions]) await endOwner(lock);
  const ports = { hubs: join(directory, "hubs.port"), http: join(directory, "http.port") };
  const hubs = stack.use(
    await startChild({
      name: "The loopback Event Hubs",
      entry: entry("local/event-hubs/main"),
      config: {
        directory: join(directory, "hubs"),
        port: await rememberedPort(ports.hubs),
        hubs: options.hubs,
        lock: locks.eventHubs,
      },
      heapMb: 1_024,
      onLog: logFile(directory, "event-hubs", stack),
    }),
  );
  const eventHubs = String(hubs.ready["connectionString"]);
  await rememberPort(ports.hubs, Number(hubs.ready["port"]));
  const connections = { ...azurite.connectionStrings, eventHubs };
  stack.use(await publishEndpoints(directory, connections));
  stack.use(startNotifier({ azurite, clock: options.clock, random: options.random, logger: options.logger }));
  const settings = settingsOf(options, azurite, eventHubs);
  const host = stack.use(
    await startChild({
      name: "The Functions host",
      entry: entry("local/functions-host/main"),
      config: {
        hostJson: join(app ?? root, "host.json"),
        settings,
        lock: locks.functions,
        pastDue: isResumed,
        httpPort: await rememberedPort(ports.http),
        entries: await (app === undefined ? functionModules(join(root, "functions")) : entriesOf(app)),
      },
      ...(app === undefined ? {} : { directory: app }),
      heapMb: 1_024,
      onLog: logFile(directory, "functions", stack),
    }),
  );
  const http = host.ready["http"] as string | undefined;
  if (http !== undefined) {
    await rememberPort(ports.http, Number(new URL(http).port));
    stack.use(await publishEndpoints(directory, connections, http));
  }
  const running = stack.move();
  return {
    azurite,
    eventHubs,
    functions: host.ready["functions"] as string[],
    http,
    api: host.ready["api"] as string | undefined,
    settings,
    failed: firstToEnd({ "Event Hubs": hubs, "Functions host": host }, azurite),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What the app is told. */
function settingsOf(options: PlatformOptions, azurite: Azurite, eventHubs: string): Readonly<Record<string, string>> {
  const { host, lake } = azurite.connectionStrings;
  return {
    EVENTS: eventHubs,
    LAKE: lake,
    AzureWebJobsStorage: host,
    NOTICES: host,
    DYNE_DIRECTORY: join(options.directory, "work"),
    DYNE_MEMORY_MB: String(options.memoryMb ?? 700),
    DYNE_CACHE_MB: "500",
    // There is nobody here to issue tokens. The API takes this on loopback only.
    DYNE_AUTH: "local",
    ...options.settings,
  };
}

/** Storage alone, for reading tables. */
export async function startStorage(options: Pick<PlatformOptions, "directory" | "logger">): Promise<Azurite> {
  const azurite = await startAzurite({ directory: join(options.directory, "storage"), logger: options.logger });
  try {
    await ensureAzuriteLayout(azurite.connectionStrings);
    return azurite;
  } catch (error) {
    await azurite[Symbol.asyncDispose]();
    throw error;
  }
}

async function firstToEnd(children: Readonly<Record<string, Child>>, azurite: Azurite): Promise<string> {
  return Promise.race([
    ...Object.entries(children).map(async ([name, child]) => `${name} (exit code ${String(await child.exited)})`),
    azurite.exited.then(() => "the storage emulator"),
  ]);
}

/** Appends a process's log to a file of its own. */
function logFile(directory: string, name: string, stack: AsyncDisposableStack): (line: string) => void {
  const stream = createWriteStream(join(directory, "logs", `${name}.log`), { flags: "a" });
  stack.defer(async () => {
    stream.end();
    await once(stream, "close");
  });
  return (line) => stream.write(`${line}\n`);
}
