import { DefaultAzureCredential } from "@azure/identity";
import { describe, expect, test } from "vitest";
import { openHubReader } from "../../../shared/runtime/connections.ts";
import { readSettings } from "../../../shared/runtime/index.ts";

const events = "Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=x;SharedAccessKey=y=;UseDevelopmentEmulator=true";
const storage =
  "DefaultEndpointsProtocol=http;AccountName=lake;AccountKey=abc/+d==;BlobEndpoint=http://127.0.0.1:10000/lake;QueueEndpoint=http://127.0.0.1:10001/lake";
const local = { EVENTS: events, LAKE: storage, AzureWebJobsStorage: storage, NOTICES: storage };
const azure = {
  EVENTS__fullyQualifiedNamespace: "dyne-dev.servicebus.windows.net",
  LAKE__blobServiceUri: "https://dynelake.blob.core.windows.net",
  AzureWebJobsStorage__blobServiceUri: "https://dynehost.blob.core.windows.net/",
  NOTICES__queueServiceUri: "https://dynehost.queue.core.windows.net",
  AZURE_CLIENT_ID: "6f0c1d3e-0000-4000-8000-000000000001",
};

test("in Azure every service is reached by an identity", () => {
  expect(readSettings(azure)).toMatchObject({
    events: { kind: "identity", endpoint: "dyne-dev.servicebus.windows.net" },
    lake: { kind: "identity", endpoint: "https://dynelake.blob.core.windows.net" },
    host: { kind: "identity", endpoint: "https://dynehost.blob.core.windows.net/" },
    notices: { kind: "identity", endpoint: "https://dynehost.queue.core.windows.net" },
    clientId: azure.AZURE_CLIENT_ID,
  });
});

test("on this machine connection strings do", () => {
  expect(readSettings(local)).toMatchObject({
    events: { kind: "connection-string", connectionString: events },
    lake: { kind: "connection-string", connectionString: storage },
    clientId: undefined,
  });
});

test("an identity comes before a connection string, and an empty setting is none", () => {
  const both = readSettings({ ...local, ...azure, LAKE__blobServiceUri: "", AZURE_CLIENT_ID: "" });
  expect([both.events?.kind, both.lake.kind, both.clientId]).toEqual(["identity", "connection-string", undefined]);
});

test("Event Hubs is nowhere where no table is fed by events, unless it is set", async () => {
  const { EVENTS: _, ...withoutEvents } = local;
  const settings = readSettings({ ...withoutEvents, EVENTS__fullyQualifiedNamespace: "" }, { needsEvents: false });
  expect(settings.events).toBeUndefined();
  expect(readSettings({ ...withoutEvents, DYNE_AUTH: "local" }, { needsEvents: false }).access).toEqual({
    kind: "local",
  });
  expect(readSettings(azure, { needsEvents: false }).events?.kind).toBe("identity");
  expect(() => readSettings({ ...local, EVENTS: "Endpoint=sb://other.example" }, { needsEvents: false })).toThrow(
    expect.objectContaining({ code: "INVALID_SETTING" }),
  );
  const hubs = openHubReader(settings, new DefaultAzureCredential());
  await expect(hubs.describe("flights")).rejects.toMatchObject({
    code: "INVALID_SETTING",
    message: expect.stringContaining("neither EVENTS__fullyQualifiedNamespace nor EVENTS is set"),
  });
  await hubs.close();
});

test("what is not set has a default that fits the machine", () => {
  const { directory, memoryLimitMb, threads, cacheMb, logLevel } = readSettings(local);
  expect(directory).toMatch(/dyne$/);
  expect([memoryLimitMb >= 256, threads >= 1, cacheMb, logLevel]).toEqual([true, true, 500, "info"]);
});

test.each([
  [undefined, true],
  ["", true],
  ["on", true],
  ["off", false],
])("progress is folded unless it is turned off: %s", (DYNE_PROGRESS, isOn) => {
  expect(readSettings({ ...local, DYNE_PROGRESS }).foldsProgress).toBe(isOn);
});

