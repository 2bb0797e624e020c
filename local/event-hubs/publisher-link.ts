/** A client's sender: takes publishes, writes them to a partition, and answers only then. */
import rhea from "rhea";
import type { EventContext, Message } from "rhea";
import type { Clock } from "../../shared/core/clock.ts";
import type { Logger } from "../../shared/core/logger.ts";
import { amqpError, arrivalOf, condition } from "./amqp-link.ts";
import type { Arrival, ServerReceiver } from "./amqp-link.ts";
import { binaryAt, EncodedEvent, envelopePartitionKey, section, sectionsOf } from "./amqp-sections.ts";
import type { Hub } from "./hub.ts";

/** A message, all events of a batch together, may have this many bytes. */
export const messageBytesMax = 1024 * 1024;

const creditWindow = 300;
/** Message format in which the SDKs send batches: every data section is an encoded event. */
const batchFormat = 0x80013700;

/** A publish that is about to be written, for fault injection. */
export interface Publish {
  readonly hub: string;
  readonly partition: number;
  readonly events: number;
}

/** What goes wrong with a publish: refused, lost unseen, or written while its answer is lost. */
export type PublishFault =
  | { readonly kind: "reject"; readonly condition: string }
  | { readonly kind: "drop" }
  | { readonly kind: "drop-after-write" };

/** What a publisher link needs. */
export interface PublisherContext {
  readonly hub: Hub;
  /** The partition in the link's address; without one, each publish is routed by its key or in turn. */
  readonly partition: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPublish: ((publish: Publish) => PublishFault | undefined) | undefined;
  /** Ends the connection at once. */
  readonly drop: () => void;
}

/** Serves an attached link of a publisher until its connection ends. */
export function servePublisher(link: ServerReceiver, context: PublisherContext): void {
  link.local.attach.max_message_size = messageBytesMax;
  link.on("message", (event: EventContext) => {
    const arrival = arrivalOf(event);
    try {
      take(arrival, context);
    } catch (error) {
      context.logger.warn("a publish failed", { hub: context.hub.name, error: String(error) });
      arrival.delivery.reject(amqpError(condition.internal, String(error)));
    }
    if (link.credit < creditWindow / 2) link.add_credit(creditWindow - link.credit);
  });
  link.add_credit(creditWindow);
}

function take(
  { message, format, delivery }: Arrival,
  { hub, partition: fixed, clock, onPublish, drop }: PublisherContext,
): void {
  const raw = format === undefined ? Buffer.from(rhea.message.encode(message as Message)) : (message as Buffer);
  if (raw.length > messageBytesMax) {
    return delivery.reject(
      amqpError(condition.tooLarge, `The message has ${raw.length} bytes; ${messageBytesMax} are allowed.`),
    );
  }
  let publish: DecodedPublish;
  try {
    publish = decodePublish(raw, format === batchFormat, fixed === undefined);
  } catch (error) {
    return delivery.reject(amqpError(condition.decodeError, String(error)));
  }
  const partition = fixed ?? hub.choosePartition(publish.partitionKey);
  const fault = onPublish?.({ hub: hub.name, partition, events: publish.events.length });
  if (fault?.kind === "reject") return delivery.reject(amqpError(fault.condition, "refused by fault injection"));
  if (fault?.kind === "drop") return drop();
  hub.partitions[partition]!.append(publish.events, clock.nowMs());
  if (fault?.kind === "drop-after-write") return drop();
  delivery.accept();
}

interface DecodedPublish {
  readonly partitionKey: string | undefined;
  readonly events: readonly EncodedEvent[];
}

/** The envelope's key routes the publish, and is given to events without one where it did. */
function decodePublish(raw: Buffer, isBatch: boolean, isRouted: boolean): DecodedPublish {
  let partitionKey: string | undefined;
  const encoded: Buffer[] = [];
  for (const { code, valueStart } of sectionsOf(raw)) {
    if (code === section.messageAnnotations) partitionKey = envelopePartitionKey(raw, valueStart);
    else if (code === section.data && isBatch) encoded.push(binaryAt(raw, valueStart));
  }
  if (!isBatch) encoded.push(raw);
  const inherited = isRouted ? partitionKey : undefined;
  return { partitionKey, events: encoded.map((bytes) => new EncodedEvent(bytes, inherited)) };
}
