import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { SecretClient } from "@azure/keyvault-secrets";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { resources } from "../../../../local/identity/index.ts";
import { startKeyVault, type KeyVault } from "../../../../local/key-vault/index.ts";
import { systemClock, systemRandom } from "../../../../shared/core/index.ts";
import { credentialOf, localIdentity, type LocalIdentity } from "../../../support/identity.ts";

let local: LocalIdentity;
let vault: KeyVault;
let authority: string;

beforeAll(async () => {
  local = await localIdentity();
  authority = `${local.identity.authorityHost}/${local.identity.tenantId}`;
});
afterAll(() => local[Symbol.asyncDispose]());
beforeEach(async () => {
  vault = await startKeyVault({
    certificate: local.certificate,
    authority,
    tokens: local.check(resources.keyVault),
    rights: { [local.app.objectId]: ["get", "set"], [local.other.objectId]: ["get"] },
    clock: systemClock,
    random: systemRandom,
  });
  return () => vault[Symbol.asyncDispose]();
});

/** Azure's client with a token. */
function clientOf(token: () => Promise<string>): SecretClient {
  return new SecretClient(vault.vaultUri, credentialOf(token), {
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
  });
}
const operator = () => clientOf(() => local.identity.resourceToken(local.app, resources.keyVault));
const reader = () => clientOf(() => local.identity.resourceToken(local.other, resources.keyVault));

describe("a vault", () => {
  test("keeps every version of a secret and gives the newest, or the one that is named", async () => {
    const client = operator();
    const first = await client.setSecret("sql-password", "first");
    await client.setSecret("sql-password", "second");
    const { version = "" } = first.properties;
    expect((await client.getSecret("SQL-password")).value).toBe("second");
    expect((await client.getSecret("sql-password", { version })).value).toBe("first");
    expect(first.properties.vaultUrl).toBe(vault.vaultUri);
  });

  test.each([
    ["a secret that there is not", () => reader().getSecret("absent"), 404, "SecretNotFound"],
    [
      "a version that there is not",
      async () => {
        vault.set("a", "1");
        return reader().getSecret("a", { version: "0123456789abcdef0123456789abcdef" });
      },
      404,
      "SecretNotFound",
    ],
    ["an identity that may only read", () => reader().setSecret("a", "1"), 403, "Forbidden"],
    ["a name with other characters", () => operator().setSecret("a_b", "1"), 400, "BadParameter"],
    ["a value that is too long", () => operator().setSecret("a", "x".repeat(25_601)), 400, "BadParameter"],
    ["deleting, which it does not know", () => operator().beginDeleteSecret("a"), 405, "MethodNotAllowed"],
  ])("answers to %s as the real one does", async (_, ask, statusCode, code) => {
    await expect(ask()).rejects.toMatchObject({ statusCode, code });
  });

  test.each([
    ["is for storage", () => local.identity.resourceToken(local.app, resources.storage)],
    ["has expired", () => local.identity.resourceToken(local.app, resources.keyVault, -1_000)],
    ["is made up", async () => "made.up.token"],
  ])("gives nothing for a token that %s", async (_, token) => {
    vault.set("a", "1");
    await expect(clientOf(token).getSecret("a")).rejects.toMatchObject({ statusCode: 401, code: "Unauthorized" });
  });

  test.each([
    ["a path that is none", { path: "//" }],
    ["a host that is none", { path: "/secrets/a", headers: { host: "a b" } }],
  ])("refuses %s, and goes on", async (_, options) => {
    const request = get({
      ...options,
      host: "127.0.0.1",
      port: new URL(vault.vaultUri).port,
      servername: "localhost",
      agent: false,
    });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(400);
    vault.set("a", "1");
    expect((await reader().getSecret("a")).value).toBe("1");
  });

  test("sends who has no token to the authority, for a token that is meant for vaults", async () => {
    vault.set("a", "1");
    const answer = await fetch(`${vault.vaultUri}/secrets/a?api-version=7.6`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe(
      `Bearer authorization="${authority}", resource="https://vault.azure.net"`,
    );
    expect(await answer.text()).not.toContain('"value"');
  });
});
