/** A version of a table as a table of its own, with copies of the files: what Delta calls a deep clone. */
import { join } from "node:path";
import { rm } from "node:fs/promises";
import { DyneError, placeColumn } from "../core/index.ts";
import { dataFilePath, isAbsolutePath, type AddFile, type Snapshot } from "../delta/index.ts";
import type { Schema } from "../plan/index.ts";
import type { DeltaTable } from "./delta-table.ts";

export interface CloneOptions {
  /** A folder on the local disk that each file passes through. */
  readonly workDirectory: string;
  /** Told after each file, with how many are copied by then. */
  readonly onFile?: (copied: number) => void;
}

/**
 * Copies the files of a snapshot as they are, then makes the table in one create and one commit, so that a reader finds all rows or none.
 * The history of the source, its `txn`s and the hidden column of a row's place stay behind; the column's values stay in the files, where
 * readers of Delta do not see them. Files that the source names by absolute paths lie below the target's root. An interrupted clone leaves files that no log names, or an empty table: begin again in another folder.
 *
 * Errors: TABLE_EXISTS where the target is a table already; UNSUPPORTED_FEATURE for deletion vectors; FILE_MISSING where a file of the
 * snapshot is no longer there; those of the stores.
 */
export async function cloneTable(
  source: DeltaTable,
  snapshot: Snapshot,
  target: DeltaTable,
  { workDirectory, onFile }: CloneOptions,
): Promise<Snapshot> {
  if ((await target.find()) !== undefined)
    throw new DyneError("TABLE_EXISTS", `${target.path} is a table already. Name a folder that holds none.`);
  const files = [...snapshot.files].map((file) => ({ file, path: ownPath(target, file) }));
  if (files.some(({ file }) => file.deletionVector !== undefined)) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${source.path} has files with deletion vectors, which are not copied. Purge them first.`,
    );
  }
  for (const [index, { file, path }] of files.entries()) {
    const original = dataFilePath(source.log, file);
    const local = join(workDirectory, "clone.parquet");
    if (!(await source.log.store.downloadFile(original, local)))
      throw new DyneError("FILE_MISSING", `${original} is in the log of ${source.path} and not in the store.`);
    await target.log.store.uploadFile(dataFilePath(target.log, { path }), local);
    await rm(local);
    onFile?.(index + 1);
  }
  await target.createIfAbsent({
    schema: withoutPlace(snapshot.schema),
    partitionBy: snapshot.partitionBy,
    description: snapshot.metadata.description,
  });
  const result = await target.commit({
    actions: files.map(({ path, file: { partitionValues, size, modificationTime, stats } }) => ({
      add: {
        path,
        partitionValues,
        size,
        modificationTime,
        dataChange: true,
        ...(stats === undefined ? {} : { stats }),
      },
    })),
    isBlindAppend: true,
    operation: "CLONE",
    operationParameters: { source: source.path, sourceVersion: String(snapshot.version), isShallow: "false" },
  });
  if (result.kind === "committed") return result.snapshot;
  throw new DyneError("TABLE_EXISTS", `Somebody else writes to ${target.path}. Name a folder of your own.`);
}

/** What the target's log calls its copy of a file: what the source calls it, unless that is the address of the source's own. */
function ownPath({ log }: DeltaTable, { path }: AddFile): string {
  return isAbsolutePath(path) ? `part-${log.random.uuid()}.parquet` : path;
}

function withoutPlace(schema: Schema): Schema {
  const fields = Object.entries(schema.fields).filter(([name]) => name !== placeColumn);
  return { kind: "struct", fields: Object.fromEntries(fields) };
}
