/**
 * Writers in processes of their own work on the same tables at once: appends, fenced appends, merges, deletes, optimize. Afterwards every
 * operation that a writer says is done is in the log once, and the rows are those of the operations one after another.
 *
 *     WRITERS=8 OPERATIONS=200 npm run test:concurrency
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byteLines, limits } from "../../shared/core/index.ts";
import type { DeltaCommit } from "../../shared/delta/index.ts";
import { AzureBlobStore } from "../../shared/storage/index.ts";
import { DeltaLake } from "../../shared/table/lake/index.ts";
import { readRowTexts } from "../../shared/table/index.ts";
import { interopEnvironment } from "../interop/environment.ts";
import { Peer } from "../interop/peer.ts";
import { startAzurite, type Azurite } from "../support/azurite.ts";
import { rowSchema, type Done, type SharedTable } from "./operation.ts";
import { replay } from "./replay.ts";
import type { WriterOrders } from "./writer.ts";

const writers = Number(process.env["WRITERS"] ?? 8);
const operations = Number(process.env["OPERATIONS"] ?? 200);
const levels = ["WriteSerializable", "Serializable"] as const;
const pathOf = (level: string) => `lake/${level.toLowerCase()}`;
const timeLimitMs = 30 * 60_000;
const reportEveryMs = 10_000;

interface Report {
  readonly table: string;
  readonly done: Done | null;
}

let azurite: Azurite;
let lake: DeltaLake;
const tables = new Map<string, SharedTable>();
const reports: Report[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
  const store = new AzureBlobStore(azurite.blobService);
  await store.ensureContainers(["lake"]);
  lake = await DeltaLake.open({ store, memoryLimitMb: 500, threads: 1 });
  for (const level of levels) {
    const table = await lake.create(pathOf(level), {
      schema: rowSchema,
      properties: { "delta.isolationLevel": level },
    });
    tables.set(level, table);
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => runWriter(writer)));
}, timeLimitMs);
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await azurite[Symbol.asyncDispose]();
});

/** Runs a writer to its end; says now and then how far all of them are. */
async function runWriter(writer: number): Promise<void> {
  const orders: WriterOrders = {
    connectionString: azurite.connectionString,
    tables: levels.map(pathOf),
    writer,
    writers,
    operations,
  };
  const child = spawn(process.execPath, [new URL("writer.ts", import.meta.url).pathname, JSON.stringify(orders)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  for await (const line of byteLines(child.stdout, limits.lineBytes)) {
    reports.push(JSON.parse(line.toString()) as Report);
    say();
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`writer ${writer} ended with ${code}`);
}

let saidMs = performance.now();
function say(): void {
  if (performance.now() - saidMs < reportEveryMs) return;
  saidMs = performance.now();
  const conflicts = reports.reduce((sum, { done }) => sum + (done?.conflicts ?? 0), 0);
  console.log(`  ${reports.length} of ${writers * operations} operations, ${conflicts} conflicts`);
}

describe.for(levels)("a table that is %s", (level) => {
  const done = () =>
    reports.flatMap((report) => (report.table === pathOf(level) && report.done !== null ? [report.done] : []));
  const commits = async () => {
    const { table } = tables.get(level)!.session;
    const { version } = await table.latest();
    const found = await table.changes(-1, version);
    expect(found.map((commit) => commit.version)).toEqual(Array.from({ length: version + 1 }, (_, at) => at));
    return new Map<number, DeltaCommit>(found.map((commit) => [commit.version, commit]));
  };

  it("has every operation that was done once in its log, and no other that moves rows", async () => {
    const log = await commits();
    const versions = done().map(({ version }) => version);
    expect(new Set(versions).size).toBe(versions.length);
    const moving = [...log.values()].filter(({ adds, removes }) =>
      [...adds, ...removes].some(({ dataChange }) => dataChange),
    );
    expect(moving.map(({ version }) => version)).toEqual([...versions].sort((a, b) => a - b));
    const ids = [...log.values()].map(({ commitInfo }) => commitInfo?.txnId);
    expect(new Set(ids).size).toBe(log.size);
  });

  it("has the rows of the operations one after another", async () => {
    const expected = replay(done(), await commits(), level === "Serializable");
    const rows = await tables.get(level)!.rows();
    const texts = (all: readonly { readonly id: number | bigint | null; readonly n: number | bigint | null }[]) =>
      all.map(({ id, n }) => `${id}: ${n}`).sort();
    expect(texts(rows)).toEqual(texts(expected));
  });

  it("is read by delta-rs as it is here", { timeout: timeLimitMs }, async ({ skip }) => {
    const environment = await interopEnvironment((text) => console.log(`  ${text}`));
    if (environment.kind === "absent") {
      console.log(`INTEROP NOT RUN: ${environment.reason}`);
      return skip(environment.reason);
    }
    const folder = await mkdtemp(join(tmpdir(), "dyne-concurrency-"));
    try {
      const { table, compute } = tables.get(level)!.session;
      for await (const { path } of table.log.store.list(`${table.path}/`)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await table.log.store.downloadFile(path, join(folder, path));
      }
      await using peer = await Peer.start("delta-rs", environment.python, "deltars.py", environment.folder);
      const theirs = (await peer.ask("read", { path: join(folder, table.path) })) as readonly string[];
      const ours = await Array.fromAsync(
        readRowTexts(compute, table, await table.latest(), { limit: Number.POSITIVE_INFINITY }),
      );
      expect([...theirs].sort()).toEqual(ours.sort());
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("has each writer's fences in order", async () => {
    const log = await commits();
    for (let writer = 0; writer < writers; writer++) {
      const recorded = [...log.values()].flatMap(({ txns }) =>
        txns.filter(({ appId }) => appId === `writer-${writer}`).map(({ version }) => version),
      );
      expect(recorded).toEqual(Array.from({ length: recorded.length }, (_, index) => index + 1));
    }
  });
});
