/** Rows of one data file that are rows of the table no longer, by their positions in the file. */
import { DyneError, limits } from "../../core/index.ts";

/** Immutable by agreement, as all data here is. */
export interface DeletedRows {
  /** How many there are: the length of `rows`. */
  readonly count: number;
  /** Positions in the file, from 0, ascending, each once. */
  readonly rows: Float64Array;
}

/** None of a file's rows. */
export const noDeletedRows: DeletedRows = { count: 0, rows: new Float64Array() };

/**
 * The rows at these positions, in any order and as often as they come, beside those that are deleted already.
 * Throws INVALID_ARGUMENT for what is no position, LIMIT_EXCEEDED for more rows than one file may lose by a vector.
 */
export function deletedRowsOf(positions: Iterable<number>, already: DeletedRows = noDeletedRows): DeletedRows {
  const added = Float64Array.from(positions);
  if (!added.every((position) => Number.isSafeInteger(position) && position >= 0))
    throw new DyneError(
      "INVALID_ARGUMENT",
      "A row to delete is not named by its position in the file, counted from 0.",
    );
  const all = new Float64Array(already.count + added.length);
  all.set(already.rows);
  all.set(added, already.count);
  all.sort();
  let count = 0;
  for (const position of all) {
    if (count > 0 && all[count - 1] === position) continue;
    all[count++] = position;
  }
  if (count > limits.deletedRowsMax)
    throw new DyneError(
      "LIMIT_EXCEEDED",
      `${count} rows of one file would be deleted by a vector, more than ${limits.deletedRowsMax}. Rewrite the file without them.`,
    );
  return { count, rows: all.slice(0, count) };
}
