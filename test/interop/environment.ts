/**
 * What the peers need: Python with the packages of requirements.txt, in a virtual environment of the checkout, and Java for Spark. Made
 * where it is missing, used again as long as the requirements are the same.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const here = import.meta.dirname;
const root = join(here, "../..");
const folder = join(root, ".interop");
const python = join(folder, "python/bin/python");
const stamp = join(folder, "requirements.sha256");

const javaVersionMin = 17;
const pythonVersionMin = [3, 10] as const;
const installMsMax = 15 * 60_000;
const progressMs = 5_000;

/** Ready with the program that runs the peers, or absent with the reason in words. */
export type Environment =
  | { readonly kind: "ready"; readonly python: string; readonly folder: string }
  | { readonly kind: "absent"; readonly reason: string };

/**
 * Finds or makes the environment; safe to repeat, and after a try that was interrupted it begins anew. Tells of its steps by `say`. What
 * cannot be had is a value, never an error: whoever runs the tests may be without Java, Python or a way to packages.
 */
export async function interopEnvironment(say: (text: string) => void): Promise<Environment> {
  return (await withoutJava(say)) ?? (await withoutPackages(say)) ?? { kind: "ready", python, folder };
}

type Absent = Extract<Environment, { kind: "absent" }>;
const absent = (reason: string): Absent => ({ kind: "absent", reason });

async function withoutJava(say: (text: string) => void): Promise<Absent | undefined> {
  const found = await javaVersion();
  if (found !== undefined && found >= javaVersionMin) return undefined;
  const what = found === undefined ? "there is no Java" : `Java is of version ${found}`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    return absent(`${what}; Spark needs ${javaVersionMin} or later`);
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "openjdk-17-jre-headless"]]) {
    const failure = await runLong("/usr/bin/apt-get", args, say, { DEBIAN_FRONTEND: "noninteractive" });
    if (failure !== undefined) return absent(`${what}, and it could not be installed: ${failure}`);
  }
  const installed = await javaVersion();
  return installed !== undefined && installed >= javaVersionMin
    ? undefined
    : absent(`${what}, also after openjdk-17-jre-headless was installed`);
}

async function javaVersion(): Promise<number | undefined> {
  const java = process.env["JAVA_HOME"] === undefined ? "java" : join(process.env["JAVA_HOME"], "bin/java");
  const said = await execute(java, ["-version"]).then(
    ({ stderr }) => stderr,
    () => "",
  );
  const version = /version "(\d+)/.exec(said)?.[1];
  return version === undefined ? undefined : Number(version);
}

async function withoutPackages(say: (text: string) => void): Promise<Absent | undefined> {
  const requirements = join(here, "requirements.txt");
  const hash = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex");
  const stamped = existsSync(stamp) ? await readFile(stamp, "utf8") : "";
  if (stamped === hash && existsSync(python)) return undefined;
  const base = await basePython();
  if (base === undefined) return absent(`there is no Python ${pythonVersionMin.join(".")} or later`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const made = await runLong(base, ["-m", "venv", join(folder, "python")], say);
  if (made !== undefined) return absent(`python3 -m venv failed: ${made}`);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  const installed = await runLong(python, install, say);
  if (installed !== undefined) return absent(`the packages of requirements.txt could not be installed: ${installed}`);
  await writeFile(stamp, hash);
  return undefined;
}

async function basePython(): Promise<string | undefined> {
  const print = "import sys, venv, ensurepip; print(*sys.version_info[:2])";
  const said = await execute("python3", ["-c", print]).then(
    ({ stdout }) => stdout.trim().split(" ").map(Number),
    () => [],
  );
  const [major = 0, minor = 0] = said;
  return major === pythonVersionMin[0] && minor >= pythonVersionMin[1] ? "python3" : undefined;
}

/** Runs a command with a line of progress every so often. Gives the end of what it said where it failed. */
function runLong(
  command: string,
  args: readonly string[],
  say: (text: string) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const what = [command, ...args].join(" ");
  const startedMs = performance.now();
  say(what);
  const timer = setInterval(() => say(`${what}, ${Math.round((performance.now() - startedMs) / 1000)} s`), progressMs);
  return new Promise((done) => {
    const child = spawn(command, args, { env: { ...process.env, ...settings }, stdio: ["ignore", "pipe", "pipe"] });
    const limit = setTimeout(() => child.kill("SIGKILL"), installMsMax);
    let said = "";
    const hear = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-2_000));
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", (error) => end(error.message));
    child.on("close", (code, signal) => end(code === 0 ? undefined : said.trim() || `it ended with ${code ?? signal}`));
    function end(failure: string | undefined): void {
      clearInterval(timer);
      clearTimeout(limit);
      done(failure?.split("\n").slice(-3).join(" "));
    }
  });
}
