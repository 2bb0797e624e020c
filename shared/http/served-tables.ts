/** The tables that are served: those of the manifests, and what did not get into them, as `quarantine.<table>`. */
import { DyneError, isDyneError, sentence } from "../core/index.ts";
import type { Snapshot } from "../delta/index.ts";
import { manifest, type Pipeline } from "../pipeline/index.ts";
import type { DeltaTable, TableCatalog } from "../table/index.ts";

/** Snapshots that cursors come back to. Each holds the names of a version's files, and together they hold no more than so many. */
const pinnedMax = 32;
const pinnedFilesMax = 200_000;

/** Which version is asked for; the newest where neither is given. */
export interface AskedVersion {
  readonly version?: number | undefined;
  readonly timestampMs?: number | undefined;
}

export class ServedTables {
  readonly #paths: ReadonlyMap<string, string>;
  readonly #tables: TableCatalog;
  /** By path and version, in the order of last use. */
  readonly #pinned = new Map<string, Snapshot>();

  constructor(pipelines: readonly Pipeline[], tables: TableCatalog) {
    this.#tables = tables;
    this.#paths = new Map(
      pipelines.flatMap((pipeline) =>
        manifest(pipeline).tables.flatMap(({ name, path, quarantinePath }) => [
          [name, path] as const,
          ...(quarantinePath === null ? [] : [[`quarantine.${name}`, quarantinePath] as const]),
        ]),
      ),
    );
  }

  /** Throws TABLE_NOT_FOUND for a name that is not served. */
  table(name: string): DeltaTable {
    const path = this.#paths.get(name);
    if (path !== undefined) return this.#tables.open("lake", path);
    throw new DyneError(
      "TABLE_NOT_FOUND",
      `There is no table ${JSON.stringify(name.slice(0, 200))}. There are ${[...this.#paths.keys()].join(", ")}.`,
    );
  }

  /**
   * A version of a table. Errors: TABLE_NOT_FOUND where it has no data yet; VERSION_NOT_FOUND for one that never was; VERSION_GONE for one
   * that was cleaned away; those of reading Delta logs.
   */
  async snapshot(name: string, { version, timestampMs }: AskedVersion): Promise<Snapshot> {
    const table = this.table(name);
    const pinned = version === undefined ? undefined : this.#pinned.get(keyOf(table, version));
    // A table that was made anew has versions of its own by the same numbers.
    const newest = await (pinned === undefined ? table.find() : table.confirmed());
    if (newest === undefined)
      throw new DyneError("TABLE_NOT_FOUND", `${name} has no data yet. Let its flow run first.`);
    if (pinned?.metadata.id === newest.metadata.id) return this.#pin(table, pinned);
    return this.#pin(table, await versionOf(table, newest, { version, timestampMs }));
  }

  #pin(table: DeltaTable, snapshot: Snapshot): Snapshot {
    const key = keyOf(table, snapshot.version);
    this.#pinned.delete(key);
    this.#pinned.set(key, snapshot);
    let files = [...this.#pinned.values()].reduce((sum, each) => sum + each.files.size, 0);
    for (const [oldest, { files: its }] of this.#pinned) {
      if (this.#pinned.size === 1 || (this.#pinned.size <= pinnedMax && files <= pinnedFilesMax)) break;
      this.#pinned.delete(oldest);
      files -= its.size;
    }
    return snapshot;
  }
}

const keyOf = ({ path }: DeltaTable, version: number): string => `${path}@${version}`;

async function versionOf(
  table: DeltaTable,
  newest: Snapshot,
  { version, timestampMs }: AskedVersion,
): Promise<Snapshot> {
  if (version === undefined && timestampMs === undefined) return newest;
  try {
    return await (version === undefined ? table.asOf(timestampMs as number) : table.at(version));
  } catch (error) {
    if (!isDyneError(error, "VERSION_NOT_FOUND")) throw error;
    const oldest = Number(error.details["oldest"]);
    const isBefore = version === undefined || version < oldest;
    // A table whose log begins at its first version never had an earlier one.
    if (!isBefore || oldest === 0) throw error;
    throw new DyneError("VERSION_GONE", `${sentence(error)} What was before has been cleaned away.`, { cause: error });
  }
}
