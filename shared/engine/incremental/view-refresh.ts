/** Runs a refresh of a view: looks up the values that a change touches, picks the files, computes. Writes files, commits nothing. */
import { DyneError, type Generation } from "../../core/index.ts";
import { layout, type TableOutcome } from "../../checkpoint/index.ts";
import type { ComputeJob, ComputeWrite, FileSet, WrittenFile } from "../../compute/index.ts";
import { rowCountOf, type AddFile, type Snapshot } from "../../delta/index.ts";
import { schemaOf, type LogicalPlan, type Schema } from "../../plan/index.ts";
import type { EngineContext } from "../context.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import type { BatchContext } from "../flow.ts";
import { dataFile, removedFile } from "../table-outcome.ts";
import { bool, column, project, scan } from "./expressions.ts";
import type { HeldTable } from "./hidden-tables.ts";
import { keyColumn } from "./operators/accumulator.ts";
import { valuesIn } from "./operators/changed.ts";
import { keysSchema } from "./operators/keyed-operator.ts";
import type { Read, ReadSubject } from "./operators/refresh-scope.ts";
import { refreshPlan, type RefreshPlan } from "./refresh-plan.ts";
import { filesOfUses, ValueLookUp, type KnownValues } from "./touched-files.ts";
import { sumOfVolumes, volumeOf, type Volume } from "./view-change.ts";
import { rowsOfOtherKeys, type ChangingView, type ViewKey } from "./view-plan.ts";
import { anyValue, filesRead, inputOf, isReadWhole, placesOf, type InputState, type Place } from "./view-strategy.ts";

export interface Refreshed {
  readonly tables: readonly TableOutcome[];
  /** Rows computed. */
  readonly rows: number;
  /** Files that were read beside the change's, and not written anew. */
  readonly read: Volume;
}

/** What the refresh of a batch works on. */
export interface RefreshInput {
  readonly batch: BatchContext;
  /** By the name under which the query reads them. */
  readonly inputs: ReadonlyMap<string, InputState>;
  readonly sink: Snapshot;
  /** Undefined where the generation has no hidden tables. */
  readonly held: readonly HeldTable[] | undefined;
}

type Staged = NonNullable<TableOutcome["staged"]>;
type Job = Pick<ComputeJob, "inputs" | "writes"> & Partial<Pick<ComputeJob, "steps" | "collects">>;

const nothing: Refreshed = { tables: [], rows: 0, read: { files: 0, bytes: 0 } };

