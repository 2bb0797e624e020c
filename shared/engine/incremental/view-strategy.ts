/**
 * Which way a view is refreshed for a change, and why: append, merge partials, recompute keys, overwrite partitions, full, in this order
 * (SPEC.md 11). A pure function of logs, so that `explain` says what a batch would do.
 */
import { limits } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import type { HeldTable } from "./hidden-tables.ts";
import { modeFor } from "./operators/keyed-operator.ts";
import {
  filesTouched,
  ofHidden,
  ofInput,
  ofSink,
  partitionValue,
  sharedPartitions,
  valuesInLog,
} from "./touched-partitions.ts";
import { sumOfVolumes, volumeOf, type InputChange, type Volume } from "./view-change.ts";
import type { KeyedView, RowView, ViewPlan } from "./view-plan.ts";

export type StrategyName = "append" | "merge-partials" | "recompute-keys" | "overwrite-partitions" | "full";

export interface Strategy {
  readonly name: StrategyName;
  readonly reason: string;
  /** Files of the inputs that the change adds and removes. */
  readonly change: Volume;
  /** Files that are read again or rewritten: of the view, of its hidden tables, of the inputs. Told before a batch: at most these. */
  readonly touched: Volume;
}

/** Where a view stands before a batch. */
export interface ViewSituation {
  readonly view: ViewPlan;
  /** No batch of this generation was committed yet. */
  readonly isFirst: boolean;
  /** Undefined where the log of an input no longer says. */
  readonly change: InputChange | undefined;
  /** All inputs at the versions of the batch; the first is the one that the view's plan reads. */
  readonly inputs: readonly Snapshot[];
  readonly sink: Snapshot;
  readonly held: readonly HeldTable[] | undefined;
  /** The view moved on without its hidden tables. */
  readonly isBehind: boolean;
  /** False where the view's owner wants no full refresh on account of the size of a change. */
  readonly isBounded: boolean;
}

const nothing: Volume = { files: 0, bytes: 0 };

export function chooseStrategy(situation: ViewSituation): Strategy {
  const { view, isFirst, change, inputs, sink } = situation;
  const changed = change === undefined ? nothing : volumeOf([...change.added, ...change.removed]);
  const hidden = (situation.held ?? []).map(({ snapshot }) => snapshot);
  const all = sumOfVolumes([...inputs, sink, ...hidden].map(({ files }) => volumeOf(files)));
  const full = (reason: string): Strategy => ({ name: "full", reason, change: changed, touched: all });
  if (view.kind === "full") return full(view.reason);
  if (isFirst) return full("this is the first build");
  if (change === undefined) return full("the log of its input does not reach back to what was read last");
  const input = inputs[0] as Snapshot;
  const isUntold = input.partitionBy.some((name) => change.removed.some((file) => !(name in file.partitionValues)));
  if (isUntold) return full("the log does not say in which partition removed files were");
  const chosen = view.kind === "rows" ? rows(view, change, input, sink) : keyed(view, situation, change, input);
  if (chosen.name === "full") return full(chosen.reason);
  const total = volumeOf(input.files).bytes;
  const isLarge = situation.isBounded && chosen.name !== "append" && changed.bytes > total * limits.fullRefreshShare;
  if (isLarge) return full(`the change of ${changed.bytes} bytes is more than half of the input's ${total}`);
  return { ...chosen, change: changed };
}

type Chosen = Omit<Strategy, "change">;

function rows(view: RowView, change: InputChange, input: Snapshot, sink: Snapshot): Chosen {
  if (change.removed.length === 0)
    return { name: "append", reason: "rows were only added, and each makes its own", touched: nothing };
  const shared = sharedPartitions(view, sink.partitionBy, input);
  if (shared === undefined)
    return { name: "full", reason: "rows were removed, and the view is not split as its input is", touched: nothing };
  const { inputFiles, sinkFiles } = partitionFiles(view, change, input, sink);
  return {
    name: "overwrite-partitions",
    reason: `rows were removed, and the view is split by ${shared.map(({ output }) => output).join(", ")} as its input is`,
    touched: volumeOf([...inputFiles, ...sinkFiles]),
  };
}

/** Files of the partitions that a change to single rows touches. */
export function partitionFiles(view: RowView, change: InputChange, input: Snapshot, sink: Snapshot) {
  const shared = sharedPartitions(view, sink.partitionBy, input) ?? [];
  const values = new Map(
    shared.map(({ output, source }) => {
      const touched = new Set([...change.added, ...change.removed].map((file) => partitionValue(file, source)));
      return [output, { source, touched }] as const;
    }),
  );
  return {
    inputFiles: filesTouched(input, (name) => [...values.values()].find(({ source }) => source === name)?.touched),
    sinkFiles: filesTouched(sink, (name) => values.get(name)?.touched),
  };
}

function keyed(view: KeyedView, situation: ViewSituation, change: InputChange, input: Snapshot): Chosen {
  const { sink, held } = situation;
  const none: Chosen = { name: "full", reason: "", touched: nothing };
  if (view.operators.length > 1 && held === undefined)
    return { ...none, reason: "the hidden tables are not there: this generation was made without them" };
  if (held !== undefined && situation.isBehind)
    return { ...none, reason: "the view moved on without its hidden tables, which are made anew" };
  const bottom = view.operators[0] as KeyedView["operators"][number];
  const isInsertOnly = change.removed.length === 0;
  const merges = view.keepsState && held !== undefined && modeFor(bottom, isInsertOnly) === "merge";
  if (!merges && bottom.isGlobal)
    return { ...none, reason: "the query has one group, which this change makes anew from all rows" };
  const values =
    view.operators.length > 1 ? new Map() : valuesInLog(view, [...change.added, ...change.removed], input.partitionBy);
  const files = [
    ...filesTouched(sink, ofSink(view, values)),
    ...(held ?? []).flatMap(({ snapshot }) => filesTouched(snapshot, ofHidden(view, values))),
  ];
  const what = `${change.added.length} added and ${change.removed.length} removed files`;
  if (merges)
    return {
      name: "merge-partials",
      reason: `${what} are added to the groups that they touch`,
      touched: volumeOf(files),
    };
  const why = isInsertOnly
    ? "an aggregate needs the rows of its group"
    : "rows were removed, and an aggregate cannot take them out";
  return {
    name: "recompute-keys",
    reason: `${what} touch some groups; ${view.keepsState && held === undefined ? "there are no hidden tables" : why}`,
    touched: volumeOf([...files, ...filesTouched(input, ofInput(view, values))]),
  };
}
