/** Which way a view is refreshed where the logs say less than usual (engine-rules 11, 12); the ways themselves are in view-strategies.test.ts. */
import { describe, expect, test } from "vitest";
import type { AddFile, Snapshot } from "../../../../shared/delta/index.ts";
import {
  chooseRefresh,
  filesRead,
  type InputState,
  type ViewSituation,
} from "../../../../shared/engine/incremental/view-strategy.ts";
import type { InputChange } from "../../../../shared/engine/incremental/view-change.ts";
import { viewPlan } from "../../../../shared/engine/incremental/view-plan.ts";
import { salesViews } from "../../../support/view-sales.ts";
import type { LogicalPlan } from "../../../../shared/plan/index.ts";

const allAsked = { unaskedBytesMax: 0, unaskedFilesMax: 0 };
const file = (path: string, rest: Partial<AddFile> = {}): AddFile => ({
  path,
  partitionValues: { day: "2026-01-01" },
  size: 100,
  modificationTime: 0,
  dataChange: true,
  ...rest,
});
const table = (files: readonly AddFile[], partitionBy: readonly string[] = ["day"]): Snapshot =>
  ({
    files,
    partitionBy,
    schema: { kind: "struct", fields: { day: { type: { kind: "date" }, nullable: true } } },
  }) as unknown as Snapshot;

const view = viewPlan(salesViews.perShop.query as LogicalPlan);
const files = Array.from({ length: 10 }, (_, n) => file(`f${n}`));
const inputs = (change: Pick<InputChange, "added" | "removed"> | undefined): ViewSituation["inputs"] =>
  new Map<string, InputState>([
    [
      "bronze.sales",
      { snapshot: table(files), change: change && { ...change, isRearranged: false }, before: () => files },
    ],
  ]);
const usual: ViewSituation = {
  view,
  isFirst: false,
  inputs: inputs({ added: [file("new")], removed: [] }),
  sink: table([file("s1"), file("s2", { partitionValues: { day: "2026-01-02" } })]),
  held: [],
  isBehind: false,
  isBounded: true,
};

describe("the way of a refresh", () => {
  const cases: readonly {
    readonly what: string;
    readonly rest: Partial<ViewSituation>;
    readonly name: string;
    readonly reason: string;
  }[] = [
    { what: "is the cheapest where nothing is missing", rest: {}, name: "merge-partials", reason: "1 added" },
    { what: "is full in a generation without a batch", rest: { isFirst: true }, name: "full", reason: "first build" },
    {
      what: "is full where the log does not reach back",
      rest: { inputs: inputs(undefined) },
      name: "full",
      reason: "does not reach back",
    },
    {
      what: "is full where removed files have no partition",
      rest: { inputs: inputs({ added: [], removed: [file("f1", { partitionValues: {} })] }) },
      name: "full",
      reason: "in which partition",
    },
    {
      what: "recomputes groups where there are no hidden tables",
      rest: { held: undefined },
      name: "recompute-keys",
      reason: "no hidden tables",
    },
    {
      what: "is full where the view moved on without its hidden tables",
      rest: { isBehind: true },
      name: "full",
      reason: "made anew",
    },
    {
      what: "is full where several operators have no hidden tables",
      rest: { held: undefined, view: viewPlan(salesViews.perDay.query as LogicalPlan) },
      name: "full",
      reason: "hidden tables are not there",
    },
    {
      what: "is full where all there is is little",
      rest: { smallInput: { bytesMax: 1_200, filesMax: 12, ...allAsked } },
      name: "full",
      reason: "1200 bytes in 12 files, which are read sooner",
    },
    {
      what: "follows changes where there is more than little",
      rest: { smallInput: { bytesMax: 1_199, filesMax: 12, ...allAsked } },
      name: "merge-partials",
      reason: "1 added",
    },
    {
      what: "follows changes where little is in many files",
      rest: { smallInput: { bytesMax: 1_200, filesMax: 11, ...allAsked } },
      name: "merge-partials",
      reason: "1 added",
    },
    {
      what: "is full without hidden tables where all there is is little and they are behind",
      rest: { smallInput: { bytesMax: 1_200, filesMax: 12, ...allAsked }, isBehind: true },
      name: "full",
      reason: "read sooner",
    },
    {
      what: "adds rows that are only added, however little there is",
      rest: {
        smallInput: { bytesMax: 1e9, filesMax: 1e9, ...allAsked },
        view: viewPlan(salesViews.large.query as LogicalPlan),
      },
      name: "append",
      reason: "only added",
    },
    {
      what: "follows changes of little where the view's owner wants that",
      rest: { smallInput: { bytesMax: 1e9, filesMax: 1e9, ...allAsked }, isBounded: false },
      name: "merge-partials",
      reason: "1 added",
    },
    {
      what: "is full after the change was tried in vain",
      rest: { failure: "the change cannot be computed: a file is gone" },
      name: "full",
      reason: "a file is gone",
    },
    {
      what: "is full where more than half changed",
      rest: { inputs: inputs({ added: [file("new", { size: 501 })], removed: [] }) },
      name: "full",
      reason: "more than half",
    },
    {
      what: "is not full on account of size where the view's owner does not want it",
      rest: { inputs: inputs({ added: [file("new", { size: 501 })], removed: [] }), isBounded: false },
      name: "merge-partials",
      reason: "1 added",
    },
  ];

  test.each(cases)("$what", ({ rest, name, reason }) => {
    expect(chooseRefresh({ ...usual, ...rest }).strategy).toMatchObject({
      name,
      reason: expect.stringContaining(reason),
    });
  });

  test("counts the change, and of the view the partitions that it can touch", () => {
    expect(chooseRefresh(usual).strategy).toMatchObject({
      change: { files: 1, bytes: 100 },
      touched: { files: 1, bytes: 100 },
    });
    const removed = [file("f1", { partitionValues: { day: null } })];
    const elsewhere = { added: [file("new", { partitionValues: { day: "2026-01-02" } })], removed };
    expect(chooseRefresh({ ...usual, inputs: inputs(elsewhere) }).strategy).toMatchObject({
      change: { files: 2, bytes: 200 },
      touched: { files: 1, bytes: 100 },
    });
  });
});

test("files as they were are picked by what the log calls a column, also where columns changed names with each other", () => {
  const field = (physical: string) => ({
    type: { kind: "string" },
    nullable: true,
    metadata: { "delta.columnMapping.physicalName": physical },
  });
  const mapped = {
    ...table([], ["shop"]),
    columnMapping: "name",
    schema: { kind: "struct", fields: { shop: field("item"), item: field("shop") } },
  } as unknown as Snapshot;
  const changing = viewPlan(salesViews.pairs.query as LogicalPlan);
  if (changing.kind !== "changes") throw new Error(changing.reason);
  const was = file("was", { partitionValues: { item: "here" }, stats: '{"numRecords":1}' });
  const given: Pick<ViewSituation, "inputs" | "held"> = {
    held: [],
    inputs: new Map([["bronze.sales", { snapshot: mapped, change: undefined, before: () => [was] }]]),
  };
  const of = (text: string) => {
    const values = { plan: salesViews.pairs.query as LogicalPlan, sources: undefined };
    const known = () => ({ ranges: [{ min: text, max: text }], hasNull: false });
    return filesRead(changing, given, { kind: "before", scan: 0 }, [[{ column: "shop", values }]], known);
  };
  expect([of("here"), of("elsewhere")].map((files) => files.length)).toEqual([1, 0]);
});
