/**
 * Settings from the environment, checked once. Connections are identity-based, as the Functions host spells them; a connection string is
 * accepted for loopback addresses only.
 *
 *     EVENTS__fullyQualifiedNamespace=….servicebus.windows.net     or EVENTS=Endpoint=sb://127.0.0.1:…
 *     LAKE__blobServiceUri=https://….blob.core.windows.net         or LAKE=…BlobEndpoint=http://127.0.0.1:…
 *     AzureWebJobsStorage__blobServiceUri=…                        or AzureWebJobsStorage=…
 *     NOTICES__queueServiceUri=…                                   or NOTICES=…
 */
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { DyneError } from "../core/index.ts";

/** How a service is reached. */
export type Connection =
  | { readonly kind: "connection-string"; readonly connectionString: string }
  | { readonly kind: "identity"; readonly endpoint: string };

export interface Settings {
  readonly events: Connection;
  readonly lake: Connection;
  readonly host: Connection;
  readonly notices: Connection;
  /** Client id of the user-assigned identity; undefined lets the default credential choose. */
  readonly clientId: string | undefined;
  readonly directory: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
  readonly cacheMb: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

const megabytes = z.coerce.number().int().positive();

const schema = z.object({
  AZURE_CLIENT_ID: z.string().optional(),
  DYNE_DIRECTORY: z.string().min(1).default(join(tmpdir(), "dyne")),
  /** DuckDB's share of the instance; payloads and the process itself need the rest. */
  DYNE_MEMORY_MB: megabytes.default(Math.max(256, Math.min(4096, Math.floor(totalmem() / 1024 / 1024 / 4)))),
  DYNE_THREADS: z.coerce.number().int().min(1).max(64).default(availableParallelism()),
  DYNE_CACHE_MB: megabytes.default(500),
  DYNE_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});

/** Reads the settings. Throws INVALID_SETTING naming the setting and what it should be. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DyneError(
      "INVALID_SETTING",
      `${issue?.path.join(".") ?? "A setting"} is wrong: ${issue?.message ?? "invalid"}. Correct it in the app's settings.`,
    );
  }
  return {
    events: connection(environment, "EVENTS", "fullyQualifiedNamespace"),
    lake: connection(environment, "LAKE", "blobServiceUri"),
    host: connection(environment, "AzureWebJobsStorage", "blobServiceUri"),
    notices: connection(environment, "NOTICES", "queueServiceUri"),
    clientId: parsed.data.AZURE_CLIENT_ID,
    directory: parsed.data.DYNE_DIRECTORY,
    memoryLimitMb: parsed.data.DYNE_MEMORY_MB,
    threads: parsed.data.DYNE_THREADS,
    cacheMb: parsed.data.DYNE_CACHE_MB,
    logLevel: parsed.data.DYNE_LOG_LEVEL,
  };
}

function connection(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  endpointField: string,
): Connection {
  const endpoint = environment[`${name}__${endpointField}`];
  if (endpoint !== undefined && endpoint !== "") return { kind: "identity", endpoint };
  const connectionString = environment[name];
  if (connectionString === undefined || connectionString === "") {
    throw new DyneError(
      "INVALID_SETTING",
      `Neither ${name}__${endpointField} nor ${name} is set. Set ${name}__${endpointField} to the service's address.`,
    );
  }
  if (!isLoopback(connectionString)) {
    throw new DyneError(
      "INVALID_SETTING",
      `${name} is a connection string to another machine. Keys are accepted on loopback only: use ${name}__${endpointField} and an identity.`,
    );
  }
  return { kind: "connection-string", connectionString };
}

/** True where every address in a connection string is of this machine. */
function isLoopback(connectionString: string): boolean {
  const addresses = [...connectionString.matchAll(/(?:sb|https?):\/\/(\[[^\]]+\]|[^/:;]+)/g)].map(
    (match) => match[1] ?? "",
  );
  return (
    addresses.length > 0 &&
    addresses.every((host) => host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host))
  );
}
