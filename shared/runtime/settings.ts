/**
 * Settings from the environment, checked once. Connections are identity-based, as the Functions host spells them; a connection string is
 * accepted for loopback addresses only.
 *
 *     EVENTS__fullyQualifiedNamespace=….servicebus.windows.net     or EVENTS=Endpoint=sb://127.0.0.1:… where a table is fed by events
 *     LAKE__blobServiceUri=https://….blob.core.windows.net         or LAKE=…BlobEndpoint=http://127.0.0.1:…
 *     AzureWebJobsStorage__blobServiceUri=…                        or AzureWebJobsStorage=…
 *     NOTICES__queueServiceUri=…                                   or NOTICES=…
 *     KEY_VAULT__vaultUri=https://….vault.azure.net                only where something has a secret
 *
 * `EVENTS__customEndpointAddress=sb://localhost:…` beside the namespace connects to a hub on loopback under an identity, as for a test over TLS.
 *
 * Callers over HTTP bring tokens of DYNE_TENANT_ID for DYNE_AUDIENCE (an application id or its URI; several by commas), signed by
 * AZURE_AUTHORITY_HOST; or, with DYNE_AUTH=local, none, where everything that dyne works with is on this machine.
 */
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { DyneError, isLoopbackName } from "../core/index.ts";
import type { AccessSettings } from "../http/index.ts";
import { isLoopback } from "./loopback.ts";

/** How a service is reached. */
export type Connection =
  | { readonly kind: "connection-string"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly endpoint: string;
      /** Of Event Hubs: where it listens on this machine, instead of at its name. */
      readonly customEndpointAddress?: string;
    };

export interface Settings {
  /** Undefined where no table is fed by events and none is set. */
  readonly events: Connection | undefined;
  readonly lake: Connection;
  readonly host: Connection;
  readonly notices: Connection;
  /** Client id of the user-assigned identity; undefined lets the default credential choose. */
  readonly clientId: string | undefined;
  /** Address of the vault; undefined where nothing has a secret. */
  readonly keyVault: string | undefined;
  readonly directory: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
  readonly cacheMb: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** Whether the progress of batches is folded into `system.progress`. */
  readonly foldsProgress: boolean;
  /** Whether the sweep says in the log where everything stands. */
  readonly logsStatus: boolean;
  /** Who may ask over HTTP. */
  readonly access: AccessSettings;
}

const megabytes = z.coerce.number().int().positive();

const schema = z.object({
  AZURE_CLIENT_ID: z
    .union([z.uuid(), z.literal("")], { error: "it is no client id (a UUID)" })
    .transform((id) => id || undefined)
    .optional(),
  DYNE_DIRECTORY: z.string().min(1).default(join(tmpdir(), "dyne")),
  /** DuckDB's share of the instance; payloads and the process itself need the rest. */
  DYNE_MEMORY_MB: megabytes.default(Math.max(256, Math.min(4096, Math.floor(totalmem() / 1024 / 1024 / 4)))),
  DYNE_THREADS: z.coerce.number().int().min(1).max(64).default(availableParallelism()),
  DYNE_CACHE_MB: megabytes.default(500),
  DYNE_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  DYNE_PROGRESS: z.enum(["on", "off", ""], { error: 'it is neither "on" nor "off"' }).default("on"),
  DYNE_STATUS_LOG: z.enum(["on", "off", ""], { error: 'it is neither "on" nor "off"' }).default("off"),
  DYNE_TENANT_ID: z
    .union([z.uuid(), z.literal("")], { error: "it is no tenant id (a UUID)" })
    .transform((id) => id.toLowerCase() || undefined)
    .optional(),
  DYNE_AUDIENCE: z
    .string()
    .transform((text) => text.split(",").flatMap((each) => each.trim() || []))
    .default([]),
  DYNE_AUTH: z.enum(["entra", "local", ""], { error: 'it is neither "entra" nor "local"' }).default("entra"),
  AZURE_AUTHORITY_HOST: z
    .string()
    .transform((address) => address.replace(/\/$/, "") || "https://login.microsoftonline.com")
    .refine(isAuthority, "it is no address such as https://login.microsoftonline.com")
    .default("https://login.microsoftonline.com"),
});

