/**
 * What an app finds in Azure when it has an identity, on loopback: the token endpoint of App Service, and the authority behind it.
 *
 *     GET <IDENTITY_ENDPOINT>?api-version=2019-08-01&resource=https://storage.azure.com[&client_id=…]   X-IDENTITY-HEADER: <IDENTITY_HEADER>
 *     → {"access_token":"eyJ0…","expires_on":"1795288800","resource":"https://storage.azure.com","token_type":"Bearer","client_id":"…"}
 *
 *     GET <authority>/<tenant>[/v2.0]/.well-known/openid-configuration     GET <authority>/<tenant>/discovery/v2.0/keys
 *
 * Source: learn.microsoft.com/azure/app-service/overview-managed-identity, § REST endpoint reference.
 */
import { randomUUID, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Clock, Random } from "../../shared/core/index.ts";
import type { Certificate } from "./certificate.ts";
import { resourceIssuer, TokenIssuer, type Principal, type TokenLifetime } from "./token-issuer.ts";

/** The services of Azure that the local platform has, by the name that tokens for them carry. */
export const resources = {
  storage: "https://storage.azure.com",
  eventHubs: "https://eventhubs.azure.net",
  keyVault: "https://vault.azure.net",
} as const;

/** How the endpoint is set up. */
export interface IdentityOptions {
  /** The app's user-assigned identities, asked for by client id. */
  readonly userAssigned: readonly Principal[];
  /** The identity that is meant where no client id is given. */
  readonly systemAssigned?: Principal;
  /** With it the authority is reached over TLS, which the libraries of Azure insist on; without it over plain HTTP. */
  readonly certificate?: Pick<Certificate, "certificate" | "key">;
  /** By resource, without a slash at its end; an hour by default. */
  readonly lifetime?: (resource: string) => TokenLifetime;
  readonly clock: Clock;
  readonly random: Random;
}

/** A running endpoint and its authority; disposing of it closes both. */
export interface Identity extends AsyncDisposable {
  /** `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`: with these a process has the identities. */
  readonly environment: Readonly<Record<"IDENTITY_ENDPOINT" | "IDENTITY_HEADER", string>>;
  /** `AZURE_AUTHORITY_HOST`, without a slash at its end. */
  readonly authorityHost: string;
  readonly tenantId: string;
  /** Where the public keys are. */
  readonly keysUrl: string;
  /** `iss` of tokens for Azure's own services. */
  readonly resourceIssuer: string;
  /** Tokens that the endpoint has given out. */
  readonly issued: number;
  /** A token for an API of one's own, with app roles; issued in the v2 form under `authorityHost`. */
  apiToken(request: {
    principal: Principal;
    audience: string;
    roles: readonly string[];
    lifetimeMs?: number;
  }): Promise<string>;
  /** A token for one of Azure's services, as the endpoint gives it. */
  resourceToken(principal: Principal, audience: string, lifetimeMs?: number): Promise<string>;
}

const hourMs = 60 * 60_000;
const host = "127.0.0.1";

