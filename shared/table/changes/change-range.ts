/** Which versions a reader of changes asks for: by number or by time, as Spark's startingVersion, startingTimestamp and their ends. */
import { DyneError, isDyneError } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/** Versions `from` to `to`, both included. */
export interface ChangeRange {
  /** A version; or a time, which stands for the first version that was committed then or later. */
  readonly from: number | Date;
  /** A version; or a time, which stands for the last version that was committed by then. The newest version where absent. */
  readonly to?: number | Date | undefined;
}

/** The versions as numbers; none where `from` is `to + 1`. */
export interface VersionSpan {
  readonly from: number;
  readonly to: number;
  /** The table at `to`; at its newest version where there is nothing to read. */
  readonly end: Snapshot;
  readonly newest: Snapshot;
}

/**
 * Finds the versions of a range. A range of times between two commits has none, and neither has one from the version after the newest on
 * without an end: nothing happened.
 *
 * Errors: INVALID_ARGUMENT for what is no version or time, and for a range that ends before it begins; VERSION_NOT_FOUND for versions that
 * are not there, and for an end before the oldest; DATA_LOSS for a beginning before the oldest of a log that was cleaned; TABLE_NOT_FOUND.
 */
export async function versionSpan(table: DeltaTable, range: ChangeRange): Promise<VersionSpan> {
  assertOrder(range);
  const newest = await table.latest();
  const from = await firstVersion(table, range.from, newest);
  const to = await lastVersion(table, range.to, newest);
  const isOpen = range.to === undefined || (range.from instanceof Date && range.to instanceof Date);
  if (from === to + 1 && isOpen) return { from, to, end: newest, newest };
  if (from > newest.version) throw noVersion(table, from, newest);
  if (from > to) throw backwards(range, `versions ${from} to ${to}`);
  return { from, to, end: to === newest.version ? newest : await table.at(to), newest };
}

function assertOrder({ from, to }: ChangeRange): void {
  for (const bound of [from, to]) {
    if (bound === undefined) continue;
    const isValid = bound instanceof Date ? !Number.isNaN(bound.getTime()) : Number.isSafeInteger(bound) && bound >= 0;
    if (!isValid)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `Changes are read from one version to another, and "${String(bound)}" is none. Give a whole number from 0 on, or a time.`,
      );
  }
  if (typeof from === "number" && typeof to === "number" && from > to)
    throw backwards({ from, to }, `versions ${from} to ${to}`);
  if (from instanceof Date && to instanceof Date && from > to)
    throw backwards({ from, to }, `${from.toISOString()} to ${to.toISOString()}`);
}

async function firstVersion(table: DeltaTable, from: number | Date, newest: Snapshot): Promise<number> {
  if (typeof from === "number") return from;
  if (from.getTime() > newest.timestampMs) return newest.version + 1;
  try {
    return (await table.asOf(from.getTime() - 1)).version + 1;
  } catch (error) {
    if (!isDyneError(error, "VERSION_NOT_FOUND")) throw error;
    if (error.details["oldest"] === 0) return 0;
    throw new DyneError(
      "DATA_LOSS",
      `What happened to ${table.path} from ${from.toISOString()} on is not all in its log any more: ${error.message}`,
      { cause: error, details: error.details },
    );
  }
}

async function lastVersion(table: DeltaTable, to: number | Date | undefined, newest: Snapshot): Promise<number> {
  if (to === undefined) return newest.version;
  if (to instanceof Date)
    return to.getTime() >= newest.timestampMs ? newest.version : (await table.asOf(to.getTime())).version;
  if (to > newest.version) throw noVersion(table, to, newest);
  return to;
}

function noVersion(table: DeltaTable, version: number, newest: Snapshot): DyneError {
  return new DyneError(
    "VERSION_NOT_FOUND",
    `The table ${table.path} has no version ${version}: its newest is ${newest.version}. Read its changes up to that one.`,
    { details: { version, newest: newest.version } },
  );
}

function backwards(range: ChangeRange, text: string): DyneError {
  return new DyneError("INVALID_ARGUMENT", `The range of changes ends before it begins: ${text}. Swap its ends.`, {
    details: { from: range.from, to: range.to },
  });
}
