/**
 * A table page by page. The rows of a version have one order: the one asked for, and among equals their place in the table, which is the
 * file's position among all files of the version by path, and the row's within the file. A page begins after the place of the last row
 * of the page before, so that every row comes once, however the table goes on meanwhile, and a late page costs what an early one does.
 */
import { DyneError, limits, placeColumn } from "../core/index.ts";
import type { Compute, FileSet, HiddenColumn, Row } from "../compute/index.ts";
import { mayContain, mayHaveNull, rowCountOf } from "../delta/index.ts";
import type { AddFile, Snapshot } from "../delta/index.ts";
import type { DataType, Expression, Literal, LogicalPlan, Schema, SortOrder } from "../plan/index.ts";
import type { DeltaTable } from "./delta-table.ts";
import { rowText } from "./row-windows.ts";
import { keyBound, keyExpression, keyLiteral, keyText } from "./row-key.ts";
import { conditionExpression, fileMatcher, typeOfColumn, valueRange, type RowCondition } from "./row-condition.ts";

/** Names are those of visible columns, each once; conditions and orders fit their columns' types. */
export interface RowQuery {
  readonly columns: readonly string[];
  readonly conditions: readonly RowCondition[];
  readonly orders: readonly RowOrder[];
}

export interface RowOrder {
  readonly column: string;
  readonly direction: SortOrder["direction"];
  readonly nulls: SortOrder["nulls"];
}

/** The place of the last row of a page. */
export interface RowPosition {
  /** The file's position among the version's files by path. */
  readonly file: number;
  /** The row's position in the file; −1 before its first. */
  readonly row: number;
  /** The values by which the row is ordered, one per order, as text: times in microseconds, days since 1970, bytes in base64. */
  readonly keys: readonly (string | null)[];
}

export interface PageRequest {
  /** At least 1. */
  readonly rowsMax: number;
  /** Undefined: from the first row on. */
  readonly after: RowPosition | undefined;
  /** Asked between files: true where an answer is wanted now, full or not. */
  readonly isLate: () => boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RowPage {
  /** JSON texts, as of `readRowTexts`. */
  readonly rows: readonly string[];
  /** Undefined where nothing follows. A page that is not full, even an empty one, may have a next. */
  readonly next: RowPosition | undefined;
}

/** Columns of a table whose values can be compared and sorted. */
export function isComparable(type: DataType): boolean {
  return !["struct", "array", "map", "variant"].includes(type.kind);
}

/** The visible columns of a version, in order. */
export function visibleColumns(schema: Schema): readonly string[] {
  return Object.keys(schema.fields).filter((name) => name !== placeColumn);
}

/**
 * One page of a version's rows. Files that cannot hold rows of the page are not fetched. Errors: INVALID_CURSOR where `after` is no place
 * of the version; LIMIT_EXCEEDED where rows are to be ordered and there is too much to read; FILE_MISSING; BATCH_ABANDONED after `signal`;
 * those of the compute. Safe to repeat.
 */
export async function readRowPage(
  compute: Compute,
  table: DeltaTable,
  snapshot: Snapshot,
  query: RowQuery,
  request: PageRequest,
): Promise<RowPage> {
  const files = filesByPath(snapshot);
  const { after } = request;
  if (after !== undefined && (files[after.file] === undefined || after.keys.length !== query.orders.length))
    throw new DyneError(
      "INVALID_CURSOR",
      "The cursor names a place that the version does not have. Begin again without a cursor.",
    );
  for (const [index, order] of query.orders.entries())
    keyLiteral(typeOfColumn(snapshot.schema, order.column), after?.keys[index] ?? null);
  const reader = new PageReader(compute, table, snapshot, query, request);
  return query.orders.length === 0 ? await reader.inPlace(files) : await reader.ordered(files);
}

interface PlacedFile {
  readonly file: AddFile;
  readonly position: number;
}

const orderOfFiles = new WeakMap<Snapshot, readonly AddFile[]>();

/** All files of a version in an order that is the same wherever and however the version was opened. */
function filesByPath(snapshot: Snapshot): readonly AddFile[] {
  let files = orderOfFiles.get(snapshot);
  if (files === undefined) {
    files = [...snapshot.files].sort((a, b) => (a.path < b.path ? -1 : 1));
    orderOfFiles.set(snapshot, files);
  }
  return files;
}

const long: DataType = { kind: "long" };
const column = (name: string): Expression => ({ kind: "column", name });
const literal = (value: Literal["value"], type: DataType): Expression => ({ kind: "literal", value, type });
const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });
/** Columns beside the table's own: a row's place, and what it is ordered by. */
interface Names {
  readonly file: string;
  readonly row: string;
  readonly key: (index: number) => string;
}

