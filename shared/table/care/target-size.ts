import { DyneError, limits } from "../../core/index.ts";
import { tableProperties, type Snapshot } from "../../delta/index.ts";

/**
 * What a data file of the table should have, in bytes: what is asked for, else the property `delta.targetFileSize` (`104857600`, `100mb`),
 * else `limits.targetFileBytes`. Throws INVALID_ARGUMENT for a size that is none.
 */
export function targetFileBytes({ metadata }: Pick<Snapshot, "metadata">, asked?: number): number {
  const text = metadata.configuration["delta.targetFileSize"];
  const bytes =
    asked ?? (text === undefined ? limits.targetFileBytes : tableProperties["delta.targetFileSize"].parse(text));
  if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new DyneError(
    "INVALID_ARGUMENT",
    asked === undefined
      ? `The table's property delta.targetFileSize is "${text}", which is no size. Set it to a number of bytes, or such as 128mb.`
      : `A file cannot have a target of ${asked} bytes. Use a whole number above 0.`,
  );
}
