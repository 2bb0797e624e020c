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
import { systemClock, systemRandom } from "../../shared/core/index.ts";

export const appPrincipal: Principal = {
  name: "app",
  clientId: "a0000000-0000-4000-8000-000000000001",
  objectId: "b0000000-0000-4000-8000-000000000001",
};
export const otherPrincipal: Principal = {
  name: "other",
  clientId: "a0000000-0000-4000-8000-000000000002",
  objectId: "b0000000-0000-4000-8000-000000000002",
};

export interface LocalIdentity extends AsyncDisposable {
  readonly certificate: Certificate;
  readonly identity: Identity;
  check(audience: string): TokenCheck;
}

/** Starts a token endpoint for `appPrincipal` and `otherPrincipal`. This process believes its certificate until it is disposed of. */
export async function localIdentity(options: Partial<IdentityOptions> = {}): Promise<LocalIdentity> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "dyne-identity-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const certificate = await createCertificate(directory, systemClock);
  stack.use(trustCertificate(certificate));
  const identity = stack.use(
    await startIdentity({
      userAssigned: [appPrincipal, otherPrincipal],
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
    check: (audience) => new TokenCheck({ keysUrl, issuer, audience }, systemClock),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A credential that gives out what it is told to. */
export function credentialOf(token: () => Promise<string>, validMs = 3_600_000): TokenCredential {
  return { getToken: async () => ({ token: await token(), expiresOnTimestamp: Date.now() + validMs }) };
}
