import { afterEach, describe, expect, test, vi } from "vitest";
import { credentialOf } from "../../../shared/runtime/index.ts";
import { askForTokens } from "../../support/identity-endpoint.ts";
import { localIdentity, newPrincipal } from "../../support/identity.ts";

const scope = "https://storage.azure.com/.default";

afterEach(() => void vi.unstubAllEnvs());

test("a client id asks for that identity, and the token comes with its end", async () => {
  await using local = await localIdentity();
  await local.become();
  const token = await credentialOf(local.app.clientId).getToken(scope);
  expect(token?.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_500_000);
});

describe("an endpoint that gives no token", () => {
  test.each([
    [400, "IDENTITY_DENIED", "invalid", /Assign the identity .* to the app/],
    [401, "IDENTITY_DENIED", "invalid", /AZURE_CLIENT_ID/],
    // The one failure of a server that the SDK does not try again for five seconds.
    [501, "IDENTITY_UNAVAILABLE", "unavailable", /Try again/],
  ])("by %i: %s", async (answered, code, kind, message) => {
    await askForTokens(async () => ({ status: answered, body: '{"error":{"code":"invalid_client"}}' }));
    const { clientId } = newPrincipal("app");
    await expect(credentialOf(clientId).getToken(scope)).rejects.toMatchObject({
      code,
      kind,
      message: expect.stringMatching(message),
    });
  });
});
