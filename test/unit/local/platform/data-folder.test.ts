import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startOfProcess } from "../../../../local/ownership/index.ts";
import { endpointsFile, ownDataFolder, ownerOf, processLocks } from "../../../../local/platform/index.ts";
import { temporaryDirectory } from "../azurite/temporary-azurite.ts";

/** The id of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}

async function locked(content: string) {
  const directory = await temporaryDirectory();
  const path = join(directory.path, "data");
  await mkdir(path);
  await writeFile(join(path, "lock"), content);
  return { path, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

test("a folder is created, owned, and free again after", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "a/b");
  expect(await ownerOf(path)).toBeUndefined();
  const folder = await ownDataFolder(path);
  expect(folder.path).toBe(path);
  expect(await ownerOf(path)).toBe(process.pid);
  await folder[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
  expect(await ownerOf(path)).toBeUndefined();
  expect(await readdir(path)).toEqual([]);
});

test("a folder of a process that is alive is not taken, and the error says whose it is", async () => {
  await using data = await locked(`${process.ppid}\n`);
  expect(await ownerOf(data.path)).toBe(process.ppid);
  await expect(ownDataFolder(data.path)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(new RegExp(`in use by process ${process.ppid}.*--data`)),
  });
  expect(await readdir(data.path)).toEqual(["lock"]);
});

test.each<[string, () => Promise<string>]>([
  ["a process that is gone", async () => `${await deadProcess()} some-id\n`],
  ["an earlier process of the same id", async () => `${process.pid} some-id\n`],
  ["nobody, because it is empty", async () => ""],
  ["nobody, because it is garbage", async () => "x\n"],
])("the lock of %s counts for nothing", async (_, content) => {
  await using data = await locked(await content());
  expect(await ownerOf(data.path)).toBeUndefined();
  await using folder = await ownDataFolder(data.path);
  expect(await ownerOf(folder.path)).toBe(process.pid);
  expect(await readdir(data.path)).toEqual(["lock"]);
});

test("what the children of a run that is gone still do is ended by the next owner, and only that", async () => {
  await using data = await locked(`${await deadProcess()} some-id some-start\n`);
  const idle = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const [child, stranger] = [idle(), idle()];
  try {
    const ended = once(child, "exit");
    const started = (pid = 0) => startOfProcess(pid) ?? "";
    await writeFile(processLocks(data.path).functions, `${child.pid} some-id ${started(child.pid)}\n`);
    await writeFile(processLocks(data.path).eventHubs, `${stranger.pid} some-id ${started(process.pid)}\n`);
    await writeFile(endpointsFile(data.path), "{}");
    await using folder = await ownDataFolder(data.path);
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(startOfProcess(stranger.pid ?? 0)).toBeDefined();
    expect(await readdir(folder.path)).not.toContain("endpoints.json");
    expect(await readFile(join(folder.path, "lock"), "utf8")).toMatch(new RegExp(`^${process.pid} `));
  } finally {
    for (const each of [child, stranger]) each.kill("SIGKILL");
  }
});

test("one process owns a folder once", async () => {
  await using directory = await temporaryDirectory();
  await using folder = await ownDataFolder(directory.path);
  await expect(ownDataFolder(`${folder.path}/`)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await ownerOf(folder.path)).toBe(process.pid);
});

test.each<[string, string | undefined]>([
  ["that is free", undefined],
  ["with a lock that is left over", "1073741824 gone\n"],
])("of several that want a folder %s at once, one gets it", async (_, content) => {
  for (let round = 0; round < 20; round++) {
    await using data = await locked(content ?? "");
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => ownDataFolder(data.path)));
    const winners = results.filter((result) => result.status === "fulfilled");
    expect(winners).toHaveLength(1);
    expect(await ownerOf(data.path)).toBe(process.pid);
    for (const { value } of winners) await value[Symbol.asyncDispose]();
  }
});

test("of several processes that want a folder at once, one gets it", async () => {
  await using data = await locked("1073741824 gone\n");
  const script = `
    const { ownDataFolder } = await import(${JSON.stringify(join(import.meta.dirname, "../../../../local/platform/data-folder.ts"))});
    process.stdout.write("ready\\n");
    process.stdin.once("data", async () => {
      const got = await ownDataFolder(${JSON.stringify(data.path)}).then(() => "mine", (error) => error.code);
      process.stdout.write(got + "\\n");
      process.stdin.once("end", () => process.exit(0)).resume();
    });`;
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  const said = (child: (typeof children)[number]) => once(child.stdout, "data").then(([data]) => String(data).trim());
  await Promise.all(children.map(said));
  const answers = Promise.all(children.map(said));
  for (const child of children) child.stdin.write("go\n");
  expect((await answers).sort()).toEqual(["INVALID_ARGUMENT", "INVALID_ARGUMENT", "mine"]);
  await Promise.all(
    children.map((child) => {
      child.stdin.end();
      return once(child, "exit");
    }),
  );
});
