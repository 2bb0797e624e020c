import { DyneError } from "../core/index.ts";
import type { EventBody } from "./action.ts";

const encoder = new TextEncoder();

/**
 * What lies in a hub for a body: bytes and texts as they are, any other value as JSON, in which a bigint is a number with all its digits and
 * a Date an ISO-8601 text. Errors: TYPE_MISMATCH for what JSON cannot say.
 */
export function bytesOfBody(body: EventBody, place: string): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (typeof body === "string") return encoder.encode(body);
  const text = JSON.stringify(body, (key, value: unknown) => jsonOf(value, key === "" ? place : `${place}.${key}`));
  return encoder.encode(text);
}

function jsonOf(value: unknown, place: string): unknown {
  if (typeof value === "bigint") return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
  const isLost =
    (typeof value === "number" && !Number.isFinite(value)) ||
    typeof value === "function" ||
    typeof value === "symbol" ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Uint8Array;
  if (!isLost) return value;
  const what = typeof value === "object" ? `a ${value?.constructor.name}` : String(value);
  throw new DyneError(
    "TYPE_MISMATCH",
    `${place} is ${what}, which JSON has no form for. Give the event's text, as its sender would write it.`,
  );
}
