/** Rows of some files as new files of the same table: the same rows, without those that are deleted. It writes files and commits nothing. */
import { DyneError } from "../../core/index.ts";
import type { ComputeJob, ComputeWrite, WrittenFile } from "../../compute/index.ts";
import {
  dataFilePath,
  encodeLogPath,
  fileLayoutOf,
  removeOf,
  type Action,
  type AddFile,
  type Snapshot,
} from "../../delta/index.ts";
import type { LogicalPlan, Schema } from "../../plan/index.ts";
import { deleteAll, hivePartitionPath } from "../../storage/index.ts";
import type { TableSession } from "../table-session.ts";
import { dataTarget } from "../write/new-files.ts";
import type { Bin } from "./bin.ts";
import { zOrderedRows } from "./z-order.ts";

/** A bin and the files that may take the place of its own. */
export interface RewrittenBin {
  readonly bin: Bin;
  readonly adds: readonly AddFile[];
  readonly rows: number;
}

export interface RewriteOptions {
  /** What a new file should have; only an order of rows makes several of one bin. */
  readonly targetBytes: number;
  /** Columns by which neighbouring rows come to lie together; none leaves the rows in the order of their files. */
  readonly zOrderBy: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the rows of a bin anew. One bin is in memory or on the local disk at a time, never the table. Errors: those of the compute;
 * FILE_MISSING; BATCH_ABANDONED after `signal`; INTERNAL_ERROR where not every row came through, and then nothing is left behind. Safe to
 * repeat: another run gives other files with the same rows.
 */
export async function rewriteBin(
  session: TableSession,
  snapshot: Snapshot,
  bin: Bin,
  options: RewriteOptions,
): Promise<RewrittenBin> {
  const { table } = session;
  const folder = folderOf(snapshot, bin);
  const schema = dataSchema(snapshot);
  const scan: LogicalPlan = { kind: "scan", source: "files", schema: snapshot.schema, streaming: false };
  const ordered =
    options.zOrderBy.length === 0 ? undefined : await zOrderedRows(session, snapshot, bin, options, { scan, schema });
  const parts = ordered?.parts ?? [columnsOf(scan, schema)];
  const writes = parts.map((plan, index): ComputeWrite => ({
    name: `part${index}`,
    plan,
    target: {
      ...dataTarget(table, snapshot),
      path: folder === "" ? table.path : `${table.path}/${folder}`,
      schema,
      partitionBy: [],
    },
  }));
  const result = await session.compute.run({
    name: `rewrite files of ${table.path}`,
    inputs: { files: table.fileSet(snapshot, bin.files) },
    steps: ordered === undefined ? [] : [ordered.step],
    writes,
    collects: [{ name: "count", plan: countOf(scan), rowsMax: 1 }],
    parameters: {},
    signal: options.signal,
  } satisfies ComputeJob);
  if (result.kind === "pending")
    throw new DyneError("BATCH_ABANDONED", `Rewriting files of ${table.path} waits for its compute. Try again.`);
  const written = writes.flatMap(({ name }) => result.written[name] ?? []);
  const adds = written.map((file) => addOf(table.log.clock.nowMs(), folder, bin, file));
  const rows = Number(result.collected["count"]?.[0]?.["rows"] ?? 0);
  const kept = written.reduce((sum, file) => sum + file.rowCount, 0);
  const rewritten: RewrittenBin = { bin, adds, rows };
  if (kept === rows) return rewritten;
  await dropFiles(session, [rewritten]);
  throw new DyneError(
    "INTERNAL_ERROR",
    `${rows} rows of ${table.path} were to be written anew and ${kept} were. Nothing was changed. This is a bug in dyne.`,
  );
}

/** What a commit does to the files of rewritten bins: nothing changes for readers (PROTOCOL.md § Add File and Remove File, `dataChange`). */
export function rewriteActions(bins: readonly RewrittenBin[], nowMs: number): readonly Action[] {
  return bins.flatMap(({ bin, adds }): Action[] => [
    ...bin.files.map((file): Action => ({
      remove: removeOf(file, { deletionTimestampMs: nowMs, dataChange: false }),
    })),
    ...adds.map((add): Action => ({ add })),
  ]);
}

/** Deletes files that were written for bins and are in no commit. */
export async function dropFiles({ table }: TableSession, bins: readonly RewrittenBin[]): Promise<void> {
  const paths = bins.flatMap(({ adds }) => adds.map((add) => dataFilePath(table.log, add)));
  await deleteAll(table.log.store, paths);
}

/** Partition columns are in the log, not in the files. */
function dataSchema({ schema, partitionBy }: Snapshot): Schema {
  return {
    kind: "struct",
    fields: Object.fromEntries(Object.entries(schema.fields).filter(([name]) => !partitionBy.includes(name))),
  };
}

function columnsOf(input: LogicalPlan, schema: Schema): LogicalPlan {
  return {
    kind: "project",
    input,
    columns: Object.keys(schema.fields).map((name) => ({ name, expression: { kind: "column", name } })),
  };
}

function countOf(input: LogicalPlan): LogicalPlan {
  return {
    kind: "aggregate",
    input,
    groupBy: [],
    aggregates: [
      {
        name: "rows",
        expression: { kind: "aggregate", name: "count", args: [], distinct: false, filter: undefined },
      },
    ],
  };
}

/** New files lie where people look for files of the partition, unless the table wants their folders random. */
function folderOf({ partitionBy, metadata }: Snapshot, { group }: Bin): string {
  if (fileLayoutOf(metadata.configuration).randomPrefixLength !== undefined) return "";
  const named = partitionBy.every((name) => Object.hasOwn(group.partitionValues, name));
  return hivePartitionPath(named ? partitionBy : Object.keys(group.partitionValues), group.partitionValues);
}

/** The partition's values stay in the very form in which the log has them. */
function addOf(nowMs: number, folder: string, { group }: Bin, file: WrittenFile): AddFile {
  return {
    path: encodeLogPath(folder === "" ? file.path : `${folder}/${file.path}`),
    partitionValues: group.partitionValues,
    size: file.sizeBytes,
    modificationTime: nowMs,
    dataChange: false,
    stats: file.stats,
    ...(Object.keys(group.tags).length === 0 ? {} : { tags: group.tags }),
  };
}
