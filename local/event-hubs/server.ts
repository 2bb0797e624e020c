/**
 * An Event Hubs namespace on loopback, spoken to over AMQP 1.0 by the real SDKs: in the clear and with any key
 * (`UseDevelopmentEmulator=true`), or secured, over TLS and with tokens alone. Its hubs live in a folder, so that a
 * namespace goes on after a restart, or after a kill, where it was.
 */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";
import rhea from "rhea";
import type { Connection, Container, EventContext } from "rhea";
import type { Clock } from "../../shared/core/clock.ts";
import type { Logger } from "../../shared/core/logger.ts";
import { amqpError, condition, desires, socketOf } from "./amqp-link.ts";
import type { ServerReceiver, ServerSender } from "./amqp-link.ts";
import { Claims } from "./authorization.ts";
import type { HubAuthorization, HubRight } from "./authorization.ts";
import { Hub } from "./hub.ts";
import type { HubSettings } from "./hub.ts";
import { acceptToken, nameOf, readProperties, refuseToken, ReplyLinks, serveRequests } from "./management.ts";
import { messageBytesMax, servePublisher } from "./publisher-link.ts";
import type { Publish, PublishFault } from "./publisher-link.ts";
import { ReaderGroup } from "./reader-group.ts";
import { EventReader } from "./receiver-link.ts";
import { parseStartPosition } from "./start-position.ts";

/** What a namespace is made of. */
export interface EventHubsOptions {
  /** The folder that holds the hubs. One server at a time may use it. */
  readonly directory: string;
  readonly hubs: Readonly<Record<string, HubSettings>>;
  /** A free port by default. */
  readonly port?: number | undefined;
  /** Speak TLS, and let in only whom a token allows it. */
  readonly secured?: (HubAuthorization & { readonly certificate: string; readonly key: string }) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Fault injection: asked before every publish. */
  readonly onPublish?: (publish: Publish) => PublishFault | undefined;
}

/** A running namespace. Disposing it ends all connections; the folder stays. */
export interface EventHubsServer extends AsyncDisposable {
  readonly port: number;
  /** `sb://…:<port>`, by address or, for TLS, by name: certificates are asked for by name alone. */
  readonly address: string;
  /** Empty where the server is secured: it takes no keys. */
  readonly connectionString: string;
  /** Cuts all connections at once, as a broken network does. */
  dropConnections(): void;
}

const host = "127.0.0.1";

/** Starts a namespace. Throws `INVALID_SETTING` or `LOG_CORRUPT` when a hub cannot be opened. */
export async function startEventHubs(options: EventHubsOptions): Promise<EventHubsServer> {
  const namespace = new Namespace(options);
  try {
    const port = await namespace.listen(options.port ?? 0);
    const address = `sb://${options.secured === undefined ? host : "localhost"}:${port}`;
    return {
      port,
      address,
      connectionString:
        options.secured === undefined
          ? `Endpoint=${address};SharedAccessKeyName=local;SharedAccessKey=local;UseDevelopmentEmulator=true`
          : "",
      dropConnections: () => namespace.dropConnections(),
      [Symbol.asyncDispose]: () => namespace.close(),
    };
  } catch (error) {
    await namespace.close();
    throw error;
  }
}

/** What is known of one connection: where answers go, and what to do when a link or the connection ends. */
interface Client {
  readonly replies: ReplyLinks;
  /** Undefined where everybody may do everything. */
  readonly claims: Claims | undefined;
  readonly onLinkClosed: Map<unknown, () => void>;
}

class Namespace {
  readonly #options: EventHubsOptions;
  readonly #hubs = new Map<string, Hub>();
  readonly #groups = new Map<string, ReaderGroup>();
  readonly #clients = new Map<Connection, Client>();
  readonly #container: Container;
  readonly #server: Server;

  constructor(options: EventHubsOptions) {
    this.#options = options;
    try {
      for (const [name, settings] of Object.entries(options.hubs)) {
        this.#hubs.set(name.toLowerCase(), Hub.open(options.directory, name, settings, options));
      }
    } catch (error) {
      this.#closeHubs();
      throw error;
    }
    this.#container = this.#createContainer();
    const { secured } = options;
    this.#server =
      secured === undefined ? createServer() : createSecureServer({ cert: secured.certificate, key: secured.key });
  }

