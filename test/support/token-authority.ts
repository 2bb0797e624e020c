/** An authority on loopback that publishes keys, and tokens of every kind, right and forged. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

export const tenantId = "11111111-2222-4333-8444-555555555555";
export const audience = "99999999-8888-4777-a666-555555555555";

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

export async function newKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, use: "sig" } };
}

export class TokenAuthority implements AsyncDisposable {
  readonly #server: Server;
  /** The keys that are published now; undefined: it answers 500. */
  keys: readonly SigningKey[] | undefined;
  requests = 0;

  private constructor(server: Server, keys: readonly SigningKey[]) {
    this.#server = server;
    this.keys = keys;
  }

  static async start(keys: readonly SigningKey[]): Promise<TokenAuthority> {
    const server = createServer((request, response) => {
      authority.requests++;
      const found = request.url === `/${tenantId}/discovery/v2.0/keys` ? authority.keys : undefined;
      response.statusCode = found === undefined ? 500 : 200;
      response.end(JSON.stringify({ keys: found?.map(({ jwk }) => jwk) ?? [] }));
    });
    const authority = new TokenAuthority(server, keys);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return authority;
  }

  get host(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface Claims {
  readonly [claim: string]: unknown;
}

/** The claims of a reader's token at a time in seconds. */
export function claimsAt(seconds: number, changed: Claims = {}): Claims {
  return {
    iss: `https://login.microsoftonline.com/${tenantId}/v2.0`,
    aud: audience,
    iat: seconds,
    nbf: seconds,
    exp: seconds + 3_600,
    oid: "someone",
    azp: "77777777-8888-4777-a666-555555555555",
    roles: ["Dyne.Reader"],
    ...changed,
  };
}

export async function signed(
  claims: Claims,
  { kid, privateKey }: Pick<SigningKey, "kid" | "privateKey">,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ: "JWT", kid }).sign(privateKey);
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Without a signature, and says so. */
export function unsigned(claims: Claims, alg: string): string {
  return `${encoded({ alg, typ: "JWT" })}.${encoded(claims)}.`;
}

/** Signed with a secret that everybody knows: the public key. */
export async function signedWithPublicKey(claims: Claims, { kid, publicKey }: SigningKey): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI(publicKey));
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT", kid }).sign(secret);
}

/** A token with other claims under its signature. */
export function tampered(token: string, claims: Claims): string {
  const [header, , signature] = token.split(".");
  return `${header}.${encoded(claims)}.${signature}`;
}
