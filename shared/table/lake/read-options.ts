/** What readers may ask for, checked before anything is read. */
import { DyneError } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import { unknownColumn } from "../../plan/index.ts";
import type { At } from "./table-options.ts";

/** Throws INVALID_ARGUMENT for what names no version, or two. */
export function assertAt({ version, timestamp }: At): void {
  if (version !== undefined && timestamp !== undefined)
    throw new DyneError("INVALID_ARGUMENT", "A version and a timestamp name two versions. Give one of them.");
  if (version !== undefined && !(Number.isSafeInteger(version) && version >= 0))
    throw new DyneError("INVALID_ARGUMENT", `${String(version)} is no version. Give a whole number from 0 on.`);
  if (timestamp !== undefined && Number.isNaN(timestamp.getTime()))
    throw new DyneError("INVALID_ARGUMENT", "The timestamp is an invalid Date. Give one with a time.");
}

/** Throws INVALID_ARGUMENT for what is no number of rows. */
export function assertLimit(limit: number | undefined): void {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 0)) return;
  throw new DyneError("INVALID_ARGUMENT", `${String(limit)} is no limit. Give a whole number from 0 on, or none.`);
}

/** Throws INVALID_ARGUMENT for no columns, or one twice; UNKNOWN_COLUMN for one that is not there. */
export function assertSelected({ schema }: Pick<Snapshot, "schema">, select: readonly string[] | undefined): void {
  if (select === undefined) return;
  const names = Object.keys(schema.fields);
  const unknown = select.find((name) => !Object.hasOwn(schema.fields, name));
  if (unknown !== undefined) throw unknownColumn(unknown, names, "select");
  if (select.length === 0)
    throw new DyneError("INVALID_ARGUMENT", "select names no column. Leave it out for all of them.");
  const twice = select.find((name, i) => select.indexOf(name) < i);
  if (twice !== undefined)
    throw new DyneError("INVALID_ARGUMENT", `select names ${twice} twice, and a row can have it once.`);
}
