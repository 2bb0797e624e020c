import { parseStats, type AddFile } from "../../delta/index.ts";

/** The rows of a file that are not deleted, where its statistics tell their number. */
export function rowCountOf(file: AddFile): number | undefined {
  const rows = parseStats(file.stats)?.numRecords;
  return rows === undefined ? undefined : rows - (file.deletionVector?.cardinality ?? 0);
}
