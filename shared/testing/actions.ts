/** The actions that a test is a list of. None does anything before `PipelineTest.run`. */
import type { ErrorCode } from "../core/index.ts";
import type { DeclaredTable, FileProvenanceTypes, HubBronzeTypes } from "../pipeline/index.ts";
import { durationMs, type ColumnsOf, type ColumnTypes, type Duration } from "../plan/index.ts";
import type { Condition, InputRow, InputRowOf, Values } from "../table/lake/index.ts";
import type { StrategyName } from "../engine/incremental/view-strategy.ts";
import type { Action, ChangedRows, EventBody, EventOptions, QuarantinedRow, TableOf, Update } from "./action.ts";
import type { CrashPlace } from "./crash.ts";
import { rowsGiven } from "./given.ts";

/** What `addData` takes for a table: bodies of events for one that a hub feeds, rows of a file for one of files, rows for any other. */
export type AddedRow<Types extends ColumnTypes> = string extends keyof Types
  ? EventBody
  : keyof HubBronzeTypes extends keyof Types
    ? EventBody
    : keyof FileProvenanceTypes extends keyof Types
      ? InputRowOf<Omit<Types, keyof FileProvenanceTypes>>
      : InputRowOf<Types>;

/** What checks can leave out. */
export interface CheckOptions<Types extends ColumnTypes> {
  /**
   * Only these columns are looked at. By default all of them; of a table that a hub or files feed, those that say when and where from a
   * row came are left out.
   */
  readonly columns?: readonly (keyof Types & string)[] | undefined;
}

/**
 * Data comes in, as it does to this table: events are sent to its hub, each a value that becomes JSON, a text or bytes; rows are landed as
 * a file of its format; and to a table with a query, where neither is, somebody else appends the rows by a commit. Nothing is
 * processed yet. Rows are objects by column, in which a column that is left out is NULL.
 */
export function addData(table: string, rows: readonly EventBody[], events?: EventOptions): Action;
export function addData<Types extends ColumnTypes>(
  table: DeclaredTable<Types>,
  rows: readonly AddedRow<NoInfer<Types>>[],
  events?: EventOptions,
): Action;
export function addData(table: DeclaredTable | string, rows: readonly unknown[], events: EventOptions = {}): Action {
  return { kind: "addData", table: nameOf(table), rows: rowsGiven(rows, "addData"), events, site: siteOf(addData) };
}

/** A file is landed as it is, whatever it holds: a path such as "landing/airports/a.csv", in the place of an earlier one there. */
export function landFile(path: string, content: string | Uint8Array): Action {
  return { kind: "landFile", path, content, site: siteOf(landFile) };
}

/** Somebody else appends rows to a table by one commit, whatever feeds it. */
export function appendData(table: string, rows: readonly InputRow[]): Action;
export function appendData<Types extends ColumnTypes>(
  table: DeclaredTable<Types>,
  rows: readonly InputRowOf<NoInfer<Types>>[],
): Action;
export function appendData(table: TableOf<ColumnTypes>, rows: readonly InputRow[]): Action {
  return { kind: "appendData", table: nameOf(table), rows: rowsGiven(rows, "appendData"), site: siteOf(appendData) };
}

/** Somebody else puts these rows in the place of all rows of a table, by one commit. */
export function overwriteData(table: string, rows: readonly InputRow[]): Action;
export function overwriteData<Types extends ColumnTypes>(
  table: DeclaredTable<Types>,
  rows: readonly InputRowOf<NoInfer<Types>>[],
): Action;
export function overwriteData(table: TableOf<ColumnTypes>, rows: readonly InputRow[]): Action {
  return {
    kind: "overwriteData",
    table: nameOf(table),
    rows: rowsGiven(rows, "overwriteData"),
    site: siteOf(overwriteData),
  };
}

/** Somebody else changes rows of a table, by one commit: `{ set: { tier: "gold" }, where: ({ id }) => id.eq("C1") }`, or `where: "id = 'C1'"`. */
export function updateData(table: string, update: Update<ColumnTypes>): Action;
export function updateData<Types extends ColumnTypes>(
  table: DeclaredTable<Types>,
  update: {
    readonly set: InputRowOf<NoInfer<Types>> | Values<ColumnsOf<NoInfer<Types>>>;
    readonly where?: Condition<ColumnsOf<NoInfer<Types>>> | undefined;
  },
): Action;
export function updateData<Types extends ColumnTypes>(table: TableOf<Types>, update: Update<Types>): Action {
  return {
    kind: "updateData",
    table: nameOf(table),
    update: update as unknown as Update<ColumnTypes>,
    site: siteOf(updateData),
  };
}

/** Somebody else deletes the rows for which a condition is true, by one commit; all of them without one. */
export function deleteData<Types extends ColumnTypes>(
  table: TableOf<Types>,
  where?: Condition<ColumnsOf<Types>>,
): Action {
  const condition = where as Condition<ColumnsOf<ColumnTypes>> | undefined;
  return { kind: "deleteData", table: nameOf(table), where: condition, site: siteOf(deleteData) };
}

/** Somebody else writes the files of a table into one: its rows stay as they are. */
export function optimize(table: DeclaredTable | string): Action {
  return { kind: "optimize", table: nameOf(table), site: siteOf(optimize) };
}