  listen(port: number): Promise<number> {
    const settings = {
      max_frame_size: 64 * 1024,
      tcp_no_delay: true,
      receiver_options: { autoaccept: false, credit_window: 0, max_message_size: messageBytesMax, rcv_settle_mode: 0 },
      sender_options: { snd_settle_mode: 1 },
    };
    const { secured, clock } = this.#options;
    this.#server.on(secured === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      const connection = this.#container.create_connection(settings as never);
      const claims = secured && new Claims(secured, clock);
      this.#clients.set(connection, { replies: new ReplyLinks(), claims, onLinkClosed: new Map() });
      socket.once("close", () => this.#forget(connection));
      (connection as unknown as { accept(socket: unknown): void }).accept(socket);
    });
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  dropConnections(): void {
    for (const connection of [...this.#clients.keys()]) this.#drop(connection);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.dropConnections();
    await closed;
    this.#closeHubs();
  }

  #closeHubs(): void {
    for (const hub of this.#hubs.values()) hub.close();
    this.#hubs.clear();
  }

  #createContainer(): Container {
    const container = rhea.create_container({ id: "dyne-local-event-hubs" });
    container.sasl_server_mechanisms.enable_anonymous();
    // Who is let in by a token comes without a name; a key is not even listened to then.
    if (this.#options.secured === undefined) container.sasl_server_mechanisms.enable_plain(() => true);
    container.on("receiver_open", ({ receiver, connection }: EventContext) =>
      this.#attachPublisher(receiver as ServerReceiver, connection),
    );
    container.on("sender_open", ({ sender, connection }: EventContext) =>
      this.#attachReceiver(sender as ServerSender, connection),
    );
    container.on("receiver_close", ({ receiver, connection }: EventContext) => this.#linkClosed(receiver, connection));
    container.on("sender_close", ({ sender, connection }: EventContext) => this.#linkClosed(sender, connection));
    container.on("session_close", ({ session, connection }: EventContext) => {
      for (const link of this.#clients.get(connection)?.onLinkClosed.keys() ?? []) {
        if ((link as ServerSender).session === session) this.#linkClosed(link, connection);
      }
    });
    for (const name of [
      "connection_error",
      "session_error",
      "sender_error",
      "receiver_error",
      "protocol_error",
      "error",
      "disconnected",
    ]) {
      container.on(name, (event: { error?: unknown }) =>
        this.#options.logger.debug(name, { error: String(event?.error ?? "") }),
      );
    }
    return container;
  }

  #drop(connection: Connection): void {
    socketOf(connection).destroy(new Error("dropped"));
    this.#forget(connection);
  }

  #forget(connection: Connection): void {
    const client = this.#clients.get(connection);
    this.#clients.delete(connection);
    client?.claims?.close();
    for (const onClosed of client?.onLinkClosed.values() ?? []) onClosed();
  }

  #linkClosed(link: unknown, connection: Connection): void {
    const client = this.#clients.get(connection);
    client?.claims?.forget(link);
    client?.onLinkClosed.get(link)?.();
    client?.onLinkClosed.delete(link);
  }

  /** A client attached a sender: for tokens, requests or events. */
  #attachPublisher(link: ServerReceiver, connection: Connection): void {
    const client = this.#clients.get(connection);
    if (!client) return;
    const address = String(link.target?.address ?? "");
    link.set_target({ address });
    if (link.source) link.set_source({ address: link.source.address });
    const { claims } = client;
    if (address === "$cbs") {
      return serveRequests(link, client.replies, claims ? (request) => claims.put(request) : acceptToken);
    }
    if (!this.#admits(link, connection, address, address.endsWith("$management") ? "any" : "send")) return;
    if (address.endsWith("$management")) {
      return serveRequests(link, client.replies, (request) => {
        const refusal = claims?.refuse(`${nameOf(request)}/$management`, "any");
        if (refusal !== undefined) return refuseToken(String(refusal.description));
        return readProperties(request, this.#hubs, this.#options.clock);
      });
    }
    const match = /^([^/]+)(?:\/Partitions\/(\d+))?$/i.exec(address);
    const hub = this.#hubs.get(match?.[1]?.toLowerCase() ?? "");
    const partition = match?.[2] === undefined ? undefined : Number(match[2]);
    if (!hub || (partition !== undefined && !hub.partitions[partition])) return link.close(notFound(address));
    if (desires(link, "com.microsoft:idempotent-producer")) {
      return link.close(
        amqpError(condition.notImplemented, "Idempotent publishing is not supported by the local hub."),
      );
    }
    const { clock, logger, onPublish } = this.#options;
    servePublisher(link, { hub, partition, clock, logger, onPublish, drop: () => this.#drop(connection) });
  }

  /** A client attached a receiver: for answers or for the events of a partition. */
  #attachReceiver(link: ServerSender, connection: Connection): void {
    const client = this.#clients.get(connection);
    if (!client) return;
    const address = String(link.source?.address ?? "");
    const filter: unknown = link.source?.filter?.["apache.org:selector-filter:string"];
    link.set_source({ address });
    if (link.target) link.set_target({ address: link.target.address });
    const isReplies = address === "$cbs" || address.endsWith("$management");
    if (address !== "$cbs" && !this.#admits(link, connection, address, isReplies ? "any" : "listen")) return;
    if (isReplies) {
      client.replies.add(link);
      client.onLinkClosed.set(link, () => client.replies.remove(link));
      return;
    }
    const match = /^([^/]+)\/ConsumerGroups\/([^/]+)\/Partitions\/(\d+)$/i.exec(address);
    const [, hubName = "", group = "", id = ""] = match ?? [];
    const hub = this.#hubs.get(hubName.toLowerCase());
    const log = hub?.partitions[Number(id)];
    if (!hub || !log || !hub.hasConsumerGroup(group)) return link.close(notFound(address));
    const start = parseStartPosition(filterText(filter));
    if (!start) return link.close(amqpError(condition.invalidField, `The filter of '${address}' is not understood.`));

    const epoch = numberOf(link.properties?.["com.microsoft:epoch"]);
    const stop = () => this.#linkClosed(link, connection);
    const admission = this.#group(address).admit({
      epoch,
      disconnect: (description) => {
        stop();
        link.close(amqpError(condition.stolen, description));
      },
    });
    if (admission.kind === "refused") {
      return link.close(
        amqpError(admission.reason === "limit" ? condition.resourceLimit : condition.stolen, admission.description),
      );
    }
    log.dropExpired(this.#options.clock.nowMs());
    const reader = new EventReader(link, { log, startSequenceNumber: log.resolve(start), clock: this.#options.clock });
    client.onLinkClosed.set(link, () => {
      reader.stop();
      admission.leave();
    });
  }

  /** Whether the client's tokens allow the link; where not, it is closed, and so it is later when they have expired. */
  #admits(
    link: ServerSender | ServerReceiver,
    connection: Connection,
    address: string,
    right: HubRight | "any",
  ): boolean {
    const refusal = this.#clients.get(connection)?.claims?.admit(link, address, right, (error) => {
      this.#linkClosed(link, connection);
      link.close(error);
    });
    if (refusal !== undefined) link.close(refusal);
    return refusal === undefined;
  }

  #group(address: string): ReaderGroup {
    const key = address.toLowerCase();
    let group = this.#groups.get(key);
    if (!group) this.#groups.set(key, (group = new ReaderGroup()));
    return group;
  }
}

function notFound(address: string): ReturnType<typeof amqpError> {
  return amqpError(condition.notFound, `The messaging entity '${address}' could not be found.`);
}

/** A filter comes as a described value or as plain text. */
function filterText(filter: unknown): string | undefined {
  if (filter === undefined || filter === null) return undefined;
  const value = typeof filter === "object" && "value" in filter ? filter.value : filter;
  return String(value);
}

function numberOf(value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}
