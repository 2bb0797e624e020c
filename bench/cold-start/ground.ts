/** What a cold instance finds: storage with tables that have had batches before, and a hub with new events. */
import { extname, join, resolve } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { EventHubConsumerClient, EventHubProducerClient, type ReceivedEventData } from "@azure/event-hubs";
import { eventHubMetadata } from "../../local/functions-host/event-hub-payload.ts";
import { jsonData } from "../../local/functions-host/index.ts";
import { startChild, startStorage } from "../../local/platform/index.ts";
import { silentLogger, systemRandom } from "../../shared/core/index.ts";
import type { FunctionCall } from "./worker-config.ts";

const root = resolve(import.meta.dirname, "../..");
const hub = "flights";
const partition = "0";
const consumerGroup = "bench";
const readLimitMs = 20_000;
const airports =
  "iata,name,city,state,country,latitude,longitude\nLAS,McCarran International,Las Vegas,NV,USA,36.08,-115.15\n";

export interface Ground extends AsyncDisposable {
  /** Settings of the app. */
  readonly settings: Readonly<Record<string, string>>;
  /** Sends that many new events, and gives the call with which the host would announce them. */
  announceEvents(count: number): Promise<FunctionCall>;
}

/** A call of the timer, which looks at every flow. */
export const sweep: FunctionCall = {
  name: "sweep",
  metadata: {},
  data: jsonData({ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false }),
};

/** Starts storage and hub in a folder, with the airports landed that flights are joined with. */
export async function openGround(directory: string): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const azurite = stack.use(await startStorage({ directory, logger: silentLogger }));
  const hubs = stack.use(
    await startChild({
      name: "The loopback Event Hubs",
      entry: join(root, `local/event-hubs/main${extname(import.meta.filename)}`),
      config: {
        directory: join(directory, "hubs"),
        hubs: { [hub]: { partitions: 1, consumerGroups: ["dyne-trigger", "dyne-read", consumerGroup] } },
      },
      onLog: () => undefined,
    }),
  );
  const eventHubs = String(hubs.ready["connectionString"]);
  const { host, lake } = azurite.connectionStrings;
  const landing = BlobServiceClient.fromConnectionString(lake).getContainerClient("landing");
  await landing.getBlockBlobClient("airports/airports.csv").uploadData(Buffer.from(airports));
  const producer = new EventHubProducerClient(eventHubs, hub);
  stack.defer(() => producer.close());
  const consumer = new EventHubConsumerClient(consumerGroup, eventHubs, hub);
  stack.defer(() => consumer.close());

  let sent = 0;
  const announceEvents = async (count: number): Promise<FunctionCall> => {
    const bodies = Array.from({ length: count }, () => ({ body: flight(sent++) }));
    await producer.sendBatch(bodies, { partitionId: partition });
    const events = await readFrom(consumer, sent - count, count);
    const place = { fullyQualifiedNamespace: "127.0.0.1", eventHubName: hub, consumerGroup, partitionId: partition };
    return {
      name: `hub-${hub}`,
      metadata: eventHubMetadata(place, events, systemRandom),
      data: jsonData(null),
      bodies: bodies.map(({ body }) => body.toString("base64")),
    };
  };
  const running = stack.move();
  return {
    settings: {
      EVENTS: eventHubs,
      LAKE: lake,
      AzureWebJobsStorage: host,
      NOTICES: host,
      DYNE_DIRECTORY: join(directory, "work"),
      DYNE_MEMORY_MB: "700",
      DYNE_LOG_LEVEL: "warn",
    },
    announceEvents,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A flight a second, so that none is late. */
function flight(index: number): Buffer {
  const date = new Date(Date.UTC(2001, 0, 1) + index * 1_000).toISOString();
  const flown = { delay: index % 60, distance: 2_176, origin: "LAS", destination: `D${index % 10}` };
  return Buffer.from(JSON.stringify({ flight_id: `F${index}`, date, ...flown }));
}

/** The events as the hub numbers and dates them. */
async function readFrom(
  consumer: EventHubConsumerClient,
  sequenceNumber: number,
  count: number,
): Promise<readonly ReceivedEventData[]> {
  const { promise, resolve: found, reject } = Promise.withResolvers<readonly ReceivedEventData[]>();
  const events: ReceivedEventData[] = [];
  const subscription = consumer.subscribe(
    partition,
    {
      processEvents: async (received) => {
        events.push(...received);
        if (events.length >= count) found(events);
      },
      processError: async (error) => reject(error),
    },
    { startPosition: { sequenceNumber, isInclusive: true }, maxBatchSize: count },
  );
  const timer = setTimeout(() => reject(new Error(`The hub gave ${events.length} of ${count} events.`)), readLimitMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await subscription.close();
  }
}
