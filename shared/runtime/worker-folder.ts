/** The folder of this worker on the local disk: caches, spill, copies of landed files. Nothing in it must survive. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

export interface WorkerFolder extends AsyncDisposable {
  readonly path: string;
}

const namePattern = /^worker-(\d+)$/;

/**
 * Makes the folder below `directory`, empty. What workers that are gone left there is removed: crashes must not fill an instance's disk.
 * At most one per process and directory.
 */
export async function openWorkerFolder(directory: string): Promise<WorkerFolder> {
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) {
    const owner = namePattern.exec(name)?.[1];
    if (owner === undefined || isAnotherAlive(Number(owner))) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
  const path = join(directory, `worker-${process.pid}`);
  await mkdir(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function isAnotherAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
