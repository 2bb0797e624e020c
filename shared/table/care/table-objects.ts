/** What lies in the store below a table, its log left out. */
import type { ObjectMeta } from "../../storage/index.ts";
import { logFolder } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

export interface TableObject extends ObjectMeta {
  /** Below the table's root. */
  readonly relativePath: string;
}

/**
 * All objects below the table's root in the order of listings, but those of its log, whose many entries are passed over. Never directories,
 * also on accounts that list them. Errors: those of the store.
 */
export async function* tableObjects(table: DeltaTable, signal?: AbortSignal): AsyncGenerator<TableObject> {
  const root = `${table.path}/`;
  const log = `${logFolder(table.log)}/`;
  const passedOver = yield* until(table, root, undefined, log, signal);
  // The character after the slash: whatever is listed after it is not in the folder of the log.
  if (passedOver) yield* until(table, root, `${log.slice(0, -1)}0`, undefined, signal);
}

/** True where the listing was left because the folder began. */
async function* until(
  table: DeltaTable,
  root: string,
  after: string | undefined,
  folder: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<TableObject, boolean> {
  for await (const meta of table.log.store.list(root, { after, signal })) {
    if (folder !== undefined && meta.path.startsWith(folder)) return true;
    yield { ...meta, relativePath: meta.path.slice(root.length) };
  }
  return false;
}
