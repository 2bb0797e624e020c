import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { earliestEventPosition } from "@azure/event-hubs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hubName, producerOf, readPartition, sendTexts, textOf } from "./hub-client.ts";

const script = new URL("../../../../local/event-hubs/main.ts", import.meta.url).pathname;

let directory: string;
let child: ChildProcessWithoutNullStreams;

interface Ready {
  readonly ready: boolean;
  readonly port: number;
  readonly connectionString: string;
}

async function launch(): Promise<Ready> {
  const hubs = { [hubName]: { partitions: 1, consumerGroups: ["dyne-read"] } };
  child = spawn(process.execPath, [script, JSON.stringify({ directory, hubs })]);
  child.stderr.resume();
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return JSON.parse(line) as Ready;
}

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "dyne-hubs-"))));
afterEach(() => {
  child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

test("a process that is killed while publishes stream in loses no event that it acknowledged", async () => {
  const ready = await launch();
  let acknowledged = 0;
  let sent = 0;
  {
    await using producer = producerOf(ready.connectionString);
    const killed = once(child, "exit");
    const sending = (async () => {
      for (; ; sent += 100) {
        await sendTexts(
          producer,
          0,
          Array.from({ length: 100 }, (_, k) => `${sent + k}-${"x".repeat(1_000)}`),
        );
        acknowledged = sent + 100;
        if (acknowledged === 2_000) child.kill("SIGKILL");
      }
    })();
    await Promise.allSettled([sending, killed]);
  }
  const partition = join(directory, hubName, "0");
  const newest = readdirSync(partition)
    .filter((name) => name.endsWith(".log"))
    .toSorted()
    .at(-1)!;
  appendFileSync(join(partition, newest), Buffer.from("DHB1 and the rest of a block that was never finished"));

  const again = await launch();
  await using producer = producerOf(again.connectionString);
  const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties("0");
  expect(lastEnqueuedSequenceNumber + 1).toBeGreaterThanOrEqual(acknowledged);
  expect(lastEnqueuedSequenceNumber + 1).toBeLessThanOrEqual(sent + 100);
  await sendTexts(producer, 0, ["after"]);
  await using reader = readPartition(again.connectionString, { startPosition: earliestEventPosition });
  const events = await reader.atLeast(lastEnqueuedSequenceNumber + 2);
  expect(events.slice(0, -1).every((event, k) => event.sequenceNumber === k && textOf(event).startsWith(`${k}-`))).toBe(
    true,
  );
  expect(textOf(events.at(-1)!)).toBe("after");
});

test.each([
  ["on SIGTERM", () => child.kill("SIGTERM")],
  ["when its parent closes its standard input", () => child.stdin.end()],
])("it ends cleanly %s, also with connections open", async (_, end) => {
  const ready = await launch();
  expect(ready).toMatchObject({ ready: true, port: expect.any(Number) });
  const producer = producerOf(ready.connectionString);
  await sendTexts(producer, 0, ["a"]);
  const exited = once(child, "exit");
  end();
  expect(await exited).toEqual([0, null]);
  await producer.close();
});

test("a configuration that is not understood ends it with an error", async () => {
  child = spawn(process.execPath, [script, '{"directory":1}']);
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(1);
});
