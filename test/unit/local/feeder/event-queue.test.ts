import { expect, test } from "vitest";
import { EventQueue } from "../../../../local/feeder/event-queue.ts";

const event = (sequenceNumber: number, bytes = 10) => ({
  partition: 0,
  sequenceNumber,
  partitionKey: "k",
  body: new Uint8Array(bytes),
});

test("a queue keeps order, and has room again when events are taken away", async () => {
  const queue = new EventQueue(3, 1_000);
  for (let k = 0; k < 3; k++) queue.push(event(k));
  expect(queue.hasRoom).toBe(false);
  const room = queue.change();
  queue.drop(2);
  await room;
  expect(queue.hasRoom).toBe(true);
  queue.push(event(3));
  expect([queue.at(0)?.sequenceNumber, queue.at(1)?.sequenceNumber, queue.at(2)]).toEqual([2, 3, undefined]);
});

test("a queue is bounded by bytes too, but always takes one event", () => {
  const queue = new EventQueue(100, 1_000);
  expect(queue.hasRoom).toBe(true);
  queue.push(event(0, 5_000));
  expect(queue.hasRoom).toBe(false);
  queue.drop(1);
  expect(queue.hasRoom).toBe(true);
});

test("whoever waits for events is told about the first one and about the end", async () => {
  const queue = new EventQueue(3, 1_000);
  const first = queue.change();
  queue.push(event(0));
  await first;
  const end = queue.change();
  queue.end();
  await end;
  expect(queue.ended).toBe(true);
});
