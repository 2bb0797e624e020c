import { describe, expect, test } from "vitest";
import { readHubPartition, readHubPayload } from "../../../shared/runtime/hub-payload.ts";

const body = (text: string): Uint8Array => Buffer.from(text);
const system = (fields: Readonly<Record<string, unknown>> = {}) => ({
  sequenceNumber: 7,
  offset: "700",
  partitionKey: "key",
  enqueuedTimeUtc: "2026-01-02T03:04:05.678Z",
  ...fields,
});
/** What the trigger says of events with these system properties. */
const metadata = (systems: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) => ({
  partitionContext: { partitionId: "3", eventHubName: "flights" },
  systemPropertiesArray: systems,
  propertiesArray: systems.map(() => ({})),
  sequenceNumberArray: ["ignored"],
  ...more,
});
const read = (fields: Readonly<Record<string, unknown>>) =>
  readHubPayload([body("x")], metadata([system(fields)])).events[0];
const invalid = expect.objectContaining({ code: "INVALID_MESSAGE", kind: "invalid" });

test("a payload is the events of one partition, in order, byte for byte", () => {
  const bytes = Uint8Array.of(0xff, 0, 1);
  const more = { propertiesArray: [{ n: 7, ok: true }, {}] };
  expect(
    readHubPayload([bytes, body("")], metadata([system(), system({ sequenceNumber: 8, partitionKey: null })], more)),
  ).toEqual({
    partition: "3",
    events: [
      {
        body: bytes,
        sequenceNumber: 7,
        offset: "700",
        partitionKey: "key",
        enqueuedTimeUs: 1_767_323_045_678_000n,
        properties: { n: 7, ok: true },
      },
      {
        body: body(""),
        sequenceNumber: 8,
        offset: "700",
        partitionKey: null,
        enqueuedTimeUs: 1_767_323_045_678_000n,
        properties: null,
      },
    ],
  });
});

test("a payload of no events is one", () => {
  expect(readHubPayload([], metadata([]))).toEqual({ partition: "3", events: [] });
});

describe("sequence numbers come in every form", () => {
  test.each([
    [7, 7],
    ["7", 7],
    [0, 0],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [String(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
    [{ low: 7, high: 0, unsigned: false }, 7],
    [{ low: -1, high: 0, unsigned: false }, 4_294_967_295],
    [{ low: -1, high: 1 }, 8_589_934_591],
    [{ low: 0, high: 2 }, 8_589_934_592],
  ])("%o", (sequenceNumber, expected) => {
    expect(read({ sequenceNumber })?.sequenceNumber).toBe(expected);
  });

  test.each([
    1.5,
    -1,
    "",
    "7x",
    "-7",
    "9007199254740993",
    2 ** 53,
    Number.NaN,
    null,
    {},
    { low: 0, high: 2 ** 31 },
    { low: 0, high: -1 },
  ])("but %o is none", (sequenceNumber) => {
    expect(() => read({ sequenceNumber })).toThrow(invalid);
  });
});

describe("enqueued times are UTC in milliseconds, with or without their Z", () => {
  test.each([
    ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"],
    ["2026-01-02T03:04:05.6789999Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05.678+00:00", "2026-01-02T03:04:05.678Z"],
  ])("%s", (enqueuedTimeUtc, expected) => {
    expect(read({ enqueuedTimeUtc })?.enqueuedTimeUs).toBe(BigInt(Date.parse(expected)) * 1000n);
  });

  test.each([
    "yesterday",
    "",
    "2026-13-45T03:04:05Z",
    "2026-01-02T25:04:05Z",
    "2026-01-02T03:04:05+02:00",
    "2026-01-02",
    1_767_323_045,
  ])("but %o is none", (enqueuedTimeUtc) => {
    expect(() => read({ enqueuedTimeUtc })).toThrow(invalid);
  });
});

test("offsets that went through JSON are text again, keys that are empty are none", () => {
  expect(read({ offset: 700, partitionKey: "" })).toMatchObject({ offset: "700", partitionKey: null });
  expect(read({ partitionKey: undefined })?.partitionKey).toBeNull();
  expect(read({ partitionKey: "007" })?.partitionKey).toBe("007");
});

describe("what does not belong together is no payload", () => {
  const one = metadata([system()]);
  test.each<[string, unknown, unknown]>([
    ["more bodies than events", [body("a"), body("b")], one],
    ["fewer bodies than events", [], one],
    ["properties of fewer events", [body("a")], { ...one, propertiesArray: [] }],
    ["no properties", [body("a")], { ...one, propertiesArray: undefined }],
    ["bodies that are texts", ["a"], one],
    ["bodies that are parsed JSON", [{ a: 1 }], one],
    ["a single body", body("a"), one],
    ["no bodies", undefined, one],
    ["no metadata", [body("a")], undefined],
    ["no partition", [body("a")], { ...one, partitionContext: {} }],
    ["no system properties", [body("a")], { ...one, systemPropertiesArray: undefined }],
  ])("%s", (_, bodies, triggerMetadata) => {
    expect(() => readHubPayload(bodies, triggerMetadata)).toThrow(invalid);
  });
});

describe("the partition is known of a payload that cannot be read", () => {
  test.each(["3", 3])("by its context: %o", (partitionId) => {
    expect(readHubPartition({ partitionContext: { partitionId }, systemPropertiesArray: "nonsense" })).toBe("3");
  });

  test.each([undefined, null, {}, { partitionContext: null }, { partitionContext: { partitionId: {} } }])(
    "but not of %o",
    (triggerMetadata) => {
      expect(() => readHubPartition(triggerMetadata)).toThrow(invalid);
    },
  );
});
