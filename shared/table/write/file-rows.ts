import { parseStats, type AddFile } from "../../delta/index.ts";

/** The rows of a file that are not deleted, where its statistics tell their number. */
export function rowCountOf(file: AddFile): number | undefined {
  const rows = parseStats(file.stats)?.numRecords;
  return rows === undefined ? undefined : rows - (file.deletionVector?.cardinality ?? 0);
}

/**
 * Statistics of a file of which rows are marked as deleted: the bounds still hold, and are those of some row no longer (PROTOCOL.md § Per-file
 * Statistics). Numbers keep their digits, for which the text is not taken apart.
 */
export function looseStats(stats: string | undefined, physicalRows: number): string {
  if (parseStats(stats)?.numRecords === undefined) return `{"numRecords":${physicalRows},"tightBounds":false}`;
  const text = stats as string;
  const told = /"tightBounds"\s*:\s*(true|false)(?=\s*[,}][^{]*$)/;
  if (told.test(text)) return text.replace(told, '"tightBounds":false');
  return text.replace(/\}\s*$/, ',"tightBounds":false}');
}
