/** Parameters of a request, as texts, by their schemas. What is wrong is refused by its name. */
import { z } from "zod";
import { DyneError, limits } from "../core/index.ts";
import type { HttpRequest } from "./request.ts";

/** Errors: INVALID_ARGUMENT, for names that are unknown or said twice, too. */
export function parseQuery<Schema extends z.ZodObject>(schema: Schema, query: URLSearchParams): z.output<Schema> {
  const values: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const texts = query.getAll(name);
    const type = Object.hasOwn(schema.shape, name) ? typeOf(schema.shape[name]) : undefined;
    if (type === undefined)
      throw invalid(`There is no parameter "${name.slice(0, limits.sampleCharacters)}". ${namesOf(schema)}`, name);
    if (type !== "array" && texts.length > 1)
      throw invalid(`The parameter "${name}" is there ${texts.length} times. Say it once.`, name);
    values[name] = type === "array" ? texts : type === "number" ? numberOf(texts[0] as string) : texts[0];
  }
  return checked(schema, values);
}

/** Path parameters and headers: each is there once. */
export function parseTexts<Schema extends z.ZodObject>(
  schema: Schema,
  textOf: (name: string) => string | null | undefined,
): z.output<Schema> {
  const given = Object.keys(schema.shape).map((name) => [name, textOf(name) ?? undefined] as const);
  return checked(schema, Object.fromEntries(given.filter(([, text]) => text !== undefined)));
}

/** Errors: BODY_TOO_LARGE, INVALID_ARGUMENT. */
export async function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  { headers, body }: Pick<HttpRequest, "headers" | "body">,
): Promise<z.output<Schema>> {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/json\s*(?:;|$)/i.test(type.trim()))
    throw invalid("The body must be JSON: send it as content-type: application/json.", "body");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limits.httpBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw new DyneError("INVALID_ARGUMENT", "The body is not JSON. Correct it.", { cause });
  }
  return checked(schema, value);
}

/** Throws BODY_TOO_LARGE where a request says itself that its body is larger than any may be. */
export function checkLength({ headers }: Pick<HttpRequest, "headers">): void {
  if (Number(headers.get("content-length") ?? 0) > limits.httpBodyBytes) throw tooLarge();
}

function tooLarge(): DyneError {
  return new DyneError("BODY_TOO_LARGE", `A body may have ${limits.httpBodyBytes} bytes. Send less.`);
}

function checked<Schema extends z.ZodType>(schema: Schema, values: unknown): z.output<Schema> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const { path, message } = nearest(parsed.error.issues);
  const name = path.join(".");
  throw invalid(`${name === "" ? "The request" : `"${name}"`} is wrong: ${message}. Correct it.`, name);
}

/** The first thing that is wrong; of several forms that a value may have, in the one that it is nearest to. */
function nearest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const issue = issues[0]!;
  if (issue.code !== "invalid_union") return issue;
  const [least] = issue.errors.toSorted((a, b) => a.length - b.length);
  return least === undefined || least.length === 0 ? issue : nearest(least);
}

function invalid(message: string, parameter: string): DyneError {
  return new DyneError("INVALID_ARGUMENT", message, { details: { parameter } });
}

/** The kind of a parameter's schema, without what makes it optional; undefined where there is none. */
function typeOf(schema: unknown): string | undefined {
  let inner = schema as z.ZodType | undefined;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
  return inner?.def.type;
}

/** A whole number by its digits; any other text stays one, which the schema refuses. */
function numberOf(text: string): number | string {
  return /^-?(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function namesOf(schema: z.ZodObject): string {
  const names = Object.keys(schema.shape);
  return names.length === 0 ? "There are none here." : `There are ${names.join(", ")}.`;
}
