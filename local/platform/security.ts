/**
 * What makes the platform one without keys: a certificate for its services, identities with roles, tokens for them, and a vault. Storage, hub
 * and Functions host are then reached over TLS with tokens alone, as in Azure.
 *
 *     <data>/tls/   the certificate and its key; made at each start, removed at the end
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Random } from "../../shared/core/index.ts";
import type { Azurite } from "../azurite/index.ts";
import {
  createCertificate,
  resources,
  startIdentity,
  TokenCheck,
  trustCertificate,
  type Certificate,
  type Identity,
  type IdentityOptions,
  type Principal,
} from "../identity/index.ts";
import { startKeyVault, type KeyVault } from "../key-vault/index.ts";

/** How the secured platform is set up. */
export type SecurityOptions = Pick<IdentityOptions, "lifetime">;

/** What is behind a secured platform; while it is open, this process believes the certificate. */
export interface Security extends AsyncDisposable {
  readonly certificate: Certificate;
  readonly identity: Identity;
  /** The app may read secrets of it. */
  readonly vault: KeyVault;
  /** The app's user-assigned identity: reads the hubs. */
  readonly app: Principal;
  /** Whoever sends events. */
  readonly sender: Principal;
  /** What a child needs in its environment to believe the certificate. */
  readonly trust: Readonly<Record<"NODE_EXTRA_CA_CERTS", string>>;
  /** What the hubs' process is told, so that it takes tokens alone. */
  readonly hubs: object;
  /** The settings of an app in Azure, with addresses of this machine: no key, no connection string. */
  settings(azurite: Pick<Azurite, "endpoints">, hubAddress: string): Readonly<Record<string, string>>;
}

/** The namespace's name: what tokens are put for. Nobody looks it up. */
const namespace = "dyne-local.servicebus.windows.net";

/** Whom tokens for the HTTP API are for. */
export const apiAudience = "api://dyne-local";

/** Starts it in a data folder. */
export async function startSecurity(
  directory: string,
  options: SecurityOptions,
  services: { readonly clock: Clock; readonly random: Random },
): Promise<Security> {
  await using stack = new AsyncDisposableStack();
  const folder = join(directory, "tls");
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const certificate = await createCertificate(folder, services.clock);
  stack.use(trustCertificate(certificate));
  const principal = (name: string): Principal => ({
    name,
    clientId: services.random.uuid(),
    objectId: services.random.uuid(),
  });
  const [app, sender] = [principal("app"), principal("sender")];
  const identity = stack.use(
    await startIdentity({ ...options, ...services, userAssigned: [app, sender], certificate }),
  );
  const expected = { keysUrl: identity.keysUrl, issuer: identity.resourceIssuer, audience: resources.keyVault };
  const vault = stack.use(
    await startKeyVault({
      ...services,
      certificate,
      authority: `${identity.authorityHost}/${identity.tenantId}`,
      tokens: new TokenCheck(expected, services.clock),
      rights: { [app.objectId]: ["get"] },
    }),
  );
  const running = stack.move();
  return {
    certificate,
    identity,
    vault,
    app,
    sender,
    trust: { NODE_EXTRA_CA_CERTS: certificate.certificatePath },
    hubs: {
      certificatePath: certificate.certificatePath,
      keyPath: certificate.keyPath,
      keysUrl: identity.keysUrl,
      issuer: identity.resourceIssuer,
      rights: { [app.objectId]: ["listen"], [sender.objectId]: ["send"] },
    },
    settings: ({ endpoints }, hubAddress) => ({
      KEY_VAULT__vaultUri: vault.vaultUri,
      AZURE_AUTHORITY_HOST: identity.authorityHost,
      DYNE_TENANT_ID: identity.tenantId,
      DYNE_AUDIENCE: apiAudience,
      ...appSettings(app.clientId, endpoints, hubAddress),
    }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function appSettings(
  clientId: string,
  endpoints: Azurite["endpoints"],
  hubAddress: string,
): Readonly<Record<string, string>> {
  const by = (name: string) => ({ [`${name}__credential`]: "managedidentity", [`${name}__clientId`]: clientId });
  return {
    AZURE_CLIENT_ID: clientId,
    EVENTS__fullyQualifiedNamespace: namespace,
    EVENTS__customEndpointAddress: hubAddress,
    ...by("EVENTS"),
    LAKE__blobServiceUri: endpoints.lake.blob,
    AzureWebJobsStorage__blobServiceUri: endpoints.host.blob,
    AzureWebJobsStorage__queueServiceUri: endpoints.host.queue,
    ...by("AzureWebJobsStorage"),
    NOTICES__queueServiceUri: endpoints.host.queue,
    ...by("NOTICES"),
  };
}
