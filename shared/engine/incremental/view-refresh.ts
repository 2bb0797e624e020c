/**
 * The ways to refresh a view: in full, by adding what was added, by the keys that a change touches, by the partitions that it touches
 * (SPEC.md 9, 10). Writes files, commits nothing.
 */
import { DyneError, type Generation } from "../../core/index.ts";
import { layout, type TableOutcome } from "../../checkpoint/index.ts";
import type { ComputeJob, ComputeWrite, FileSet, WrittenFile } from "../../compute/index.ts";
import type { AddFile, Snapshot } from "../../delta/index.ts";
import { schemaOf, type LogicalPlan, type Schema } from "../../plan/index.ts";
import type { EngineContext } from "../context.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import type { BatchContext } from "../flow.ts";
import { dataFile, removedFile } from "../table-outcome.ts";
import { bool, project, scan } from "./expressions.ts";
import type { HeldTable } from "./hidden-tables.ts";
import { keysSchema } from "./operators/keyed-operator.ts";
import { changedKeys, operatorChain, type Chain } from "./operators/operator-chain.ts";
import {
  differentValues,
  filesTouched,
  ofHidden,
  ofInput,
  ofSink,
  toldKeys,
  touchedPartitionsMax,
  touchedTexts,
  type TouchedValues,
} from "./touched-partitions.ts";
import { sumOfVolumes, volumeOf, type InputChange, type Volume } from "./view-change.ts";
import { rowsOfOtherKeys, type KeyedView, type RowView } from "./view-plan.ts";
import { partitionFiles } from "./view-strategy.ts";

export interface Refreshed {
  readonly tables: readonly TableOutcome[];
  /** Rows computed. */
  readonly rows: number;
  /** Files of the inputs that were read beside the change's. */
  readonly read: Volume;
}

/** What the refresh of a batch works on. */
export interface RefreshInput {
  readonly batch: BatchContext;
  /** The inputs at the versions of the batch, by name. */
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly change: InputChange;
  readonly sink: Snapshot;
  /** Undefined where the generation has no hidden tables. */
  readonly held: readonly HeldTable[] | undefined;
}

type Staged = NonNullable<TableOutcome["staged"]>;
type Job = Pick<ComputeJob, "inputs" | "writes"> & Partial<Pick<ComputeJob, "steps" | "collects">>;

