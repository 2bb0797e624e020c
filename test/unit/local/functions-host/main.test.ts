import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { expect, test, vi } from "vitest";

import type { FunctionsHostConfig } from "../../../../local/functions-host/main.ts";
import { temporaryDirectory } from "../azurite/temporary-azurite.ts";

vi.setConfig({ testTimeout: 30_000 });

const main = fileURLToPath(new URL("../../../../local/functions-host/main.ts", import.meta.url));
const entry = fileURLToPath(new URL("./fixture-entry.ts", import.meta.url));

interface Run {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly log: Promise<string>;
  /** Its first line, or its exit code if it wrote none. */
  readonly line: string | number;
}

/** Starts the process; resolves when it is ready or has ended. */
async function run(config: Partial<FunctionsHostConfig>): Promise<Run> {
  await using directory = await temporaryDirectory();
  const hostJson = join(directory.path, "host.json");
  await writeFile(hostJson, JSON.stringify({ version: "2.0" }));
  const complete: FunctionsHostConfig = { hostJson, settings: { GREETING: "hello" }, entries: [entry], ...config };
  const child = spawn(process.execPath, [main, JSON.stringify(complete)], { stdio: ["pipe", "pipe", "pipe"] });
  const log = text(child.stderr);
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit")])) as [
    string | number,
  ];
  return { child, log, line };
}

test.each([
  ["on SIGTERM", (child: { kill(signal: NodeJS.Signals): boolean }) => child.kill("SIGTERM")],
  ["when its standard input ends", (child: { stdin: Writable }) => child.stdin.end()],
])("the process loads the app with its settings, and stops in good order %s", async (_, stop) => {
  const { child, log, line } = await run({});
  expect(JSON.parse(String(line))).toEqual({ ready: true, functions: ["beat"] });
  stop(child);
  expect(await once(child, "exit")).toEqual([0, null]);
  const lines = (await log).trim().split("\n");
  expect(lines[0]).toBe("start hello");
  expect(lines.at(-1)).toBe("terminate");
  const beat = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as object);
  expect(beat).toContainEqual(
    expect.objectContaining({
      level: "info",
      message: "beat false",
      functionName: "beat",
      invocationId: expect.any(String),
    }),
  );
});

test("the process says where its HTTP functions are, and answers there", async () => {
  const { child, line } = await run({ entries: [fileURLToPath(new URL("./fixture-http.ts", import.meta.url))] });
  const ready = JSON.parse(String(line)) as { http: string };
  expect(ready).toEqual({
    ready: true,
    functions: ["ping"],
    http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    api: `${ready.http}/api`,
  });
  expect(await (await fetch(`${ready.http}/api/ping`)).text()).toBe("pong");
  child.stdin.end();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("an app that asks for streamed HTTP ends the process with 1 and is told so", async () => {
  const { child, log } = await run({ entries: [fileURLToPath(new URL("./fixture-stream.ts", import.meta.url))] });
  expect(child.exitCode).toBe(1);
  expect(await log).toContain("enableHttpStream");
});

test("an app that cannot start ends the process with 1 and says why", async () => {
  const { child, log } = await run({ entries: ["/nonexistent/app.ts"] });
  expect(child.exitCode).toBe(1);
  expect(await log).toContain("/nonexistent/app.ts");
});
