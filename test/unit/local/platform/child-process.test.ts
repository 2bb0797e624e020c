import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startChild, type ChildOptions } from "../../../../local/platform/index.ts";
import { temporaryDirectory } from "../azurite/temporary-azurite.ts";

const entry = new URL("./child.ts", import.meta.url).pathname;
const start = (config: object, more: Partial<ChildOptions> = {}) =>
  startChild({ name: "The child", entry, config, onLog: () => {}, ...more });
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a child", () => {
  test("is ready with its first line of JSON, whatever else it prints before", async () => {
    await using child = await start({ say: ["a banner", "7", '{"port":1}'] });
    expect(child.ready).toEqual({ port: 1 });
    expect(isAlive(child.pid)).toBe(true);
  });

  test("has the variables that it is given, and none of its parent's beyond a few", async () => {
    process.env["DYNE_TEST_PARENT"] = "not for children";
    await using child = await start(
      { show: ["NODE_EXTRA_CA_CERTS", "DYNE_TEST_PARENT", "PATH"] },
      { environment: { NODE_EXTRA_CA_CERTS: "/a" } },
    );
    delete process.env["DYNE_TEST_PARENT"];
    expect(child.ready).toEqual({ NODE_EXTRA_CA_CERTS: "/a", PATH: process.env["PATH"] });
  });

  test("says further lines of JSON, and complains line by line", async () => {
    const lines: unknown[] = [];
    const logs: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const done = () => {
      if (lines.length === 2 && logs.length === 2) resolve();
    };
    await using _ = await start(
      { say: ['{"ready":true}', '{"n":"1\u2028"}', "noise", '{"n":2}'], complain: ["one\u2029", "two"] },
      { onLine: (line) => (lines.push(line), done()), onLog: (line) => (logs.push(line), done()) },
    );
    await all;
    expect([lines, logs]).toEqual([
      [{ n: "1\u2028" }, { n: 2 }],
      ["one\u2029", "two"],
    ]);
  });

  test("stops when it is disposed of, and has ended then", async () => {
    await using directory = await temporaryDirectory();
    const farewell = join(directory.path, "farewell");
    const child = await start({ say: ["{}"], farewell });
    await child[Symbol.asyncDispose]();
    expect(await child.exited).toBe(0);
    expect(isAlive(child.pid)).toBe(false);
    expect(await readFile(farewell, "utf8")).toBe("SIGTERM");
    await child[Symbol.asyncDispose]();
  });

  test("that ends by itself is seen to end, with its code", async () => {
    await using child = await start({ say: ["{}"], exitCode: 3 });
    expect(await child.exited).toBe(3);
  });
});

describe("a child that does not come up", () => {
  test("is told by its exit code and its last words", async () => {
    const complain = Array.from({ length: 30 }, (_, n) => `word ${n}`);
    await expect(start({ complain, exitCode: 7 })).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringMatching(/^The child did not start: it ended with 7.*last words: word 10 \| .*word 29$/),
    });
  });

  test("is told by what Node says of an entry that is not there", async () => {
    await expect(start({}, { entry: join(import.meta.dirname, "no-such-entry.ts") })).rejects.toMatchObject({
      message: expect.stringContaining("Cannot find module"),
    });
  });
});
