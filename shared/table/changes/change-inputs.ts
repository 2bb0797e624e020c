/** Changes as inputs of a compute job: their files as file sets, and a plan over them that gives each changed row once. */
import type { FileSet, HiddenColumn, InputFile } from "../../compute/index.ts";
import type { TableForm } from "../../delta/index.ts";
import type { LogicalPlan, Schema } from "../../plan/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import { laterNames } from "./change-schema.ts";
import type { ChangedFile } from "./commit-changes.ts";
import type { TableChanges } from "./table-changes.ts";
import { differingRows } from "./vector-difference.ts";

/** What a job takes to see changes as a relation. */
export interface ChangeInputs {
  /** File sets by the names that the plan scans: one for each way in which files tell their rows, whatever the number of files. */
  readonly inputs: Readonly<Record<string, FileSet>>;
  /** Each changed row once, in no order, with the columns of `changeSchema`. */
  readonly plan: LogicalPlan;
}

/** A changed file with the commit that changed it. */
export interface PlacedChange {
  readonly file: ChangedFile;
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** The columns of a table, then `_change_type` (string), `_commit_version` (long) and `_commit_timestamp` (timestamp), none of them NULL. */
export function changeSchema({ end: { schema } }: Pick<TableChanges, "end">): Schema {
  const own = { [changeType.name]: changeType, [commitVersion.name]: commitVersion, [commitTime.name]: commitTime };
  const fields = Object.entries(own).map(([name, { type }]) => [name, { type, nullable: false }]);
  return { kind: "struct", fields: { ...schema.fields, ...Object.fromEntries(fields) } };
}

/**
 * The changes of a range for a job; `name` begins the names of its inputs. Files are read when the job runs: where one is gone by then it
 * fails with FILE_MISSING. Pure.
 */
export function changeInputs(table: DeltaTable, changes: TableChanges, name = "changes"): ChangeInputs {
  const groups = new Map<string, PlacedChange[]>();
  for (const { version, timestampMs, files } of changes.commits) {
    for (const file of files) {
      const key = JSON.stringify([file.kind, changes.eras[file.era]?.partitionBy]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [{ file, version, timestampMs }]);
      else group.push({ file, version, timestampMs });
    }
  }
  const sets = [...groups.values()].map((group) => changeFileSet(table, changes, group));
  // Without changes there are still their columns.
  if (sets.length === 0) sets.push(changeFileSet(table, changes, []));
  const inputs = Object.fromEntries(sets.map((set, index) => [`${name}:${index}`, set]));
  const scans = Object.keys(inputs).map((source): LogicalPlan => ({
    kind: "scan",
    source,
    schema: changeSchema(changes),
    streaming: false,
  }));
  return { inputs, plan: scans.length === 1 ? scans[0]! : { kind: "union", inputs: scans } };
}

/** Files of one kind that are partitioned by the same columns, with the columns of `changeSchema` and those of `hidden` after them. */
export function changeFileSet(
  table: DeltaTable,
  { end, eras }: TableChanges,
  group: readonly PlacedChange[],
  hidden: readonly HiddenColumn[] = [],
): FileSet {
  const [first] = group;
  const set = table.fileSet(end, []);
  const era = first && eras[first.file.era];
  const partitionBy = era === undefined ? set.partitionBy : laterNames(era.partitionBy, era, end);
  const isRecorded = first?.file.kind === "recorded";
  const kind: HiddenColumn = {
    ...changeType,
    expression: { kind: "literal", value: first?.file.kind ?? "insert", type: changeType.type },
  };
  const recorded = { [changeType.name]: { type: changeType.type, nullable: true } };
  return {
    ...set,
    schema: isRecorded ? { kind: "struct", fields: { ...set.schema.fields, ...recorded } } : set.schema,
    partitionBy,
    files: group.map((change) => inputFile(table, { ...end, partitionBy }, change)),
    hidden: [...(isRecorded ? [] : [kind]), commitVersion, commitTime, ...hidden],
  };
}

const changeType: HiddenColumn = {
  name: "_change_type",
  type: { kind: "string" },
  expression: { kind: "column", name: "_change_type" },
};
const commitVersion: HiddenColumn = {
  name: "_commit_version",
  type: { kind: "long" },
  expression: { kind: "column", name: "_commit_version" },
};
const commitTime: HiddenColumn = {
  name: "_commit_timestamp",
  type: { kind: "timestamp" },
  expression: { kind: "column", name: "_commit_timestamp" },
};

function inputFile(table: DeltaTable, form: TableForm, { file, version, timestampMs }: PlacedChange): InputFile {
  const { path, partitionValues = {}, size, deletionVector, only } = file;
  const added = { path, partitionValues, size, modificationTime: 0, dataChange: true };
  return {
    ...table.inputFile(form, { ...added, ...(deletionVector && { deletionVector }) }, version),
    commitTimestampMs: timestampMs,
    ...(only && { onlyRows: (signal?: AbortSignal) => differingRows(table.log, only, signal) }),
  };
}
