/**
 * The publishing host of a Flex Consumption app, as far as publishing goes, over HTTPS or HTTP on the loopback: it takes zips, hands out ids of
 * deployments and says what became of them. What it answers is a list that runs out.
 */
import { createHash } from "node:crypto";
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** What one request is answered with; `cut` ends its connection without a word. */
export type Answer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | "cut";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly contentType: string;
  /** Of what was sent. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface PublishHost extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly asked: readonly Asked[];
}

/** A deployment as Azure tells it. */
export const deployment = (status: number, text = "", more: object = {}): Answer => ({
  status: 200,
  body: { id: "d-1", status, status_text: text, ...more },
});

/** Starts a host that gives these answers, one for each request. More requests than answers fail with 418, which nobody tries again. */
export async function startPublishHost(
  answers: readonly Answer[],
  secure?: { readonly key: string; readonly certificate: string },
): Promise<PublishHost> {
  const asked: Asked[] = [];
  const left = [...answers];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const sent = await buffer(request);
    asked.push({
      method: request.method ?? "",
      path: request.url ?? "",
      authorization: request.headers.authorization ?? "",
      contentType: request.headers["content-type"] ?? "",
      sha256: createHash("sha256").update(sent).digest("hex"),
      bytes: sent.length,
    });
    const next = left.shift() ?? { status: 418, body: "no answer is left" };
    if (next === "cut") return request.socket.destroy();
    response.writeHead(next.status, { "content-type": "application/json", ...next.headers });
    return response.end(typeof next.body === "string" ? next.body : JSON.stringify(next.body ?? null));
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => void answer(request, response);
  const server =
    secure === undefined
      ? createPlainServer(listener)
      : createSecureServer({ key: secure.key, cert: secure.certificate }, listener);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
