/** How a service looks at a token that it is shown. */
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { Clock } from "../../shared/core/index.ts";

/** What a service expects of tokens. */
export interface TokenExpectation {
  /** Where the issuer's public keys are (`jwks_uri`). */
  readonly keysUrl: string;
  readonly issuer: string;
  /** The service itself, such as `https://eventhubs.azure.net`; a slash at the end makes no difference. */
  readonly audience: string;
}

/** What a service knows of a token afterwards. */
export type TokenVerdict =
  | { readonly kind: "valid"; readonly objectId: string; readonly expiresMs: number }
  | { readonly kind: "refused"; readonly reason: string };

/** Judges tokens by signature, issuer, audience, start and expiry. */
export class TokenCheck {
  readonly #expected: TokenExpectation;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;

  constructor(expected: TokenExpectation, clock: Pick<Clock, "nowMs">) {
    this.#expected = expected;
    this.#clock = clock;
    this.#keys = createRemoteJWKSet(new URL(expected.keysUrl));
  }

  /** Never throws: a token that cannot be judged is refused. */
  async judge(token: string): Promise<TokenVerdict> {
    const { issuer, audience } = this.#expected;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience: [audience, `${audience}/`],
        algorithms: ["RS256"],
        requiredClaims: ["exp", "nbf", "oid"],
        currentDate: new Date(this.#clock.nowMs()),
      });
      return { kind: "valid", objectId: String(payload["oid"]), expiresMs: Number(payload.exp) * 1000 };
    } catch (error) {
      return { kind: "refused", reason: reasonOf(error) };
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's ${error.claim} is wrong`;
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return "the token is not signed by a key of its issuer";
  if (error instanceof errors.JOSEError) return `the token cannot be read (${error.code})`;
  return "the keys of the issuer cannot be fetched";
}
