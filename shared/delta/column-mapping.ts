/** Under which names and ids the columns of a table are in its files and its log (PROTOCOL.md § Column Mapping). */
import { DyneError } from "../core/index.ts";
import type { Snapshot } from "./snapshot.ts";

/** By the names of the schema, by the physical names that its fields have, or by the ids that they have. */
export type ColumnMappingMode = "none" | "name" | "id";

/**
 * The mode of a table. The property counts only where the protocol has the feature (PROTOCOL.md § Reader Requirements for Column Mapping).
 * Throws LOG_CORRUPT for a mode that is none.
 */
export function columnMappingOf({ protocol, metadata }: Pick<Snapshot, "protocol" | "metadata">): ColumnMappingMode {
  const { minReaderVersion, readerFeatures = [] } = protocol;
  if (minReaderVersion !== 2 && !readerFeatures.includes("columnMapping")) return "none";
  const mode = metadata.configuration["delta.columnMapping.mode"] ?? "none";
  if (mode === "none" || mode === "name" || mode === "id") return mode;
  throw new DyneError(
    "LOG_CORRUPT",
    `The table's property delta.columnMapping.mode is "${mode}", which is none of none, name and id. Set it to what its files were written with.`,
  );
}
