/** The rows of data files that are deleted, or that alone are wanted, become a table, against which a scan of the files is joined once for all of them. */
import { BIGINT, type DuckDBConnection } from "@duckdb/node-api";
import type { FileSet } from "../compute.ts";
import { identifier } from "./identifier.ts";
import { TableLoader } from "./table-loader.ts";

/** Columns of the table: the index of a file in its set, and of a row in the file. */
export const deletedRowColumns = { file: "_file", row: "_row" } as const;

const vectorsAtOnce = 8;

/**
 * Creates the temporary table `table` with the rows that files of the set name, as deleted or as the only ones; nothing where none does.
 * False then. Errors: those of `InputFile.deletedRows`.
 */
export async function loadDeletedRows(
  connection: DuckDBConnection,
  table: string,
  { files }: FileSet,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const marked = [...files.entries()].flatMap(([index, { onlyRows, deletedRows: rowsOf = onlyRows }]) =>
    rowsOf ? [{ index, rowsOf }] : [],
  );
  if (marked.length === 0) return false;
  await connection.run(
    `CREATE TEMP TABLE ${identifier(table)} (${deletedRowColumns.file} BIGINT, ${deletedRowColumns.row} BIGINT)`,
  );
  const loader = await TableLoader.open(connection, table, [BIGINT, BIGINT]);
  try {
    for (let start = 0; start < marked.length; start += vectorsAtOnce) {
      signal?.throwIfAborted();
      const slice = marked.slice(start, start + vectorsAtOnce);
      const loaded = await Promise.all(slice.map(({ rowsOf }) => rowsOf(signal)));
      for (const [i, { rows }] of loaded.entries()) {
        const file = BigInt(slice[i]?.index as number);
        for (const row of rows) loader.append([file, BigInt(row)]);
      }
    }
    loader.flush();
  } finally {
    loader.close();
  }
  return true;
}
