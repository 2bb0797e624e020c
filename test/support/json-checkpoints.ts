/** Checkpoints as JSON, for tests of what is done with them: fast, and as true to the ports as Parquet. */
import { DyneError } from "../../shared/core/index.ts";
import type { CheckpointReader, CheckpointWriter } from "../../shared/delta/index.ts";

function rowsOf(path: string, bytes: Uint8Array): Record<string, unknown>[] {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>[];
  } catch (cause) {
    throw new DyneError("LOG_CORRUPT", `The checkpoint ${path} cannot be read.`, { cause });
  }
}

export const jsonCheckpoints: CheckpointReader & CheckpointWriter = {
  async *read(store, path) {
    const stored = await store.get(path);
    if (stored === undefined) throw new DyneError("LOG_CORRUPT", `The checkpoint ${path} is missing.`);
    yield rowsOf(path, stored.bytes);
  },
  async write(store, path, actions) {
    const bytes = new TextEncoder().encode(JSON.stringify([...actions]));
    await store.put(path, bytes);
    return { sizeBytes: bytes.byteLength };
  },
};
