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

/** A DuckDB that is there while it is used. */
class TransientDuckDb {
  #instance: Promise<DuckDBInstance> | undefined;
  #users = 0;

  /** Lends a connection, which may have to be opened first, and a folder of the local disk, which is gone afterwards. */
  async use<T>(work: (connected: Promise<DuckDBConnection>, folder: string) => Promise<T>): Promise<T> {
    this.#users++;
    const folder = mkdtemp(join(tmpdir(), "dyne-checkpoint-"));
    this.#instance ??= folder.then((path) => openDuckDb(`${path}-spilled`));
    const instance = this.#instance;
    const connected = instance.then((opened) => opened.connect());
    const done = folder.then((path) => work(connected, path));
    try {
      const [result] = await Promise.all([done, connected]);
      return result;
    } finally {
      // Nothing goes on after an error: not the work for a connection that never comes, nor what was opened for work that fails.
      const [made, opened, connection] = await Promise.allSettled([folder, instance, connected, done]);
      if (opened.status === "rejected" && this.#instance === instance) this.#instance = undefined;
      try {
        if (made.status === "fulfilled") await rm(made.value, { recursive: true, force: true });
      } finally {
        this.#users--;
        // Closing holds up everything for as long as a small query: it waits for a pause, in which somebody may come back.
        setImmediate(() => {
          if (this.#users > 0 || this.#instance !== instance) return;
          this.#instance = undefined;
          if (opened.status === "fulfilled") opened.value.closeSync();
        });
        if (connection.status === "fulfilled") connection.value.closeSync();
      }
    }
  }
}

/** What does not fit into memory goes to a folder that DuckDB makes when it needs it, and removes when it is closed. */
async function openDuckDb(spillFolder: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(":memory:", { threads: "1", temp_directory: spillFolder });
}
