/**
 * A file that says which process owns something. It has one line: process id, an id of the claim, and when the process began.
 *
 *     4242 0b0e7d0c-4a0e-4b52-9d3c-5a8a9f0a7f11 2f6c…/8812345
 *
 * The lock of a process that is gone counts for nothing, also where another process has its id by now.
 */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { DyneError } from "../../shared/core/index.ts";
import { startOfProcess } from "./process-identity.ts";

/** A lock that is held; disposing of it gives it back. */
export interface HeldLock extends AsyncDisposable {
  readonly kind: "held";
}

/** What this process wrote into locks, so that it does not take its own for that of an earlier process. */
const claims = new Set<string>();
const attemptsMax = 5;
const retryMs = 20;
const endLimitMs = 10_000;

/** Takes a lock in an existing folder, or says which living process has it. Throws INVALID_ARGUMENT where the file cannot be had. */
export async function takeLock(path: string): Promise<HeldLock | { readonly kind: "owned"; readonly pid: number }> {
  const mine = `${path}.${randomUUID()}`;
  // A lock appears with its content, so that nobody takes one that is just being written for one that is left over.
  const claim = `${process.pid} ${randomUUID()} ${startOfProcess(process.pid) ?? ""}\n`;
  await writeFile(mine, claim);
  claims.add(claim);
  let taken = false;
  try {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (attempt > 1) await setTimeout(retryMs);
      taken = await linked(mine, path);
      if (taken) return held(claim, path);
      const content = await readFile(path, "utf8").catch(() => undefined);
      if (content === undefined) continue;
      const pid = ownerIn(content);
      if (pid !== undefined) return { kind: "owned", pid };
      taken = await takenOver(mine, path, content);
      if (taken) return held(claim, path);
    }
    throw new DyneError("INVALID_ARGUMENT", `${path} could not be taken. Choose another folder.`);
  } finally {
    if (!taken) claims.delete(claim);
    await rm(mine, { force: true });
  }
}

/** Takes a lock, waiting for its owner to end. Throws INVALID_ARGUMENT where that takes longer than ten seconds. */
export async function awaitLock(path: string): Promise<HeldLock> {
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    const lock = await takeLock(path);
    if (lock.kind === "held") return lock;
    if (waitedMs >= endLimitMs)
      throw new DyneError("INVALID_ARGUMENT", `${path} is held by process ${lock.pid}. Stop it first.`);
    await setTimeout(retryMs);
  }
}

/** The living process that holds a lock, this one included. */
export async function ownerOfLock(path: string): Promise<number | undefined> {
  return ownerIn(await readFile(path, "utf8").catch(() => ""));
}

/** Kills the process that holds a lock, unless it is this one, and waits until it is gone. What it keeps must survive that. */
export async function endOwner(path: string): Promise<void> {
  const pid = await ownerOfLock(path);
  if (pid === undefined || pid === process.pid) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
  for (let waitedMs = 0; (await ownerOfLock(path)) === pid; waitedMs += retryMs) {
    if (waitedMs >= endLimitMs)
      throw new DyneError("INVALID_ARGUMENT", `Process ${pid}, which an earlier run left behind, does not end.`);
    await setTimeout(retryMs);
  }
}

function held(claim: string, path: string): HeldLock {
  const release = async () => {
    if (claims.delete(claim)) await rm(path, { force: true });
  };
  return { kind: "held", [Symbol.asyncDispose]: release };
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
    if (content !== undefined && ownerIn(content) === undefined) await rm(guard, { force: true });
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

function ownerIn(content: string): number | undefined {
  const [id = "", , started] = content.trimEnd().split(" ");
  const pid = Number(id);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (pid === process.pid) return claims.has(content) ? pid : undefined;
  const running = startOfProcess(pid);
  return running !== undefined && (started === undefined || started === running) ? pid : undefined;
}
