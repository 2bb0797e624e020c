/**
 * The real compute, with rows in another order wherever the port says that order is free: files of a set, rows of a relation in memory,
 * rows within a written file, written files among each other, rows of a result that no plan sorts. Whoever relies on one of these
 * orders makes a re-run that differs from its first run (engine-rules 3).
 */
import type { Random } from "../../shared/core/index.ts";
import type { Compute, ComputeInput, ComputeJob, ComputeResult, ComputeWrite } from "../../shared/compute/index.ts";
import type { DataType, Expression } from "../../shared/plan/index.ts";

export class PermutedCompute implements Compute {
  readonly #inner: Compute;
  readonly #random: Random;

  constructor(inner: Compute, random: Random) {
    this.#inner = inner;
    this.#random = random;
  }

  async run(job: ComputeJob): Promise<ComputeResult> {
    const inputs = Object.entries(job.inputs).map(([name, input]) => [name, this.#input(input)] as const);
    const result = await this.#inner.run({
      ...job,
      inputs: Object.fromEntries(inputs),
      writes: job.writes.map((write) => this.#write(write)),
    });
    if (result.kind === "pending") return result;
    const sorted = new Set(job.collects.filter(({ plan }) => isSorted(plan.kind)).map(({ name }) => name));
    return {
      kind: "done",
      written: mapValues(result.written, (files) => this.#shuffled(files)),
      collected: mapValues(result.collected, (rows, name) => (sorted.has(name) ? rows : this.#shuffled(rows))),
      positions: result.positions,
    };
  }

  /** The inner compute stays open: it is whoever made it that closes it. */
  async close(): Promise<void> {}

  #input(input: ComputeInput): ComputeInput {
    if (input.kind === "files" && (input.hidden ?? []).some(({ expression }) => isFileIndex(expression))) return input;
    if (input.kind !== "rows") return { ...input, files: this.#shuffled<never>(input.files as never[]) };
    const order = this.#shuffled(Array.from({ length: input.rowCount }, (_, row) => row));
    const columns = mapValues(input.columns, (values) => order.map((row) => values[row] ?? null));
    return { ...input, columns };
  }

  /** An order within files that the target leaves open becomes that of some columns. */
  #write(write: ComputeWrite): ComputeWrite {
    if (write.target.sortBy.length > 0 || isSorted(write.plan.kind)) return write;
    const fields = Object.entries(write.target.schema.fields) as [string, { readonly type: DataType }][];
    const sortBy = this.#shuffled(fields.filter(([, { type }]) => orderable.has(type.kind)))
      .slice(0, 2)
      .map(([name]): Expression => ({ kind: "column", name }));
    return { ...write, target: { ...write.target, sortBy } };
  }

  #shuffled<T>(values: readonly T[]): T[] {
    const result = [...values];
    for (let last = result.length - 1; last > 0; last--) {
      const other = Math.floor(this.#random.next() * (last + 1));
      [result[last], result[other]] = [result[other] as T, result[last] as T];
    }
    return result;
  }
}

/** The place of a file in its set is what the job knows it by. */
const isFileIndex = (expression: Expression): boolean =>
  expression.kind === "column" && expression.name === "_file_index";

const orderable = new Set<DataType["kind"]>(["string", "long", "integer", "date", "timestamp", "boolean", "double"]);
const isSorted = (kind: string): boolean => kind === "sort" || kind === "limit";

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}
