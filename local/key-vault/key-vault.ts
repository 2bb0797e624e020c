/**
 * A Key Vault on loopback, over TLS, that the SDK's own SecretClient talks to: versions of secrets, the challenge, checked tokens, and the
 * error bodies of the real one. It keeps everything in memory.
 *
 *     GET  /secrets/sql-password/            → {"value":"…","id":"https://127.0.0.1:…/secrets/sql-password/3f2a…","attributes":{…}}
 *     GET  /secrets/sql-password/3f2a…       that version
 *     PUT  /secrets/sql-password             {"value":"…"} makes a new version
 *
 * Source: learn.microsoft.com/rest/api/keyvault/secrets.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import type { Clock, Random } from "../../shared/core/index.ts";
import type { Certificate, TokenVerdict } from "../identity/index.ts";

/** What may be done with secrets. */
export type SecretRight = "get" | "set";

/** How a vault is set up. */
export interface KeyVaultOptions {
  readonly certificate: Pick<Certificate, "certificate" | "key">;
  /** Where a client without a token is sent: `<authority>/<tenant>`. */
  readonly authority: string;
  readonly tokens: { judge(token: string): Promise<TokenVerdict> };
  /** By object id: Key Vault Secrets User is `get`, Key Vault Secrets Officer both. */
  readonly rights: Readonly<Record<string, readonly SecretRight[]>>;
  readonly clock: Clock;
  readonly random: Random;
  /** Fault injection: asked before every request that shows a token. */
  readonly onRequest?: (request: VaultRequest) => VaultFault | undefined;
}

/** A request that is about to be answered, for fault injection. */
export interface VaultRequest {
  readonly method: string;
  readonly name: string;
}

/** What goes wrong with a request: another answer than the right one, a closed connection, or nothing at all. */
export type VaultFault =
  | { readonly kind: "answer"; readonly status: number; readonly body: string }
  | { readonly kind: "drop" }
  | { readonly kind: "hang" };

/** A running vault; disposing of it closes it and forgets what it held. */
export interface KeyVault extends AsyncDisposable {
  readonly vaultUri: string;
  /** Makes a new version of a secret, as an operator does; returns the version. */
  set(name: string, value: string): string;
  /** Takes a secret away, all versions. */
  remove(name: string): void;
  /** Answers that were given to requests for a secret's value, refusals included. */
  readonly reads: number;
}

interface StoredSecret {
  readonly version: string;
  readonly value: string;
  readonly createdMs: number;
}

const host = "127.0.0.1";
const resource = "https://vault.azure.net";
const bodyBytesMax = 64 * 1024;
const valueBytesMax = 25_600;

/** Starts a vault on a free port of the loopback. */
export async function startKeyVault(options: KeyVaultOptions): Promise<KeyVault> {
  const secrets = new Map<string, StoredSecret[]>();
  const counts = { reads: 0 };
  const { certificate, clock, random } = options;
  const set = (name: string, value: string): StoredSecret => {
    const stored = { version: random.uuid().replaceAll("-", ""), value, createdMs: clock.nowMs() };
    secrets.set(name.toLowerCase(), [...(secrets.get(name.toLowerCase()) ?? []), stored]);
    return stored;
  };
  const server = createServer({ cert: certificate.certificate, key: certificate.key }, (request, response) => {
    if (request.method === "GET") counts.reads++;
    answer(request, { options, secrets, set }).then(
      (found) => {
        if (found === "drop") response.destroy();
        else if (found !== "hang") send(response, found);
      },
      (error: unknown) => send(response, failure(500, "InternalServerError", String(error))),
    );
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    vaultUri: `https://${host}:${(server.address() as AddressInfo).port}`,
    set: (name, value) => set(name, value).version,
    remove: (name) => void secrets.delete(name.toLowerCase()),
    get reads() {
      return counts.reads;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      secrets.clear();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Vault {
  readonly options: KeyVaultOptions;
  readonly secrets: ReadonlyMap<string, readonly StoredSecret[]>;
  readonly set: (name: string, value: string) => StoredSecret;
}

/** The answer to a request, or that there is none. */
async function answer(request: IncomingMessage, vault: Vault): Promise<Answer | "drop" | "hang"> {
  const { options } = vault;
  const body = await bodyOf(request);
  const url = URL.parse(request.url ?? "/", `https://${request.headers.host ?? host}`);
  if (url === null) return failure(400, "BadParameter", "The request URI is none.");
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) return challenge(options, "AKV10000: Request is missing a Bearer or PoP token.");
  const verdict = await options.tokens.judge(token);
  if (verdict.kind === "refused") return challenge(options, `Error validating token: ${verdict.reason}.`);
  const [, name, version] = /^\/secrets\/([\da-z-]{1,127})(?:\/([\da-f]*))?$/i.exec(url.pathname) ?? [];
  const fault = options.onRequest?.({ method: request.method ?? "", name: name ?? "" });
  if (fault !== undefined) return fault.kind === "answer" ? fault : fault.kind;
  if (!url.searchParams.has("api-version")) return failure(400, "BadParameter", "The api-version is missing.");
  if (name === undefined) return failure(400, "BadParameter", "The request URI contains an invalid name.");
  const right = request.method === "GET" ? "get" : request.method === "PUT" ? "set" : undefined;
  if (right === undefined) return failure(405, "MethodNotAllowed", "The method is not allowed.");
  if (!options.rights[verdict.objectId]?.includes(right)) return forbidden(right, name, verdict.objectId);
  if (right === "set") return put(name, body, url, vault);
  const versions = vault.secrets.get(name.toLowerCase()) ?? [];
  const found = version ? versions.find((candidate) => candidate.version === version) : versions.at(-1);
  return found === undefined ? notFound(name) : bundle(name, found, url);
}

const putBody = z.object({ value: z.string() });

function put(name: string, body: string | undefined, url: URL, vault: Vault): Answer {
  const parsed = putBody.safeParse(body === undefined ? undefined : parse(body));
  if (!parsed.success || Buffer.byteLength(parsed.data.value) > valueBytesMax) {
    return failure(400, "BadParameter", `Property value is missing, or has more than ${valueBytesMax} bytes.`);
  }
  return bundle(name, vault.set(name, parsed.data.value), url);
}

function bundle(name: string, { value, version, createdMs }: StoredSecret, url: URL): Answer {
  const seconds = Math.floor(createdMs / 1000);
  const attributes = { enabled: true, created: seconds, updated: seconds, recoveryLevel: "Recoverable+Purgeable" };
  return { status: 200, body: JSON.stringify({ value, id: `${url.origin}/secrets/${name}/${version}`, attributes }) };
}

function challenge({ authority }: KeyVaultOptions, message: string): Answer {
  return {
    ...failure(401, "Unauthorized", message),
    headers: { "www-authenticate": `Bearer authorization="${authority}", resource="${resource}"` },
  };
}

function forbidden(right: SecretRight, name: string, objectId: string): Answer {
  const message =
    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed " +
    `recently, please observe propagation time.\r\nCaller: oid=${objectId}\r\nAction: 'Microsoft.KeyVault/vaults/secrets/${right}Secret/action'\r\n` +
    `Resource: '${name}'`;
  return failure(403, "Forbidden", message, { innererror: { code: "ForbiddenByRbac" } });
}

function notFound(name: string): Answer {
  return failure(
    404,
    "SecretNotFound",
    `A secret with (name/id) ${name} was not found in this key vault. If you recently deleted this secret you may be able to recover it ` +
      "using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
  );
}

function failure(status: number, code: string, message: string, more: object = {}): Answer {
  return { status, body: JSON.stringify({ error: { code, message, ...more } }) };
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers }).end(body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The body, or undefined where it is too long or was not sent to its end. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return bytes <= bodyBytesMax ? Buffer.concat(chunks).toString("utf8") : undefined;
}
