/** Appends rows to a table by data chunks, which is how many rows get into DuckDB fast. */
import {
  DuckDBDataChunk,
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";

const rowsPerChunk = 2048;

export class TableLoader {
  readonly #appender: DuckDBAppender;
  /** One for all rows: its memory is DuckDB's, which the garbage collector does not see. */
  readonly #chunk: DuckDBDataChunk;
  readonly #columns: DuckDBValue[][];
  #rows = 0;

  private constructor(appender: DuckDBAppender, types: readonly DuckDBType[]) {
    this.#appender = appender;
    this.#chunk = DuckDBDataChunk.create(types);
    this.#columns = types.map(() => []);
  }

  /** Opens a table whose columns have these types. The caller flushes and closes. */
  static async open(connection: DuckDBConnection, table: string, types: readonly DuckDBType[]): Promise<TableLoader> {
    return new TableLoader(await connection.createAppender(table), types);
  }

  append(row: readonly DuckDBValue[]): void {
    for (let column = 0; column < row.length; column++) this.#columns[column]?.push(row[column] ?? null);
    if (++this.#rows === rowsPerChunk) this.#appendChunk();
  }

  /** Makes all rows visible to queries. */
  flush(): void {
    if (this.#rows > 0) this.#appendChunk();
    this.#appender.flushSync();
  }

  close(): void {
    this.#appender.closeSync();
  }

  #appendChunk(): void {
    this.#chunk.reset();
    this.#chunk.rowCount = this.#rows;
    this.#columns.forEach((values, index) => this.#chunk.setColumnValues(index, values));
    this.#appender.appendDataChunk(this.#chunk);
    for (const values of this.#columns) values.length = 0;
    this.#rows = 0;
  }
}
