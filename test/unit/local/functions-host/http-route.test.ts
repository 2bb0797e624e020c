import { expect, test } from "vitest";

import { isDyneError } from "../../../../shared/core/index.ts";
import {
  matchRoute,
  orderRoutes,
  parseRoute,
  shadowedRoutes,
  type HttpRoute,
} from "../../../../local/functions-host/http-route.ts";

const route = (template: string, name = "f", methods = ["get"]): HttpRoute => parseRoute(name, template, methods);

test.each<[string, string, Record<string, string> | undefined]>([
  ["api/status", "/api/status", {}],
  ["api/status", "/API/Status/", {}],
  ["api/status", "/api/status/x", undefined],
  ["api/status", "/api/statuses", undefined],
  ["api/status", "/api", undefined],
  ["api/status", "/api//status", undefined],
  ["api/tables/{name}/rows", "/api/tables/silver.flights/rows", { name: "silver.flights" }],
  ["api/tables/{name}/rows", "/api/tables/a b%2Fc/rows", { name: "a b%2Fc" }],
  ["api/tables/{name}/rows", "/api/tables//rows", undefined],
  ["api/tables/{name}/rows", "/api/tables/x", undefined],
  ["api/jobs/{id?}", "/api/jobs/7", { id: "7" }],
  ["api/jobs/{id?}", "/api/jobs", {}],
  ["api/jobs/{id?}", "/api/jobs/", {}],
  ["api/jobs/{id?}", "/api/jobs/7/8", undefined],
  ["api/files/{*path}", "/api/files/a/b.csv", { path: "a/b.csv" }],
  ["api/files/{*path}", "/api/files/a/", { path: "a/" }],
  ["api/files/{**path}", "/api/files", {}],
  ["{*all}", "/", {}],
  ["api/n/{n:int}", "/api/n/-12", { n: "-12" }],
  ["api/n/{n:int}", "/api/n/2147483647", { n: "2147483647" }],
  ["api/n/{n:int}", "/api/n/2147483648", undefined],
  ["api/n/{n:int}", "/api/n/1.5", undefined],
  ["api/n/{n:long}", "/api/n/2147483648", { n: "2147483648" }],
  ["api/n/{n:long}", "/api/n/9223372036854775808", undefined],
  ["api/n/{n:int?}", "/api/n", {}],
  ["api/n/{n:alpha}", "/api/n/Abc", { n: "Abc" }],
  ["api/n/{n:alpha}", "/api/n/Abc1", undefined],
  ["api/n/{n:bool}", "/api/n/True", { n: "True" }],
  ["api/n/{n:guid}", "/api/n/0f8fad5b-d9cb-469f-a165-70867728950e", { n: "0f8fad5b-d9cb-469f-a165-70867728950e" }],
  ["api/n/{n:guid}", "/api/n/0f8fad5b", undefined],
  ["api/n/{n:alpha:int}", "/api/n/1", undefined],
])("the route %s and the path %s give %j", (template, path, expected) => {
  const parameters = matchRoute(route(template), path);
  expect(parameters && Object.fromEntries(parameters)).toEqual(expected);
});

test.each([
  ["api//x", "INVALID_SETTING", "empty segment"],
  ["api/x/", "INVALID_SETTING", "empty segment"],
  ["api/{a?}/x", "INVALID_SETTING", "Put it last"],
  ["api/{*a}/x", "INVALID_SETTING", "Put it last"],
  ["api/{a}/{A}", "INVALID_SETTING", "twice"],
  ["api/{a}.{b}", "UNSUPPORTED_FEATURE", "{a}.{b}"],
  ["api/{a=5}", "UNSUPPORTED_FEATURE", "{a=5}"],
  ["api/{a", "UNSUPPORTED_FEATURE", "{a"],
  ["api/{a:min(1)}", "UNSUPPORTED_FEATURE", "min(1)"],
  ["api/{a:toString}", "UNSUPPORTED_FEATURE", "toString"],
  ["api/{*a:int}", "UNSUPPORTED_FEATURE", "everything that is left"],
])("the route %s is refused with %s, and the message says %s", (template, code, words) => {
  expect(() => route(template)).toThrow(
    expect.toSatisfy((error) => isDyneError(error) && error.code === code && error.message.includes(words)),
  );
});

test("routes are tried in the order of their functions' names, whatever their case and order of registration", () => {
  const names = orderRoutes([route("c", "b"), route("a", "C"), route("b", "A")]).map((each) => each.functionName);
  expect(names).toEqual(["A", "b", "C"]);
});

test("one template for two functions is refused where they share a method, and else is not", () => {
  expect(() => orderRoutes([route("api/X", "a"), route("api/x", "b", ["GET", "POST"])])).toThrow(/"a" and "b"/);
  expect(orderRoutes([route("api/x", "a"), route("api/x", "b", ["post"])])).toHaveLength(2);
});

test.each<[string, [name: string, template: string, methods?: string[]][], string[]]>([
  [
    "a literal behind a parameter",
    [
      ["details", "p/{id}"],
      ["list", "p/list"],
    ],
    ["list by details"],
  ],
  [
    "a literal before a parameter",
    [
      ["a", "p/list"],
      ["details", "p/{id}"],
    ],
    [],
  ],
  [
    "a literal behind a parameter that it does not satisfy",
    [
      ["details", "p/{id:int}"],
      ["list", "p/list"],
    ],
    [],
  ],
  [
    "a constrained parameter behind a free one",
    [
      ["a", "p/{id}"],
      ["b", "p/{id:int}"],
    ],
    ["b by a"],
  ],
  [
    "a free parameter behind a constrained one",
    [
      ["a", "p/{id:int}"],
      ["b", "p/{name}"],
    ],
    [],
  ],
  [
    "anything behind the rest",
    [
      ["all", "{*rest}"],
      ["b", "p/{id}/{q?}"],
    ],
    ["b by all"],
  ],
  [
    "another method",
    [
      ["all", "{*rest}"],
      ["b", "p", ["post"]],
    ],
    [],
  ],
])("%s: a route that is never reached is found", (_, routes, expected) => {
  const ordered = orderRoutes(routes.map(([name, template, methods]) => route(template, name, methods)));
  expect(
    shadowedRoutes(ordered).map(({ route: hidden, by }) => `${hidden.functionName} by ${by.functionName}`),
  ).toEqual(expected);
});
