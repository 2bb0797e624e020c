/** Access tokens as Microsoft Entra makes them, signed by a key of this process's own. */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JSONWebKeySet } from "jose";
import type { Clock, Random } from "../../shared/core/index.ts";

/** Who a token is about: a managed identity, or another service principal. */
export interface Principal {
  readonly name: string;
  /** `appid`: what AZURE_CLIENT_ID names. */
  readonly clientId: string;
  /** `oid`: what roles are assigned to. */
  readonly objectId: string;
}

/** How long a token is good for. */
export interface TokenLifetime {
  readonly validMs: number;
  /** What clients are told instead of `validMs`: one that renews two minutes early can thus be seen to renew within a test. */
  readonly announcedMs?: number;
}

/** What is in a token. */
export interface TokenRequest {
  readonly principal: Principal;
  readonly audience: string;
  /** App roles, for an API of one's own. */
  readonly roles?: readonly string[];
  readonly issuer: string;
  /** The form of the token: Azure's own services get 1.0, an API gets what its registration asks for. */
  readonly version: "1.0" | "2.0";
  readonly lifetimeMs: number;
}

/** The tenant that everything local belongs to. */
export const localTenantId = "d1e00000-0000-4000-8000-000000000001";

/** Who issues tokens for Azure's own services, whatever cloud address asked for them. */
export const resourceIssuer = (tenantId: string): string => `https://sts.windows.net/${tenantId}/`;

/** Signs tokens (RS256) with a key that is made anew for each issuer and never leaves it. */
export class TokenIssuer {
  readonly tenantId: string;
  /** The public key, as `jwks_uri` serves it. */
  readonly keys: JSONWebKeySet;
  readonly #privateKey: CryptoKey;
  readonly #keyId: string;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #random: Random;

  private constructor(options: IssuerOptions, privateKey: CryptoKey, keyId: string, keys: JSONWebKeySet) {
    this.tenantId = options.tenantId ?? localTenantId;
    this.keys = keys;
    this.#privateKey = privateKey;
    this.#keyId = keyId;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  static async create(options: IssuerOptions): Promise<TokenIssuer> {
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const keyId = options.keyId ?? options.random.uuid();
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, use: "sig", alg: "RS256" }] };
    return new TokenIssuer(options, privateKey, keyId, keys);
  }

  /** A signed token. Times are whole seconds, as in every JWT. */
  async issue({ principal, audience, roles, issuer, version, lifetimeMs }: TokenRequest): Promise<string> {
    const nowSeconds = Math.floor(this.#clock.nowMs() / 1000);
    const application = version === "1.0" ? { appid: principal.clientId } : { azp: principal.clientId };
    const claims = {
      ...application,
      oid: principal.objectId,
      tid: this.tenantId,
      idtyp: "app",
      ver: version,
      uti: this.#random.uuid(),
      ...(roles !== undefined && { roles }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: this.#keyId })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(principal.objectId)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(Math.floor((this.#clock.nowMs() + lifetimeMs) / 1000))
      .sign(this.#privateKey);
  }
}

/** How an issuer is set up. */
export interface IssuerOptions {
  readonly tenantId?: string;
  /** The key's name; a random one by default. */
  readonly keyId?: string;
  readonly clock: Pick<Clock, "nowMs">;
  readonly random: Random;
}
