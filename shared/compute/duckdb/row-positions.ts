/** Places of rows as numbers, chunk by chunk: millions of them do not become objects. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { RowPositions } from "../compute.ts";

/**
 * Runs a query whose rows are a file's index and a row's, both longs, in this order; see `RowPositions`. Throws what DuckDB throws.
 *
 * The answer is made whole before its first row is taken: a streamed one that fails on its way, or is overtaken by another query of the
 * connection, ends as if that were all (`duckdb_fetch_chunk` returns NULL for both), and rows would be missing in silence.
 */
export async function rowPositions(connection: DuckDBConnection, query: string): Promise<RowPositions> {
  const byFile = new Map<number, number[]>();
  const result = await connection.run(query);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return byFile;
    const [files, rows] = [chunk.getColumnValues(0), chunk.getColumnValues(1)];
    for (let index = 0; index < chunk.rowCount; index++) {
      const file = Number(files[index]);
      const known = byFile.get(file);
      if (known === undefined) byFile.set(file, [Number(rows[index])]);
      else known.push(Number(rows[index]));
    }
  }
}
