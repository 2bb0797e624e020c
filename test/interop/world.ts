/** What a case works with: the peers, and dyne on tables in folders of the local disk. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DuckDbCompute } from "../../shared/compute/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { parsePredicate } from "../../shared/plan/index.ts";
import { FileStore, MemoryStore } from "../../shared/storage/index.ts";
import { DeltaTable, readChanges, readRowTexts, type TableSession } from "../../shared/table/index.ts";
import { LakeTable } from "../../shared/table/lake/index.ts";
import { Peer } from "./peer.ts";

export type PeerName = "Spark" | "delta-rs";
export const peerNames: readonly PeerName[] = ["Spark", "delta-rs"];

export interface World extends AsyncDisposable {
  readonly peers: Readonly<Record<PeerName, Peer>>;
  /** The folder of all tables, in which the peers run. */
  readonly folder: string;
  /** A path for a table that does not exist yet. */
  newPath(): string;
  /** A table with dyne's compute; opened anew, so that nothing is remembered of it. */
  session(path: string): TableSession;
  /** The same, as programs use it. */
  lake(path: string): LakeTable;
  /** The rows of a version, or of the newest, that meet a condition in SQL, as dyne prints them. */
  read(path: string, version?: number, where?: string): Promise<readonly string[]>;
  /** The change rows of versions, both included, without the times of commits. */
  changes(path: string, from: number, to: number): Promise<readonly string[]>;
}

/** Starts the peers and dyne's compute; whoever opens the world closes it. */
export async function openWorld(python: string): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "dyne-interop-"));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const [tables, scratch] = [join(folder, "tables"), join(folder, "scratch")];
  await mkdir(tables);
  const compute = await DuckDbCompute.open(
    { directory: scratch, memoryLimitMb: 512, threads: 2, cacheBytes: 2 ** 26 },
    systemRandom,
  );
  opened.defer(() => compute.close());
  const deltaRs = opened.use(await Peer.start("delta-rs", python, "deltars.py", tables));
  const spark = opened.use(await Peer.start("Spark", python, "peer.py", tables));
  const services = { clock: systemClock, random: systemRandom };
  const memory = new MemoryStore(services);
  let count = 0;
  const session = (path: string): TableSession => ({
    compute,
    table: new DeltaTable({
      store: new FileStore(dirname(path), services),
      path: basename(path),
      ...services,
      logger: silentLogger,
      checkpointReader: compute.checkpoints,
      checkpointWriter: compute.checkpoints,
    }),
  });
  const kept = opened.move();
  return {
    peers: { Spark: spark, "delta-rs": deltaRs },
    folder: tables,
    newPath: () => join(tables, `t${++count}`),
    session,
    lake: (path) => new LakeTable(session(path), memory),
    async read(path, version, where) {
      const { table } = session(path);
      const snapshot = version === undefined ? await table.latest() : await table.at(version);
      const condition = where === undefined ? undefined : parsePredicate(where, snapshot.schema);
      const options = { limit: Number.POSITIVE_INFINITY, where: condition };
      return Array.fromAsync(readRowTexts(compute, table, snapshot, options));
    },
    async changes(path, from, to) {
      const texts = await Array.fromAsync(readChanges(session(path), { from, to }));
      return texts.map((text) => text.replace(/,"_commit_timestamp":"[^"]*"/, ""));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
