/** Tells what files hold, many at once: what is in their footers becomes one text each, and only texts that are new are looked into. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { fileField, type FileShape, type ParquetNode } from "./file-type.ts";
import type { HybridCalendar } from "./hybrid-calendar.ts";
import { stringLiteral } from "./identifier.ts";

/** Files whose footers are read by one query. */
const filesAtOnce = 256;
/** Shapes that are kept: those of a few hundred tables with their histories. */
const shapesKept = 1_024;

/** One for an instance of DuckDB. */
export class FileShapes {
  /** By the text of a footer, in the order of their coming. */
  readonly #known = new Map<string, FileShape>();

  /** The shapes of local files, by path, from their calendars. Two files that hold the same have the same object. */
  async of(
    connection: DuckDBConnection,
    calendars: ReadonlyMap<string, HybridCalendar | undefined>,
  ): Promise<ReadonlyMap<string, FileShape>> {
    const shapes = new Map<string, FileShape>();
    const all = [...calendars.keys()];
    for (let start = 0; start < all.length; start += filesAtOnce) {
      const paths = all.slice(start, start + filesAtOnce);
      for (const [path, footer] of await footersOf(connection, paths)) {
        const calendar = calendars.get(path);
        const key = calendar === undefined ? footer : `${JSON.stringify(calendar)}${footer}`;
        const shape = this.#known.get(key) ?? { ...(await shapeOf(connection, path)), ...(calendar && { calendar }) };
        this.#keep(key, shape);
        shapes.set(path, shape);
      }
    }
    return shapes;
  }

  #keep(footer: string, shape: FileShape): void {
    this.#known.delete(footer);
    this.#known.set(footer, shape);
    if (this.#known.size > shapesKept) this.#known.delete(this.#known.keys().next().value as string);
  }
}

const footerColumns =
  "name, type, type_length, repetition_type, num_children, converted_type, scale, precision, field_id, logical_type";

async function footersOf(connection: DuckDBConnection, paths: readonly string[]): Promise<readonly [string, string][]> {
  const list = paths.map(stringLiteral).join(", ");
  const reader = await connection.runAndReadAll(
    `SELECT file_name, string_agg(concat_ws(chr(1), ${footerColumns}), chr(2) ORDER BY column_id) FROM parquet_schema([${list}]) GROUP BY file_name`,
  );
  return reader.getRows().map(([path, footer]) => [String(path), String(footer)]);
}

async function shapeOf(connection: DuckDBConnection, path: string): Promise<FileShape> {
  const columns = await connection.run(`FROM read_parquet(${stringLiteral(path)}, hive_partitioning = false) LIMIT 0`);
  const reader = await connection.runAndReadAll(
    `SELECT name, field_id, repetition_type, num_children, type FROM parquet_schema(${stringLiteral(path)}) ORDER BY column_id`,
  );
  const root = treeOf(reader.getRows().map(schemaElement).values());
  const nodes = root?.children.length === columns.columnCount ? root.children : [];
  return {
    columns: columns.columnNames().map((name, index) => fileField(name, columns.columnType(index), nodes[index])),
  };
}

interface SchemaElement {
  readonly name: string;
  readonly id: number | undefined;
  readonly isRepeated: boolean;
  readonly isInt96: boolean;
  readonly childCount: number;
}

function schemaElement([name, id, repetition, children, type]: readonly unknown[]): SchemaElement {
  return {
    name: String(name),
    id: id === null ? undefined : Number(id),
    isRepeated: repetition === "REPEATED",
    isInt96: type === "INT96",
    childCount: Number(children ?? 0),
  };
}

/** Parquet lists the nodes of a schema depth first. */
function treeOf(elements: Iterator<SchemaElement, undefined>): ParquetNode | undefined {
  const element = elements.next().value;
  if (element === undefined) return undefined;
  const children: ParquetNode[] = [];
  for (let i = 0; i < element.childCount; i++) {
    const child = treeOf(elements);
    if (child !== undefined) children.push(child);
  }
  const { name, id, isRepeated, isInt96 } = element;
  return { name, id, isRepeated, isInt96, children };
}
