/**
 * Which way a view is refreshed for a change, and why: append, merge partials, recompute keys, full, in this order (SPEC.md 11). A pure
 * function of logs, so that `explain` says what a batch would do.
 */
import { limits } from "../../core/index.ts";
import type { AddFile, Snapshot } from "../../delta/index.ts";
import type { SmallInput } from "../context.ts";
import type { HeldTable } from "./hidden-tables.ts";
import type { Read, RefreshMode, ReadSubject } from "./operators/refresh-scope.ts";
import { refreshPlan, type RefreshPlan } from "./refresh-plan.ts";
import { filesToMerge } from "./small-files.ts";
import { filesOfUses, knownFromLogs, storedName, type KnownValues } from "./touched-files.ts";
import { sumOfVolumes, volumeOf, type InputChange, type Volume } from "./view-change.ts";
import type { ChangingView, ViewPlan } from "./view-plan.ts";

export type StrategyName = "append" | "merge-partials" | "recompute-keys" | "full";

export interface Strategy {
  readonly name: StrategyName;
  readonly reason: string;
  /** Files of the inputs that the change adds and removes. */
  readonly change: Volume;
  /** Files that are read again or rewritten: of the view, of its hidden tables, of the inputs. Told before a batch: at most these. */
  readonly touched: Volume;
  /** True where the view has hidden tables, and they are up to date after the batch. */
  readonly isStateKept?: boolean;
}

/** An input of a view at the version of a batch. */
export interface InputState {
  readonly snapshot: Snapshot;
  /** Undefined where its log no longer says. */
  readonly change: InputChange | undefined;
  /** Its files at the version of the batch before; undefined where they cannot be told any more. */
  readonly before: (() => readonly AddFile[]) | undefined;
}

/** Where a view stands before a batch. */
export interface ViewSituation {
  readonly view: ViewPlan;
  /** No batch of this generation was committed yet. */
  readonly isFirst: boolean;
  /** By the name under which the view's query reads them. */
  readonly inputs: ReadonlyMap<string, InputState>;
  readonly sink: Snapshot;
  readonly held: readonly HeldTable[] | undefined;
  /** The view moved on without its hidden tables. */
  readonly isBehind: boolean;
  /** False where the view's owner wants no full refresh on account of the size of a change. */
  readonly isBounded: boolean;
  /** What is so little that all of it is read rather than looked through; undefined where nothing is. */
  readonly smallInput?: SmallInput | undefined;
  /** Why the change was tried and cannot be computed. */
  readonly failure?: string | undefined;
}

export interface ChosenRefresh {
  readonly strategy: Strategy;
  /** Undefined for `full`. */
  readonly plan: RefreshPlan | undefined;
}

export function chooseRefresh(situation: ViewSituation): ChosenRefresh {
  const { view, isFirst, sink } = situation;
  const inputs = [...situation.inputs.values()];
  const changed = inputs.flatMap(({ change }) => (change === undefined ? [] : [...change.added, ...change.removed]));
  const hidden = (situation.held ?? []).map(({ snapshot }) => snapshot);
  const all = sumOfVolumes(
    [...inputs.map(({ snapshot }) => snapshot), sink, ...hidden].map(({ files }) => volumeOf(files)),
  );
  const kept = keepsState(situation) ? { isStateKept: true } : {};
  const full = (reason: string): ChosenRefresh => ({
    strategy: { name: "full", reason, change: volumeOf(changed), touched: all, ...kept },
    plan: undefined,
  });
  if (view.kind === "full") return full(view.reason);
  if (isFirst) return full("this is the first build");
  if (situation.failure !== undefined) return full(situation.failure);
  if (inputs.some(({ change }) => change === undefined))
    return full(
      "the log of an input does not reach back to what was read last, or a restore brought files back that were merged since",
    );
  if (inputs.some(isUntold)) return full("the log does not say in which partition removed files were");
  const mode = modeOf(view, situation);
  const small = smallReason(situation, [...inputs.map(({ snapshot }) => snapshot), sink]);
  if (typeof mode !== "string") return small === undefined ? full(mode.reason) : withoutState(full(small));
  const plan = refreshPlan(
    view,
    mode,
    view.scans.map(({ scan }) => {
      const { change } = situation.inputs.get(scan.source) as InputState;
      return { added: (change?.added.length ?? 0) > 0, removed: (change?.removed.length ?? 0) > 0 };
    }),
  );
  if (plan.refusal !== undefined) return full(plan.refusal);
  if (plan.output.kind === "none") return full(plan.output.reason);
  const isBeforeLost = plan.reads.some(
    ({ subject }) => subject.kind === "before" && inputOf(view, situation, subject.scan).before === undefined,
  );
  if (isBeforeLost) return full("an input was rearranged, and the version that was read last is gone");
  if (small !== undefined && plan.output.kind !== "append") return withoutState(full(small));
  const total = sumOfVolumes(inputs.map(({ snapshot }) => volumeOf(snapshot.files))).bytes;
  const { bytes } = volumeOf(changed);
  if (situation.isBounded && plan.output.kind !== "append" && bytes > total * limits.fullRefreshShare)
    return full(`the change of ${bytes} bytes is more than half of the input's ${total}`);
  const known = knownFromLogs(
    view.scans.map((_, index) => {
      const { snapshot, change } = inputOf(view, situation, index);
      return { input: snapshot, changed: [...(change?.added ?? []), ...(change?.removed ?? [])] };
    }),
  );
  const touched = volumeOf([
    ...placesOf(view, situation, plan).flatMap((place) =>
      isReadWhole(place.files(anyValue), situation.smallInput) ? place.files(anyValue) : place.files(known),
    ),
    ...(plan.output.kind === "replace" ? sink.files : []),
  ]);
  const { name, reason } = told(view, plan, situation, inputs);
  return { strategy: { name, reason, change: volumeOf(changed), touched, ...kept }, plan };
}

