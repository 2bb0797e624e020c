/**
 * Folders of partitions as Hive and Spark name them: `day=2001-01-01/origin=ABQ`. For people only: a Delta table's log says which values
 * a file has.
 */

/** The folder of a partition below the table's root; empty for a table without partitions. NULL and the empty text share a folder. */
export function hivePartitionPath(
  partitionBy: readonly string[],
  values: Readonly<Record<string, string | null>>,
): string {
  return partitionBy.map((column) => `${hiveEscape(column)}=${hiveValue(values[column])}`).join("/");
}

function hiveValue(value: string | null | undefined): string {
  return value === null || value === undefined || value === "" ? "__HIVE_DEFAULT_PARTITION__" : hiveEscape(value);
}

/** Hive's `escapePathName`: what a file system or a path could take for something else. */
function hiveEscape(text: string): string {
  return text.replace(
    /[\u0000-\u001f"#%'*/:=?\\\u007f{[\]^]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
