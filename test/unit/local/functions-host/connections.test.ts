import { afterEach, describe, expect, test, vi } from "vitest";
import { resources } from "../../../../local/identity/index.ts";
import { openBlobService, openHub, openQueueService } from "../../../../local/functions-host/connections.ts";
import { askForTokens } from "../../../support/identity-endpoint.ts";
import { newPrincipal } from "../../../support/identity.ts";

afterEach(() => void vi.unstubAllEnvs());

const key =
  "DefaultEndpointsProtocol=http;AccountName=host;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/host;QueueEndpoint=http://127.0.0.1:1/host";
const hub = { hub: "events", consumerGroup: "dyne-trigger" };
const use = (settings: Readonly<Record<string, string>>) => ({ settings, functionName: "f" });

describe("a binding's connection", () => {
  test("is a connection string under its name, or under that with the host's prefix", async () => {
    expect(openBlobService("X", use({ X: key })).url).toBe("http://127.0.0.1:1/host");
    expect(openQueueService("X", use({ AzureWebJobsX: key })).url).toBe("http://127.0.0.1:1/host");
    const { client, fullyQualifiedNamespace } = openHub(
      "X",
      hub,
      use({ X: "Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true" }),
    );
    await client.close();
    expect(fullyQualifiedNamespace).toBe("127.0.0.1");
  });

  test("is an address below its name, which an identity opens", async () => {
    expect(openBlobService("X", use({ X__blobServiceUri: "https://127.0.0.1:1/host" })).url).toBe(
      "https://127.0.0.1:1/host",
    );
    expect(openQueueService("X", use({ AzureWebJobsX__queueServiceUri: "https://a.example" })).url).toBe(
      "https://a.example",
    );
    const { client, fullyQualifiedNamespace } = openHub(
      "X",
      hub,
      use({ X__fullyQualifiedNamespace: "a.servicebus.windows.net" }),
    );
    await client.close();
    expect(fullyQualifiedNamespace).toBe("a.servicebus.windows.net");
  });

  test("takes the identity that its own settings name, whatever AZURE_CLIENT_ID says", async () => {
    const [meant, other] = [newPrincipal("meant"), newPrincipal("other")];
    vi.stubEnv("AZURE_CLIENT_ID", other.clientId);
    const asked: string[] = [];
    await askForTokens(async (query) => {
      asked.push(query);
      return { status: 400, body: '{"error":{"code":"none","message":"none"}}' };
    });
    const settings = {
      X__queueServiceUri: "https://127.0.0.1:1/host",
      X__credential: "managedidentity",
      X__clientId: meant.clientId,
    };
    await expect(openQueueService("X", use(settings)).getProperties()).rejects.toThrow("ManagedIdentityCredential");
    expect(asked).toEqual([expect.stringContaining(`client_id=${meant.clientId}`)]);
    expect(new URLSearchParams(asked[0]).get("resource")).toBe(resources.storage);
  });

  test.each([
    ["nothing is set", {}, /neither X holds .* nor X__queueServiceUri/],
    ["another service's address is set", { X__blobServiceUri: "https://a.example" }, /neither X holds/],
    [
      "its credential is of a kind that there is not",
      { X__queueServiceUri: "https://a.example", X__credential: "secret" },
      /X__credential/,
    ],
  ])("is refused where %s", (_, settings, message) => {
    expect(() => openQueueService("X", use(settings))).toThrow(
      expect.objectContaining({ code: "INVALID_SETTING", message: expect.stringMatching(message) }),
    );
  });
});
