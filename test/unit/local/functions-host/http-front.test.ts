import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect } from "node:net";

import {
  app,
  type HttpHandler,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import fc from "fast-check";
import { expect, test } from "vitest";

import { isDyneError, ManualClock, seededRandom, silentLogger, type Logger } from "../../../../shared/core/index.ts";
import { startFunctionsHost, type FunctionsHostOptions } from "../../../../local/functions-host/index.ts";
import { ask, type Ask } from "./http-client.ts";

type Handler = (request: HttpRequest, context: InvocationContext) => unknown;

/** A host with HTTP functions, and where it listens. */
async function serve(load: () => void, more: Partial<FunctionsHostOptions> = {}) {
  const host = await startFunctionsHost({
    hostJson: { version: "2.0" },
    settings: { ROUTE: "from/settings" },
    load: async () => load(),
    clock: new ManualClock(),
    random: seededRandom(7),
    logger: silentLogger,
    ...more,
  });
  return { host, address: host.http ?? "", [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

const everyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
const echo = (handler: Handler, route = "{*rest}") =>
  app.http("echo", {
    methods: [...everyMethod],
    authLevel: "anonymous",
    route,
    handler: handler as HttpHandler,
  });

/** What the log was told from `warn` on. */
function complaints(): { readonly logger: Logger; readonly lines: { message: string; fields: unknown }[] } {
  const lines: { message: string; fields: unknown }[] = [];
  const complain = (message: string, fields?: unknown) => void lines.push({ message, fields });
  return { lines, logger: { ...silentLogger, warn: complain, error: complain } };
}

async function seen(request: HttpRequest) {
  return {
    method: request.method,
    url: new URL(request.url).pathname + new URL(request.url).search,
    params: { ...request.params },
    query: Object.fromEntries(request.query),
    header: request.headers.get("x-a"),
    body: Buffer.from(await request.arrayBuffer()).toString("latin1"),
  };
}

const nothing = { params: {}, query: {}, header: null, body: "" };
const bytes = Buffer.from([0, 255, 13, 10, 128]);

test.each<[string, Ask, object]>([
  ["a plain GET", { path: "/api" }, { method: "GET", url: "/api" }],
  [
    "a path with escapes",
    { path: "/api/a%20b%2Fc/%E2%82%AC" },
    { url: "/api/a%20b%2Fc/%E2%82%AC", params: { rest: "a b%2Fc/€" } },
  ],
  [
    "a query with everything",
    { path: "/api?a=1&b=%26+x&c&=y" },
    { url: "/api?a=1&b=%26+x&c&=y", query: { a: "1", b: "& x", c: "", "": "y" } },
  ],
  ["parameters that come twice", { path: "/api?a=1&A=2&a=" }, { url: "/api?a=1&A=2&a=", query: { a: "1,2," } }],
  [
    "a parameter with the name of a property",
    { path: "/api?__proto__=x&constructor=y" },
    { url: "/api?__proto__=x&constructor=y", query: { constructor: "y" } },
  ],
  [
    "a header that comes twice",
    { path: "/api", headers: ["host", "localhost", "X-A", "1", "x-a", "2"] },
    { url: "/api", header: "1,2" },
  ],
  ["an empty header", { path: "/api", headers: { "x-a": "" } }, { url: "/api", header: "" }],
  [
    "a binary body",
    { method: "POST", path: "/api", body: bytes, headers: { "content-length": 5 } },
    { method: "POST", url: "/api", body: bytes.toString("latin1") },
  ],
  ["an empty body", { method: "PUT", path: "/api", headers: { "content-length": 0 } }, { method: "PUT", url: "/api" }],
  ["no body at all", { method: "DELETE", path: "/api/x" }, { method: "DELETE", url: "/api/x", params: { rest: "x" } }],
  [
    "a GET with a body, which fetch has not",
    { path: "/api", body: bytes, headers: { "content-length": 5 } },
    { url: "/api" },
  ],
  [
    "a body of unknown length, which Azure drops",
    { method: "POST", path: "/api", body: bytes, headers: { "transfer-encoding": "chunked" } },
    { method: "POST", url: "/api" },
  ],
])("of %s the handler sees what it would in Azure", async (_, asked, expected) => {
  const calls: unknown[] = [];
  await using served = await serve(() => echo(async (request) => void calls.push(await seen(request))));
  await ask(served.address, asked);
  expect(calls).toEqual([{ method: "GET", ...nothing, ...expected }]);
});

test.each<[string, HttpResponseInit | undefined, { status: number; headers?: object; body?: string | Buffer }]>([
  [
    "text",
    { body: "grüße" },
    { status: 200, headers: { "content-type": "text/plain;charset=UTF-8", "content-length": "7" }, body: "grüße" },
  ],
  [
    "JSON",
    { status: 202, jsonBody: { a: [1, null] } },
    { status: 202, headers: { "content-type": "application/json" }, body: '{"a":[1,null]}' },
  ],
  ["bytes", { body: bytes }, { status: 200, headers: { "content-length": "5" }, body: bytes }],
  ["an empty body", { status: 201 }, { status: 201, headers: { "content-length": "0" } }],
  ["nothing", undefined, { status: 204 }],
  ["204", { status: 204 }, { status: 204 }],
  ["304 with an ETag", { status: 304, headers: { ETag: '"1"' } }, { status: 304, headers: { etag: '"1"' } }],
  [
    "an error of its own",
    { status: 503, headers: { "retry-after": "5" } },
    { status: 503, headers: { "retry-after": "5" } },
  ],
  [
    "headers that come twice",
    {
      headers: new Headers([
        ["link", "<a>"],
        ["link", "<b>"],
      ]),
    },
    { status: 200, headers: { link: "<a>, <b>" } },
  ],
  [
    "a length that is not the body's",
    { body: "abc", headers: { "content-length": "9", connection: "upgrade" } },
    { status: 200, headers: { "content-length": "3" }, body: "abc" },
  ],
  [
    "cookies",
    {
      cookies: [
        { name: "a", value: "1 2" },
        {
          name: "b",
          value: "x",
          path: "/p",
          domain: "d",
          maxAge: 60.9,
          expires: new Date(0.5e12),
          secure: true,
          httpOnly: true,
          sameSite: "None",
        },
        { name: "c", value: "", sameSite: "Lax" },
      ],
    },
    {
      status: 200,
      headers: {
        "set-cookie": [
          "a=1%202; path=/",
          "b=x; expires=Tue, 05 Nov 1985 00:53:20 GMT; max-age=60; domain=d; path=/p; secure; samesite=none; httponly",
          "c=; path=/; samesite=lax",
        ],
      },
    },
  ],
  ["a cookie that cannot be sent", { cookies: [{ name: "a b", value: "" }] }, { status: 500 }],
  ["a string in place of a response", "text" as HttpResponseInit, { status: 500 }],
])("of %s the client gets what the handler gave", async (_, given, expected) => {
  await using served = await serve(() => echo(() => given));
  const { status, headers, body } = await ask(served.address, { path: "/api/x" });
  expect(status).toBe(expected.status);
  expect(headers).toMatchObject(expected.headers ?? {});
  expect(body).toEqual(Buffer.from(expected.body ?? ""));
});

test("any bytes come back as they went, by every method that has a body", async () => {
  await using served = await serve(() =>
    echo(async (request) => ({ body: new Uint8Array(await request.arrayBuffer()) })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom("POST", "PUT", "PATCH"),
      async (sent, method) => {
        const asked = { method, path: "/api", body: sent, headers: { "content-length": sent.length } };
        expect((await ask(served.address, asked)).body).toEqual(Buffer.from(sent));
      },
    ),
    { numRuns: 30 },
  );
  const large = Buffer.alloc(20_000_000, "0123456789");
  const { body } = await ask(served.address, {
    method: "POST",
    path: "/api",
    body: large,
    headers: { "content-length": large.length },
  });
  expect(body.equals(large)).toBe(true);
});

test("HEAD has the headers of a body, and no body", async () => {
  await using served = await serve(() => echo(() => ({ body: "abc" })));
  const { status, headers, body } = await ask(served.address, { method: "HEAD", path: "/api" });
  expect([status, headers["content-length"], body.length]).toEqual([200, "3", 0]);
});

test.each<[string, string, string]>([
  ["GET", "/api/plain", "200 plain"],
  ["POST", "/api/plain", "404 "],
  ["HEAD", "/api/plain", "404 "],
  ["GET", "/plain", "404 "],
  ["GET", "/", "404 "],
  ["GET", "/api/items/recent", "200 byLiteral"],
  ["GET", "/api/items/7", "200 byParameter 7"],
  ["PUT", "/api/items/7", "200 toPut 7"],
  ["GET", "/api/from/settings", "200 setting"],
])("%s %s is answered with %s", async (method, path, expected) => {
  await using served = await serve(() => {
    const handler: HttpHandler = ({ params }, { functionName }) => ({
      body: [functionName, ...Object.values(params)].join(" "),
    });
    app.get("plain", handler);
    app.get("byParameter", { route: "items/{id}", handler });
    app.get("byLiteral", { route: "items/recent", handler });
    app.put("toPut", { route: "items/{id:int}", handler });
    app.get("setting", { route: "%ROUTE%", handler });
  });
  const { status, body } = await ask(served.address, { method, path });
  expect(`${status} ${body.toString()}`).toBe(expected);
});

test.each([
  ["an empty prefix", "", "/x", "http://127.0.0.1:"],
  ["a prefix of two segments", "my/v1", "/my/v1/x", "/my/v1"],
])("%s is that of all routes", async (_, routePrefix, path, api) => {
  const hostJson = {
    version: "2.0",
    extensions: { http: { routePrefix, customHeaders: { "X-Content-Type-Options": "nosniff" } } },
  };
  await using served = await serve(() => app.get("x", () => ({ body: "x" })), { hostJson });
  expect(served.host.api).toContain(api);
  const { status, headers } = await ask(served.address, { path });
  expect([status, headers["x-content-type-options"]]).toEqual([200, "nosniff"]);
});

test("a function that another one hides is warned of when the host starts, and hidden as in Azure", async () => {
  const { lines, logger } = complaints();
  const load = () => {
    app.get("list", { route: "p/list", handler: () => ({ body: "list" }) });
    app.get("details", { route: "p/{id}", handler: () => ({ body: "details" }) });
  };
  await using served = await serve(load, { logger });
  expect(lines).toEqual([
    {
      message: expect.stringContaining("never reached"),
      fields: { route: "api/p/list", functionName: "list", takenBy: "details" },
    },
  ]);
  expect((await ask(served.address, { path: "/api/p/list" })).body.toString()).toBe("details");
});

test("a handler that throws is an empty 500 to its client, and the log has the error", async () => {
  const { lines, logger } = complaints();
  await using served = await serve(() => echo(() => Promise.reject(new Error("the secret"))), { logger });
  const { status, headers, body } = await ask(served.address, { path: "/api" });
  expect([status, headers["content-length"], body.length]).toEqual([500, "0", 0]);
  expect(JSON.stringify(lines)).toContain("the secret");
});

test("a request for another machine's name is refused, so that no web page reaches the API by its own name", async () => {
  const calls: string[] = [];
  await using served = await serve(() => echo((request) => void calls.push(request.url)));
  const status = async (host: string) => (await ask(served.address, { path: "/api", headers: { host } })).status;
  expect([await status("rebound.example"), await status("a b"), await status("localhost:1")]).toEqual([421, 400, 204]);
  expect(calls).toEqual(["http://localhost:1/api"]);
});

test("a body beyond the limit is refused before the function runs, and one at the limit is not", async () => {
  let calls = 0;
  await using served = await serve(() => echo(() => void calls++), { http: { maxBodyBytes: 10 } });
  const status = async (length: number) =>
    (
      await ask(served.address, {
        method: "POST",
        path: "/api",
        body: Buffer.alloc(length),
        headers: { "content-length": length },
      })
    ).status;
  expect([await status(10), await status(11), calls]).toEqual([204, 413, 1]);
  // 100 MB and a byte, of which none is sent: the length alone decides.
  await using bounded = await serveAfter(served, () => echo(() => undefined));
  const socket = connect(Number(new URL(bounded.address).port), "127.0.0.1");
  socket.write("POST /api HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857601\r\n\r\n");
  const [head] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  expect(head.toString()).toContain("HTTP/1.1 413 ");
});

/** One host per process: the next one is served when the last one has ended. */
async function serveAfter(served: AsyncDisposable, load: () => void) {
  await served[Symbol.asyncDispose]();
  return serve(load);
}

test("a client that waits too long is answered with 504, and the function goes on", async () => {
  const clock = new ManualClock();
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let isFinished = false;
  const slow: Handler = async () => {
    begun.resolve();
    await release.promise;
    isFinished = true;
    return { status: 200 };
  };
  await using served = await serve(() => echo(slow), { clock });
  const asked = ask(served.address, { path: "/api" });
  await begun.promise;
  clock.advance(230_000);
  expect((await asked).status).toBe(504);
  expect(isFinished).toBe(false);
  release.resolve();
  await served.host.drain();
  expect(isFinished).toBe(true);
});

test("a client that hangs up ends neither its function nor the host", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const ended: string[] = [];
  const slow: Handler = async (request) => {
    begun.resolve();
    if (request.method === "POST") await release.promise;
    ended.push(request.method);
    return { body: "x" };
  };
  await using served = await serve(() => echo(slow));
  const hangUp = new AbortController();
  const asked = ask(served.address, { method: "POST", path: "/api", signal: hangUp.signal }).catch(() => "hung up");
  await begun.promise;
  hangUp.abort();
  expect(await asked).toBe("hung up");
  // In the middle of a body, the function is not even begun.
  const socket = connect(Number(new URL(served.address).port), "127.0.0.1");
  socket.end("POST /api HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf");
  socket.resume();
  await once(socket, "close");
  expect((await ask(served.address, { path: "/api" })).status).toBe(200);
  release.resolve();
  await served.host.drain();
  expect(ended).toEqual(["GET", "POST"]);
});

test("beyond maxOutstandingRequests the answer is 429", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const hostJson = { version: "2.0", extensions: { http: { maxOutstandingRequests: 1 } } };
  const slow: Handler = async () => {
    begun.resolve();
    await release.promise;
    return { status: 200 };
  };
  await using served = await serve(() => echo(slow), { hostJson });
  const first = ask(served.address, { path: "/api" });
  await begun.promise;
  expect((await ask(served.address, { path: "/api" })).status).toBe(429);
  release.resolve();
  expect((await first).status).toBe(200);
});

test("a stop takes no more requests and lets those that run end; connections that wait do not keep it", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow: Handler = async () => {
    begun.resolve();
    await release.promise;
    return { body: "done" };
  };
  await using served = await serve(() => echo(slow));
  const waiting = connect(Number(new URL(served.address).port), "127.0.0.1");
  waiting.on("error", () => {});
  await once(waiting, "connect");
  const running = ask(served.address, { path: "/api" });
  await begun.promise;
  let isDrained = false;
  const drained = served.host.drain().then(() => (isDrained = true));
  await expect(ask(served.address, { path: "/api" })).rejects.toThrow("ECONNREFUSED");
  waiting.write("GET /api HTTP/1.1\r\nhost: localhost\r\n\r\n");
  expect(String((await once(waiting, "data"))[0])).toMatch(/^HTTP\/1\.1 503 [^]*connection: close/i);
  expect(isDrained).toBe(false);
  release.resolve();
  expect((await running).body.toString()).toBe("done");
  await drained;
  expect(served.host.http).toBeUndefined();
});

test("an answer that is still on its way when the host stops arrives whole", async () => {
  const body = Buffer.alloc(30_000_000, "0123456789");
  await using served = await serve(() => echo(() => ({ body })));
  const asked = request(`${served.address}/api`, { agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const drained = served.host.drain();
  const chunks = (await Array.fromAsync(response)) as Buffer[];
  expect(Buffer.concat(chunks).equals(body)).toBe(true);
  await drained;
});

test("a client that does not read its answer keeps a stop no longer than its limit", async () => {
  const clock = new ManualClock();
  await using served = await serve(() => echo(() => ({ body: Buffer.alloc(30_000_000) })), {
    clock,
    stopLimitMs: 1_000,
  });
  const asked = request(`${served.address}/api`, { agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const drained = served.host.drain();
  clock.advance(1_000);
  await drained;
  await expect(Array.fromAsync(response)).rejects.toThrow("aborted");
});

test("a function that does not end keeps a stop no longer than its limit, and its client is cut off", async () => {
  const clock = new ManualClock();
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow: Handler = async () => {
    begun.resolve();
    await release.promise;
    return { status: 200 };
  };
  await using served = await serve(() => echo(slow), { clock, stopLimitMs: 1_000 });
  const asked = ask(served.address, { path: "/api" }).catch((error: unknown) => String(error));
  await begun.promise;
  const drained = served.host.drain();
  clock.advance(1_000);
  await drained;
  expect(await asked).toContain("socket hang up");
  release.resolve();
});

test.each<[string, () => void, string, string]>([
  [
    "an authLevel other than anonymous",
    () => app.http("f", { authLevel: "function", handler: () => ({}) }),
    "UNSUPPORTED_FEATURE",
    "host keys",
  ],
  [
    "a method that fetch does not know",
    () => app.http("f", { methods: ["TRACE"], handler: () => ({}) }),
    "INVALID_SETTING",
    "methods",
  ],
  ["no method", () => app.http("f", { methods: [], handler: () => ({}) }), "INVALID_SETTING", "methods"],
  [
    "a route of the host's own",
    () => app.http("f", { route: "admin/x", handler: () => ({}) }),
    "INVALID_SETTING",
    "admin",
  ],
  [
    "a route with a slash before it",
    () => app.http("f", { route: "/x", handler: () => ({}) }),
    "INVALID_SETTING",
    "empty segment",
  ],
  [
    "a constraint that this host does not run",
    () => app.http("f", { route: "{a:range(1,2)}", handler: () => ({}) }),
    "UNSUPPORTED_FEATURE",
    "range(1,2)",
  ],
  [
    "a setting that is absent",
    () => app.http("f", { route: "%ABSENT%", handler: () => ({}) }),
    "INVALID_SETTING",
    "ABSENT",
  ],
  [
    "a route that is taken",
    () => {
      for (const name of ["f", "g"]) app.get(name, { route: "x", handler: () => ({}) });
    },
    "DUPLICATE_NAME",
    '"f" and "g"',
  ],
])("an app with %s does not start, and says why", async (_, load, code, words) => {
  const error: unknown = await serve(load).then(
    (served) => served[Symbol.asyncDispose](),
    (caught: unknown) => caught,
  );
  expect(isDyneError(error) && error.code).toBe(code);
  expect(String(error)).toContain(words);
});

test("a port that is taken is said to be, and nothing keeps running", async () => {
  const taken = await serve(() => echo(() => ({})));
  const port = Number(new URL(taken.address).port);
  await taken[Symbol.asyncDispose]();
  const other = createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  await expect(serve(() => echo(() => ({})), { http: { port } })).rejects.toMatchObject({
    code: "INVALID_SETTING",
    message: expect.stringContaining(String(port)),
  });
  other.close();
  await once(other, "close");
  await using served = await serve(() => echo(() => ({})), { http: { port } });
  expect(served.address).toBe(`http://127.0.0.1:${port}`);
});
