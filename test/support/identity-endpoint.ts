/**
 * The token endpoint of a test process. The libraries of Azure ask the endpoint that they find first for as long as the process lives, and
 * quick test files share processes: so each process has one that stays, and a test says what is behind it.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { vi } from "vitest";

export type Answer = { readonly status: number; readonly body: string };

interface Door {
  readonly url: string;
  behind: ((query: string) => Promise<Answer>) | undefined;
}

const place = Symbol.for("dyne.test.identity-endpoint");
const secret = "of this test process";

/** From here on this process asks `behind` for tokens, with what was asked for as a query. Whoever calls it calls `vi.unstubAllEnvs`. */
export async function askForTokens(behind: (query: string) => Promise<Answer>): Promise<void> {
  const process_ = globalThis as unknown as { [place]?: Promise<Door> };
  const door = await (process_[place] ??= openDoor());
  door.behind = behind;
  vi.stubEnv("IDENTITY_ENDPOINT", door.url);
  vi.stubEnv("IDENTITY_HEADER", secret);
}

async function openDoor(): Promise<Door> {
  const door: { url: string; behind: Door["behind"] } = { url: "", behind: undefined };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const isAllowed = request.headers["x-identity-header"] === secret && door.behind !== undefined;
    const found = isAllowed ? await door.behind?.(new URL(request.url ?? "", "http://x").search) : undefined;
    const { status, body } = found ?? { status: 401, body: "{}" };
    response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(body);
  };
  const server = createServer((request, response) => void answer(request, response))
    .listen(0, "127.0.0.1")
    .unref();
  await once(server, "listening");
  door.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`;
  return door;
}
