import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { endpointsFile, openLocalStorage, ownerOf } from "../local/platform/index.ts";
import { DuckDbCompute } from "../shared/compute/index.ts";
import { isDyneError, silentLogger, systemRandom, sentence } from "../shared/core/index.ts";

/** Something that has to be in order on this machine. */
interface Check {
  readonly name: string;
  /** What was found, in a few words. Throws where it is not in order, with what to do. */
  readonly look: (data: string) => Promise<string>;
}

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
}

const nodeMajorMin = 24;
const gibibyte = 2 ** 30;
const diskBytesMin = 2 * gibibyte;
const memoryBytesMin = 3 * gibibyte;
const probePath = "checkpoints/doctor";

/** `dyne doctor`: whether this machine, and a data folder on it, can run the pipelines. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Check this machine: Node, DuckDB, ports, disk, memory, and the storage of a data folder.")
    .option("--data <folder>", "the data folder whose storage is tried", ".dyne/dev")
    .option("--json", "as one line of JSON")
    .addHelpText(
      "after",
      "\nEnds with 1 where something is not in order.\n\nExamples:\n  npm run --silent dyne -- doctor\n  npm run --silent dyne -- doctor --data .dyne/start --json",
    )
    .action(doctor);
}

async function doctor({ data, json }: { data: string; json?: boolean }): Promise<void> {
  const findings: Finding[] = [];
  for (const { name, look } of checks) {
    const finding = await examine(name, () => look(resolve(data)));
    findings.push(finding);
    if (json !== true)
      process.stdout.write(`${finding.ok ? "✓" : "✗"} ${finding.name.padEnd(nameWidth)}  ${finding.found}\n`);
  }
  const ok = findings.every((finding) => finding.ok);
  if (json === true) process.stdout.write(`${JSON.stringify({ ok, checks: findings })}\n`);
  if (!ok) process.exitCode = 1;
}

async function examine(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, ok: true, found: await look() };
  } catch (error) {
    return { name, ok: false, found: error instanceof Error ? error.message : String(error) };
  }
}

const checks: readonly Check[] = [
  { name: "Node.js", look: lookAtNode },
  { name: "DuckDB", look: lookAtDuckDb },
  { name: "ports", look: lookAtPorts },
  { name: "disk", look: lookAtDisk },
  { name: "memory", look: lookAtMemory },
  { name: "storage", look: lookAtStorage },
];
const nameWidth = Math.max(...checks.map(({ name }) => name.length));

async function lookAtNode(): Promise<string> {
  const { version, platform, arch } = process;
  if (Number(process.versions.node.split(".")[0]) < nodeMajorMin)
    throw new Error(
      `${version} is too old. Start it by "npm run dyne -- doctor", which brings Node.js ${nodeMajorMin}.`,
    );
  return `${version} on ${platform}-${arch}`;
}

async function lookAtDuckDb(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "dyne-doctor-"));
  try {
    const settings = { directory, memoryLimitMb: 256, threads: 1, cacheBytes: 0 };
    await (await DuckDbCompute.open(settings, systemRandom)).close();
    return "opens";
  } catch (error) {
    throw new Error(`It does not open: ${String(error)}. Remove node_modules, and install again.`, { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function lookAtPorts(): Promise<string> {
  const server = createServer();
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return "free ones can be had on 127.0.0.1";
  } catch (error) {
    throw new Error(`None can be opened on 127.0.0.1: ${sentence(error)} Allow it to this user.`, { cause: error });
  } finally {
    server.close();
  }
}

async function lookAtDisk(data: string): Promise<string> {
  if (statSync(data, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new Error(`${data} is no folder. Name another one with --data.`);
  let folder = data;
  while (!existsSync(folder)) folder = dirname(folder);
  const probe = join(folder, `.dyne-doctor-${systemRandom.uuid()}`);
  await mkdir(probe);
  await rm(probe, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  const free = `${gibibytes(bavail * bsize)} GiB free at ${folder}`;
  if (bavail * bsize < diskBytesMin)
    throw new Error(`${free}; a run of 100,000 events takes about one. Make room, or name another folder with --data.`);
  return free;
}

async function lookAtMemory(data: string): Promise<string> {
  const bytes = process.availableMemory();
  const free = `${gibibytes(bytes)} GiB`;
  // What the folder's own platform has taken is not missing.
  if (bytes < memoryBytesMin && (await ownerOf(data)) === undefined)
    throw new Error(`${free} free; a run takes about ${gibibytes(memoryBytesMin)}. Close something large.`);
  return `${free} free`;
}

async function lookAtStorage(data: string): Promise<string> {
  if (!existsSync(join(data, "storage"))) return `nothing in ${data} yet; "npm start" or "npm run dev" makes it`;
  const owner = await ownerOf(data);
  if (owner !== undefined && !existsSync(endpointsFile(data))) return `${data} is in use by process ${owner}`;
  try {
    await using storage = await openLocalStorage(data, { logger: silentLogger });
    const bytes = new TextEncoder().encode(systemRandom.uuid());
    await storage.host.put(probePath, bytes);
    const there = await storage.host.get(probePath);
    await storage.host.delete(probePath);
    if (there === undefined || Buffer.compare(there.bytes, bytes) !== 0)
      throw new Error(
        `The storage of ${data} does not give back what it was given. Remove the folder, and start anew.`,
      );
    const { eventHubs } = storage.connections;
    return `${data} can be read and written${eventHubs === undefined ? "" : ", and its platform runs"}`;
  } catch (error) {
    if (!isDyneError(error)) throw error;
    throw new Error(`${error.code}: ${error.message}`, { cause: error });
  }
}

const gibibytes = (bytes: number): string => (bytes / gibibyte).toFixed(1);
