/** Rows of a file as text, a window of positions at a time: however many rows a file has, a few are in memory at once. */
import type { Compute, ComputeResult, FileSet, Row } from "../compute/index.ts";
import { DyneError, limits } from "../core/index.ts";
import type { Expression, LogicalPlan, Schema } from "../plan/index.ts";

/** What is read. */
export interface WindowedFile {
  /** For logs. */
  readonly name: string;
  /** One file, with the position of each row as the hidden column `rowColumn`. */
  readonly files: FileSet;
  /** Of the rows, without `rowColumn`. */
  readonly schema: Schema;
  /** Undefined where rows cannot be placed: all of them are fetched at once then. */
  readonly rowColumn: string | undefined;
  /** The columns of the texts, in order. */
  readonly names: readonly string[];
  /** True for the rows that are wanted. */
  readonly where?: Expression | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Positions in a file, the last one excluded. */
interface Window {
  readonly start: number;
  readonly end: number;
}

const long = { kind: "long" } as const;

export class RowWindows {
  readonly #compute: Compute;
  readonly #of: WindowedFile;

  constructor(compute: Compute, of: WindowedFile) {
    this.#compute = compute;
    this.#of = of;
  }

  /** At most `rowsMax` rows, in the order of the file. The size of a window follows that of the rows before it. */
  async *texts(rowsMax: number): AsyncGenerator<string, void> {
    if (this.#of.rowColumn === undefined) return yield* this.#all(rowsMax);
    let window: Window = { start: 0, end: limits.changeRowsFirst };
    const first = await this.#first(window);
    let { texts } = first;
    let [rows, bytes] = [0, 0];
    for (;;) {
      for (const text of texts) {
        if (rows === rowsMax) return;
        rows++;
        bytes += text.length;
        yield text;
      }
      const start = Math.max(window.end, first.ends.start);
      if (rows === rowsMax || start >= first.ends.end) return;
      const fitting = rows === 0 ? limits.changeRowsMax : Math.ceil((limits.changeTextBytes * rows) / bytes);
      const size = Math.min(4 * (window.end - window.start), fitting, limits.changeRowsMax);
      window = { start, end: start + size };
      texts = textsOf((await this.#run({ rows: this.#rowsOf(window) }))["rows"]);
    }
  }

  async *#all(rowsMax: number): AsyncGenerator<string, void> {
    const { names } = this.#of;
    const columns = [{ name: "row", expression: rowText(names) }];
    const all: LogicalPlan = { kind: "project", input: this.#scan(), columns };
    const rows = Number.isFinite(rowsMax) ? ({ kind: "limit", input: all, count: rowsMax } as const) : all;
    yield* textsOf((await this.#run({ rows }, limits.wholeFileRowsMax))["rows"]);
  }

  /** The first rows; and where the file's wanted rows are: not all of its positions have one. */
  async #first(window: Window): Promise<{ readonly texts: readonly string[]; readonly ends: Window }> {
    const collected = await this.#run({ rows: this.#rowsOf(window), ends: this.#endsOf() });
    const [found] = collected["ends"] ?? [];
    const [first, last] = [found?.["first"] ?? 0n, found?.["last"] ?? -1n];
    return { texts: textsOf(collected["rows"]), ends: { start: Number(first), end: Number(last) + 1 } };
  }

  get #rowColumn(): string {
    return this.#of.rowColumn as string;
  }

  #scan(): LogicalPlan {
    const { schema, rowColumn, where } = this.#of;
    const place = rowColumn === undefined ? {} : { [rowColumn]: { type: long, nullable: false } };
    const fields = { ...schema.fields, ...place };
    const scan: LogicalPlan = { kind: "scan", source: "file", schema: { kind: "struct", fields }, streaming: false };
    return where === undefined ? scan : { kind: "filter", input: scan, condition: where };
  }

  #rowsOf({ start, end }: Window): LogicalPlan {
    const { names } = this.#of;
    const rowColumn = this.#rowColumn;
    const position = column(rowColumn);
    const condition = call("and", call("ge", position, literal(start)), call("lt", position, literal(end)));
    const columns = [
      { name: "row", expression: rowText(names) },
      { name: rowColumn, expression: position },
    ];
    const input: LogicalPlan = { kind: "filter", input: this.#scan(), condition };
    const orders = [{ by: position, direction: "ascending", nulls: "last" }] as const;
    return { kind: "sort", input: { kind: "project", input, columns }, orders };
  }

  #endsOf(): LogicalPlan {
    const extreme = (name: "min" | "max"): Expression => ({
      kind: "aggregate",
      name,
      args: [column(this.#rowColumn)],
      distinct: false,
      filter: undefined,
    });
    const aggregates = [
      { name: "first", expression: extreme("min") },
      { name: "last", expression: extreme("max") },
    ];
    return { kind: "aggregate", input: this.#scan(), groupBy: [], aggregates };
  }

  async #run(plans: Readonly<Record<string, LogicalPlan>>, rowsMax: number = limits.changeRowsMax): Promise<Collected> {
    const { name, files, signal } = this.#of;
    const result = await this.#compute.run({
      name,
      inputs: { file: files },
      steps: [],
      writes: [],
      collects: Object.entries(plans).map(([each, plan]) => ({ name: each, plan, rowsMax })),
      parameters: {},
      signal,
    });
    if (result.kind === "done") return result.collected;
    throw new DyneError("BATCH_ABANDONED", `Reading the ${name} waits for its compute. Try again.`);
  }
}

type Collected = Extract<ComputeResult, { readonly kind: "done" }>["collected"];

function textsOf(rows: readonly Row[] = []): readonly string[] {
  return rows.map((row) => String(row["row"]));
}

/** A row of these columns as one JSON text, without loss. */
export function rowText(names: readonly string[]): Expression {
  const args = names.flatMap((name): Expression[] => [
    { kind: "literal", value: name, type: { kind: "string" } },
    { kind: "column", name },
  ]);
  return { kind: "call", name: "to_json", args: [{ kind: "call", name: "named_struct", args }] };
}

/** A name that no field has, in whatever case. */
export function freeName(fields: Schema["fields"], wish: string): string {
  const taken = Object.keys(fields).map((name) => name.toLowerCase());
  let name = wish;
  while (taken.includes(name)) name = `_${name}`;
  return name;
}

const column = (name: string): Expression => ({ kind: "column", name });
const literal = (value: number): Expression => ({ kind: "literal", value, type: long });
const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });
