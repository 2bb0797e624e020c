/** A client of plain AMQP, which sees what the SDK hides: all links in one session, and every delivery. */
import { once } from "node:events";
import rhea from "rhea";
import type { Connection, ConnectionOptions, EventContext, Message, Receiver } from "rhea";
import { hubName } from "./hub-client.ts";

export interface PlainReader {
  readonly link: Receiver;
  /** What was delivered: sequence numbers in the order of arrival. */
  readonly sequenceNumbers: number[];
  /** Resolves when so many events have come. */
  atLeast(count: number): Promise<void>;
}

export interface PlainClient extends Disposable {
  readonly connection: Connection;
  /** Rejects when the connection breaks. */
  readonly broken: Promise<never>;
  read(options: { partition?: number; credit: number; epoch?: number; group?: string }): PlainReader;
  /** The number of the last event of a partition, as `$management` tells it within five seconds. */
  lastSequenceNumber(partition?: number): Promise<number>;
}

export function plainClient(port: number, options: Partial<ConnectionOptions> = {}): PlainClient {
  const connection = rhea.create_container().connect({ host: "127.0.0.1", port, reconnect: false, ...options });
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});
  connection.on("disconnected", ({ error }: EventContext) => reject(error ?? new Error("disconnected")));
  connection.on("error", reject);
  const answers = connection.open_receiver({ source: "$management", target: "answers" });
  const requests = connection.open_sender("$management");
  const sendable = once(requests, "sendable");
  let asked = 0;
  return {
    connection,
    broken,
    read({ partition = 0, credit, epoch, group = "dyne-read" }) {
      const sequenceNumbers: number[] = [];
      const link = connection.open_receiver({
        source: `${hubName}/ConsumerGroups/${group}/Partitions/${partition}`,
        credit_window: 0,
        ...(epoch === undefined ? {} : { properties: { "com.microsoft:epoch": rhea.types.wrap_long(epoch) } }),
      });
      let changed = Promise.withResolvers<void>();
      link.on("message", ({ message }: EventContext) => {
        sequenceNumbers.push(Number(message?.message_annotations?.["x-opt-sequence-number"]));
        changed.resolve();
        changed = Promise.withResolvers<void>();
      });
      link.add_credit(credit);
      const arrived = async (count: number) => {
        while (sequenceNumbers.length < count) await changed.promise;
      };
      return { link, sequenceNumbers, atLeast: (count) => Promise.race([arrived(count), broken]) };
    },
    async lastSequenceNumber(partition = 0) {
      await Promise.race([sendable, broken]);
      const request: Message = {
        message_id: String(asked++),
        reply_to: "answers",
        application_properties: {
          operation: "READ",
          name: hubName,
          type: "com.microsoft:partition",
          partition: String(partition),
        },
        body: undefined,
      };
      const answered = once(answers, "message", { signal: AbortSignal.timeout(5_000) });
      requests.send(request);
      const [{ message }] = (await Promise.race([answered, broken])) as [EventContext];
      const body: unknown = message?.body;
      return Number((body as Record<string, unknown>)["last_enqueued_sequence_number"]);
    },
    [Symbol.dispose]() {
      connection.close();
    },
  };
}
