import { mkdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const heartbeatMs = 1_000;
const deadAfterMs = 15_000;
const reportEveryMs = 1_500;

/**
 * Runs `work` while no other launcher works on the same folder; waits for the other one, saying so.
 *
 * The lock is a folder, because making one succeeds exactly once. Its holder touches it every second: one that has not
 * been touched for longer belongs to a launcher that was killed, and is taken over.
 */
export async function withLock(folder, work) {
  const path = join(folder, ".install-lock");
  await acquire(path);
  const heartbeat = setInterval(() => utimesSync(path, new Date(), new Date()), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(path, { recursive: true, force: true });
  }
}

async function acquire(path) {
  for (let reportedMs = Date.now(); !tryMake(path);) {
    const ageMs = ageOf(path);
    if (ageMs > deadAfterMs) discard(path);
    else await sleep(200);
    if (Date.now() - reportedMs > reportEveryMs) {
      reportedMs = Date.now();
      process.stderr.write("dyne: waiting for another dyne that is installing …\n");
    }
  }
}

function tryMake(path) {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function ageOf(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Two may find the same dead lock: the rename lets one of them win. */
function discard(path) {
  const aside = `${path}-${process.pid}`;
  try {
    renameSync(path, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
