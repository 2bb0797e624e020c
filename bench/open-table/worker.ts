/**
 * Opens one table in a process of its own and prints what it took, as JSON: `node worker.ts <folder> <table> [checkout]`. With a checkout, that
 * one's engine opens it: a face that has changed since then is the caller's business.
 */
import { join, resolve } from "node:path";
import type * as Compute from "../../shared/compute/index.ts";
import type * as Core from "../../shared/core/index.ts";
import type * as Storage from "../../shared/storage/index.ts";
import type * as Table from "../../shared/table/index.ts";

const [folder = "", name = "", checkout = resolve(import.meta.dirname, "../..")] = process.argv.slice(2);
const room = async (path: string): Promise<Record<string, unknown>> =>
  (await import(join(checkout, "shared", path, "index.ts"))) as Record<string, unknown>;
const core = (await room("core")) as typeof Core;
const storage = (await room("storage")) as typeof Storage;
const compute = (await room("compute")) as typeof Compute;
const table = (await room("table")) as typeof Table;

const services = { clock: core.systemClock, random: core.systemRandom, logger: core.silentLogger };
const open = (): InstanceType<typeof table.DeltaTable> =>
  new table.DeltaTable({
    ...services,
    store: new storage.FileStore(folder, services),
    path: `lake/${name}`,
    checkpointReader: compute.transientCheckpoints(),
  });

const megabytes = (bytes: number): number => bytes / 1024 / 1024;
const before = process.memoryUsage.rss();
const cpu = process.cpuUsage();
const startMs = performance.now();
const delta = open();
const { version, files } = await delta.latest();
const openMs = performance.now() - startMs;
const { user, system } = process.cpuUsage(cpu);
const peakGrowthMb = megabytes(process.resourceUsage().maxRSS * 1024 - before);
const updateStartMs = performance.now();
await delta.latest();
const updateMs = performance.now() - updateStartMs;
const againStartMs = performance.now();
await open().latest();
const againMs = performance.now() - againStartMs;
console.log(
  JSON.stringify({
    openMs,
    cpuMs: (user + system) / 1_000,
    peakGrowthMb,
    updateMs,
    againMs,
    version,
    files: files.size,
  }),
);
