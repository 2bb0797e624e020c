/** Whether files that a log names are in the store. */
import { DyneError } from "../../core/index.ts";
import { dataFilePath, deletionVectorPath, type AddFile } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

const headsAtOnce = 16;

/** The files, of those given, of which the data or the deletion vector is not in the store. One request each, a few at once. */
export async function missingFiles(table: DeltaTable, files: readonly AddFile[]): Promise<readonly AddFile[]> {
  const missing: AddFile[] = [];
  for (let start = 0; start < files.length; start += headsAtOnce) {
    const some = files.slice(start, start + headsAtOnce);
    const found = await Promise.all(some.map((file) => isThere(table, file)));
    missing.push(...some.filter((_, index) => !found[index]));
  }
  return missing;
}

/** Throws FILE_MISSING where a file, or its deletion vector, that an older version needs is not in the store any more. */
export async function assertFilesThere(table: DeltaTable, files: readonly AddFile[]): Promise<void> {
  const [missing, ...others] = await missingFiles(table, files);
  if (missing === undefined) return;
  const more = others.length === 0 ? "" : `, as ${others.length} others are,`;
  throw new DyneError(
    "FILE_MISSING",
    `${missing.path}, which the version of ${table.path} to go back to needs, is${more} no longer in the store. Choose a younger version.`,
    { details: { path: missing.path, files: 1 + others.length } },
  );
}

async function isThere(table: DeltaTable, file: AddFile): Promise<boolean> {
  const { store } = table.log;
  if ((await store.head(dataFilePath(table.log, file))) === undefined) return false;
  const vector = file.deletionVector && deletionVectorPath(table.log, file.deletionVector);
  return vector === undefined || (await store.head(vector)) !== undefined;
}
