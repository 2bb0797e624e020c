import fc from "fast-check";
import rhea from "rhea";
import type { Message } from "rhea";
import { describe, expect, test } from "vitest";
import { EncodedEvent, withLastEnqueued } from "../../../../local/event-hubs/amqp-sections.ts";
import { isDyneError } from "../../../../shared/core/index.ts";

const stamp = { sequenceNumber: 2 ** 40 + 7, offset: 2 ** 45, enqueuedTimeMs: 1_767_225_600_123 };

/** A view of a Section body's bytes, whatever rhea wraps them in. */
function decoded(bytes: Buffer): {
  annotations: Record<string, unknown>;
  properties: unknown;
  body: Buffer;
  header: unknown;
  message: Message;
} {
  const message = rhea.message.decode(bytes) as unknown as Message & { message_annotations: Record<string, unknown> };
  const { content } = message.body as { content: Buffer };
  return {
    annotations: message.message_annotations,
    properties: message.application_properties,
    body: content,
    header: message.durable,
    message,
  };
}

function stamped(message: object, fallbackKey?: string): Buffer {
  const event = new EncodedEvent(Buffer.from(rhea.message.encode(message as Message)), fallbackKey);
  const target = Buffer.alloc(event.bytesMax);
  const end = event.writeTo(target, 0, stamp);
  expect(end).toBeLessThanOrEqual(event.bytesMax);
  return target.subarray(0, end);
}

const body = (bytes: Uint8Array) => rhea.message.data_section(Buffer.from(bytes));

/** What becomes of bytes: taken, or the code of the error. */
function outcomeOf(bytes: Buffer): string {
  try {
    new EncodedEvent(bytes);
    return "taken";
  } catch (error) {
    return isDyneError(error) ? error.code : String(error);
  }
}

describe("stamping an encoded event", () => {
  test("adds the hub's annotations and keeps body, properties, foreign annotations and header", () => {
    const annotation = fc.oneof(fc.string(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.boolean());
    const names = fc.stringMatching(/^[a-z]{1,20}$/);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.dictionary(names, annotation, { noNullPrototype: true }),
        fc.dictionary(names, annotation, { noNullPrototype: true }),
        fc.boolean(),
        fc.option(fc.string({ maxLength: 300 }), { nil: undefined }),
        (bytes, annotations, properties, durable, key) => {
          const own = key === undefined ? {} : { "x-opt-partition-key": key };
          const out = decoded(
            stamped({
              durable,
              body: body(bytes),
              message_annotations: { ...annotations, ...own },
              application_properties: properties,
            }),
          );
          expect(out.body.equals(bytes)).toBe(true);
          expect(out.properties).toEqual(properties);
          expect(out.header ?? false).toBe(durable);
          expect(out.annotations).toEqual({
            ...annotations,
            ...own,
            "x-opt-sequence-number": stamp.sequenceNumber,
            "x-opt-offset": String(stamp.offset),
            "x-opt-enqueued-time": new Date(stamp.enqueuedTimeMs),
          });
        },
      ),
    );
  });

  test("replaces annotations of the hub that a publisher brought along", () => {
    const out = decoded(
      stamped({
        body: body(Buffer.from("x")),
        message_annotations: { "x-opt-sequence-number": 5, "x-opt-offset": "9" },
      }),
    );
    expect(out.annotations["x-opt-sequence-number"]).toBe(stamp.sequenceNumber);
    expect(out.annotations["x-opt-offset"]).toBe(String(stamp.offset));
  });

  test("gives the envelope's key only to an event without one", () => {
    expect(decoded(stamped({ body: body(Buffer.from("x")) }, "envelope")).annotations["x-opt-partition-key"]).toBe(
      "envelope",
    );
    const own = { body: body(Buffer.from("x")), message_annotations: { "x-opt-partition-key": "own" } };
    expect(decoded(stamped(own, "envelope")).annotations["x-opt-partition-key"]).toBe("own");
  });

  test("drops delivery annotations, which are meant for the hub", () => {
    const out = decoded(stamped({ body: body(Buffer.from("x")), delivery_annotations: { secret: "1" } }));
    expect(out.message.delivery_annotations).toBeUndefined();
  });

  test("adds what a tracking reader is told about the partition's end", () => {
    const payload = stamped({ durable: true, body: body(Buffer.from("x")) });
    const { message, header } = decoded(withLastEnqueued(payload, stamp, 99));
    expect(header).toBe(true);
    expect(message.delivery_annotations).toEqual({
      last_enqueued_sequence_number: stamp.sequenceNumber,
      last_enqueued_offset: String(stamp.offset),
      last_enqueued_time_utc: new Date(stamp.enqueuedTimeMs),
      runtime_info_retrieval_time_utc: new Date(99),
    });
  });

  test("bytes that are no message are refused, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(59), (bytes, cut) => {
        const whole = Buffer.from(rhea.message.encode({ body: body(bytes), message_annotations: { a: "b" } }));
        const broken = whole.subarray(0, whole.length - 1 - (cut % (whole.length - 1)));
        for (const candidate of [Buffer.from(bytes), broken]) {
          expect(["taken", "INVALID_MESSAGE"]).toContain(outcomeOf(candidate));
        }
      }),
    );
    expect(() => new EncodedEvent(Buffer.from("hello"))).toThrow(expect.objectContaining({ code: "INVALID_MESSAGE" }));
  });
});
