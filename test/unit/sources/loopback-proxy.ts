/** A network between a client and a server on loopback that goes wrong when it is told to. */
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** What becomes of a connection: it goes on, goes silent in both directions without being closed, or is cut. */
export type Fault = "none" | "silence" | "cut";

export interface LoopbackProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Asked for every piece that the client sends, before it is passed on. */
  onSent: (bytes: Buffer) => Fault;
  /** Asked for every piece that the server sends, before it is passed on. */
  onReceived: (bytes: Buffer) => Fault;
  /** What happens to the connections that are open now. */
  strike(fault: Fault): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  silent: boolean;
}

export async function startProxy(targetPort: number): Promise<LoopbackProxy> {
  const pairs = new Set<Pair>();
  let connections = 0;
  const listener = createServer((client) => {
    connections++;
    const pair: Pair = { client, server: connect(targetPort, "127.0.0.1"), silent: false };
    pairs.add(pair);
    client.on("data", (bytes: Buffer) => {
      if (!pair.silent) apply(pair, proxy.onSent(bytes));
      if (!pair.silent) pair.server.write(bytes);
    });
    pair.server.on("data", (bytes: Buffer) => {
      if (!pair.silent) apply(pair, proxy.onReceived(bytes));
      if (!pair.silent) client.write(bytes);
    });
    for (const [socket, other] of [
      [client, pair.server],
      [pair.server, client],
    ] as const) {
      socket.on("error", () => {});
      socket.on("close", () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const proxy: LoopbackProxy = {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    onSent: () => "none",
    onReceived: () => "none",
    strike(fault) {
      for (const pair of pairs) apply(pair, fault);
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const pair of pairs) apply(pair, "cut");
      await closed;
    },
  };
  return proxy;
}

function apply(pair: Pair, fault: Fault): void {
  if (fault === "none") return;
  pair.silent = true;
  if (fault === "cut") for (const socket of [pair.client, pair.server]) socket.destroy();
}
