/** What can be changed of a table that a flow of dyne writes: properties and features with which its next batch is still committed, no columns. */
import { DyneError } from "../../core/index.ts";
import { tableProperty, type CheckedProperties, type Snapshot } from "../../delta/index.ts";
import { progressFlow, writingFlow, type TableWriter } from "../writing-flow.ts";

/** Who writes a table, where the caller knows more of it than the table says. */
export interface AlterOptions {
  readonly writer?: TableWriter | undefined;
}

/** The writer that was named, or that the log names: then nothing tells whether it replaces rows, and it may. */
export function writerOf(snapshot: Snapshot, { writer }: AlterOptions): TableWriter | undefined {
  const flow = writingFlow(snapshot);
  return writer ?? (flow === undefined ? undefined : { flow, appendsOnly: false });
}

/**
 * Throws INVALID_ARGUMENT where a flow writes the table whose columns, or what must be true of them, somebody is about to change by `change`:
 * "dropping a column".
 */
export function assertNoFlow(path: string, snapshot: Snapshot, options: AlterOptions, change: string): void {
  const writer = writerOf(snapshot, options);
  if (writer === undefined) return;
  const remedy =
    writer.flow === progressFlow ? "Derive a table of your own from it." : "Change the table in its pipeline.";
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${path} is written by the flow ${writer.flow}, whose batches would no longer fit it after ${change}. ${remedy}`,
    { details: { flow: writer.flow } },
  );
}

/** Throws INVALID_ARGUMENT for properties and features with which the flow that writes a table could not go on, saying what to do. */
export function assertFlowGoesOn(path: string, writer: TableWriter | undefined, asked: CheckedProperties): void {
  if (writer === undefined) return;
  const hindrance = hindrances.find(({ of }) => of(asked, writer));
  if (hindrance === undefined) return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${path} is written by the flow ${writer.flow}, which ${hindrance.why}. ${hindrance.remedy}`,
    { details: { flow: writer.flow } },
  );
}

/** Throws INVALID_ARGUMENT for a flow's table whose columns somebody else mapped, when that is to be taken away. */
export function assertNotMapped(path: string, { columnMapping }: Snapshot, writer: TableWriter | undefined): void {
  if (writer === undefined || columnMapping === "none") return;
  const anew =
    writer.flow === progressFlow ? "" : `by "dyne flow reset ${writer.flow}", which computes its rows again, or `;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `The columns of ${path} are mapped, which is undone where its files are written anew: ${anew}by Spark, where that sets delta.columnMapping.mode to none.`,
    { details: { flow: writer.flow } },
  );
}

interface Hindrance {
  readonly of: (asked: CheckedProperties, writer: TableWriter) => boolean;
  readonly why: string;
  readonly remedy: string;
}

const hindrances: readonly Hindrance[] = [
  {
    of: ({ configuration, features }) =>
      tableProperty(configuration, "delta.columnMapping.mode") !== "none" || features.includes("columnMapping"),
    why: "finds columns in its files by their own names, not by mapped ones",
    remedy: "Leave delta.columnMapping.mode unset, and rename or drop columns in its pipeline.",
  },
  {
    of: ({ configuration }, { appendsOnly }) => !appendsOnly && tableProperty(configuration, "delta.appendOnly"),
    why: "replaces rows, or may",
    remedy: "Leave delta.appendOnly unset: it is for tables whose flow only ever appends.",
  },
  {
    of: ({ configuration }, { appendsOnly }) =>
      !appendsOnly && tableProperty(configuration, "delta.enableChangeDataFeed"),
    why: "replaces rows, or may, and writes no change files",
    remedy:
      "Leave delta.enableChangeDataFeed unset: what its commits change can be read without it, from the files that they add and remove.",
  },
  {
    of: ({ configuration }) => configuration["delta.setTransactionRetentionDuration"] !== undefined,
    why: "tells its batches by records that delta.setTransactionRetentionDuration would let expire",
    remedy: "Leave it unset.",
  },
];
