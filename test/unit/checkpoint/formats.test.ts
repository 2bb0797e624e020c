import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  commitRecord,
  FlowLog,
  flowStateRecord,
  generationRecord,
  LaneLog,
  layout,
  offsetsRecord,
  outcomeRecord,
} from "../../../shared/checkpoint/index.ts";
import { batchId, flowId, generation, laneId } from "../../../shared/core/index.ts";
import { commitOf, flow, generationOf, offsets, outcome, recordsUnderTest } from "./records-under-test.ts";

const id = flowId(flow);
const g = generation(1);
const lane = laneId("3");
const encoder = new TextEncoder();

/** A lane whose first offsets are these bytes. */
async function laneWith(bytes: Uint8Array): Promise<LaneLog> {
  const { context, memory } = recordsUnderTest();
  await memory.put(layout.entry(id, g, lane, "offsets", batchId(1)), bytes);
  return new LaneLog(context, id, g, lane);
}
const readOffsets = async (text: string) => (await laneWith(encoder.encode(text))).offsetsAt(batchId(1));

test("the example in the header of the formats is a record", async () => {
  const source = await readFile(new URL("../../../shared/checkpoint/formats.ts", import.meta.url), "utf8");
  const lines = [...source.slice(0, source.indexOf("*/")).matchAll(/^ \* {5}(.*)$/gm)].map((match) => match[1]);
  const text = lines.join("").replaceAll("…", "");
  expect(JSON.parse(text)).toEqual(offsetsRecord.parse(JSON.parse(text)));
});

test("every kind of record is read back as it was written", () => {
  for (const [schema, record] of [
    [offsetsRecord, offsets(7)],
    [outcomeRecord, outcome(7, 1)],
    [commitRecord, commitOf(7)],
    [generationRecord, generationOf(1)],
    [flowStateRecord, { format: 1, flow, state: "PAUSED", updatedTime: "2026-01-02T03:04:05.678000Z", failure: null }],
  ] as const) {
    expect(schema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  }
});

test("a record of a newer format is not understood, and the message says which build is needed", async () => {
  const text = JSON.stringify({ format: 2, somethingElse: true });
  await expect(readOffsets(text)).rejects.toMatchObject({
    code: "FORMAT_TOO_NEW",
    message: expect.stringContaining("format 2; this build reads up to 1"),
  });
});

test.each([
  ["nothing", ""],
  ["half a record", JSON.stringify(offsets(1)).slice(0, 100)],
  ["bytes that are no text", "\u0000\u0001"],
  ["null", "null"],
  ["a list", "[]"],
  ["a record without a format", JSON.stringify({ ...offsets(1), format: undefined })],
  ["a format that is text", JSON.stringify({ ...offsets(1), format: "1" })],
  ["a format before the first", JSON.stringify({ ...offsets(1), format: 0 })],
  ["a record of another kind", JSON.stringify(commitOf(1))],
  ["a range that goes backwards in type", JSON.stringify({ ...offsets(1), inputs: { flights: { kind: "hub" } } })],
  ["a kind of input that is not known", JSON.stringify({ ...offsets(1), inputs: { flights: { kind: "kafka" } } })],
  ["a time without microseconds", JSON.stringify({ ...offsets(1), batchTime: "2026-01-02T03:04:05Z" })],
  ["a batch that is no whole number", JSON.stringify({ ...offsets(1), batchId: 1.5 })],
])("%s in the place of a record is a corrupt checkpoint that names its path", async (_, text) => {
  await expect(readOffsets(text)).rejects.toMatchObject({
    code: "CHECKPOINT_CORRUPT",
    message: expect.stringContaining("bronze.flights/00000000000000000001/3/offsets/00000000000000000001"),
  });
});

test("a record beyond the limit is refused before it is written", async () => {
  const { context, asked } = recordsUnderTest();
  const huge = { ...outcome(1), strategy: { name: "append", reason: "x".repeat(33 * 1024 * 1024) } };
  await expect(async () => new LaneLog(context, id, g, lane).putOutcome(huge)).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
  });
  expect(asked).toEqual([]);
});

test("a corrupt state is an error, never a flow that runs", async () => {
  const { context, memory } = recordsUnderTest();
  await memory.put(layout.state(id), encoder.encode("{}"));
  await expect(new FlowLog(context, id).state()).rejects.toMatchObject({ code: "CHECKPOINT_CORRUPT" });
});