export class ViewRefresh {
  readonly #context: EngineContext;
  readonly #declared: ViewFlow;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#context = context;
    this.#declared = declared;
  }

  /** The query over the inputs as they stand, in place of everything the sink has. */
  async full({ batch, snapshots, sink }: RefreshInput): Promise<Refreshed> {
    const { inputs, query } = this.#declared;
    const { written } = await this.#run(batch, "full", {
      inputs: Object.fromEntries(
        inputs.map((input) => [input.name, this.#open(input).fileSet(snapshots.get(input.name) as Snapshot)]),
      ),
      writes: [this.#sinkWrite(query)],
    });
    const read = sumOfVolumes([...snapshots.values()].map(({ files }) => volumeOf(files)));
    return { tables: [this.#replaced(sink, [...sink.files], written["sink"])], rows: countRows(written["sink"]), read };
  }

  /** The same through the hidden tables, which are built with it. */
  async fullByKeys(given: RefreshInput, view: KeyedView): Promise<Refreshed> {
    const { batch, snapshots, sink, held = [] } = given;
    const [input, snapshot] = this.#input(snapshots);
    const chain = operatorChain(view, { mode: "full", isInsertOnly: true });
    const { written } = await this.#run(batch, "full", {
      inputs: { base: this.#open(input).fileSet(snapshot) },
      steps: chain.steps,
      writes: [...this.#hiddenWrites(held, chain), this.#sinkWrite(chain.rows)],
    });
    const hidden = held.map((table) => hiddenOutcome(table, [...table.snapshot.files], written[table.name]));
    const tables = [...hidden, this.#replaced(sink, [...sink.files], written["sink"])];
    return { tables, rows: countRows(written["sink"]), read: volumeOf(snapshot.files) };
  }

  /** The view's rows of what was added. */
  async append({ batch, snapshots, change, sink }: RefreshInput): Promise<Refreshed> {
    const [input, snapshot] = this.#input(snapshots);
    const { written } = await this.#run(batch, "append", {
      inputs: { [input.name]: this.#open(input).fileSet(snapshot, change.added) },
      writes: [this.#sinkWrite(this.#declared.query)],
    });
    const table = { ...this.#replaced(sink, [], written["sink"]), staged: null };
    return { tables: [table], rows: countRows(written["sink"]), read: volumeOf([]) };
  }

  /** The view's rows of the partitions that a change touches, in place of those that the sink has. */
  async overwritePartitions({ batch, snapshots, change, sink }: RefreshInput, view: RowView): Promise<Refreshed> {
    const [input, snapshot] = this.#input(snapshots);
    const { inputFiles, sinkFiles } = partitionFiles(view, change, snapshot, sink);
    const { written } = await this.#run(batch, "partitions", {
      inputs: { [input.name]: this.#open(input).fileSet(snapshot, inputFiles) },
      writes: [this.#sinkWrite(this.#declared.query)],
    });
    const table = this.#replaced(sink, sinkFiles, written["sink"]);
    return { tables: [table], rows: countRows(written["sink"]), read: volumeOf(inputFiles) };
  }

  /** The rows of the keys that a change touches, in place of those that the sink has; the hidden tables move on with them. */
  async keyed(given: RefreshInput, view: KeyedView): Promise<Refreshed> {
    const { batch, snapshots, change, sink, held } = given;
    const [input, snapshot] = this.#input(snapshots);
    const table = this.#open(input);
    const changed = {
      added: table.fileSet(snapshot, change.added),
      ...(change.removed.length === 0 ? {} : { removed: table.fileSet(snapshot, change.removed) }),
    };
    const values = await this.#touched(given, view, changed);
    if (values === undefined) return { tables: [], rows: 0, read: volumeOf([]) };
    const chain = operatorChain(view, {
      mode: held === undefined ? "recompute" : "change",
      isInsertOnly: change.removed.length === 0,
    });
    const base = chain.readsBase ? filesTouched(snapshot, ofInput(view, values)) : [];
    const read = (held ?? []).map((each) => ({ each, files: filesTouched(each.snapshot, ofHidden(view, values)) }));
    const { written } = await this.#run(batch, "rows", {
      inputs: {
        ...changed,
        ...(chain.readsBase ? { base: table.fileSet(snapshot, base) } : {}),
        ...Object.fromEntries(
          read.map(({ each, files }) => [
            each.name,
            this.#context.tables.open("host", each.path).fileSet(each.snapshot, files),
          ]),
        ),
      },
      steps: chain.steps,
      writes: [
        ...this.#hiddenWrites(held ?? [], chain),
        ...(chain.keys === undefined
          ? [this.#sinkWrite(chain.rows)]
          : [this.#stagedWrite(batch, "rows", chain.rows), this.#stagedWrite(batch, "keys", chain.keys)]),
      ],
    });
    const hidden = read.map(({ each, files }) => hiddenOutcome(each, files, written[each.name]));
    const basis = volumeOf(base);
    if (chain.keys === undefined) {
      const replaced = this.#replaced(sink, [...sink.files], written["sink"]);
      return { tables: [...hidden, replaced], rows: countRows(written["sink"]), read: basis };
    }
    const staged = { rows: filesOf(written["rows"]), keys: filesOf(written["keys"]) };
    const merged =
      staged.keys.length === 0
        ? []
        : [await this.mergeKeys(batch, view, staged, sink, view.operators.length === 1 ? values : undefined)];
    return { tables: [...hidden, ...merged], rows: countRows(written["rows"]), read: basis };
  }

  /** Rewrites the sink's files that may hold a touched key: without those keys' rows, with the staged ones. */
  async mergeKeys(
    batch: BatchContext,
    view: KeyedView,
    staged: Staged,
    sink: Snapshot,
    known?: TouchedValues,
  ): Promise<TableOutcome> {
    const { output } = this.#declared;
    const schema = keysSchema(view.keys);
    const keys = this.#stagedSet(batch, staged.keys, schema);
    const told = toldKeys(view, sink.partitionBy, []);
    const lookUp = () => this.#lookUp(batch, view, told, { keys }, scan("keys", schema));
    const values = known ?? (told.length === 0 ? new Map() : (await lookUp()).values);
    const files = filesTouched(sink, ofSink(view, values));
    const merged: LogicalPlan = {
      kind: "union",
      inputs: [rowsOfOtherKeys(view, output.schema, "sink", "keys"), scan("rows", output.schema)],
    };
    const { written } = await this.#run(batch, "merge", {
      inputs: {
        sink: this.#context.tables.open("lake", output.path).fileSet(sink, files),
        rows: this.#stagedSet(batch, staged.rows, output.schema),
        keys,
      },
      writes: [this.#sinkWrite(merged)],
    });
    return { ...this.#replaced(sink, files, written["sink"]), staged };
  }

  /** The partition values that the change touches; undefined where rows came and went without any change. */
  async #touched(
    { batch, snapshots, sink }: RefreshInput,
    view: KeyedView,
    changed: Readonly<Record<string, FileSet>>,
  ): Promise<TouchedValues | undefined> {
    const [, snapshot] = this.#input(snapshots);
    const told = view.operators.length > 1 ? [] : toldKeys(view, sink.partitionBy, snapshot.partitionBy);
    const { isEmpty, values } = await this.#lookUp(
      batch,
      view,
      told,
      changed,
      changedKeys(view, changed["removed"] === undefined),
    );
    return isEmpty ? undefined : values;
  }

  /** The different values of some keys in a relation that has them. */
  async #lookUp(
    batch: BatchContext,
    view: KeyedView,
    told: readonly number[],
    inputs: Readonly<Record<string, FileSet>>,
    keys: LogicalPlan,
  ): Promise<{ readonly isEmpty: boolean; readonly values: TouchedValues }> {
    const step = scan("touched", schemaOf(keys));
    const { collected } = await this.#run(batch, "touched", {
      inputs,
      steps: [{ kind: "plan", name: "touched", plan: keys, rowErrors: "fail", carry: [] }],
      writes: [],
      collects: [
        // Keys may be nested values, which are not collected: that there is one is all that is asked.
        { name: "any", rowsMax: 1, plan: { kind: "limit", input: project(step, [["any", bool(true)]]), count: 1 } },
        ...told.map((index) => ({
          name: String(index),
          rowsMax: touchedPartitionsMax + 1,
          plan: differentValues(step, index),
        })),
      ],
    });
    const values = new Map<number, ReadonlySet<string | null>>();
    for (const index of told) {
      const texts = touchedTexts(
        collected[String(index)] ?? [],
        index,
        (view.keys[index] as KeyedView["keys"][number]).type,
      );
      if (texts !== undefined) values.set(index, texts);
    }
    return { isEmpty: (collected["any"] ?? []).length === 0, values };
  }

  #sinkWrite(plan: LogicalPlan): ComputeWrite {
    const { path, schema, partitionBy } = this.#declared.output;
    return { name: "sink", plan, target: { store: this.#context.lake, path, schema, partitionBy, sortBy: [] } };
  }

  #hiddenWrites(held: readonly HeldTable[], chain: Chain): ComputeWrite[] {
    return held.map(({ name, path, schema, partitionBy }) => ({
      name,
      plan: chain.tables[name] as LogicalPlan,
      target: { store: this.#context.host, path, schema, partitionBy, sortBy: [] },
    }));
  }

  #stagedWrite(batch: BatchContext, name: string, plan: LogicalPlan): ComputeWrite {
    const { store, path } = this.#staging(batch);
    return { name, plan, target: { store, path, schema: schemaOf(plan), partitionBy: [], sortBy: [] } };
  }

  /** Files of the sink and what takes their place; were they rewritten meanwhile, the same files can take the place of others. */
  #replaced(sink: Snapshot, files: readonly AddFile[], written: readonly WrittenFile[] | undefined): TableOutcome {
    const add = filesOf(written);
    return {
      role: "sink",
      tableId: sink.metadata.id,
      baseVersion: sink.version,
      add,
      remove: files.map(removedFile),
      cdc: [],
      staged: { rows: add, keys: [] },
    };
  }

  async #run(batch: BatchContext, part: string, job: Job) {
    const result = await this.#context.compute.run({
      name: `${this.#declared.id}/${batch.offsets.batchId}/${part}`,
      steps: [],
      collects: [],
      ...job,
      parameters: { current_timestamp: batch.offsets.batchTime },
      signal: batch.signal,
    });
    if (result.kind === "pending")
      throw new DyneError("BATCH_ABANDONED", `${this.#declared.id} waits for its compute.`);
    return result;
  }

  #staging(batch: BatchContext) {
    return {
      store: this.#context.host,
      path: layout.staged(this.#declared.id, batch.offsets.generation as Generation),
    };
  }

  #stagedSet(batch: BatchContext, files: TableOutcome["add"], schema: Schema): FileSet {
    const { store, path } = this.#staging(batch);
    return {
      kind: "files",
      store,
      schema,
      partitionBy: [],
      files: files.map((file) => ({ path: `${path}/${file.path}`, sizeBytes: file.sizeBytes, partitionValues: {} })),
    };
  }

  #input(snapshots: ReadonlyMap<string, Snapshot>): [TableLocation, Snapshot] {
    const input = this.#declared.inputs[0] as TableLocation;
    return [input, snapshots.get(input.name) as Snapshot];
  }

  #open(input: TableLocation) {
    return this.#context.tables.open("lake", input.path);
  }
}

function hiddenOutcome(
  table: HeldTable,
  files: readonly AddFile[],
  written: readonly WrittenFile[] | undefined,
): TableOutcome {
  return {
    role: table.role,
    tableId: table.tableId,
    baseVersion: table.snapshot.version,
    add: filesOf(written),
    remove: files.map(removedFile),
    cdc: [],
    staged: null,
  };
}

const filesOf = (files: readonly WrittenFile[] = []): TableOutcome["add"] => files.map((file) => dataFile(file));

function countRows(files: readonly WrittenFile[] = []): number {
  return files.reduce((sum, file) => sum + file.rowCount, 0);
}
