/**
 * Routes of HTTP functions, as templates of ASP.NET routing below the route prefix of `host.json`:
 *
 *   api/tables/{name}/rows      literals, whatever their case, and a parameter
 *   api/orders/{id:int?}        a parameter that may be absent and has to be a number
 *   api/files/{*path}           the rest of the path, possibly none
 *
 * The real host knows no precedence: it tries routes in the order of their functions' names and takes the first one that
 * matches path and method. A request that none matches is answered with 404, also where only the method differs.
 * Source: learn.microsoft.com/aspnet/core/fundamentals/routing; github.com/Azure/azure-functions-host,
 * FunctionMetadataManager.cs (the order) and issues 9876 (precedence), 10098 and 11625 (405 and HEAD).
 */
import { DyneError } from "../../shared/core/index.ts";

const constraints = {
  alpha: { pattern: /^[a-z]*$/i, sample: "a" },
  bool: { pattern: /^(?:true|false)$/i, sample: "true" },
  guid: {
    pattern: /^(?:[0-9a-f]{32}|([{(])?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}[})]?)$/i,
    sample: "00000000-0000-0000-0000-000000000000",
  },
  int: { pattern: /^[+-]?\d+$/, sample: "1", least: -(2n ** 31n), most: 2n ** 31n - 1n },
  long: { pattern: /^[+-]?\d+$/, sample: "1", least: -(2n ** 63n), most: 2n ** 63n - 1n },
} satisfies Record<string, { pattern: RegExp; sample: string; least?: bigint; most?: bigint }>;

type ConstraintName = keyof typeof constraints;

type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | {
      readonly kind: "parameter";
      readonly name: string;
      readonly constraints: readonly ConstraintName[];
      readonly isOptional: boolean;
    }
  | { readonly kind: "rest"; readonly name: string };

/** Where a function is found. */
export interface HttpRoute {
  readonly functionName: string;
  /** The whole template, prefix included. */
  readonly template: string;
  /** In upper case. */
  readonly methods: readonly string[];
  readonly segments: readonly Segment[];
}

/** Values of a route's parameters; one that is optional and absent is left out. */
export type RouteParameters = ReadonlyMap<string, string>;

/**
 * Reads a route. Errors: `INVALID_SETTING` for what the real host refuses too, `UNSUPPORTED_FEATURE` for templates that
 * only this host does not run.
 */
export function parseRoute(functionName: string, template: string, methods: readonly string[]): HttpRoute {
  const refuse = (reason: string, code: "INVALID_SETTING" | "UNSUPPORTED_FEATURE" = "INVALID_SETTING"): DyneError =>
    new DyneError(code, `Function "${functionName}" has the route "${template}": ${reason}`);
  const texts = template.split("/");
  if (texts.includes("")) throw refuse("it has an empty segment. Write it without a slash at its ends.");
  const segments = texts.map((text) => parseSegment(text, refuse));
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === "literal" || index === segments.length - 1) continue;
    if (segment.kind === "rest" || segment.isOptional)
      throw refuse(`{${segment.name}} takes what may be absent, so that nothing can follow it. Put it last.`);
  }
  const names = segments.flatMap((segment) => (segment.kind === "literal" ? [] : [segment.name.toLowerCase()]));
  if (new Set(names).size < names.length) throw refuse("a parameter occurs twice. Rename one.");
  return { functionName, template, methods: methods.map((method) => method.toUpperCase()), segments };
}

const parameter = /^\{(\*{0,2})([A-Za-z_][\w-]*)((?::[^{}:?=]+)*)(\?)?\}$/;

