/** What others do to the engine's tables: they rewrite files, delete rows, append, and write under names that are not theirs. */
import { encodeLogPath, type Action, type AddFile, type CommitOutcome, type Fence } from "../../shared/delta/index.ts";
import { tablePath } from "../../shared/pipeline/index.ts";
import type { LogicalPlan } from "../../shared/plan/index.ts";
import type { EngineWorld } from "./engine-harness.ts";

export interface Rewrite {
  /** Which rows stay; all of them where absent. */
  readonly keep?: (rows: LogicalPlan) => LogicalPlan;
  /** False: an OPTIMIZE, the rows are the same. */
  readonly dataChange: boolean;
  /** Rewrites one file, counted around; all of them where absent. */
  readonly which?: number | undefined;
}

/** Rewrites files of a table by one commit, as OPTIMIZE or DELETE of another engine does. Undefined where there are none. */
export async function rewriteTable(
  world: EngineWorld,
  name: string,
  { keep = (rows) => rows, dataChange, which }: Rewrite,
): Promise<CommitOutcome | undefined> {
  const table = world.table(tablePath(name));
  const snapshot = await table.find();
  if (snapshot === undefined || snapshot.files.size === 0) return undefined;
  const { schema, partitionBy } = snapshot;
  const all = [...snapshot.files];
  const files = which === undefined ? all : all.slice(which % all.length).slice(0, 1);
  const target = { store: world.estate.lake, path: table.path, schema, partitionBy, sortBy: [] };
  const result = await world.compute.run({
    name: "rewrite",
    inputs: { rows: table.fileSet(snapshot, files) },
    steps: [],
    writes: [{ name: "rows", plan: keep({ kind: "scan", source: "rows", schema, streaming: false }), target }],
    collects: [],
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  const removes = files.map((file: AddFile): Action => ({
    remove: {
      path: file.path,
      deletionTimestamp: world.clock.nowMs(),
      dataChange,
      partitionValues: file.partitionValues,
      size: file.size,
      extendedFileMetadata: true,
    },
  }));
  const adds = (result.written["rows"] ?? []).map((file): Action => ({
    add: {
      path: encodeLogPath(file.path),
      partitionValues: file.partitionValues,
      size: file.sizeBytes,
      modificationTime: world.clock.nowMs(),
      dataChange,
      stats: file.stats,
    },
  }));
  return table.commit({
    actions: [...removes, ...adds],
    isBlindAppend: false,
    operation: dataChange ? "DELETE" : "OPTIMIZE",
  });
}

/** Commits actions to a table as they are. */
export async function commitTo(
  world: EngineWorld,
  name: string,
  actions: readonly Action[],
  fences: readonly Fence[] = [],
): Promise<CommitOutcome> {
  return world.table(tablePath(name)).commit({ actions, fences, isBlindAppend: false, operation: "TEST" });
}
