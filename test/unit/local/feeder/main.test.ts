import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startEventHubs } from "../../../../local/event-hubs/index.ts";
import { summarizeFlightsPlan } from "../../../../local/feeder/index.ts";
import { silentLogger, systemClock } from "../../../../shared/core/index.ts";
import { hubName, producerOf } from "../event-hubs/hub-client.ts";

const script = new URL("../../../../local/feeder/main.ts", import.meta.url).pathname;

test("the process feeds the flights into the hub, says so, and ends", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dyne-feeder-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const hubs = { [hubName]: { partitions: 3, consumerGroups: ["dyne-read"] } };
  const server = stack.use(await startEventHubs({ directory, hubs, clock: systemClock, logger: silentLogger }));
  const plan = { seed: 5, events: 12_345, partitions: 3 };
  const child = spawn(process.execPath, [
    script,
    JSON.stringify({ ...plan, connectionString: server.connectionString, hub: hubName, rate: "max" }),
  ]);
  stack.defer(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const lines = await Array.fromAsync(createInterface({ input: child.stdout }));
  expect(await exited).toEqual([0, null]);
  const { byPartition } = summarizeFlightsPlan(plan);
  expect(JSON.parse(lines.at(-1)!)).toEqual({ done: true, sent: 12_345, next: byPartition });
  await using producer = producerOf(server.connectionString);
  for (const id of ["0", "1", "2"]) {
    expect((await producer.getPartitionProperties(id)).lastEnqueuedSequenceNumber).toBe(byPartition[Number(id)]! - 1);
  }
}, 20_000);
