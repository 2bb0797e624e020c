/** The folder that a local run keeps everything in. One run owns it at a time, and with it all that a run that is gone has left behind. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DyneError } from "../../shared/core/index.ts";
import { endOwner, ownerOfLock, takeLock } from "../ownership/index.ts";

export interface DataFolder extends AsyncDisposable {
  readonly path: string;
}

/** The locks of a run's processes: each takes its own, and waits for the one before it. */
export const processLocks = (path: string) => ({
  storage: join(path, "storage", ".lock"),
  eventHubs: join(path, "lock.event-hubs"),
  functions: join(path, "lock.functions"),
});

/** Where the services of a running platform are. */
export const endpointsFile = (path: string): string => join(path, "endpoints.json");

/**
 * Takes a folder, created where absent. The lock of a process that is gone counts for nothing; what its children still do is ended, so that
 * nobody but the new owner works on the folder. Throws INVALID_ARGUMENT where another run owns it.
 */
export async function ownDataFolder(path: string): Promise<DataFolder> {
  await mkdir(path, { recursive: true });
  const file = join(path, "lock");
  const lock = await takeLock(file);
  if (lock.kind === "owned") {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${path} is in use by process ${lock.pid}. Stop it, or choose another folder with --data.`,
    );
  }
  try {
    for (const left of Object.values(processLocks(path))) await endOwner(left);
    await rm(endpointsFile(path), { force: true });
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
}

/** The process that owns a data folder now, this one included; undefined where nobody does. */
export async function ownerOf(path: string): Promise<number | undefined> {
  return ownerOfLock(join(path, "lock"));
}
