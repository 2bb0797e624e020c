import { DyneError, limits } from "../../core/index.ts";
import { tableProperty, type Snapshot } from "../../delta/index.ts";

/**
 * What a data file of the table should have, in bytes: what is asked for, else the property `delta.targetFileSize`, else
 * `limits.targetFileBytes`. Throws INVALID_ARGUMENT for a size that is none.
 */
export function targetFileBytes({ metadata }: Pick<Snapshot, "metadata">, asked?: number): number {
  const bytes = asked ?? tableProperty(metadata.configuration, "delta.targetFileSize") ?? limits.targetFileBytes;
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `A file cannot have a target of ${bytes} bytes. Use a whole number above 0, or set delta.targetFileSize to such as 128mb.`,
  );
}