/**
 * Reads the settings; without `needsEvents`, as where every table is fed by files, those of Event Hubs may be left out.
 * Throws INVALID_SETTING naming the setting and what it should be.
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  { needsEvents = true }: { readonly needsEvents?: boolean } = {},
): Settings {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DyneError(
      "INVALID_SETTING",
      `${issue?.path.join(".") ?? "A setting"} is wrong: ${issue?.message ?? "invalid"}. Correct it in the app's settings.`,
    );
  }
  const connections = {
    events: optionalConnection(environment, "EVENTS", services.events, needsEvents),
    lake: connection(environment, "LAKE", services.blob),
    host: connection(environment, "AzureWebJobsStorage", services.blob),
    notices: connection(environment, "NOTICES", services.queue),
  };
  return {
    ...connections,
    access: accessSettings(parsed.data, Object.values(connections)),
    clientId: parsed.data.AZURE_CLIENT_ID,
    keyVault: address(environment, "KEY_VAULT", services.keyVault),
    directory: parsed.data.DYNE_DIRECTORY,
    memoryLimitMb: parsed.data.DYNE_MEMORY_MB,
    threads: parsed.data.DYNE_THREADS,
    cacheMb: parsed.data.DYNE_CACHE_MB,
    logLevel: parsed.data.DYNE_LOG_LEVEL,
    foldsProgress: parsed.data.DYNE_PROGRESS !== "off",
    logsStatus: parsed.data.DYNE_STATUS_LOG === "on",
  };
}

function accessSettings(
  values: z.output<typeof schema>,
  connections: readonly (Connection | undefined)[],
): AccessSettings {
  if (values.DYNE_AUTH === "local") {
    if (connections.every((each) => each === undefined || each.kind === "connection-string")) return { kind: "local" };
    throw new DyneError(
      "INVALID_SETTING",
      "DYNE_AUTH is local, and a connection leads to another machine. Without tokens only what is on this machine may be served: remove DYNE_AUTH.",
    );
  }
  return {
    kind: "entra",
    tenantId: values.DYNE_TENANT_ID,
    audiences: values.DYNE_AUDIENCE,
    authorityHost: values.AZURE_AUTHORITY_HOST,
  };
}

/** Keys come from there: by a way that nobody else can speak on, or from this machine. */
function isAuthority(address: string): boolean {
  if (!/^https?:\/\/[^/?#@\s]+$/i.test(address) || !URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || isLoopbackName(hostname);
}

/** How the address of a kind of service is spelled, in a setting of its own and within a connection string. */
interface ServiceAddress {
  readonly setting: string;
  readonly pattern: RegExp;
  readonly example: string;
  readonly field: string;
}

const httpsOrigin = /^https:\/\/[^/?#@\s]+\/?$/i;
/** An emulator has the account in the path, where Azure has it in the name. */
const httpsOriginOrEmulator =
  /^https:\/\/(?:[^/?#@\s]+\/?|(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?\/[a-z0-9]{3,24}\/?)$/i;

const services = {
  events: {
    setting: "fullyQualifiedNamespace",
    pattern: /^[a-z0-9][a-z0-9.-]*\.[a-z]+$/i,
    example: "<namespace>.servicebus.windows.net",
    field: "Endpoint",
  },
  blob: {
    setting: "blobServiceUri",
    pattern: httpsOriginOrEmulator,
    example: "https://<account>.blob.core.windows.net",
    field: "BlobEndpoint",
  },
  queue: {
    setting: "queueServiceUri",
    pattern: httpsOriginOrEmulator,
    example: "https://<account>.queue.core.windows.net",
    field: "QueueEndpoint",
  },
  keyVault: {
    setting: "vaultUri",
    pattern: httpsOrigin,
    example: "https://<vault>.vault.azure.net",
    field: "VaultUri",
  },
} satisfies Record<string, ServiceAddress>;

/** The address in a setting of its own; undefined where it is not set. */
function address(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  service: ServiceAddress,
): string | undefined {
  const setting = `${name}__${service.setting}`;
  const endpoint = environment[setting];
  if (endpoint === undefined || endpoint === "") return undefined;
  if (service.pattern.test(endpoint)) return endpoint;
  throw new DyneError(
    "INVALID_SETTING",
    `${setting} is "${endpoint}". Set it to an address such as ${service.example}.`,
  );
}

/** Where a hub on this machine listens; a token for Event Hubs is not to go to another one by a slip in a setting. */
function customEndpoint(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): { readonly customEndpointAddress?: string } {
  const setting = `${name}__customEndpointAddress`;
  const endpoint = environment[setting];
  if (endpoint === undefined || endpoint === "") return {};
  if (endpoint.startsWith("sb://") && isLoopback(endpoint)) return { customEndpointAddress: endpoint };
  throw new DyneError(
    "INVALID_SETTING",
    `${setting} is "${endpoint}". It is for a hub on this machine, such as sb://localhost:5671. Remove it to connect to the namespace.`,
  );
}

/** Undefined where it is not needed and nothing of it is set. */
function optionalConnection(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  service: ServiceAddress,
  isNeeded: boolean,
): Connection | undefined {
  const isSet = [`${name}__${service.setting}`, name].some((setting) => (environment[setting] ?? "") !== "");
  return isSet || isNeeded ? connection(environment, name, service) : undefined;
}

function connection(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  service: ServiceAddress,
): Connection {
  const setting = `${name}__${service.setting}`;
  const endpoint = address(environment, name, service);
  if (endpoint !== undefined)
    return { kind: "identity", endpoint, ...(service === services.events && customEndpoint(environment, name)) };
  const connectionString = environment[name];
  if (connectionString === undefined || connectionString === "") {
    throw new DyneError(
      "INVALID_SETTING",
      `Neither ${setting} nor ${name} is set. Set ${setting} to ${service.example}.`,
    );
  }
  if (!isOnThisMachine(connectionString, service.field)) {
    throw new DyneError(
      "INVALID_SETTING",
      `${name} is a connection string to another machine. Keys are accepted on loopback only, with an explicit ${service.field}: use ${setting} and an identity.`,
    );
  }
  return { kind: "connection-string", connectionString };
}

/** True where the service's own address is in a connection string and no address in it is of another machine. */
function isOnThisMachine(connectionString: string, field: string): boolean {
  const parts = connectionString
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const addresses = parts.filter((part) => part.includes("://") || /^[a-z]*endpoint=/i.test(part));
  const isOwn = (part: string) => part.toLowerCase().startsWith(`${field.toLowerCase()}=`);
  return addresses.some(isOwn) && addresses.every((part) => isLoopback(part.slice(part.indexOf("=") + 1).trim()));
}
