import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { DyneError } from "../../shared/core/index.ts";
import type { CheckpointReader } from "../../shared/delta/index.ts";

/** Reads Parquet checkpoints by DuckDB, row by row as JSON: enough for tests of the log. */
export const duckdbCheckpointReader: CheckpointReader = {
  async *read(store, path) {
    const folder = await mkdtemp(join(tmpdir(), "dyne-checkpoint-"));
    try {
      const local = join(folder, "checkpoint.parquet");
      if (!(await store.downloadFile(path, local)))
        throw new DyneError("LOG_CORRUPT", `The checkpoint ${path} is missing.`);
      for (const row of await rowsOf(local)) yield JSON.parse(row) as Record<string, unknown>;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

async function rowsOf(local: string): Promise<readonly string[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(`SELECT CAST(to_json(c) AS VARCHAR) FROM read_parquet('${local}') c`);
    return reader.getRows().map(([json]) => String(json));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