describe("a setting that is wrong is named", () => {
  test.each([
    ["DYNE_MEMORY_MB", "much"],
    ["DYNE_MEMORY_MB", "0"],
    ["DYNE_MEMORY_MB", "1.5"],
    ["DYNE_MEMORY_MB", ""],
    ["DYNE_THREADS", "0"],
    ["DYNE_THREADS", "65"],
    ["DYNE_CACHE_MB", "-1"],
    ["DYNE_LOG_LEVEL", "loud"],
    ["DYNE_PROGRESS", "sometimes"],
    ["DYNE_DIRECTORY", ""],
    ["AZURE_CLIENT_ID", "not a uuid"],
    ["EVENTS__fullyQualifiedNamespace", "sb://dyne.servicebus.windows.net"],
    ["EVENTS__fullyQualifiedNamespace", "dyne"],
    ["LAKE__blobServiceUri", "http://dyne.blob.core.windows.net"],
    ["LAKE__blobServiceUri", "https://user@dyne.blob.core.windows.net"],
    ["AzureWebJobsStorage__blobServiceUri", "https://dyne.blob.core.windows.net/?sv=2024&sig=secret"],
    ["NOTICES__queueServiceUri", "dyne.queue.core.windows.net"],
    ["LAKE__blobServiceUri", "https://dyne.blob.core.windows.net?sig=secret"],
    ["LAKE__blobServiceUri", "https://dyne.blob.core.windows.net/lake"],
    ["LAKE__blobServiceUri", "https://127.0.0.1.evil.com:10000/lake"],
    ["LAKE__blobServiceUri", "https://127.0.0.1:10000@evil.com/lake"],
    ["LAKE__blobServiceUri", "https://127.0.0.1:10000/lake/landing"],
    ["LAKE__blobServiceUri", "http://127.0.0.1:10000/lake"],
    ["KEY_VAULT__vaultUri", "http://dyne.vault.azure.net"],
    ["KEY_VAULT__vaultUri", "https://dyne.vault.azure.net/secrets/a"],
    ["KEY_VAULT__vaultUri", "dyne.vault.azure.net"],
    ["EVENTS", undefined],
    ["LAKE", undefined],
    ["AzureWebJobsStorage", ""],
    ["NOTICES", undefined],
    ["DYNE_TENANT_ID", "common"],
    ["DYNE_AUTH", "none"],
    ["AZURE_AUTHORITY_HOST", "http://login.microsoftonline.com"],
    ["AZURE_AUTHORITY_HOST", "http://127.0.0.1.evil.com"],
    ["AZURE_AUTHORITY_HOST", "http://127.0.0.1@evil.com"],
    ["AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/tenant"],
    ["AZURE_AUTHORITY_HOST", "login.microsoftonline.com"],
  ])("%s = %s", (name, value) => {
    expect(() => readSettings({ ...local, [name]: value })).toThrow(
      expect.objectContaining({ code: "INVALID_SETTING", message: expect.stringContaining(name) }),
    );
  });
});

test("an emulator on this machine is reached by an identity over TLS, with the account in its path", () => {
  const LAKE__blobServiceUri = "https://127.0.0.1:10000/lake";
  const NOTICES__queueServiceUri = "https://localhost:10001/host";
  expect(readSettings({ ...azure, LAKE__blobServiceUri, NOTICES__queueServiceUri })).toMatchObject({
    lake: { kind: "identity", endpoint: LAKE__blobServiceUri },
    notices: { kind: "identity", endpoint: NOTICES__queueServiceUri },
  });
});

describe("another address for Event Hubs", () => {
  const name = "EVENTS__customEndpointAddress";

  test("is one of this machine, beside the namespace's name", () => {
    expect(readSettings({ ...azure, [name]: "sb://localhost:5671" }).events).toEqual({
      kind: "identity",
      endpoint: azure.EVENTS__fullyQualifiedNamespace,
      customEndpointAddress: "sb://localhost:5671",
    });
  });

  test.each([
    "sb://evil.com",
    "sb://127.0.0.1.evil.com:5671",
    "https://127.0.0.1:5671",
    "localhost:5671",
    "sb://[::2]",
  ])("is not %s: no token goes there", (address) => {
    expect(() => readSettings({ ...azure, [name]: address })).toThrow(
      expect.objectContaining({ code: "INVALID_SETTING", message: expect.stringContaining(name) }),
    );
  });
});

test("a vault is there where one is set", () => {
  expect(readSettings(azure).keyVault).toBeUndefined();
  const KEY_VAULT__vaultUri = "https://dyne.vault.azure.net/";
  expect(readSettings({ ...azure, KEY_VAULT__vaultUri }).keyVault).toBe(KEY_VAULT__vaultUri);
});

