/** A process with all that it has started, at whatever depth and in whatever process group. */
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const goneLimitMs = 10_000;

/**
 * Kills a process of the caller's and all its descendants by SIGKILL as if at once: each is stopped before the first is killed, so that none
 * sees another die. Resolves with how many there were, when all are gone.
 */
export async function killTree(root: number): Promise<number> {
  const stopped = new Set<number>();
  for (let found = [root]; found.length > 0; found = below(stopped).filter((pid) => !stopped.has(pid))) {
    for (const pid of found) {
      signal(pid, "SIGSTOP");
      stopped.add(pid);
    }
  }
  for (const pid of stopped) signal(pid, "SIGKILL");
  const startedMs = performance.now();
  while ([...stopped].some(runs)) {
    if (performance.now() - startedMs > goneLimitMs)
      throw new Error(`killed processes do not end: ${[...stopped].join(", ")}`);
    await sleep(20);
  }
  return stopped.size;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

function processes(): Process[] {
  return execFileSync("ps", ["-eo", "pid=,ppid=,stat="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state = ""]) => ({ pid: Number(pid), parent: Number(parent), state }));
}

const below = (parents: ReadonlySet<number>): number[] =>
  processes()
    .filter(({ parent }) => parents.has(parent))
    .map(({ pid }) => pid);

/** One that has ended and only waits to be collected does not run. */
const runs = (pid: number): boolean => processes().some((each) => each.pid === pid && !each.state.startsWith("Z"));

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended by itself.
  }
}
