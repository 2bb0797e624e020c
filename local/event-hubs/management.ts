/**
 * Request and answer over AMQP: `$cbs`, which takes tokens, and `$management` with the READ of a hub and of a
 * partition. Answers go over the client's own receiver, which its `reply_to` names.
 */
import rhea from "rhea";
import type { EventContext, Message } from "rhea";
import type { Clock } from "../../shared/core/clock.ts";
import { arrivalOf, condition, sessionRoom } from "./amqp-link.ts";
import type { ServerReceiver, ServerSender } from "./amqp-link.ts";
import type { Hub } from "./hub.ts";

const { types } = rhea;

/** Links of one connection over which answers go, by name and by address. */
export class ReplyLinks {
  readonly #links = new Map<string, ServerSender>();

  add(link: ServerSender): void {
    link.local.attach.snd_settle_mode = 1;
    const address = link.target?.address;
    this.#links.set(link.name, link);
    if (typeof address === "string") this.#links.set(address, link);
  }

  remove(link: ServerSender): void {
    for (const [name, known] of this.#links) if (known === link) this.#links.delete(name);
  }

  /** Answers a request; a client that has gone gets nothing. */
  reply(request: Message, answer: Answer): void {
    const link = this.#links.get(String(request.reply_to));
    if (!link) return;
    const message = {
      correlation_id: request.message_id,
      application_properties: answer.properties,
      body: answer.body,
    };
    sendWhenRoom(link, message as Message);
  }
}

/** The events of the same session may have filled it; it says so when it has room again. */
function sendWhenRoom(link: ServerSender, message: Message): void {
  if (sessionRoom(link) > 0) link.send(message);
  else link.once("sendable", () => sendWhenRoom(link, message));
}

/** What a request gets back. */
export interface Answer {
  readonly properties: Record<string, unknown>;
  readonly body: unknown;
}

/** Answers every request that arrives over the link. */
export function serveRequests(
  link: ServerReceiver,
  replies: ReplyLinks,
  answer: (request: Message) => Answer | Promise<Answer>,
): void {
  link.on("message", (event: EventContext) => {
    const { message, delivery } = arrivalOf(event);
    delivery.accept();
    const reply = (found: Answer) => {
      replies.reply(message as Message, found);
      link.add_credit(1);
    };
    const found = answer(message as Message);
    if (found instanceof Promise) void found.then(reply);
    else reply(found);
  });
  link.add_credit(100);
}

/** `$cbs` took the token. Where the server checks none, any is good, because it listens on loopback only. */
export function acceptToken(): Answer {
  return { properties: { "status-code": 202, "status-description": "Accepted" }, body: undefined };
}

/** Who asks has no token, or not the right one. */
export function refuseToken(description: string): Answer {
  return failure(401, condition.unauthorized, description);
}

/** The hub that a request is about. */
export function nameOf(request: Message): string {
  return String((request.application_properties as Record<string, unknown> | undefined)?.["name"]);
}

/** `$management`: the properties of a hub or of one of its partitions. */
export function readProperties(request: Message, hubs: ReadonlyMap<string, Hub>, clock: Clock): Answer {
  const { operation, type, partition } = (request.application_properties ?? {}) as Record<string, unknown>;
  const name = nameOf(request);
  const hub = hubs.get(name.toLowerCase());
  if (operation !== "READ")
    return failure(501, condition.notImplemented, `The operation '${String(operation)}' is not supported.`);
  if (!hub) return failure(404, condition.notFound, `The messaging entity '${name}' could not be found.`);
  if (type === "com.microsoft:eventhub") {
    return success({
      name: hub.name,
      type,
      created_at: types.wrap_timestamp(hub.createdAtMs),
      partition_count: types.wrap_int(hub.partitions.length),
      partition_ids: hub.partitions.map((_, id) => String(id)),
      georeplication_factor: types.wrap_int(1),
    });
  }
  const log = /^\d+$/.test(String(partition)) ? hub.partitions[Number(partition)] : undefined;
  if (!log)
    return failure(
      404,
      condition.notFound,
      `The messaging entity '${hub.name}/Partitions/${String(partition)}' could not be found.`,
    );
  log.dropExpired(clock.nowMs());
  const { sequenceNumber, offset, enqueuedTimeMs } = log.last;
  return success({
    name: hub.name,
    type,
    partition: String(partition),
    begin_sequence_number: types.wrap_long(log.beginSequenceNumber),
    last_enqueued_sequence_number: types.wrap_long(sequenceNumber),
    last_enqueued_offset: String(offset),
    last_enqueued_time_utc: types.wrap_timestamp(enqueuedTimeMs),
    is_partition_empty: log.isEmpty,
  });
}

function success(body: Record<string, unknown>): Answer {
  return { properties: { "status-code": 200, "status-description": "OK" }, body };
}

function failure(status: number, error: string, description: string): Answer {
  return {
    properties: { "status-code": status, "status-description": description, "error-condition": error },
    body: undefined,
  };
}
