/** `GET /api/tables/{name}/rows`: a page of a table's rows. */
import { z } from "zod";
import { DyneError, limits } from "../core/index.ts";
import type { Snapshot } from "../delta/index.ts";
import { readRowPage, type RowPage } from "../table/index.ts";
import { decodeCursor, encodeCursor, type Cursor } from "./cursor.ts";
import { parseRowQuery, type RowQueryTexts } from "./row-query.ts";
import { route } from "./route.ts";
import type { HttpServices } from "./services.ts";

const texts = (most: number, description: string, example: readonly string[]) =>
  z.array(z.string().min(1)).max(most).optional().meta({ description, example });

const pathParameters = z.strictObject({
  name: z.string().max(200).meta({
    description: "A table of the pipelines, or `quarantine.` and the name of one that has a quarantine.",
    example: "gold.route_daily",
  }),
});

const queryParameters = z.strictObject({
  select: texts(limits.pageSelectsMax, "Columns, separated by commas; all where there is none.", [
    "origin,destination",
  ]),
  where: texts(
    limits.pageConditionsMax,
    "Conditions `column:operator:value`, which must all hold. Operators: eq, ne, lt, le, gt, ge, in, startswith, isnull, notnull.",
    ["flights:gt:3"],
  ),
  order: texts(
    limits.pageOrdersMax,
    "Columns to order by, each with `:asc` or `:desc`, and `:nullsfirst` or `:nullslast`.",
    ["flights:desc,origin"],
  ),
  limit: z
    .int()
    .min(1)
    .max(limits.pageRowsMax)
    .optional()
    .meta({ description: `Rows of the page; ${limits.pageRowsDefault} where it is not given.`, example: 10 }),
  version: z.int().min(0).optional().meta({ description: "The table as of this version." }),
  timestamp: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: "The table as of this time.", example: "2026-01-02T03:04:05Z" }),
  cursor: z.string().min(1).optional().meta({
    description:
      "The `next` of the page before. Says the version and the query too; where they are said again, they must be the same.",
  }),
});

const answer = z
  .strictObject({
    table: z.string(),
    version: z
      .int()
      .min(0)
      .meta({ description: "The version that the rows are of; all pages of a cursor are of one." }),
    rows: z.array(z.record(z.string(), z.unknown())).meta({
      description:
        "Rows without loss: timestamps as ISO-8601 with microseconds and Z, dates as YYYY-MM-DD, decimals as text, 64-bit integers with all digits, NaN and infinities as text, binary as base64, maps as arrays of {key, value}.",
    }),
    next: z.string().nullable().meta({
      description:
        "The cursor of the next page; null where nothing follows. A page may be short, even empty, and have a next.",
    }),
  })
  .meta({ id: "Rows" });

export const rowsRoute = route<HttpServices, typeof pathParameters, typeof queryParameters>({
  id: "readRows",
  method: "GET",
  path: "/api/tables/{name}/rows",
  role: "Dyne.Reader",
  summary: "Read rows of a table",
  description:
    "Rows of one version, page by page. Each row of the version comes once, however the table goes on meanwhile.",
  pathParameters,
  queryParameters,
  answers: [{ status: 200, description: "A page of rows.", schema: answer }],
  problems: [404, 409, 410],
  handle: async ({ path: { name }, query }, { services, signal }) => {
    const opened = await services();
    const table = opened.served.table(name);
    const { snapshot, asked, cursor } = await positioned(opened, name, query);
    const rowQuery = parseRowQuery(snapshot.schema, name, asked);
    const { clock } = opened;
    const lateMs = clock.nowMs() + limits.pageSearchMs;
    const page = await readRowPage(opened.compute, table, snapshot, rowQuery, {
      rowsMax: query.limit ?? limits.pageRowsDefault,
      after: cursor?.after,
      isLate: () => clock.nowMs() > lateMs,
      signal,
    });
    return { status: 200, body: pageText(name, snapshot, asked, page) };
  },
});

type Query = z.output<typeof queryParameters>;
type Asked = RowQueryTexts & { readonly timestamp?: string | undefined };

interface Positioned {
  readonly snapshot: Snapshot;
  readonly asked: Asked;
  readonly cursor: Cursor | undefined;
}

/** The version and the query, from the cursor where there is one. */
async function positioned({ served }: HttpServices, name: string, query: Query): Promise<Positioned> {
  const { select = [], where = [], order = [], version, timestamp } = query;
  if (version !== undefined && timestamp !== undefined)
    throw new DyneError("INVALID_ARGUMENT", "Both a version and a timestamp are asked for. Ask for one of them.");
  if (query.cursor === undefined) {
    const timestampMs = timestamp === undefined ? undefined : Date.parse(timestamp);
    const snapshot = await served.snapshot(name, { version, timestampMs });
    return { snapshot, asked: { select, where, order, timestamp }, cursor: undefined };
  }
  const cursor = decodeCursor(query.cursor);
  checkSame(cursor, name, query);
  const snapshot = await served.snapshot(name, { version: cursor.version });
  if (snapshot.metadata.id !== cursor.tableId)
    throw new DyneError("VERSION_GONE", `${name} was made anew since the cursor was given. Begin again without it.`);
  return { snapshot, asked: cursor.query, cursor };
}

/** Throws INVALID_CURSOR where a request says something else than its cursor. */
function checkSame(cursor: Cursor, name: string, query: Query): void {
  const { select, where, order, version, timestamp } = query;
  const isSame = (said: unknown, pinned: unknown): boolean =>
    said === undefined || JSON.stringify(said) === JSON.stringify(pinned);
  const differs = [
    ["name", isSame(name, cursor.table)],
    ["select", isSame(select, cursor.query.select)],
    ["where", isSame(where, cursor.query.where)],
    ["order", isSame(order, cursor.query.order)],
    ["version", isSame(version, cursor.version)],
    ["timestamp", isSame(timestamp, cursor.query.timestamp)],
  ].flatMap(([parameter, same]) => (same === true ? [] : [parameter]));
  if (differs.length === 0) return;
  throw new DyneError(
    "INVALID_CURSOR",
    `The cursor is of another request: ${differs.join(", ")} differ. Send the cursor alone.`,
  );
}

/** The rows are JSON already, with all their digits, which a detour through JavaScript's numbers would lose. */
function pageText(name: string, { version, metadata }: Snapshot, asked: Asked, { rows, next }: RowPage): string {
  const { select, where, order, timestamp } = asked;
  const query = { select: [...select], where: [...where], order: [...order], timestamp };
  const after = next && { ...next, keys: [...next.keys] };
  const cursor = after && encodeCursor({ format: 1, table: name, tableId: metadata.id, version, query, after });
  return `{"table":${JSON.stringify(name)},"version":${version},"rows":[${rows.join(",")}],"next":${JSON.stringify(cursor ?? null)}}`;
}