function parseSegment(
  text: string,
  refuse: (reason: string, code?: "INVALID_SETTING" | "UNSUPPORTED_FEATURE") => DyneError,
): Segment {
  if (!/[{}]/.test(text)) return { kind: "literal", text };
  const found = parameter.exec(text);
  if (!found) {
    throw refuse(
      `"${text}" is not a parameter alone, such as {name}, {name?}, {name:int} or {*rest}. This host runs no others.`,
      "UNSUPPORTED_FEATURE",
    );
  }
  const [, stars = "", name = "", rules = "", optional] = found;
  const wanted = rules.split(":").slice(1);
  const unknown = wanted.find((rule) => !Object.hasOwn(constraints, rule));
  if (unknown !== undefined) {
    throw refuse(
      `this host does not run the constraint "${unknown}". It has: ${Object.keys(constraints).join(", ")}. Check the value in the handler.`,
      "UNSUPPORTED_FEATURE",
    );
  }
  if (stars === "")
    return { kind: "parameter", name, constraints: wanted as ConstraintName[], isOptional: optional !== undefined };
  if (wanted.length > 0 || optional !== undefined)
    throw refuse(`{${stars}${name}} takes everything that is left. Write nothing else into it.`, "UNSUPPORTED_FEATURE");
  return { kind: "rest", name };
}

/** Matches a decoded path, `/api/tables/a b/rows`. A slash at its end counts for nothing. */
export function matchRoute(route: HttpRoute, path: string): RouteParameters | undefined {
  const relative = path.replace(/^\//, "");
  const texts = relative.split("/");
  if (texts.at(-1) === "") texts.pop();
  const parameters = new Map<string, string>();
  let offset = 0;
  for (const [index, segment] of route.segments.entries()) {
    if (segment.kind === "rest") {
      const rest = relative.slice(offset);
      return rest === "" ? parameters : parameters.set(segment.name, rest);
    }
    const text = texts[index];
    if (text === undefined) {
      if (segment.kind === "parameter" && segment.isOptional) return parameters;
      return undefined;
    }
    if (segment.kind === "literal") {
      if (segment.text.toLowerCase() !== text.toLowerCase()) return undefined;
    } else {
      if (text === "" || !segment.constraints.every((name) => satisfies(name, text))) return undefined;
      parameters.set(segment.name, text);
    }
    offset += text.length + 1;
  }
  return texts.length > route.segments.length ? undefined : parameters;
}

function satisfies(name: ConstraintName, text: string): boolean {
  const constraint: { pattern: RegExp; least?: bigint; most?: bigint } = constraints[name];
  if (!constraint.pattern.test(text)) return false;
  if (constraint.least === undefined || constraint.most === undefined) return true;
  const value = BigInt(text.replace("+", ""));
  return constraint.least <= value && value <= constraint.most;
}

/**
 * The routes in the order in which the host tries them. Errors: `DUPLICATE_NAME` where two functions have one template
 * and a method in common, which the real host refuses too.
 */
export function orderRoutes(routes: readonly HttpRoute[]): readonly HttpRoute[] {
  const ordered = routes.toSorted((a, b) => (a.functionName.toUpperCase() < b.functionName.toUpperCase() ? -1 : 1));
  for (const [index, route] of ordered.entries()) {
    const same = ordered
      .slice(0, index)
      .find((other) => other.template.toLowerCase() === route.template.toLowerCase() && shareMethod(other, route));
    if (same) {
      throw new DyneError(
        "DUPLICATE_NAME",
        `The functions "${same.functionName}" and "${route.functionName}" both have the route "${route.template}". Change one, or their methods.`,
      );
    }
  }
  return ordered;
}

/** Which of the ordered routes get nothing that is meant for them, and who gets it. */
export function shadowedRoutes(
  ordered: readonly HttpRoute[],
): readonly { readonly route: HttpRoute; readonly by: HttpRoute }[] {
  return ordered.flatMap((route, index) => {
    const by = ordered
      .slice(0, index)
      .find((earlier) => shareMethod(earlier, route) && matchRoute(earlier, samplePath(route)));
    return by ? [{ route, by }] : [];
  });
}

function shareMethod(a: HttpRoute, b: HttpRoute): boolean {
  return a.methods.some((method) => b.methods.includes(method));
}

/** A path that the route matches, and one of fewer demands does not unless it takes anything. */
function samplePath(route: HttpRoute): string {
  const texts = route.segments.map((segment) => {
    if (segment.kind === "literal") return segment.text;
    const [name] = segment.kind === "parameter" ? segment.constraints : [];
    return name === undefined ? "~" : constraints[name].sample;
  });
  return `/${texts.join("/")}`;
}
