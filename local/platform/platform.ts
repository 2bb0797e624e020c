/**
 * Azure on this machine: storage with its notices, Event Hubs, and the Functions host, each a process of its own, all data in one folder.
 *
 *     <data>/storage/   Azurite: the accounts `host` and `lake`
 *     <data>/hubs/      the loopback Event Hubs
 *     <data>/work/      caches; nothing in it must survive
 *     <data>/logs/      what the processes say
 *     <data>/tls/       the certificate, where the platform is secured
 *     <data>/lock…      who owns the folder and its parts
 */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
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
import { startHubs, type HubsOptions } from "./event-hubs.ts";
import { logFile } from "./log-file.ts";
import { rememberPort, rememberedPort } from "./remembered-port.ts";
import type { Security, SecurityOptions } from "./security.ts";

export interface PlatformOptions extends HubsOptions {
  /** Memory of DuckDB in the Functions host. */
  readonly memoryMb?: number;
  /** The folder of a built app to run; the sources of the checkout otherwise. */
  readonly app?: string;
  /** Further settings of the app. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Everything over TLS and by tokens, nothing by keys. */
  readonly identity?: SecurityOptions | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface Platform extends AsyncDisposable {
  readonly azurite: Azurite;
  /** The hubs' connection string; empty where the platform is secured. */
  readonly eventHubs: string;
  /** Identities, tokens and vault of a secured platform. */
  readonly security: Security | undefined;
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
  const security = options.identity && stack.use(await openSecurity(options, options.identity));
  const azurite = stack.use(await startStorage(options, security));
  if (isResumed) await breakLeases(azurite.connectionStrings.host);
  // A child that was just starting when its parent was killed may have taken its lock by now.
  for (const lock of [locks.eventHubs, locks.functions]) await endOwner(lock);
  const hubs = stack.use(await startHubs(options, security, logFile(directory, "event-hubs", stack)));
  const eventHubs = String(hubs.ready["connectionString"]);
  // Who reads the file knows keys alone.
  const connections = security === undefined ? { ...azurite.connectionStrings, eventHubs } : undefined;
  if (connections !== undefined) stack.use(await publishEndpoints(directory, connections));
  stack.use(startNotifier({ azurite, clock: options.clock, random: options.random, logger: options.logger }));
  const settings = settingsOf(
    options,
    security === undefined
      ? keySettings(azurite, eventHubs)
      : security.settings(azurite, String(hubs.ready["address"])),
  );
  const httpPort = join(directory, "http.port");
  const host = stack.use(
    await startChild({
      name: "The Functions host",
      entry: entry("local/functions-host/main"),
      config: {
        hostJson: join(app ?? root, "host.json"),
        settings,
        lock: locks.functions,
        pastDue: isResumed,
        httpPort: await rememberedPort(httpPort),
        entries: await (app === undefined ? functionModules(join(root, "functions")) : entriesOf(app)),
      },
      ...(app === undefined ? {} : { directory: app }),
      heapMb: 1_024,
      // Arguments can be read by everybody on a machine, an environment by its user alone.
      environment: security && { ...security.trust, ...security.identity.environment },
      onLog: logFile(directory, "functions", stack),
    }),
  );
  const http = host.ready["http"] as string | undefined;
  if (http !== undefined) {
    await rememberPort(httpPort, Number(new URL(http).port));
    if (connections !== undefined) stack.use(await publishEndpoints(directory, connections, http));
  }
  const running = stack.move();
  return {
    azurite,
    eventHubs,
    security,
    functions: host.ready["functions"] as string[],
    http,
    api: host.ready["api"] as string | undefined,
    settings,
    failed: firstToEnd({ "Event Hubs": hubs, "Functions host": host }, azurite),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What the app is told. */
function settingsOf(
  options: PlatformOptions,
  services: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    ...services,
    DYNE_DIRECTORY: join(options.directory, "work"),
    DYNE_MEMORY_MB: String(options.memoryMb ?? 700),
    DYNE_CACHE_MB: "500",
    ...options.settings,
  };
}

/** Storage alone, for reading tables. */
export async function startStorage(
  { directory, logger }: Pick<PlatformOptions, "directory" | "logger">,
  security?: Pick<Security, "certificate">,
): Promise<Azurite> {
  const certificate = security?.certificate;
  const azurite = await startAzurite({ directory: join(directory, "storage"), logger, certificate });
  try {
    await ensureAzuriteLayout(azurite.connectionStrings);
    return azurite;
  } catch (error) {
    await azurite[Symbol.asyncDispose]();
    throw error;
  }
}

/** Loaded where it is wanted: a platform with keys starts without the libraries of tokens. */
async function openSecurity(options: PlatformOptions, identity: SecurityOptions): Promise<Security> {
  const { startSecurity } = await import("./security.ts");
  return startSecurity(options.directory, identity, options);
}

/** Keys that protect nothing: what they open listens on loopback alone. */
function keySettings({ connectionStrings }: Azurite, eventHubs: string): Readonly<Record<string, string>> {
  return {
    EVENTS: eventHubs,
    LAKE: connectionStrings.lake,
    AzureWebJobsStorage: connectionStrings.host,
    NOTICES: connectionStrings.host,
    // There is nobody here to issue tokens. The API takes this on loopback only.
    DYNE_AUTH: "local",
  };
}

async function firstToEnd(children: Readonly<Record<string, Child>>, azurite: Azurite): Promise<string> {
  return Promise.race([
    ...Object.entries(children).map(async ([name, child]) => `${name} (exit code ${String(await child.exited)})`),
    azurite.exited.then(() => "the storage emulator"),
  ]);
}
