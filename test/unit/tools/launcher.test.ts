import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** The launcher is plain JavaScript without types, so it is loaded by address. */
const tools = join(import.meta.dirname, "../../../tools");
const load = (path: string) => import(pathToFileURL(join(tools, path)).href);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dyne-launcher-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (version: string, more = {}) => ({ version, ...more });
function lockfile(packages: Record<string, object>) {
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages: { "": {}, ...packages } }));
}
function installed(packages: Record<string, object>) {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  writeFileSync(join(folder, "node_modules/.package-lock.json"), JSON.stringify({ packages }));
}

describe("what is installed", () => {
  const wanted = {
    "node_modules/a": entry("1.0.0"),
    "node_modules/b": entry("2.0.0", { dev: true }),
    "node_modules/c-other-platform": entry("3.0.0", { optional: true }),
  };
  const cases = [
    { situation: "no node_modules", present: undefined, dev: false, kind: "absent" },
    { situation: "an older version", present: { "node_modules/a": entry("0.9.0") }, dev: false, kind: "outdated" },
    {
      situation: "users' packages, asked for no more",
      present: { "node_modules/a": entry("1.0.0") },
      dev: false,
      kind: "complete",
    },
    {
      situation: "users' packages, asked for all",
      present: { "node_modules/a": entry("1.0.0") },
      dev: true,
      kind: "without dev",
    },
    { situation: "all packages but another platform's", present: wanted, dev: true, kind: "complete" },
  ];
  test.each(cases)("$situation is $kind", async ({ present, dev, kind }) => {
    const { readState } = await load("launch/installed.mjs");
    lockfile(wanted);
    if (present !== undefined) installed(present);
    expect(readState(folder, dev)).toMatchObject({ kind });
  });

  test("a stamp counts for its own lockfile only", async () => {
    const { readState, stampPath } = await load("launch/installed.mjs");
    lockfile(wanted);
    installed(wanted);
    const { lock } = readState(folder, true);
    writeFileSync(stampPath(folder), JSON.stringify({ lock, dev: true }));
    expect(readState(folder, true)).toMatchObject({ kind: "complete", stamped: true });
    lockfile({ ...wanted, "node_modules/d": entry("1.0.0") });
    expect(readState(folder, true)).toMatchObject({ kind: "outdated" });
  });
});

describe("the lock of an installation", () => {
  test("two launchers take turns", async () => {
    const { withLock } = await load("launch/lock.mjs");
    const steps: string[] = [];
    const { promise: secondAsked, resolve: askedSecond } = Promise.withResolvers<void>();
    const first = withLock(folder, async () => {
      steps.push("first in");
      await secondAsked;
      steps.push("first out");
    });
    const second = withLock(folder, async () => steps.push("second in"));
    askedSecond();
    await Promise.all([first, second]);
    expect(steps).toEqual(["first in", "first out", "second in"]);
    expect(existsSync(join(folder, ".install-lock"))).toBe(false);
  });

  test("the lock of a launcher that was killed is taken over", async () => {
    const { withLock } = await load("launch/lock.mjs");
    const path = join(folder, ".install-lock");
    mkdirSync(path);
    utimesSync(path, new Date(0), new Date(0));
    expect(await withLock(folder, async () => "worked")).toBe("worked");
  });
});

describe("a launched program", () => {
  const ending = (args: readonly string[], onLine?: (pid: number) => void) =>
    new Promise<{ code: number | null; signal: string | null; out: string; err: string }>((done) => {
      const child = spawn(process.execPath, [...args], { stdio: ["ignore", "pipe", "pipe"] });
      let out = "";
      let err = "";
      child.stderr.on("data", (text) => (err += String(text)));
      child.stdout.on("data", (text) => {
        if (out === "") onLine?.(child.pid ?? 0);
        out += String(text);
      });
      child.on("close", (code, signal) => done({ code, signal, out, err }));
    });
  const launching = (program: string) => {
    const path = join(folder, "program.mjs");
    writeFileSync(path, program);
    const source = `import { runProgram } from ${JSON.stringify(pathToFileURL(join(tools, "launch/program.mjs")).href)};
      await runProgram(process.execPath, [${JSON.stringify(path)}]);`;
    return ["--input-type=module", "--eval", source];
  };

  test("its exit code is the launcher's", async () => {
    expect(await ending(launching("process.exitCode = 7;"))).toMatchObject({ code: 7 });
  });

  test("a signal reaches it once, and the launcher waits for its end", async () => {
    const program = `
      let times = 0;
      process.on("SIGTERM", () => { times++; setTimeout(() => { console.log("times", times); process.exit(3); }, 50); });
      setInterval(() => {}, 1000);
      console.log("up");`;
    const result = await ending(launching(program), (pid) => {
      process.kill(pid, "SIGTERM");
      process.kill(pid, "SIGTERM");
    });
    expect(result).toMatchObject({ code: 3, out: "up\ntimes 1\n" });
  });

  test("one that a signal ends, ends the launcher by that signal", async () => {
    expect(await ending(launching('process.kill(process.pid, "SIGKILL");'))).toMatchObject({ signal: "SIGKILL" });
  });

  test("an unknown script is refused with the names of all", async () => {
    const result = await ending([join(tools, "launch.mjs"), "nothing"]);
    expect(result).toMatchObject({ code: 1, out: "" });
    expect(result.err).toContain("There are: start, dev, dyne, build, package, test");
  });
});
