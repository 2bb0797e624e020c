/** The folder that a local run keeps everything in. One run owns it at a time, by a file `lock` with its process id and an id of its own. */
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DyneError } from "../../shared/core/index.ts";

export interface DataFolder extends AsyncDisposable {
  readonly path: string;
}

/** What this process wrote into locks: its id alone may also be that of an earlier process, whose number was given again. */
const claims = new Set<string>();
const attemptsMax = 5;
const retryMs = 20;

/** Takes a folder, created where absent. The lock of a process that is gone counts for nothing. Throws INVALID_ARGUMENT where another run owns it. */
export async function ownDataFolder(path: string): Promise<DataFolder> {
  await mkdir(path, { recursive: true });
  const lock = join(path, "lock");
  const mine = join(path, `lock.${randomUUID()}`);
  // A lock appears with its content, so that nobody takes one that is just being written for one that is left over.
  const claim = `${process.pid} ${randomUUID()}\n`;
  await writeFile(mine, claim);
  claims.add(claim);
  let taken = false;
  try {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (attempt > 1) await setTimeout(retryMs);
      taken = await linked(mine, lock);
      if (taken) return { path, [Symbol.asyncDispose]: () => release(claim, lock) };
      const content = await readFile(lock, "utf8").catch(() => undefined);
      if (content === undefined) continue;
      const owner = aliveOwner(content);
      if (owner !== undefined) {
        throw new DyneError(
          "INVALID_ARGUMENT",
          `${path} is in use by process ${owner}. Stop it, or choose another folder with --data. If that process is something else, remove ${lock}.`,
        );
      }
      taken = await takenOver(mine, lock, content);
      if (taken) return { path, [Symbol.asyncDispose]: () => release(claim, lock) };
    }
    throw new DyneError("INVALID_ARGUMENT", `${path} could not be locked. Choose another folder with --data.`);
  } finally {
    if (!taken) claims.delete(claim);
    await rm(mine, { force: true });
  }
}

/** The process that owns a data folder now, this one included; undefined where nobody does. */
export async function ownerOf(path: string): Promise<number | undefined> {
  const content = await readFile(join(path, "lock"), "utf8").catch(() => "");
  return aliveOwner(content);
}

async function release(claim: string, lock: string): Promise<void> {
  if (!claims.has(claim)) return;
  await rm(lock, { force: true });
  claims.delete(claim);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Puts a claim in the place of a lock that is left over; false where that is no longer the lock that is there. Who does so holds a lock of
 * its own meanwhile, and the lock never disappears, so that of several one succeeds.
 */
async function takenOver(mine: string, lock: string, leftOver: string): Promise<boolean> {
  const guard = `${lock}.takeover`;
  if (!(await linked(mine, guard))) {
    const content = await readFile(guard, "utf8").catch(() => undefined);
    if (content !== undefined && aliveOwner(content) === undefined) await rm(guard, { force: true });
    return false;
  }
  try {
    if ((await readFile(lock, "utf8").catch(() => undefined)) !== leftOver) return false;
    await rename(mine, lock);
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

function aliveOwner(content: string): number | undefined {
  const pid = Number.parseInt(content, 10);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (pid === process.pid) return claims.has(content) ? pid : undefined;
  return isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