/** Starts the endpoint and the authority on free ports of the loopback. */
export async function startIdentity(options: IdentityOptions): Promise<Identity> {
  const issuer = await TokenIssuer.create(options);
  const { tenantId } = issuer;
  // A secret does not come from a seed.
  const header = randomUUID();
  const counts = { issued: 0 };
  let authorityHost = "";
  const answer: RequestListener = (request, response) => {
    const url = URL.parse(request.url ?? "/", `http://${host}`);
    if (url === null) return send(response, 400, failure("BadRequest", "The path is none."));
    const found = request.method === "GET" ? metadata(url.pathname, authorityHost, issuer) : undefined;
    if (found !== undefined) return send(response, 200, found);
    if (url.pathname !== "/msi/token" || request.method !== "GET")
      return send(response, 404, failure("NotFound", "There is nothing here."));
    giveToken(url, request, { options, issuer, header }).then(
      ({ status, body }) => {
        if (status === 200) counts.issued++;
        send(response, status, body);
      },
      (error: unknown) => send(response, 500, failure("InternalServerError", String(error))),
    );
  };
  await using stack = new AsyncDisposableStack();
  const endpoint = await listen(createServer(answer), stack);
  const { certificate } = options;
  authorityHost = `http://${host}:${endpoint}`;
  if (certificate !== undefined) {
    const secure = createSecureServer({ cert: certificate.certificate, key: certificate.key }, answer);
    authorityHost = `https://${host}:${await listen(secure, stack)}`;
  }
  const running = stack.move();
  const issue = (principal: Principal, audience: string, lifetimeMs: number) =>
    issuer.issue({ principal, audience, issuer: resourceIssuer(tenantId), version: "1.0", lifetimeMs });
  return {
    environment: { IDENTITY_ENDPOINT: `http://${host}:${endpoint}/msi/token`, IDENTITY_HEADER: header },
    authorityHost,
    tenantId,
    keysUrl: `${authorityHost}/${tenantId}/discovery/v2.0/keys`,
    resourceIssuer: resourceIssuer(tenantId),
    get issued() {
      return counts.issued;
    },
    apiToken: ({ lifetimeMs = hourMs, ...request }) =>
      issuer.issue({ ...request, issuer: `${authorityHost}/${tenantId}/v2.0`, version: "2.0", lifetimeMs }),
    resourceToken: (principal, audience, lifetimeMs = hourMs) => issue(principal, audience, lifetimeMs),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface Endpoint {
  readonly options: IdentityOptions;
  readonly issuer: TokenIssuer;
  readonly header: string;
}

async function giveToken(
  url: URL,
  request: IncomingMessage,
  { options, issuer, header }: Endpoint,
): Promise<{ readonly status: number; readonly body: object }> {
  const refused = (status: number, code: string, message: string) => ({ status, body: failure(code, message) });
  if (!isSecret(request.headers["x-identity-header"], header))
    return refused(401, "Unauthorized", "The header X-IDENTITY-HEADER is not that of this endpoint.");
  if (url.searchParams.get("api-version") !== "2019-08-01")
    return refused(400, "UnsupportedApiVersion", "The api-version has to be 2019-08-01.");
  const resource = url.searchParams.get("resource") ?? "";
  // Some clients ask with a slash at the end, and get it back in the token.
  const name = resource.replace(/\/$/, "");
  if (!Object.values<string>(resources).includes(name))
    return refused(400, "invalid_resource", `AADSTS500011: The resource "${resource}" is not known in this tenant.`);
  const clientId = url.searchParams.get("client_id");
  const principal =
    clientId === null
      ? options.systemAssigned
      : options.userAssigned.find((candidate) => candidate.clientId === clientId.toLowerCase());
  if (principal === undefined)
    return refused(400, "invalid_client", `The app has no identity with the client id "${clientId ?? ""}".`);
  const { validMs, announcedMs = validMs } = options.lifetime?.(name) ?? { validMs: hourMs };
  const token = await issuer.issue({
    principal,
    audience: resource,
    issuer: resourceIssuer(issuer.tenantId),
    version: "1.0",
    lifetimeMs: validMs,
  });
  return {
    status: 200,
    body: {
      access_token: token,
      expires_on: String(Math.floor((options.clock.nowMs() + announcedMs) / 1000)),
      resource,
      token_type: "Bearer",
      client_id: principal.clientId,
    },
  };
}

/** The documents of the authority; undefined where the path is none of theirs. */
function metadata(path: string, authorityHost: string, issuer: TokenIssuer): object | undefined {
  const { tenantId, keys } = issuer;
  const tenant = `${authorityHost}/${tenantId}`;
  const common = {
    jwks_uri: `${tenant}/discovery/v2.0/keys`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    response_types_supported: ["code"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
  if (path === `/${tenantId}/discovery/v2.0/keys` || path === `/${tenantId}/discovery/keys`) return keys;
  if (path === `/${tenantId}/.well-known/openid-configuration`) return { issuer: resourceIssuer(tenantId), ...common };
  if (path === `/${tenantId}/v2.0/.well-known/openid-configuration`) return { issuer: `${tenant}/v2.0`, ...common };
  return undefined;
}

function isSecret(shown: string | string[] | undefined, expected: string): boolean {
  const [one, other] = [Buffer.from(String(shown ?? "")), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function failure(code: string, message: string): object {
  return { error: { code, message } };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function listen(server: Server, stack: AsyncDisposableStack): Promise<number> {
  server.listen(0, host);
  await once(server, "listening");
  stack.defer(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}
