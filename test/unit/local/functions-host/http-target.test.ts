import { expect, test } from "vitest";

import { parseTarget } from "../../../../local/functions-host/http-target.ts";

test.each([
  ["/api/x?a=%20b", "http://127.0.0.1:7072/api/x?a=%20b", "/api/x"],
  ["/api/a%20b%41", "http://127.0.0.1:7072/api/a%20b%41", "/api/a bA"],
  ["/api/a%2Fb%2fc", "http://127.0.0.1:7072/api/a%2Fb%2fc", "/api/a%2Fb%2fc"],
  ["/api/caf%C3%A9%2F", "http://127.0.0.1:7072/api/caf%C3%A9%2F", "/api/café%2F"],
  ["/api/%FF%zz", "http://127.0.0.1:7072/api/%FF%zz", "/api/%FF%zz"],
  ["/api/a+b", "http://127.0.0.1:7072/api/a+b", "/api/a+b"],
  ["//elsewhere/x", "http://127.0.0.1:7072//elsewhere/x", "//elsewhere/x"],
  ["/api/../admin/%2e%2e/x", "http://127.0.0.1:7072/x", "/x"],
  ["http://localhost:1/api/x", "http://localhost:1/api/x", "/api/x"],
])("the target %s is read", (target, url, path) => {
  expect(parseTarget(target, "127.0.0.1:7072")).toEqual({ kind: "target", target: { url, path } });
});

test.each([
  ["*", "127.0.0.1", "malformed"],
  ["/api/%00", "127.0.0.1", "malformed"],
  ["/api", "a b", "malformed"],
  ["/api", "someone@127.0.0.1", "malformed"],
  ["/api", "127.0.0.1/x?", "malformed"],
  ["/api", "", "malformed"],
  ["/api", "rebound.example:7072", "elsewhere"],
  ["http://rebound.example/api", "127.0.0.1", "elsewhere"],
])("the target %s at the host %j is %s", (target, host, kind) => {
  expect(parseTarget(target, host)).toEqual({ kind });
});

test.each(["localhost:7072", "LOCALHOST", "127.0.0.1", "[::1]:7072"])("%s is this machine", (host) => {
  expect(parseTarget("/api", host).kind).toBe("target");
});
