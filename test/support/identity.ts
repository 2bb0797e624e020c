/** A certificate that this process believes, a token endpoint, and what looks at its tokens. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TokenCredential } from "@azure/identity";
import {
  createCertificate,
  startIdentity,
  TokenCheck,
  trustCertificate,
  type Certificate,
  type Identity,
  type IdentityOptions,
  type Principal,
} from "../../local/identity/index.ts";
import { askForTokens } from "./identity-endpoint.ts";
import { systemClock, systemRandom } from "../../shared/core/index.ts";

export interface LocalIdentity extends AsyncDisposable {
  readonly certificate: Certificate;
  readonly identity: Identity;
  /** The identity of the app, and of somebody else. */
  readonly app: Principal;
  readonly other: Principal;
  check(audience: string): TokenCheck;
  /** From here on this process has both identities. Whoever calls it calls `vi.unstubAllEnvs`. */
  become(): Promise<void>;
}

/** Nobody else's: the SDK keeps tokens by client id for as long as the process lives. */
export function newPrincipal(name: string): Principal {
  return { name, clientId: systemRandom.uuid(), objectId: systemRandom.uuid() };
}

/** Starts a token endpoint with two identities. This process believes its certificate until it is disposed of. */
export async function localIdentity(
  options: Partial<IdentityOptions> & { readonly otherIsSystemAssigned?: boolean } = {},
): Promise<LocalIdentity> {
  const [app, other] = [newPrincipal("app"), newPrincipal("other")];
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "dyne-identity-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const certificate = await createCertificate(directory, systemClock);
  stack.use(trustCertificate(certificate));
  const identity = stack.use(
    await startIdentity({
      userAssigned: [app, other],
      ...(options.otherIsSystemAssigned === true && { systemAssigned: other }),
      certificate,
      clock: systemClock,
      random: systemRandom,
      ...options,
    }),
  );
  const { keysUrl, resourceIssuer: issuer } = identity;
  const running = stack.move();
  return {
    certificate,
    identity,
    app,
    other,
    become: () =>
      askForTokens(async (query) => {
        const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = identity.environment;
        const answer = await fetch(`${IDENTITY_ENDPOINT}${query}`, {
          headers: { "x-identity-header": IDENTITY_HEADER },
        });
        return { status: answer.status, body: await answer.text() };
      }),
    check: (audience) => new TokenCheck({ keysUrl, issuer, audience }, systemClock),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A credential that gives out what it is told to. */
export function credentialOf(token: () => Promise<string>, validMs = 3_600_000): TokenCredential {
  return { getToken: async () => ({ token: await token(), expiresOnTimestamp: Date.now() + validMs }) };
}