/** Names that no column of the schema has, in whatever case. */
function freeNames(schema: Schema): Names {
  const taken = Object.keys(schema.fields).map((name) => name.toLowerCase());
  let prefix = "_page";
  while (taken.some((name) => name.startsWith(prefix))) prefix = `_${prefix}`;
  return { file: `${prefix}_file`, row: `${prefix}_row`, key: (index) => `${prefix}_key${index}` };
}

interface FoundRow {
  readonly text: string;
  readonly position: RowPosition;
}

/** The rows of one page, from whichever files they are in. */
class PageReader {
  readonly #compute: Compute;
  readonly #table: DeltaTable;
  readonly #snapshot: Snapshot;
  readonly #query: RowQuery;
  readonly #request: PageRequest;
  readonly #names: Names;
  readonly #places: readonly HiddenColumn[];

  constructor(compute: Compute, table: DeltaTable, snapshot: Snapshot, query: RowQuery, request: PageRequest) {
    this.#compute = compute;
    this.#table = table;
    this.#snapshot = snapshot;
    this.#query = query;
    this.#request = request;
    this.#names = freeNames(snapshot.schema);
    this.#places = [
      { name: this.#names.file, type: long, expression: column("_file_index") },
      { name: this.#names.row, type: long, expression: column("_row_index") },
    ];
  }

  /** Reads a few files at a time, and no more of them than the page needs. */
  async inPlace(all: readonly AddFile[]): Promise<RowPage> {
    const { rowsMax, after, isLate } = this.#request;
    const files = this.#matching(all).filter(({ position }) => position >= (after?.file ?? 0));
    const found: FoundRow[] = [];
    let filesMax: number = limits.pageFilesMin;
    for (let start = 0; start < files.length;) {
      const first = files[start] as PlacedFile;
      if (start > 0 && isLate()) return page(found, { file: first.position, row: -1, keys: [] });
      const left = rowsMax - found.length;
      const some = this.#some(files, start, filesMax, left);
      const bytesLeft = limits.pageBytes - bytesOf(found);
      found.push(...(await this.#rows(some, left + 1, bytesLeft)));
      if (found.length > rowsMax) return pageOf(found, rowsMax);
      start += some.length;
      const isFull = found.length === rowsMax || bytesOf(found) > limits.pageBytes;
      if (isFull && start < files.length) return page(found, found.at(-1)!.position);
      if (isFull) return pageOf(found, rowsMax);
      filesMax = Math.min(limits.pageFilesMax, 4 * filesMax);
    }
    return pageOf(found, rowsMax);
  }

  /** Rows in order can be anywhere: all files that match are read, but for those that lie before the page. */
  async ordered(all: readonly AddFile[]): Promise<RowPage> {
    const files = this.#matching(all).filter(({ file }) => this.#mayFollow(file));
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    if (bytes > limits.orderedBytes || files.length > limits.orderedFiles)
      throw new DyneError(
        "LIMIT_EXCEEDED",
        `To order the rows, ${files.length} files with ${bytes} bytes would have to be read, more than ${limits.orderedFiles} files or ${limits.orderedBytes} bytes. Narrow the rows with conditions, or ask without an order.`,
      );
    const { rowsMax } = this.#request;
    return pageOf(files.length === 0 ? [] : await this.#rows(files, rowsMax + 1, limits.pageBytes), rowsMax);
  }

  #matching(all: readonly AddFile[]): readonly PlacedFile[] {
    const matches = fileMatcher(this.#snapshot, this.#query.conditions);
    return all.map((file, position) => ({ file, position })).filter(({ file }) => matches(file));
  }

  /** The next files: as many as fill the page by their number of rows, within what is read at once. */
  #some(files: readonly PlacedFile[], start: number, filesMax: number, rowsWanted: number): readonly PlacedFile[] {
    let rows = 0;
    let bytes = 0;
    let end = start;
    while (end < files.length && end - start < filesMax) {
      const { file } = files[end] as PlacedFile;
      bytes += file.size;
      if (end > start && bytes > limits.pageFilesBytes) break;
      end++;
      rows += this.#query.conditions.length > 0 ? 0 : (rowCountOf(file) ?? 0);
      if (rows > rowsWanted) break;
    }
    return files.slice(start, end);
  }

  /** False only where all rows of the file come before the page, by the first column of the order. */
  #mayFollow(file: AddFile): boolean {
    const { after } = this.#request;
    const [order] = this.#query.orders;
    if (after === undefined || order === undefined) return true;
    const key = after.keys[0] ?? null;
    if (key === null) return order.nulls === "first" || mayHaveNull(this.#snapshot, file, order.column);
    const type = this.#type(order);
    const value = keyBound(type, key);
    const rising = order.direction === "ascending";
    const range = valueRange(type, rising ? value : undefined, rising ? undefined : value);
    return mayContain(this.#snapshot, file, order.column, { ...range, orNull: order.nulls === "last" });
  }

  /**
   * The next rows of the files: as many as are wanted, or fewer with more than so many bytes. What is fetched is in memory whole, so that
   * after the first ones it is no more than those let expect to fit.
   */
  async #rows(files: readonly PlacedFile[], count: number, bytesMax: number): Promise<readonly FoundRow[]> {
    const found: FoundRow[] = [];
    let wanted: number = Math.min(count, limits.pageRowsFirst);
    for (let { after } = this.#request; wanted > 0; after = found.at(-1)?.position) {
      const some = await this.#fetched(files, wanted, after);
      found.push(...some);
      const bytes = bytesOf(found);
      if (some.length < wanted || bytes > bytesMax) break;
      const fitting = Math.floor(((bytesMax - bytes) * found.length) / bytes) + 1;
      wanted = Math.min(count - found.length, 4 * wanted, fitting);
    }
    return found;
  }

  async #fetched(
    files: readonly PlacedFile[],
    count: number,
    after: RowPosition | undefined,
  ): Promise<readonly FoundRow[]> {
    const set: FileSet = this.#table.fileSet(
      this.#snapshot,
      files.map(({ file }) => file),
      this.#places,
    );
    const result = await this.#compute.run({
      name: `a page of ${this.#table.path}`,
      inputs: { files: set },
      steps: [],
      writes: [],
      collects: [{ name: "rows", plan: this.#plan(files, count, after), rowsMax: count }],
      parameters: {},
      signal: this.#request.signal,
    });
    if (result.kind === "pending")
      throw new DyneError("BATCH_ABANDONED", `Reading ${this.#table.path} waits for its compute. Try again.`);
    return (result.collected["rows"] ?? []).map((row) => this.#found(row, files));
  }

  #found(row: Row, files: readonly PlacedFile[]): FoundRow {
    const { position } = files[Number(row[this.#names.file])] as PlacedFile;
    const keys = this.#query.orders.map((_, index) => keyText(row[this.#names.key(index)] ?? null));
    return { text: String(row["row"]), position: { file: position, row: Number(row[this.#names.row]), keys } };
  }

  /** The texts are made of the rows of the page alone; the outermost node sorts, because an inner order is no promise. */
  #plan(files: readonly PlacedFile[], count: number, after: RowPosition | undefined): LogicalPlan {
    const { schema } = this.#snapshot;
    const { columns, conditions, orders } = this.#query;
    const { file, row, key } = this.#names;
    const hidden = Object.fromEntries(this.#places.map(({ name, type }) => [name, { type, nullable: true }]));
    const scanned: Schema = { kind: "struct", fields: { ...schema.fields, ...hidden } };
    const wanted = [conditionExpression(schema, conditions), this.#afterLast(files, after)].filter(
      (each) => each !== undefined,
    );
    const scan: LogicalPlan = { kind: "scan", source: "files", schema: scanned, streaming: false };
    const rows = wanted.reduce<LogicalPlan>((input, condition) => ({ kind: "filter", input, condition }), scan);
    const keyed: LogicalPlan = {
      kind: "project",
      input: rows,
      columns: [
        ...[...columns, file, row].map((name) => ({ name, expression: column(name) })),
        ...orders.map((order, index) => ({
          name: key(index),
          expression: keyExpression(this.#type(order), order.column),
        })),
      ],
    };
    const sorts: readonly SortOrder[] = [
      ...orders.map(({ direction, nulls }, index) => ({ by: column(key(index)), direction, nulls })),
      ...[file, row].map((name) => ({
        by: column(name),
        direction: "ascending" as const,
        nulls: "last" as const,
      })),
    ];
    const first: LogicalPlan = { kind: "limit", input: { kind: "sort", input: keyed, orders: sorts }, count };
    const kept = [file, row, ...orders.map((_, index) => key(index))];
    const texts: LogicalPlan = {
      kind: "project",
      input: first,
      columns: [
        { name: "row", expression: rowText(columns) },
        ...kept.map((name) => ({ name, expression: column(name) })),
      ],
    };
    return { kind: "sort", input: texts, orders: sorts };
  }

  /** True for rows after the last one of the page before: greater in some column, and equal in all before it. */
  #afterLast(files: readonly PlacedFile[], after: RowPosition | undefined): Expression | undefined {
    if (after === undefined) return undefined;
    // The file itself may be left out, where it has no row that follows.
    const later = files.findIndex(({ position }) => position > after.file);
    const same = files.findIndex(({ position }) => position === after.file);
    const inLaterFile = call("ge", column(this.#names.file), literal(later < 0 ? files.length : later, long));
    const inSameFile = call(
      "and",
      call("eq", column(this.#names.file), literal(same, long)),
      call("gt", column(this.#names.row), literal(after.row, long)),
    );
    return this.#query.orders
      .map((order, index) => ({ order, key: after.keys[index] ?? null }))
      .reduceRight<Expression>(
        (rest, { order, key }) => this.#following(order, key, rest),
        call("or", inLaterFile, inSameFile),
      );
  }

  #type({ column: name }: RowOrder): DataType {
    return typeOfColumn(this.#snapshot.schema, name);
  }

  #following(order: RowOrder, key: string | null, rest: Expression): Expression {
    const type = this.#type(order);
    const value = keyExpression(type, order.column);
    const known = keyLiteral(type, key);
    const equal = call("and", call("eq_null_safe", value, known), rest);
    const isNull = call("is_null", value);
    if (key === null) return order.nulls === "last" ? equal : call("or", call("is_not_null", value), equal);
    const beyond = call(order.direction === "ascending" ? "gt" : "lt", value, known);
    return call("or", order.nulls === "last" ? call("or", beyond, isNull) : beyond, equal);
  }
}

/** The first rows that were found, as many as the page takes, and where it ended if there are more. */
function pageOf(found: readonly FoundRow[], rowsMax: number): RowPage {
  return page(found.slice(0, rowsMax), found.length > rowsMax ? found[rowsMax - 1]!.position : undefined);
}

function bytesOf(found: readonly FoundRow[]): number {
  return found.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}

/** Ends a page early where its texts are many bytes, with at least one row. */
function page(found: readonly FoundRow[], next: RowPosition | undefined): RowPage {
  let bytes = 0;
  for (const [index, { text }] of found.entries()) {
    if (index > 0 && bytes + Buffer.byteLength(text) > limits.pageBytes) {
      const kept = found.slice(0, index);
      return { rows: kept.map((row) => row.text), next: kept.at(-1)!.position };
    }
    bytes += Buffer.byteLength(text);
  }
  return { rows: found.map(({ text }) => text), next };
}