export class ViewRefresh {
  readonly #context: EngineContext;
  readonly #declared: ViewFlow;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#context = context;
    this.#declared = declared;
  }

  /** The query over the inputs as they stand, in place of everything the sink has. */
  async full({ batch, inputs, sink }: RefreshInput): Promise<Refreshed> {
    const { written } = await this.#run(batch, "full", {
      inputs: Object.fromEntries(
        this.#declared.inputs.map((input) => [
          input.name,
          this.#open(input).fileSet((inputs.get(input.name) as InputState).snapshot),
        ]),
      ),
      writes: [this.#sinkWrite(this.#declared.query)],
    });
    const read = sumOfVolumes([...inputs.values()].map(({ snapshot }) => volumeOf(snapshot.files)));
    return { tables: [this.#replaced(sink, [...sink.files], written["sink"])], rows: countRows(written["sink"]), read };
  }

  /** The same through the hidden tables, which are built with it. */
  async fullWithState(given: RefreshInput, view: ChangingView): Promise<Refreshed> {
    const { batch, inputs, sink, held = [] } = given;
    const plan = refreshPlan(view, "full", []);
    if (plan.output.kind !== "replace") throw new TypeError("a full refresh replaces all rows");
    const { written } = await this.#run(batch, "full", {
      inputs: this.#fileSets(given, view, plan.reads, anyValue),
      steps: plan.steps,
      writes: [...this.#hiddenWrites(held, plan), this.#sinkWrite(plan.output.rows)],
    });
    const hidden = held.map((table) => hiddenOutcome(table, [...table.snapshot.files], written[table.name]));
    const read = sumOfVolumes([...inputs.values()].map(({ snapshot }) => volumeOf(snapshot.files)));
    const tables = [...hidden, this.#replaced(sink, [...sink.files], written["sink"])];
    return { tables, rows: countRows(written["sink"]), read };
  }

  /** What a change makes of the view and of its hidden tables. */
  async change(given: RefreshInput, view: ChangingView, plan: RefreshPlan): Promise<Refreshed> {
    const { batch, sink } = given;
    const known = await this.#touched(given, view, plan);
    if (known === undefined) return nothing;
    const held = (given.held ?? []).filter(({ name }) => name in plan.tables);
    const { output } = plan;
    const { written } = await this.#run(batch, "rows", {
      inputs: this.#fileSets(given, view, plan.reads, known),
      steps: plan.steps,
      writes: [...this.#hiddenWrites(held, plan), ...this.#outputWrites(batch, plan)],
    });
    const hidden = held.flatMap((table) => {
      const outcome = hiddenOutcome(table, this.#rewritten(given, view, plan, table, known), written[table.name]);
      return outcome.add.length + outcome.remove.length === 0 ? [] : [outcome];
    });
    const read = volumeOf(
      plan.reads
        .filter(
          ({ relation, subject }) =>
            subject.kind !== "added" && subject.kind !== "removed" && !(relation in plan.tables),
        )
        .flatMap(({ subject, uses }) => filesRead(view, given, subject, uses, known)),
    );
    if (output.kind !== "keys") {
      const gone = output.kind === "replace" ? [...sink.files] : [];
      const table = this.#replaced(sink, gone, written["sink"]);
      const own = output.kind === "replace" ? table : { ...table, staged: null };
      return { tables: [...hidden, own], rows: countRows(written["sink"]), read };
    }
    const staged = { rows: filesOf(written["rows"]), keys: filesOf(written["keys"]) };
    const files = filesOfUses(sink, [output.touched], known);
    const merged = staged.keys.length === 0 ? [] : [await this.#merged(batch, keysOf(view), staged, sink, files)];
    return { tables: [...hidden, ...merged], rows: countRows(written["rows"]), read };
  }

  /** Rewrites the sink's files that may hold a staged key: without those keys' rows, with the staged ones. */
  async mergeKeys(batch: BatchContext, view: ChangingView, staged: Staged, sink: Snapshot): Promise<TableOutcome> {
    const keys = keysOf(view);
    const schema = keysSchema(keys);
    const touched = keys.map(({ output }, index) => ({
      column: output,
      values: valuesIn(scan("keys", schema), column(keyColumn(index)), undefined),
    }));
    const lookUp = new ValueLookUp(touched.map(({ values }) => values));
    const { collected } = await this.#run(batch, "touched", {
      inputs: { keys: this.#stagedSet(batch, staged.keys, schema) },
      writes: [],
      collects: lookUp.collects,
    });
    return this.#merged(batch, keys, staged, sink, filesOfUses(sink, [touched], lookUp.known(collected)));
  }

  async #merged(
    batch: BatchContext,
    keys: readonly ViewKey[],
    staged: Staged,
    sink: Snapshot,
    files: readonly AddFile[],
  ): Promise<TableOutcome> {
    const { output } = this.#declared;
    const merged: LogicalPlan = {
      kind: "union",
      inputs: [rowsOfOtherKeys(keys, output.schema, "sink", "keys"), scan("rows", output.schema)],
    };
    const { written } = await this.#run(batch, "merge", {
      inputs: {
        sink: this.#context.tables.open("lake", output.path).fileSet(sink, files),
        rows: this.#stagedSet(batch, staged.rows, output.schema),
        keys: this.#stagedSet(batch, staged.keys, keysSchema(keys)),
      },
      writes: [this.#sinkWrite(merged)],
    });
    return { ...this.#replaced(sink, files, written["sink"]), staged };
  }

  /** The values that the change touches, as far as files are picked by them; undefined where rows came and went without any change. */
  async #touched(given: RefreshInput, view: ChangingView, plan: RefreshPlan): Promise<KnownValues | undefined> {
    const places = this.#worthAsking(given, view, plan);
    const lookUp = new ValueLookUp(places.flatMap(({ uses }) => uses.flat().map(({ values }) => values)));
    const isAppend = plan.output.kind === "append" && lookUp.isEmpty;
    if (isAppend || (places.length === 0 && [...given.inputs.values()].some(hasNewRows))) return anyValue;
    const { collected } = await this.#run(given.batch, "touched", {
      inputs: this.#fileSets(given, view, plan.reads.filter(isOfChange), anyValue),
      steps: plan.steps.slice(0, plan.changeSteps),
      writes: [],
      collects: [
        ...plan.changes.map((rows, index) => ({ name: `any-${index}`, rowsMax: 1, plan: firstOf(rows) })),
        ...lookUp.collects,
      ],
    });
    const isEmpty = plan.changes.every((_, index) => (collected[`any-${index}`] ?? []).length === 0);
    return isEmpty ? undefined : lookUp.known(collected);
  }

  /** Where more than a little may be left out by what the change touches. */
  #worthAsking(given: RefreshInput, view: ChangingView, plan: RefreshPlan): readonly Place[] {
    return placesOf(view, given, plan).filter(({ files }) => !isReadWhole(files(anyValue), this.#context.smallInput));
  }

  #fileSets(
    given: RefreshInput,
    view: ChangingView,
    reads: readonly Read[],
    known: KnownValues,
  ): Readonly<Record<string, FileSet>> {
    return Object.fromEntries(
      reads.map(({ relation, subject, uses }) => [
        relation,
        this.#fileSet(given, view, subject, filesRead(view, given, subject, uses, known)),
      ]),
    );
  }

  #fileSet(given: RefreshInput, view: ChangingView, subject: ReadSubject, files: readonly AddFile[]): FileSet {
    if (subject.kind === "hidden") {
      const table = given.held?.find(({ name }) => name === subject.table) as HeldTable;
      return this.#context.tables.open("host", table.path).fileSet(table.snapshot, files);
    }
    const source = view.scans[subject.scan]?.scan.source;
    const input = this.#declared.inputs.find(({ name }) => name === source) as TableLocation;
    return this.#open(input).fileSet(inputOf(view, given, subject.scan).snapshot, files);
  }

  /** The files of a hidden table that its new rows take the place of. */
  #rewritten(
    given: RefreshInput,
    view: ChangingView,
    plan: RefreshPlan,
    table: HeldTable,
    known: KnownValues,
  ): readonly AddFile[] {
    const read = plan.reads.find(({ relation }) => relation === table.name);
    return read === undefined ? [...table.snapshot.files] : filesRead(view, given, read.subject, read.uses, known);
  }

  #outputWrites(batch: BatchContext, { output }: RefreshPlan): ComputeWrite[] {
    switch (output.kind) {
      case "append":
      case "replace":
        return [this.#sinkWrite(output.rows)];
      case "keys":
        return [this.#stagedWrite(batch, "rows", output.rows), this.#stagedWrite(batch, "keys", output.keys)];
      case "none":
        throw new TypeError(output.reason);
    }
  }

  #sinkWrite(plan: LogicalPlan): ComputeWrite {
    const { path, schema, partitionBy } = this.#declared.output;
    return { name: "sink", plan, target: { store: this.#context.lake, path, schema, partitionBy, sortBy: [] } };
  }

  #hiddenWrites(held: readonly HeldTable[], { tables }: RefreshPlan): ComputeWrite[] {
    return held.map(({ name, path, schema, partitionBy }) => ({
      name,
      plan: tables[name] as LogicalPlan,
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

  #open(input: TableLocation) {
    return this.#context.tables.open("lake", input.path);
  }
}

const keysOf = ({ replaces }: ChangingView): readonly ViewKey[] => (replaces.kind === "none" ? [] : replaces.keys);

const firstOf = (rows: LogicalPlan): LogicalPlan => ({
  kind: "limit",
  input: project(rows, [["any", bool(true)]]),
  count: 1,
});

const isOfChange = ({ subject }: Read): boolean => subject.kind === "added" || subject.kind === "removed";

/** Whether the log alone says that rows came, and that none went which could be the same. */
function hasNewRows({ change }: InputState): boolean {
  if (change === undefined || change.removed.length > 0) return false;
  return change.added.some((file) => (rowCountOf(file) ?? 0) > 0);
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
