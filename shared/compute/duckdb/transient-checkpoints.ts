import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { ParquetCheckpoints, type CheckpointFiles } from "./parquet-checkpoints.ts";

/**
 * Reads and writes checkpoints for whoever opens a table now and then, such as a command: by a DuckDB that is opened when it is needed, and
 * closed again when all that was begun is done. The parts of one checkpoint, and tables that are opened side by side, share it.
 */
export function transientCheckpoints(): CheckpointFiles {
  const duckDb = new TransientDuckDb();
  return new ParquetCheckpoints((work) => duckDb.use(work));
}

/** A DuckDB in a folder of the local disk, both there while they are used. */
class TransientDuckDb {
  #opened: OpenedDuckDb | undefined;
  #users = 0;

  /** Lends a connection, which may have to be opened first, and a folder of its own. */
  async use<T>(work: (connected: Promise<DuckDBConnection>, folder: string) => Promise<T>): Promise<T> {
    this.#users++;
    this.#opened ??= openDuckDb();
    const opened = this.#opened;
    const connected = opened.instance.then((instance) => instance.connect());
    try {
      const folder = await mkdtemp(join(await opened.folder, "checkpoint-"));
      try {
        const [result] = await Promise.all([work(connected, folder), connected]);
        return result;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    } finally {
      const [connection] = await Promise.allSettled([connected]);
      if (connection.status === "fulfilled") connection.value.closeSync();
      this.#users--;
      await this.#closeUnused(opened);
    }
  }

  /** Closing holds up everything for as long as a small query: it waits for a pause, in which somebody may come back. */
  async #closeUnused(opened: OpenedDuckDb): Promise<void> {
    const [instance, folder] = await Promise.allSettled([opened.instance, opened.folder]);
    setImmediate(() => {
      if (this.#users > 0 || this.#opened !== opened) return;
      this.#opened = undefined;
      if (instance.status === "fulfilled") instance.value.closeSync();
      if (folder.status === "fulfilled") rmSync(folder.value, { recursive: true, force: true });
    });
  }
}

interface OpenedDuckDb {
  readonly folder: Promise<string>;
  readonly instance: Promise<DuckDBInstance>;
}

function openDuckDb(): OpenedDuckDb {
  const folder = mkdtemp(join(tmpdir(), "dyne-checkpoints-"));
  return {
    folder,
    instance: folder.then((path) =>
      DuckDBInstance.create(":memory:", { threads: "1", temp_directory: join(path, "spilled") }),
    ),
  };
}
