import { once } from "node:events";
import { request, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";

/** A request as it goes over the wire: nothing of it is made nicer, unlike with fetch. */
export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders | readonly string[];
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Asks on a connection of its own. */
export async function ask(address: string, { body, path, ...options }: Ask): Promise<Answer> {
  const { hostname, port } = new URL(address);
  const asked = request({ hostname, port, path, agent: false, ...options });
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const chunks = (await Array.fromAsync(response)) as Buffer[];
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
