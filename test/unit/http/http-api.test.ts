/** What holds for every request, whatever its route. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DyneError, errorCodes, limits, ManualClock, type ErrorCode } from "../../../shared/core/index.ts";
import { problemSchema, statusOfError } from "../../../shared/http/problem.ts";
import { jsonAnswer, route, type Route } from "../../../shared/http/route.ts";
import { Asked } from "../../support/http-world.ts";

const bodySchema = z.strictObject({ kind: z.literal("replay"), days: z.int().max(7) });
const base = { summary: "", description: "", answers: [], problems: [] } as const;

/** Routes that do what a test tells them. */
function asked(work: () => Promise<unknown> = async () => ({}), clock = new ManualClock(0)): Asked<undefined> {
  const routes: readonly Route<undefined>[] = [
    route({
      ...base,
      id: "get",
      method: "GET",
      path: "/api/things/{name}",
      role: "Dyne.Reader",
      pathParameters: z.strictObject({ name: z.string().max(10) }),
      queryParameters: z.strictObject({
        count: z.int().min(1).max(9).optional(),
        flag: z.enum(["on", "off"]).optional(),
        each: z.array(z.string()).optional(),
      }),
      handle: async ({ path, query }, { signal }) => {
        signal.addEventListener("abort", () => aborted.push("aborted"));
        return jsonAnswer({ ...path, ...query, work: await work() });
      },
    }),
    route({
      ...base,
      id: "post",
      method: "POST",
      path: "/api/things",
      role: "Dyne.Operator",
      body: bodySchema,
      requestHeaders: z.strictObject({ "idempotency-key": z.string().max(8).optional() }),
      handle: async ({ body, headers }) => jsonAnswer({ body, headers }, 202, { location: "/api/things/1" }),
    }),
    route({
      ...base,
      id: "remove",
      method: "DELETE",
      path: "/api/things/{id}",
      role: "Dyne.Operator",
      pathParameters: z.strictObject({ id: z.string() }),
      handle: async ({ path }) => jsonAnswer(path),
    }),
  ];
  return new Asked({ routes, services: async () => undefined, clock });
}
const aborted: string[] = [];

describe("what is asked", () => {
  test("reaches the route as its schemas say", async () => {
    const { json, headers, status } = await asked().ask("/api/things/a%2Fb?count=9&each=x&each=y%2Cz&flag=on");
    expect([status, json]).toEqual([200, { name: "a/b", count: 9, each: ["x", "y,z"], flag: "on", work: {} }]);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
  });

  test.each<[string, string, string]>([
    ["an unknown name", "/api/things/a?nope=1", '"nope"'],
    ["a name that every object has", "/api/things/a?__proto__=1", '"__proto__"'],
    ["a method of objects", "/api/things/a?toString=1", '"toString"'],
    ["a name said twice", "/api/things/a?count=1&count=1", "2 times"],
    ["a number that is none", "/api/things/a?count=x", '"count"'],
    ["a number out of bounds", "/api/things/a?count=10", '"count"'],
    ["a number with a fraction", "/api/things/a?count=1.0", '"count"'],
    ["a number in another notation", "/api/things/a?count=0x1", '"count"'],
    ["an empty number", "/api/things/a?count=", '"count"'],
    ["a huge number", `/api/things/a?count=${"9".repeat(400)}`, '"count"'],
    ["a word that is none of those", "/api/things/a?flag=maybe", '"flag"'],
    ["a path parameter that is too long", "/api/things/abcdefghijk", '"name"'],
  ])("is refused by name: %s", async (_, path, named) => {
    const { status, json } = await asked().ask(path);
    expect([status, json["code"]]).toEqual([400, "INVALID_ARGUMENT"]);
    expect(json["detail"]).toContain(named);
  });

  test("in a body is JSON of the route's form", async () => {
    const send = (body: string | undefined, headers: Record<string, string> = { "content-type": "application/json" }) =>
      asked().ask("/api/things", headers, { method: "POST", ...(body === undefined ? {} : { body }) });
    const right = await send('{"kind":"replay","days":7}', {
      "content-type": "Application/JSON ; charset=utf-8",
      "idempotency-key": "k",
    });
    expect(right).toMatchObject({
      status: 202,
      json: { body: { kind: "replay", days: 7 }, headers: { "idempotency-key": "k" } },
    });
    expect(right.headers["location"]).toBe("/api/things/1");
    for (const body of [
      "",
      "{",
      '{"kind":"replay"}',
      '{"kind":"replay","days":8}',
      '{"kind":"replay","days":1,"more":1}',
      undefined,
    ])
      expect((await send(body)).json).toMatchObject({ status: 400, code: "INVALID_ARGUMENT" });
    expect((await send("{}", { "content-type": "text/plain" })).status).toBe(400);
    expect((await send(`"${"x".repeat(limits.httpBodyBytes)}"`)).json).toMatchObject({
      status: 413,
      code: "BODY_TOO_LARGE",
    });
    const long = { "content-type": "application/json", "idempotency-key": "x".repeat(9) };
    expect((await send('{"kind":"replay","days":7}', long)).json["detail"]).toContain("idempotency-key");
  });

  test("may be too long, of no route, or by a method that its route does not answer", async () => {
    const long = await asked().ask(`/api/things/a?each=${"x".repeat(limits.httpUrlBytes)}`);
    expect(long.json).toMatchObject({ status: 414, code: "URL_TOO_LONG" });
    for (const path of ["/api/nothing", "/api/things/a/b", "/api/things/", "/api/things/%ff", "/", "//api/things/a"])
      expect((await asked().ask(path)).json).toMatchObject({ status: 404, code: "ROUTE_NOT_FOUND" });
    const put = await asked().ask("/api/things/a", {}, { method: "PUT" });
    expect([put.status, put.headers["allow"]]).toEqual([405, "GET, DELETE"]);
    const large = await asked().ask("/api/things/a", { "content-length": String(limits.httpBodyBytes + 1) });
    expect(large.status).toBe(413);
  });
});