/** The test's time moves on; it does not move by itself. */
export function advanceTime(by: Duration): Action {
  return { kind: "advanceTime", ms: durationMs(by), site: siteOf(advanceTime) };
}

/** The engine runs until nothing is left to do. A flow that fails fails the test, unless a check behind this one expects it. */
export function processAllAvailable(): Action {
  return { kind: "processAllAvailable", site: siteOf(processAllAvailable) };
}

/**
 * The instance dies during the next `processAllAvailable`, and has to be restarted after it: before its input is logged ("offsets"), before
 * what it computed is decided ("outcome"), before that is committed to a table ("sink"), before the commit is logged ("commit"); or,
 * with a number, anywhere, as follows from it. With `flow` it dies in a batch of that table.
 */
export function crash({
  at,
  flow,
}: {
  readonly at: CrashPlace;
  readonly flow?: DeclaredTable | string | undefined;
}): Action {
  return { kind: "crash", at, flow: flow && nameOf(flow), site: siteOf(crash) };
}

/** Another instance takes the place of this one, which ends; the leases of one that died run out before, so that time moves on by 15 seconds. */
export function restart(): Action {
  return { kind: "restart", site: siteOf(restart) };
}

/** A view is to be computed in full from its inputs, with the next `processAllAvailable`. */
export function refresh(view: DeclaredTable | string): Action {
  return { kind: "refresh", table: nameOf(view), site: siteOf(refresh) };
}

/** A streaming table is to be emptied and its input read from the start, with the next `processAllAvailable`. */
export function reset(table: DeclaredTable | string): Action {
  return { kind: "reset", table: nameOf(table), site: siteOf(reset) };
}

/** A flow that failed is to go on, with the next `processAllAvailable`. */
export function resume(table: DeclaredTable | string): Action {
  return { kind: "resume", table: nameOf(table), site: siteOf(resume) };
}

/** The table has these rows and no others, in whatever order, each as often as it is given. Floating-point values may differ by 1e-9 of their size. */
export function checkAnswer(table: string, rows: readonly InputRow[], options?: CheckOptions<ColumnTypes>): Action;
export function checkAnswer<Types extends ColumnTypes>(
  table: DeclaredTable<Types>,
  rows: readonly InputRowOf<NoInfer<Types>>[],
  options?: CheckOptions<NoInfer<Types>>,
): Action;
export function checkAnswer(
  table: TableOf<ColumnTypes>,
  rows: readonly InputRow[],
  { columns }: CheckOptions<ColumnTypes> = {},
): Action {
  return {
    kind: "checkAnswer",
    table: nameOf(table),
    rows: rowsGiven(rows, "checkAnswer"),
    columns,
    site: siteOf(checkAnswer),
  };
}

/** The last `processAllAvailable` added these rows to the table and, where that is asked for, removed those; a changed row is one of each. */
export function checkLastBatch(
  table: string,
  rows: readonly InputRow[] | ChangedRows<InputRow>,
  options?: CheckOptions<ColumnTypes>,
): Action;
export function checkLastBatch<Types extends ColumnTypes>(
  table: DeclaredTable<Types>,
  rows: readonly InputRowOf<NoInfer<Types>>[] | ChangedRows<InputRowOf<NoInfer<Types>>>,
  options?: CheckOptions<NoInfer<Types>>,
): Action;
export function checkLastBatch(
  table: TableOf<ColumnTypes>,
  rows: readonly InputRow[] | ChangedRows<InputRow>,
  { columns }: CheckOptions<ColumnTypes> = {},
): Action {
  const changed = isList(rows) ? { added: rows } : rows;
  return { kind: "checkLastBatch", table: nameOf(table), changed, columns, site: siteOf(checkLastBatch) };
}

/** The table's quarantine has a row for each of these, and no others. */
export function checkQuarantine(table: DeclaredTable | string, rows: readonly QuarantinedRow[]): Action {
  return { kind: "checkQuarantine", table: nameOf(table), rows, site: siteOf(checkQuarantine) };
}

/** The last batch of a view was computed in this way. */
export function checkStrategy(view: DeclaredTable | string, strategy: StrategyName): Action {
  return { kind: "checkStrategy", table: nameOf(view), strategy, site: siteOf(checkStrategy) };
}

/** The flow of a table has failed with this code, and has committed nothing of the batch. Goes behind the `processAllAvailable` in which it fails. */
export function checkFailure(table: DeclaredTable | string, code: ErrorCode, message?: RegExp): Action {
  return { kind: "checkFailure", table: nameOf(table), code, message, site: siteOf(checkFailure) };
}

/** The view, or each view of the pipeline, equals its query computed in full over the tables that it reads, as they stand. */
export function checkEqualsQuery(view?: DeclaredTable | string): Action {
  return { kind: "checkEqualsQuery", table: view && nameOf(view), site: siteOf(checkEqualsQuery) };
}

const nameOf = (table: { readonly name: string } | string): string => (typeof table === "string" ? table : table.name);

const isList = <Row>(rows: readonly Row[] | ChangedRows<Row>): rows is readonly Row[] => Array.isArray(rows);

/** The lines of the stack from the caller of an action on. */
function siteOf(action: (...args: never) => Action): string {
  const place: { stack?: string } = {};
  Error.captureStackTrace(place, action);
  return (place.stack ?? "").split("\n").slice(1).join("\n");
}
