import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { awaitLock, endOwner, ownerOfLock, startOfProcess, takeLock } from "../../../../local/ownership/index.ts";
import { temporaryDirectory } from "../azurite/temporary-azurite.ts";

const module = new URL("../../../../local/ownership/lock-file.ts", import.meta.url).href;

/** A process that runs until it is killed. */
function idle(): ChildProcess & AsyncDisposable {
  return disposable(spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" }));
}

/** A process that holds a lock until it is killed. */
async function holder(lock: string): Promise<ChildProcess & AsyncDisposable> {
  const script = `const { takeLock } = await import(${JSON.stringify(module)}); console.log((await takeLock(${JSON.stringify(lock)})).kind); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(String((await once(child.stdout, "data"))[0]).trim()).toBe("held");
  return disposable(child);
}

function disposable<Child extends ChildProcess>(child: Child): Child & AsyncDisposable {
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  });
}

test("a process is known by when it began, as long as it runs", async () => {
  await using first = idle();
  await using second = idle();
  const started = startOfProcess(first.pid ?? 0);
  expect(started).toMatch(/\S/);
  expect(started).not.toContain(" ");
  expect(startOfProcess(first.pid ?? 0)).toBe(started);
  expect(startOfProcess(process.pid)).not.toBe(started);
  first.kill("SIGKILL");
  await once(first, "exit");
  expect(startOfProcess(first.pid ?? 0)).toBeUndefined();
  expect(startOfProcess(second.pid ?? 0)).toBeDefined();
});

test("the lock of a living process holds, and goes to another when it is killed", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "lock");
  await using owner = await holder(path);
  expect(await takeLock(path)).toEqual({ kind: "owned", pid: owner.pid });
  expect(await ownerOfLock(path)).toBe(owner.pid);
  owner.kill("SIGKILL");
  await once(owner, "exit");
  expect(await ownerOfLock(path)).toBeUndefined();
  await using _mine = await awaitLock(path);
  expect(await readdir(directory.path)).toEqual(["lock"]);
});

test("a lock counts for nothing where its process id was given to another process", async () => {
  await using directory = await temporaryDirectory();
  await using stranger = idle();
  const path = join(directory.path, "lock");
  await writeFile(path, `${stranger.pid} some-claim an-earlier-start\n`);
  expect(await ownerOfLock(path)).toBeUndefined();
  await endOwner(path);
  expect(startOfProcess(stranger.pid ?? 0)).toBeDefined();
  await using _mine = await awaitLock(path);
  expect(await readFile(path, "utf8")).toContain(`${process.pid} `);
});

test("who waits for a lock has it when its owner is gone", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "lock");
  await using owner = await holder(path);
  const waiting = awaitLock(path);
  owner.kill("SIGKILL");
  await using mine = await waiting;
  expect(mine.kind).toBe("held");
  expect(await ownerOfLock(path)).toBe(process.pid);
});

test("the owner of a lock is ended and waited for, but never this process", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "lock");
  await using owner = await holder(path);
  await endOwner(path);
  expect(startOfProcess(owner.pid ?? 0)).toBeUndefined();
  await using _mine = await awaitLock(path);
  await endOwner(path);
  await endOwner(join(directory.path, "none"));
  expect(await ownerOfLock(path)).toBe(process.pid);
});
