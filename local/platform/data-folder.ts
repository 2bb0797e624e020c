/** The folder that a local run keeps everything in. One run owns it at a time. */
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DyneError } from "../../shared/core/index.ts";

export interface DataFolder extends AsyncDisposable {
  readonly path: string;
}

/** Takes a folder, created where absent. The lock of a process that is gone counts for nothing. Throws INVALID_ARGUMENT where another run owns it. */
export async function ownDataFolder(path: string): Promise<DataFolder> {
  await mkdir(path, { recursive: true });
  const lock = join(path, "lock");
  for (let attempt = 1; attempt <= 3; attempt++) {
    try {
      const file = await open(lock, "wx");
      await file.writeFile(`${process.pid}\n`);
      await file.close();
      return { path, [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = await ownerOf(path);
      if (owner !== undefined) {
        throw new DyneError(
          "INVALID_ARGUMENT",
          `${path} is in use by process ${owner}. Stop it, or choose another folder with --data.`,
        );
      }
      await rm(lock, { force: true });
    }
  }
  throw new DyneError("INVALID_ARGUMENT", `${path} could not be locked. Choose another folder with --data.`);
}

/** The process that owns a data folder now; undefined where nobody does. */
export async function ownerOf(path: string): Promise<number | undefined> {
  const owner = Number.parseInt(await readFile(join(path, "lock"), "utf8").catch(() => ""), 10);
  return Number.isInteger(owner) && owner !== process.pid && isAlive(owner) ? owner : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