describe("a request id", () => {
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  test.each<[string, Record<string, string>, string | RegExp]>([
    ["is the caller's", { "x-request-id": "My-id.7_x" }, "My-id.7_x"],
    ["is that of the caller's trace", { traceparent: trace }, "4bf92f3577b34da6a3ce929d0e0e4736"],
    ["is the caller's own before that of a trace", { "x-request-id": "a", traceparent: trace }, "a"],
    ["is new where there is none", {}, /^[0-9a-f-]{36}$/],
    ["is new where the caller's could break a line", { "x-request-id": "a b" }, /^[0-9a-f-]{36}$/],
    ["is new where the caller's is too long", { "x-request-id": "a".repeat(129) }, /^[0-9a-f-]{36}$/],
    ["is new where the trace is not well-formed", { traceparent: trace.toUpperCase() }, /^[0-9a-f-]{36}$/],
    [
      "is new where the trace is of zeros",
      { traceparent: trace.replace(/-\w{32}-/, `-${"0".repeat(32)}-`) },
      /^[0-9a-f-]{36}$/,
    ],
    ["is new where the trace's version is none", { traceparent: trace.replace(/^00/, "ff") }, /^[0-9a-f-]{36}$/],
  ])("%s", async (_, headers, expected) => {
    const service = asked();
    for (const path of ["/api/things/a", "/api/nothing"]) {
      const answer = await service.ask(path, headers);
      const id = answer.headers["x-request-id"];
      expect(id).toMatch(expected instanceof RegExp ? expected : new RegExp(`^${expected}$`));
      expect(service.lines.at(-1)?.fields["requestId"]).toBe(id);
      if (answer.status !== 200) expect(answer.json["requestId"]).toBe(id);
    }
  });
});

describe("what goes wrong", () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])("is a problem document: %s", async (code) => {
    const answer = await asked(() => Promise.reject(new DyneError(code, "a secret of the inside"))).ask(
      "/api/things/a?count=1",
    );
    const problem = problemSchema.parse(answer.json);
    expect(answer.status).toBe(statusOfError(new DyneError(code, "")));
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(problem).toMatchObject({
      status: answer.status,
      instance: "/api/things/a",
      requestId: answer.headers["x-request-id"],
    });
    const isOurs = errorCodes[code] === "internal";
    if (isOurs) expect(answer.status).toBe(500);
    expect(answer.headers["retry-after"] !== undefined).toBe([429, 503].includes(answer.status));
    if (answer.status === 500) expect(answer.text).not.toContain("secret");
    else expect(problem.code).toBe(code);
  });

  test("unexpectedly is a 500 that tells nothing but its id, under which the log has the cause", async () => {
    const service = asked(() => Promise.reject(new Error("a secret", { cause: new Error("deeper") })));
    const answer = await service.ask("/api/things/a");
    expect([answer.status, answer.json["code"], answer.text.includes("secret")]).toEqual([
      500,
      "INTERNAL_ERROR",
      false,
    ]);
    const [line] = service.lines.filter(({ level }) => level === "error");
    expect(line?.fields).toMatchObject({
      requestId: answer.json["requestId"],
      error: expect.stringContaining("a secret"),
      cause: "Error: deeper",
    });
  });

  test("by taking too long is a 503, and the work is told to stop", async () => {
    const clock = new ManualClock(0);
    const service = asked(() => new Promise(() => undefined), clock);
    const answering = service.ask("/api/things/a");
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(limits.httpAnswerMs);
    const answer = await answering;
    expect([answer.status, answer.json["code"], answer.headers["retry-after"], aborted]).toEqual([
      503,
      "REQUEST_TIMED_OUT",
      "5",
      ["aborted"],
    ]);
  });

  test("by too many at once is a 429, and only until some are answered", async () => {
    const gate = Promise.withResolvers<void>();
    const service = asked(() => gate.promise);
    const waiting = Array.from({ length: limits.httpRequestsAtOnce }, () => service.ask("/api/things/a"));
    const refused = await service.ask("/api/things/a");
    expect([refused.status, refused.json["code"], refused.headers["retry-after"]]).toEqual([
      429,
      "TOO_MANY_REQUESTS",
      "1",
    ]);
    gate.resolve();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(waiting.map(() => 200));
    expect((await service.ask("/api/things/a")).status).toBe(200);
  });
});

test("the log has one line for each request: who, what and how it ended, and not what was asked for", async () => {
  const service = asked();
  await service.ask("/api/things/a?each=someones-name", { authorization: "Bearer a-secret" });
  expect(service.lines).toEqual([
    {
      level: "info",
      message: "a request was answered",
      fields: {
        requestId: expect.any(String),
        method: "GET",
        route: "GET /api/things/{name}",
        status: 200,
        ms: 0,
        caller: "local",
        code: undefined,
      },
    },
  ]);
  expect(JSON.stringify(service.lines)).not.toMatch(/someones-name|a-secret/);
});
