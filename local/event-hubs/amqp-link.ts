/** What the server uses of rhea's links beyond the typings of rhea: the attach frame that is about to be answered. */
import type { AmqpError, Connection, Delivery, EventContext, Receiver, Sender } from "rhea";
import type { Socket } from "node:net";

/** The frame with which the server answers an attach; fields may be set until the handler of the attach returns. */
interface LocalAttach {
  snd_settle_mode?: number;
  max_message_size?: number;
}

/** A link over which the server sends. */
export interface ServerSender extends Sender {
  readonly local: { readonly attach: LocalAttach };
  readonly credit: number;
  /** Deliveries that are wholly on the wire. */
  readonly delivery_count: number;
}

/** A link over which the server receives. */
export interface ServerReceiver extends Receiver {
  readonly local: { readonly attach: LocalAttach };
  readonly credit: number;
}

/** A delivery that waits in a session. */
interface Outgoing {
  id: number;
  settled: boolean;
  remote_settled: boolean;
  readonly link: Sender;
  readonly next_to_send: number;
}

/** Deliveries of a session that were handed over to rhea: a ring in the order of their ids, without gaps. */
interface OutgoingDeliveries {
  next_delivery_id: number;
  /** The first one that is not, or not wholly, on the wire. */
  next_pending_delivery: number;
  readonly deliveries: {
    readonly capacity: number;
    readonly entries: (Outgoing | undefined)[];
    size: number;
    tail: number;
    push(delivery: Outgoing): void;
  };
  available(): number;
}

function outgoingOf(sender: Sender): OutgoingDeliveries {
  return (sender.session as unknown as { outgoing: OutgoingDeliveries }).outgoing;
}

/** How many deliveries the session of a link takes before it is full. */
export function sessionRoom(sender: Sender): number {
  return outgoingOf(sender).available();
}

/**
 * Takes back what was handed over for a link and is not on the wire. rhea keeps deliveries until the client's session
 * window has room and would write them after the link's detach, which a client answers by ending the connection. A
 * delivery that is on the wire in part stays so: the detach aborts it. The other links of the session keep theirs, and
 * those that waited for room are told.
 */
export function discardPending(link: Sender): void {
  const outgoing = outgoingOf(link);
  const ring = outgoing.deliveries;
  const pending: Outgoing[] = [];
  for (
    let waiting = outgoing.next_delivery_id - outgoing.next_pending_delivery;
    waiting > 0 && ring.size > 0;
    waiting--
  ) {
    ring.tail = (ring.tail + ring.capacity - 1) % ring.capacity;
    pending.push(ring.entries[ring.tail]!);
    ring.entries[ring.tail] = undefined;
    ring.size--;
  }
  outgoing.next_delivery_id = outgoing.next_pending_delivery;
  for (const delivery of pending.toReversed()) {
    const begun = delivery.next_to_send > 0;
    if (delivery.link === link && !begun) continue;
    delivery.id = outgoing.next_delivery_id++;
    ring.push(delivery);
    if (delivery.link !== link) continue;
    delivery.settled = true;
    delivery.remote_settled = true;
    outgoing.next_pending_delivery++;
  }
  link.session.each_sender(
    (other: Sender) => other.emit("sendable"),
    (other: Sender) => other !== link && other.is_open() && other.sendable(),
  );
}

/** The socket under a connection. */
export function socketOf(connection: Connection): Socket {
  return (connection as unknown as { socket: Socket }).socket;
}

/** A message as it arrived: raw bytes in a batch format, decoded for the standard format. */
export interface Arrival {
  readonly message: unknown;
  readonly delivery: Delivery;
  readonly format: number | undefined;
}

/** The message of a `message` event. */
export function arrivalOf(context: EventContext): Arrival {
  const { message, delivery, format } = context as unknown as Arrival;
  return { message, delivery, format };
}

/** Error conditions that the SDKs know. */
export const condition = {
  notFound: "amqp:not-found",
  notImplemented: "amqp:not-implemented",
  decodeError: "amqp:decode-error",
  invalidField: "amqp:invalid-field",
  internal: "amqp:internal-error",
  tooLarge: "amqp:link:message-size-exceeded",
  stolen: "amqp:link:stolen",
  unauthorized: "amqp:unauthorized-access",
  resourceLimit: "amqp:resource-limit-exceeded",
  serverBusy: "com.microsoft:server-busy",
} as const;

/** An error that is sent to the client. */
export function amqpError(name: string, description: string): AmqpError {
  return { condition: name, description };
}

/** A value of a link's `desired_capabilities`, which is a text, a list or nothing. */
export function desires(link: { readonly desired_capabilities: unknown }, capability: string): boolean {
  const wanted = link.desired_capabilities;
  return Array.isArray(wanted) ? wanted.map(String).includes(capability) : String(wanted) === capability;
}
