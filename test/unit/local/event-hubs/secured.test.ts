import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  earliestEventPosition,
  EventHubConsumerClient,
  EventHubProducerClient,
  type TokenCredential,
} from "@azure/event-hubs";
import rhea from "rhea";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEventHubs, type EventHubsServer } from "../../../../local/event-hubs/index.ts";
import { resources, TokenIssuer } from "../../../../local/identity/index.ts";
import { DyneError, ManualClock, silentLogger, systemClock, systemRandom } from "../../../../shared/core/index.ts";
import { AmqpEventHubReader } from "../../../../shared/sources/amqp-event-hub-reader.ts";
import { credentialOf, localIdentity, newPrincipal, type LocalIdentity } from "../../../support/identity.ts";
import { hubName } from "./hub-client.ts";

const namespace = "dyne-local.servicebus.windows.net";
const audience = resources.eventHubs;

let local: LocalIdentity;
let directory: string;
/** The server's; it is a little ahead, because tokens begin with a whole second. */
let clock: ManualClock;
let server: EventHubsServer;

beforeAll(async () => {
  local = await localIdentity();
});
afterAll(() => local[Symbol.asyncDispose]());
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "dyne-hubs-"));
  clock = new ManualClock(Date.now() + 1_000);
  server = await startEventHubs({
    directory,
    hubs: { [hubName]: { partitions: 1, consumerGroups: ["dyne-read"] } },
    secured: {
      ...local.certificate,
      tokens: local.check(audience),
      rights: { [local.app.objectId]: ["listen"], [local.other.objectId]: ["send"] },
    },
    clock,
    logger: silentLogger,
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const listener = () => credentialOf(() => local.identity.resourceToken(local.app, audience));
const sender = () => credentialOf(() => local.identity.resourceToken(local.other, audience));
const options = () => ({
  customEndpointAddress: server.address,
  retryOptions: { maxRetries: 0, timeoutInMs: 3_000 },
});

function producerOf(credential: TokenCredential): EventHubProducerClient & AsyncDisposable {
  const client = new EventHubProducerClient(namespace, hubName, credential, options());
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

function readerOf(credential: TokenCredential): AmqpEventHubReader & AsyncDisposable {
  const connection = {
    kind: "identity",
    fullyQualifiedNamespace: namespace,
    customEndpointAddress: server.address,
    credential,
  } as const;
  const reader = new AmqpEventHubReader(connection, { retryMs: 10 });
  return Object.assign(reader, { [Symbol.asyncDispose]: () => reader.close() });
}

const send = (producer: EventHubProducerClient, text: string) =>
  producer.sendBatch([{ body: Buffer.from(text) }], { partitionId: "0" });

describe("a secured namespace", () => {
  test("takes events from who may send and gives them to who may listen, over TLS", async () => {
    await using producer = producerOf(sender());
    await send(producer, "a");
    await using reader = readerOf(listener());
    expect((await reader.describe(hubName)).partitions).toEqual(["0"]);
    expect(await reader.partition(hubName, "0")).toEqual({ beginSequence: 0, untilSequence: 1 });
    const events = await reader.read({ hub: hubName, partition: "0", fromSequence: 0, untilSequence: 1 });
    expect(events.map((event) => Buffer.from(event.body).toString())).toEqual(["a"]);
    expect(server.connectionString).toBe("");
  });

  test("does not let an identity do what its roles do not say", async () => {
    await using producer = producerOf(listener());
    await expect(send(producer, "a")).rejects.toMatchObject({
      code: "UnauthorizedError",
      message: expect.stringContaining("'Send' claim(s) are required"),
    });
  });

  test("tells dyne's reader that it is refused, and which role is missing", async () => {
    await using reader = readerOf(sender());
    const range = { hub: hubName, partition: "0", fromSequence: 0, untilSequence: 1 };
    const denied = { code: "HUB_DENIED", message: expect.stringContaining("Azure Event Hubs Data Receiver") };
    await expect(reader.read(range)).rejects.toMatchObject(denied);
    await using strange = readerOf(credentialOf(stranger));
    await expect(strange.describe(hubName)).rejects.toMatchObject(denied);
  });

  test("passes on what a credential without a token says", async () => {
    const refusal = new DyneError("IDENTITY_DENIED", "There is no token. Set AZURE_CLIENT_ID.");
    await using reader = readerOf(credentialOf(() => Promise.reject(refusal)));
    await expect(reader.describe(hubName)).rejects.toBe(refusal);
    const range = { hub: hubName, partition: "0", fromSequence: 0, untilSequence: 1 };
    await expect(reader.read(range)).rejects.toBe(refusal);
  });

  test.each([
    ["is for storage", /aud/, () => local.identity.resourceToken(local.other, resources.storage)],
    ["has expired", /expired/, () => local.identity.resourceToken(local.other, audience, -1_000)],
    ["was signed by another key", /not signed/, () => forged()],
    ["is of an identity without any role", /claim\(s\) are required/, () => stranger()],
  ])("refuses a token that %s", async (_, reason, token) => {
    await using producer = producerOf(credentialOf(token));
    await expect(producer.getPartitionIds()).rejects.toMatchObject({
      code: "UnauthorizedError",
      message: expect.stringMatching(reason),
    });
  });

  test("refuses keys: a shared access signature is no token", async () => {
    const key = `Endpoint=sb://${namespace};SharedAccessKeyName=local;SharedAccessKey=local`;
    const client = new EventHubConsumerClient("dyne-read", key, hubName, options());
    await expect(client.getPartitionIds()).rejects.toMatchObject({
      code: "UnauthorizedError",
      message: expect.stringContaining("LocalAuthDisabled"),
    });
    await client.close();
  });

  function connect(options: Partial<rhea.ConnectionOptions>): rhea.Connection {
    const connection = rhea
      .create_container()
      .connect({ host: "localhost", port: server.port, reconnect: false, ...options });
    for (const event of ["disconnected", "connection_error", "connection_close"]) connection.on(event, () => {});
    return connection;
  }

  test.each(["sender", "receiver"] as const)("lets in no %s who has put no token", async (role) => {
    const connection = connect({ transport: "tls" });
    const refused = once(connection, `${role}_error`, { signal: AbortSignal.timeout(5_000) });
    if (role === "sender") connection.open_sender(hubName);
    else connection.open_receiver(`${hubName}/ConsumerGroups/dyne-read/Partitions/0`);
    const [context] = (await refused) as [rhea.EventContext];
    expect(context[role]?.error).toMatchObject({ condition: "amqp:unauthorized-access" });
    const closed = once(connection, "connection_close");
    connection.close();
    await closed;
  });

  test("does not speak to who comes without TLS", async () => {
    const plain = connect({});
    let isOpen = false;
    plain.on("connection_open", () => (isOpen = true));
    await once(plain, "disconnected", { signal: AbortSignal.timeout(5_000) });
    expect(isOpen).toBe(false);
  });

  test("is not spoken to by who does not believe its certificate", async () => {
    const doubtful = connect({ transport: "tls", ca: [] });
    const [{ error }] = (await once(doubtful, "disconnected", { signal: AbortSignal.timeout(5_000) })) as [
      rhea.EventContext,
    ];
    expect(String(error)).toMatch(/self-signed|unable to verify/);
  });
});

describe("a token that runs out", () => {
  /** A reader whose first token is good for a minute, and every later one for an hour. */
  async function read(announcedMs: number) {
    let tokens = 0;
    const third = Promise.withResolvers<void>();
    const credential = credentialOf(async () => {
      if (++tokens === 3) third.resolve();
      return local.identity.resourceToken(local.app, audience, tokens === 1 ? 60_000 : 3_600_000);
    }, announcedMs);
    const client = new EventHubConsumerClient("dyne-read", namespace, hubName, credential, options());
    const outcome = Promise.withResolvers<string>();
    const opened = Promise.withResolvers<void>();
    const subscription = client.subscribe(
      "0",
      {
        processEvents: async (received) => {
          opened.resolve();
          for (const { body } of received) if (String(body) === "b") outcome.resolve("read on");
        },
        processError: async (error) => outcome.resolve(error.message),
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 60 },
    );
    await opened.promise;
    const close = async () => {
      await subscription.close();
      await client.close();
    };
    return { outcome: outcome.promise, renewedTwice: third.promise, [Symbol.asyncDispose]: close };
  }

  test.each([
    ["closes the links that it let in", false, /ExpiredToken/],
    ["closes no link where another one was put before", true, /read on/],
  ])("%s", async (_, renews, outcome) => {
    await using producer = producerOf(sender());
    await send(producer, "a");
    // The SDK renews two minutes before the end that it is told.
    await using reader = await read(renews ? 120_200 : 3_600_000);
    if (renews) await reader.renewedTwice;
    clock.advance(120_000);
    await send(producer, "b");
    expect(await reader.outcome).toMatch(outcome);
  });
});

function stranger(): Promise<string> {
  return local.identity.resourceToken(newPrincipal("stranger"), audience);
}

async function forged(): Promise<string> {
  const issuer = await TokenIssuer.create({ clock: systemClock, random: systemRandom });
  const issuerName = local.identity.resourceIssuer;
  return issuer.issue({ principal: local.other, audience, issuer: issuerName, version: "1.0", lifetimeMs: 60_000 });
}
