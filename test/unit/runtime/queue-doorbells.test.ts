import { RestError, type QueueClient } from "@azure/storage-queue";
import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock, type Logger } from "../../../shared/core/index.ts";
import { readJobBell, readNotices } from "../../../shared/runtime/notice.ts";
import { QueueDoorbells, QueueJobBells } from "../../../shared/runtime/queue-doorbells.ts";

let clock: ManualClock;
let sent: { readonly text: string; readonly visibilityTimeout: number | undefined }[];
let fails: boolean;
let failure: Error;
let warnings: string[];
let errors: string[];
let doorbells: QueueDoorbells;
let jobBells: QueueJobBells;
beforeEach(() => {
  clock = new ManualClock(1_000_000);
  sent = [];
  fails = false;
  failure = new Error("no queue");
  warnings = [];
  errors = [];
  const queue = {
    sendMessage: async (text: string, options?: { visibilityTimeout?: number }) => {
      if (fails) throw failure;
      sent.push({ text, visibilityTimeout: options?.visibilityTimeout });
    },
  } as unknown as QueueClient;
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (message) => void warnings.push(message),
    error: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields)}`),
  };
  doorbells = new QueueDoorbells(queue, { clock, logger });
  jobBells = new QueueJobBells(queue, { logger });
});
/** Seconds after which the bells that were sent since the last time are seen. */
const bells = () => sent.splice(0).map(({ visibilityTimeout }) => visibilityTimeout);

test("a bell is a message in base64 that the trigger's host decodes and a notice understands", async () => {
  await doorbells.ring("silver.events", 0);
  const text = Buffer.from(sent[0]?.text ?? "", "base64").toString("utf8");
  expect(JSON.parse(text)).toEqual({ format: 1, kind: "ring", flow: "silver.events" });
  expect(readNotices(text)).toEqual([{ kind: "ring", flow: "silver.events" }]);
});

test("a delay is in whole seconds, rounded up, and never negative", async () => {
  for (const [n, delayMs] of [0, 1, 999, 1_000, 75_000, -5].entries()) await doorbells.ring(`flow-${n}`, delayMs);
  expect(bells()).toEqual([0, 1, 1, 1, 75, 0]);
});

test("a delay is a day at most: queues hide no message for weeks, and the flow rings again", async () => {
  await doorbells.ring("gold.total", 20 * 86_400_000);
  expect(bells()).toEqual([86_400]);
});

describe("bells of one flow are coalesced", () => {
  test("where one is on its way that rings before", async () => {
    await doorbells.ring("silver.events", 1_000);
    for (let n = 0; n < 100; n++) {
      await doorbells.ring("silver.events", 1_000);
      clock.advance(9);
    }
    expect(bells()).toHaveLength(1);
  });

  test("but not with one that has rung, nor with one that rings too late", async () => {
    await doorbells.ring("silver.events", 1_000);
    clock.advance(1_000);
    await doorbells.ring("silver.events", 1_000);
    await doorbells.ring("silver.events", 0);
    expect(bells()).toEqual([1, 1, 0]);
  });

  test("of a long delay only with one in its second half: an early bell would ring while the batch still runs", async () => {
    await doorbells.ring("silver.events", 1_000);
    await doorbells.ring("silver.events", 75_000);
    expect(bells()).toEqual([1, 75]);
    for (let second = 0; second < 300; second++) {
      clock.advance(1_000);
      await doorbells.ring("silver.events", 75_000);
    }
    expect(bells().length).toBeLessThanOrEqual(9);
  });

  test("and those of another flow are another's", async () => {
    await doorbells.ring("silver.events", 1_000);
    await doorbells.ring("gold.events", 1_000);
    expect(bells()).toHaveLength(2);
  });
});

test("a bell that could not be sent does not keep the next one from being sent", async () => {
  fails = true;
  await doorbells.ring("silver.events", 75_000);
  expect(warnings).toHaveLength(1);
  fails = false;
  await doorbells.ring("silver.events", 75_000);
  expect(bells()).toEqual([75]);
});

test("a job is rung by a message that names it, and one that cannot be sent is left to the sweep", async () => {
  await jobBells.ring({ jobId: "0f8c", turn: 7 }, 4_500);
  expect(readJobBell(Buffer.from(sent[0]?.text ?? "", "base64").toString("utf8"))).toEqual({ jobId: "0f8c", turn: 7 });
  expect(bells()).toEqual([5]);
  fails = true;
  await jobBells.ring({ jobId: "0f8c", turn: 7 }, 0);
  expect(warnings).toHaveLength(1);
});

test("a bell that the queue refuses says which role is missing", async () => {
  fails = true;
  failure = new RestError("x", { statusCode: 403, code: "AuthorizationPermissionMismatch" });
  await doorbells.ring("silver.events", 0);
  expect(errors).toEqual([expect.stringContaining("Storage Queue Data Contributor")]);
});