describe("a key for another machine is refused, however its address is written", () => {
  test.each([
    "dyne.servicebus.windows.net",
    "127.0.0.1.evil.com",
    "127.0.0.1.nip.io:5672",
    "localhost.evil.com",
    "localhost@evil.com",
    "127.0.0.1@evil.com",
    "127.0.0.1:5672@evil.com",
    "user:127.0.0.1@evil.com",
    "evil.com/127.0.0.1",
    "evil.com#127.0.0.1",
    "127.0.0.1\\@evil.com",
    "127.0.0.1%2eevil.com",
    "127.0.0.1 evil.com",
    "[::1].evil.com",
    "[::2]",
    "127.0.0.256",
    "127.0.0",
    "0.0.0.0",
    "1127.0.0.1",
    "128.0.0.1",
    "xlocalhost",
    "localhost?x=evil.com",
    "",
  ])("Event Hubs at sb://%s", (host) => {
    const EVENTS = `Endpoint=sb://${host};SharedAccessKeyName=x;SharedAccessKey=y`;
    expect(() => readSettings({ ...local, EVENTS })).toThrow(expect.objectContaining({ code: "INVALID_SETTING" }));
  });

  test.each([
    [
      "one service elsewhere",
      "BlobEndpoint=http://127.0.0.1:1/lake;QueueEndpoint=https://evil.com/lake;AccountName=lake;AccountKey=x",
    ],
    [
      "the same field twice",
      "BlobEndpoint=http://127.0.0.1:1/lake;BlobEndpoint=https://evil.com;AccountName=lake;AccountKey=x",
    ],
    ["spaces around the field", "AccountKey=x; BlobEndpoint = https://evil.com ;BlobEndpoint=http://127.0.0.1:1/lake"],
    ["no address of the service itself", "QueueEndpoint=http://127.0.0.1:1/lake;AccountName=lake;AccountKey=x"],
    [
      "no address at all",
      "DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=x;EndpointSuffix=core.windows.net",
    ],
    ["an address without a scheme", "BlobEndpoint=127.0.0.1;AccountName=lake;AccountKey=x"],
    ["an emulator behind another machine", "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://evil.com"],
    ["another scheme", "BlobEndpoint=ftp://127.0.0.1/lake;AccountName=lake;AccountKey=x"],
    ["a line of its own", "BlobEndpoint=http://127.0.0.1:1/lake\nBlobEndpoint=https://evil.com;AccountName=lake"],
  ])("storage with %s", (_, LAKE) => {
    expect(() => readSettings({ ...local, LAKE })).toThrow(
      expect.objectContaining({ code: "INVALID_SETTING", message: expect.stringMatching(/LAKE.*another machine/) }),
    );
  });

  test.each(["localhost", "LOCALHOST:5672", "127.0.0.1", "127.1.2.3:1/", "[::1]:5672"])(
    "sb://%s is this machine",
    (host) => {
      const EVENTS = `Endpoint=sb://${host};SharedAccessKeyName=x;SharedAccessKey=y`;
      expect(readSettings({ ...local, EVENTS }).events).toEqual({
        kind: "connection-string",
        connectionString: EVENTS,
      });
    },
  );

  test("the message has no part of the key", () => {
    const secret = "c2VjcmV0LWtleQ==";
    const EVENTS = `Endpoint=sb://dyne.servicebus.windows.net;SharedAccessKeyName=x;SharedAccessKey=${secret}`;
    expect(() => readSettings({ ...local, EVENTS })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(secret) }),
    );
  });
});

describe("who may ask over HTTP", () => {
  const tenant = "AAAAAAAA-0000-4000-8000-000000000001";

  test("is told by tenant and audience; without them nobody may", () => {
    expect(readSettings(azure).access).toEqual({
      kind: "entra",
      tenantId: undefined,
      audiences: [],
      authorityHost: "https://login.microsoftonline.com",
    });
    const given = {
      DYNE_TENANT_ID: tenant,
      DYNE_AUDIENCE: "api://dyne, another,",
      AZURE_AUTHORITY_HOST: "https://login.microsoftonline.us/",
    };
    expect(readSettings({ ...azure, ...given }).access).toEqual({
      kind: "entra",
      tenantId: tenant.toLowerCase(),
      audiences: ["api://dyne", "another"],
      authorityHost: "https://login.microsoftonline.us",
    });
    expect(
      readSettings({ ...azure, DYNE_TENANT_ID: "", DYNE_AUDIENCE: "", DYNE_AUTH: "", AZURE_AUTHORITY_HOST: "" }).access,
    ).toEqual(readSettings(azure).access);
    expect(readSettings({ ...azure, AZURE_AUTHORITY_HOST: "http://127.0.0.1:7072" }).access).toMatchObject({
      authorityHost: "http://127.0.0.1:7072",
    });
  });

  test("is everybody on this machine where that is asked for and everything is on it", () => {
    expect(readSettings({ ...local, DYNE_AUTH: "local" }).access).toEqual({ kind: "local" });
  });

  test.each(Object.entries(azure).filter(([name]) => name.includes("__")))(
    "is nobody without a token where %s is elsewhere",
    (name, value) => {
      expect(() => readSettings({ ...local, [name]: value, DYNE_AUTH: "local" })).toThrow(
        expect.objectContaining({ code: "INVALID_SETTING", message: expect.stringContaining("DYNE_AUTH") }),
      );
    },
  );
});