/** Why all is computed rather than the change looked through, because it is so little; undefined where it is not. */
function smallReason({ isBounded, smallInput }: ViewSituation, tables: readonly Snapshot[]): string | undefined {
  if (!isBounded || smallInput === undefined) return undefined;
  const all = sumOfVolumes(tables.map(({ files }) => volumeOf(files)));
  if (all.bytes > smallInput.bytesMax || all.files > smallInput.filesMax) return undefined;
  return `inputs and view are ${all.bytes} bytes in ${all.files} files, which are read sooner than looked through`;
}

/** Hidden tables would be written for nothing: the first batch that needs them finds them behind, and makes them anew. */
function withoutState({ strategy: given, plan }: ChosenRefresh): ChosenRefresh {
  const { isStateKept: _isStateKept, ...strategy } = given;
  return { strategy, plan };
}

/** Whether hidden tables can be written with the view. */
export function keepsState({ view, held }: Pick<ViewSituation, "view" | "held">): boolean {
  return view.kind === "changes" && view.keepsState && held !== undefined;
}

/** Nothing is known of what a change touches. */
export const anyValue: KnownValues = () => undefined;

/** Where a refresh picks files by what the change touches: what it reads beside the change, and the view where it replaces rows. */
export interface Place {
  readonly uses: Read["uses"];
  readonly files: (known: KnownValues) => readonly AddFile[];
}

export function placesOf(
  view: ChangingView,
  given: Pick<ViewSituation, "inputs" | "held" | "sink">,
  { reads, output }: RefreshPlan,
): readonly Place[] {
  const read = reads
    .filter(({ subject }) => subject.kind !== "added" && subject.kind !== "removed")
    .map(({ subject, uses }): Place => ({ uses, files: (known) => filesRead(view, given, subject, uses, known) }));
  if (output.kind !== "keys") return read;
  const uses = [output.touched];
  return [...read, { uses, files: (known) => filesOfUses(given.sink, uses, known) }];
}

/** Whether it is not asked which of these files a change touches, as they are so little. */
export function isReadWhole(files: readonly AddFile[], small: SmallInput | undefined): boolean {
  if (small === undefined) return false;
  return files.length <= small.unaskedFilesMax && volumeOf(files).bytes <= small.unaskedBytesMax;
}

/** The files of a relation that a use may need, and of a hidden table those that are merged on this occasion. */
export function filesRead(
  view: ChangingView,
  { inputs, held }: Pick<ViewSituation, "inputs" | "held">,
  subject: ReadSubject,
  uses: Parameters<typeof filesOfUses>[1],
  known: KnownValues,
): readonly AddFile[] {
  if (subject.kind === "hidden") {
    const table = held?.find(({ name }) => name === subject.table);
    if (table === undefined) return [];
    return [...new Set([...filesOfUses(table.snapshot, uses, known), ...filesToMerge(table.snapshot.files)])];
  }
  const { snapshot, change, before } = inputOf(view, { inputs }, subject.scan);
  switch (subject.kind) {
    case "added":
      return change?.added ?? [];
    case "removed":
      return change?.removed ?? [];
    case "now":
      return filesOfUses(snapshot, uses, known);
    case "before":
      return filesOfUses({ ...snapshot, files: before?.() ?? [] }, uses, known);
  }
}

export function inputOf(view: ChangingView, { inputs }: Pick<ViewSituation, "inputs">, index: number): InputState {
  return inputs.get(view.scans[index]?.scan.source ?? "") as InputState;
}

function isUntold({ snapshot, change }: InputState): boolean {
  return snapshot.partitionBy.some((name) => {
    const stored = storedName(snapshot, name);
    return change?.removed.some((file) => !(stored in file.partitionValues));
  });
}

function modeOf(view: ChangingView, { held, isBehind }: ViewSituation): RefreshMode | { readonly reason: string } {
  if (view.operators.length === 0) return "change";
  if (view.keepsState && held !== undefined)
    return isBehind ? { reason: "the view moved on without its hidden tables, which are made anew" } : "change";
  const isAlone = view.operators.length === 1 && view.replaces.kind === "operator" && view.replaces.at.kind === "group";
  return isAlone ? "recompute" : { reason: "the hidden tables are not there: this generation was made without them" };
}

function told(
  view: ChangingView,
  plan: RefreshPlan,
  { held }: ViewSituation,
  inputs: readonly InputState[],
): { readonly name: StrategyName; readonly reason: string } {
  const count = (of: "added" | "removed"): number =>
    inputs.reduce((sum, { change }) => sum + (change?.[of].length ?? 0), 0);
  const what = `${count("added")} added and ${count("removed")} removed files`;
  if (plan.output.kind === "append")
    return { name: "append", reason: "rows were only added, and what they make is only new rows" };
  if (plan.isMerged) return { name: "merge-partials", reason: `${what} are added to the groups that they touch` };
  return {
    name: "recompute-keys",
    reason: `${what} touch some keys; ${whyRecomputed(view, held, count("removed") === 0)}`,
  };
}

function whyRecomputed(view: ChangingView, held: ViewSituation["held"], isInsertOnly: boolean): string {
  if (view.replaces.kind !== "operator") return "changed rows are found by the values in their columns";
  switch (view.replaces.at.kind) {
    case "join":
      return "a join's rows are made anew by key";
    case "window":
      return "a window function looks at all rows of its partition";
    case "group":
      if (view.keepsState && held === undefined) return "there are no hidden tables";
      return isInsertOnly
        ? "an aggregate needs the rows of its group"
        : "rows were removed, and an aggregate cannot take them out";
  }
}
