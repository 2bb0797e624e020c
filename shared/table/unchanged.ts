import { assertWritable, type Snapshot } from "../delta/index.ts";
import type { DeltaTable } from "./delta-table.ts";

/**
 * What becomes of an operation that has nothing to do. A table that dyne does not write refuses it all the same, with UNSUPPORTED_FEATURE:
 * whether an operation may be done does not depend on how much there is to do.
 */
export function unchanged({ path }: Pick<DeltaTable, "path">, { version, protocol, metadata, schema }: Snapshot) {
  assertWritable(path, protocol, metadata, schema);
  return { kind: "unchanged", version } as const;
}
