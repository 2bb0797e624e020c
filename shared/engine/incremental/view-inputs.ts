/** Where a view's inputs stand, what happened to them since its last batch, and with that how a batch would be computed. */
import { DyneError, isDyneError } from "../../core/index.ts";
import type { CommitRecord, DeltaRange, GenerationRecord, InputRange, LaneHead } from "../../checkpoint/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import type { DeltaTable, TableCatalog } from "../../table/index.ts";
import type { EngineContext } from "../context.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import { areBehind, heldTables, hiddenTables, type HeldTable, type HiddenTable } from "./hidden-tables.ts";
import { changeOfCommits, filesBefore, isEmptyChange, type InputChange } from "./view-change.ts";
import { viewNodes } from "./view-node.ts";
import { viewPlan, type ViewPlan } from "./view-plan.ts";
import { chooseRefresh, type ChosenRefresh, type InputState } from "./view-strategy.ts";

type Ranges = Readonly<Record<string, InputRange>>;

/** A batch of a view before it is computed. */
export interface ViewBatch {
  /** By the name under which the query reads them. */
  readonly inputs: ReadonlyMap<string, InputState>;
  readonly sink: Snapshot;
  /** Undefined where the generation has no hidden tables. */
  readonly held: readonly HeldTable[] | undefined;
  readonly chosen: ChosenRefresh;
}

export class ViewInputs {
  readonly view: ViewPlan;
  readonly hidden: readonly HiddenTable[];
  readonly #tables: TableCatalog;
  readonly #declared: ViewFlow;
  readonly #smallInput: EngineContext["smallInput"];

  constructor({ tables, smallInput }: Pick<EngineContext, "tables" | "smallInput">, declared: ViewFlow) {
    this.#smallInput = smallInput;
    this.#tables = tables;
    this.#declared = declared;
    this.view = planOfView(declared);
    this.hidden = hiddenTables(this.view, declared.output);
  }

  /** The ranges of the next batch; undefined where nothing happened. Throws UPSTREAM_CHANGED where an input is another table. */
  async next(head: LaneHead): Promise<Ranges | undefined> {
    const inputs: Record<string, InputRange> = {};
    // Also over nothing: a view has a first batch, because an aggregate without groups has one row even then.
    let hasChanges = (head.lastCommit?.batchId ?? 0) < 1;
    for (const input of this.#declared.inputs) {
      const last = this.range(head.lastOffsets?.inputs, input);
      const newest = await this.open(input).latest();
      if (newest.metadata.id !== last.tableId) {
        throw new DyneError(
          "UPSTREAM_CHANGED",
          `${input.name} is another table than the one ${this.#declared.id} was built from. Rebuild ${this.#declared.id} from the start.`,
        );
      }
      const change = await this.#changeOf(input, last.toVersion, newest.version);
      hasChanges ||= change === undefined || !isEmptyChange(change);
      inputs[input.name] = { ...last, afterVersion: last.toVersion, toVersion: newest.version };
    }
    return hasChanges ? inputs : undefined;
  }

  /** What a batch with these ranges works on, and in which way: in full after a `failure` to compute the change. Reads logs, no data. */
  async batch(
    generation: GenerationRecord,
    lastCommit: CommitRecord | undefined,
    ranges: Ranges,
    failure?: string,
  ): Promise<ViewBatch> {
    const inputs = new Map<string, InputState>();
    for (const input of this.#declared.inputs)
      inputs.set(input.name, await this.#state(input, this.range(ranges, input)));
    // A generation's hidden tables are empty until its first batch.
    const isFirst =
      lastCommit === undefined || lastCommit.generation !== generation.generation || lastCommit.batchId < 1;
    const last = isFirst ? undefined : lastCommit;
    const held = await heldTables(this.hidden, generation, last, this.#tables);
    const sink = await this.sink(generation).latest();
    const chosen = chooseRefresh({
      view: this.view,
      isFirst,
      inputs,
      sink,
      held,
      isBehind: areBehind(this.hidden, last),
      isBounded: this.#declared.refresh === "auto",
      smallInput: this.#smallInput,
      failure,
    });
    return { inputs, sink, held, chosen };
  }

  sink(generation: GenerationRecord): DeltaTable {
    return this.#tables.open("lake", generation.tables["sink"]?.path ?? this.#declared.output.path);
  }

  open(input: TableLocation): DeltaTable {
    return this.#tables.open("lake", input.path);
  }

  range(inputs: Ranges | undefined, input: TableLocation): DeltaRange {
    const range = inputs?.[input.name];
    if (range?.kind !== "delta") {
      throw new DyneError(
        "CHECKPOINT_CORRUPT",
        `The offsets of ${this.#declared.id} name no versions of ${input.name}.`,
      );
    }
    return range;
  }

  async #state(input: TableLocation, { afterVersion, toVersion }: DeltaRange): Promise<InputState> {
    const snapshot = await this.open(input).at(toVersion);
    const change = await this.#changeOf(input, afterVersion, toVersion);
    if (change === undefined) return { snapshot, change, before: undefined };
    const before = change.isRearranged
      ? await this.#filesAt(input, afterVersion)
      : () => filesBefore(snapshot.files, change);
    return { snapshot, change, before };
  }

  /** The files of a version that is read only where files were rearranged since; undefined where it is gone. */
  async #filesAt(input: TableLocation, version: number): Promise<InputState["before"]> {
    if (!this.#looksBack) return undefined;
    try {
      const { files } = await this.open(input).at(version);
      return () => [...files];
    } catch (error) {
      if (isDyneError(error, "VERSION_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Whether a rule of the view reads inputs as they were. */
  get #looksBack(): boolean {
    const { view } = this;
    return (
      view.kind === "changes" && [...viewNodes(view.root)].some(({ kind }) => kind === "join" || kind === "window")
    );
  }

  async #changeOf(input: TableLocation, afterVersion: number, toVersion: number): Promise<InputChange | undefined> {
    try {
      return changeOfCommits(await this.open(input).changes(afterVersion, toVersion));
    } catch (error) {
      if (isDyneError(error, "DATA_LOSS")) return undefined;
      throw error;
    }
  }
}

/** How a declared view can be refreshed. */
export function planOfView(declared: ViewFlow): ViewPlan {
  return declared.refresh === "full"
    ? { kind: "full", reason: "the view is declared with refresh: full" }
    : viewPlan(declared.query);
}
