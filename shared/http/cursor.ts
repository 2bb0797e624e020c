/**
 * Where a page ended, and of which version and query, as an opaque text: JSON in base64url, and a checksum.
 *
 *     {"format":1,"table":"gold.route_daily","tableId":"6f0c…","version":7,"query":{"where":["flights:gt:3"],…},"after":{"file":2,"row":9,"keys":["4"]}}
 *
 * A cursor gives no right and is no secret. Whoever makes one up is told what the same parameters would have told, because what is in it is
 * checked as parameters are; the checksum tells texts that were damaged or guessed.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { DyneError, limits } from "../core/index.ts";

const cursorSchema = z.strictObject({
  format: z.literal(1),
  table: z.string(),
  tableId: z.string(),
  version: z.int().nonnegative(),
  query: z.strictObject({
    select: z.array(z.string().min(1)).max(limits.pageSelectsMax),
    where: z.array(z.string().min(1)).max(limits.pageConditionsMax),
    order: z.array(z.string().min(1)).max(limits.pageOrdersMax),
    timestamp: z.string().optional(),
  }),
  after: z.strictObject({
    file: z.int().nonnegative(),
    row: z.int().min(-1),
    keys: z.array(z.string().nullable()),
  }),
});

export type Cursor = z.infer<typeof cursorSchema>;

/** A cursor is part of an address: longer than this it would not fit into one. */
const cursorCharactersMax = 6_000;

/** Throws LIMIT_EXCEEDED where rows are ordered by texts that are too long for an address. */
export function encodeCursor(cursor: Cursor): string {
  const payload = Buffer.from(JSON.stringify(cursor)).toString("base64url");
  const text = `${payload}.${checksum(payload)}`;
  if (text.length <= cursorCharactersMax) return text;
  throw new DyneError(
    "LIMIT_EXCEEDED",
    "The place of the last row is too long for a cursor, because the texts that order it, or the conditions, are. Order by shorter columns.",
  );
}

/** Throws INVALID_CURSOR. */
export function decodeCursor(text: string): Cursor {
  const [payload = "", sum, ...more] = text.split(".");
  if (sum !== checksum(payload) || more.length > 0) throw invalidCursor();
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
  } catch (cause) {
    throw invalidCursor(cause);
  }
}

function checksum(payload: string): string {
  return createHash("sha256").update(payload).digest("base64url").slice(0, 22);
}

function invalidCursor(cause?: unknown): DyneError {
  return new DyneError(
    "INVALID_CURSOR",
    "The cursor is none that this service made. Send it as it was given, or begin without one.",
    {
      cause,
    },
  );
}
