/** `GET /api/status`: where every flow and its table stand. */
import { z } from "zod";
import { instantOfMs } from "../core/index.ts";
import { flowStatus, type FlowStatus } from "../serving/index.ts";
import { jsonAnswer, route } from "./route.ts";
import type { HttpServices } from "./services.ts";

const count = z.int().min(0);
const unknown = "null where it is not known";

const lag = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("hub"),
    hub: z.string(),
    eventsBehind: count.nullable().meta({ description: `Of all partitions; ${unknown}.` }),
    partitions: z.array(z.strictObject({ partition: z.string(), eventsBehind: count.nullable() })),
  }),
  z.strictObject({
    kind: z.literal("table"),
    table: z.string(),
    versionsBehind: count.nullable().meta({ description: unknown }),
  }),
]);

const tableStatus = z
  .strictObject({
    table: z.string(),
    flow: z.string(),
    kind: z.enum(["hub", "files", "stream", "view"]),
    state: z.enum(["NEW", "RUNNING", "PAUSED", "FAILED", "PLAN_CHANGED"]),
    failure: z
      .strictObject({
        lane: z.string(),
        generation: count,
        batchId: count,
        code: z.string(),
        message: z.string(),
        sample: z.string().nullable(),
      })
      .nullable(),
    generation: count.nullable(),
    lanes: count,
    batches: count,
    openBatches: count,
    lastCommitTime: z.string().nullable(),
    version: count.nullable(),
    rows: count.nullable(),
    bytes: count.nullable(),
    freshnessMs: count.nullable().meta({ description: "Since the last commit." }),
    intervalMs: count.meta({
      description:
        "From the beginning of a batch to the earliest one of the next, as it is now; what has waited for less is not late.",
    }),
    lastBatch: z
      .strictObject({
        lane: z.string(),
        batchId: count,
        committedTime: z.string(),
        inputRows: count,
        outputRows: count,
        duplicates: count,
        late: count,
        quarantinedRows: count,
      })
      .nullable(),
    waitsFor: z
      .array(z.string())
      .meta({ description: "Tables that it joins as they stand and that have no rows yet; it waits for them." }),
    lag: z.array(lag).meta({ description: "How far the flow is behind its inputs; landed files are not counted." }),
  })
  .meta({ id: "TableStatus" });

const answer = z.strictObject({ time: z.string(), tables: z.array(tableStatus) }).meta({ id: "Status" });

export const statusRoute = route<HttpServices>({
  id: "readStatus",
  method: "GET",
  path: "/api/status",
  role: "Dyne.Reader",
  summary: "Say where every table stands",
  description: "Told from logs alone, and by asking hubs where they end; a hub that does not answer soon is left out.",
  answers: [{ status: 200, description: "Tables in the order in which data flow.", schema: answer }],
  problems: [409],
  handle: async (_, { services }) => {
    const opened = await services();
    const tables: ({ readonly table: string } & FlowStatus)[] = [];
    for (const pipeline of opened.pipelines)
      tables.push(
        ...(await Promise.all(
          pipeline.flows.map(async (flow) => ({ table: flow.output.name, ...(await flowStatus(opened, flow)) })),
        )),
      );
    return jsonAnswer({ time: instantOfMs(opened.clock.nowMs()), tables });
  },
});
