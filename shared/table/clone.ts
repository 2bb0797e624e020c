/** A version of a table as a table of its own, with copies of the files: what Delta calls a deep clone. */
import { join } from "node:path";
import { rm } from "node:fs/promises";
import { DyneError, placeColumn } from "../core/index.ts";
import { dataFilePath, type Snapshot } from "../delta/index.ts";
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
 * readers of Delta do not see them. An interrupted clone leaves files that no log names, or an empty table: begin again in another folder.
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
  const files = [...snapshot.files];
  if (files.some(({ deletionVector }) => deletionVector !== undefined)) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${source.path} has files with deletion vectors, which are not copied. Purge them first.`,
    );
  }
  for (const [index, file] of files.entries()) {
    const path = dataFilePath(source.log, file);
    const local = join(workDirectory, "clone.parquet");
    if (!(await source.log.store.downloadFile(path, local)))
      throw new DyneError("FILE_MISSING", `${path} is in the log of ${source.path} and not in the store.`);
    await target.log.store.uploadFile(dataFilePath(target.log, file), local);
    await rm(local);
    onFile?.(index + 1);
  }
  await target.createIfAbsent({
    schema: withoutPlace(snapshot.schema),
    partitionBy: snapshot.partitionBy,
    description: snapshot.metadata.description,
  });
  const result = await target.commit({
    actions: files.map(({ path, partitionValues, size, modificationTime, stats }) => ({
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

function withoutPlace(schema: Schema): Schema {
  const fields = Object.entries(schema.fields).filter(([name]) => name !== placeColumn);
  return { kind: "struct", fields: Object.fromEntries(fields) };
}
