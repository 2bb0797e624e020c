/** One DuckDB for all tests of a process: opening one takes longer than most tests. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDbCompute } from "../compute/index.ts";
import { seededRandom } from "../core/index.ts";

export interface SharedCompute {
  readonly compute: DuckDbCompute;
  /** A folder of the local disk, which goes with the process. */
  readonly directory: string;
}

let opening: Promise<SharedCompute> | undefined;

/** Opens it with the first call. It lasts as long as the process, which it does not keep from ending. */
export function sharedCompute(): Promise<SharedCompute> {
  opening ??= openShared();
  return opening;
}

async function openShared(): Promise<SharedCompute> {
  const directory = await mkdtemp(join(tmpdir(), "dyne-testing-"));
  const clear = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", clear);
  // Runners of tests end their workers by a signal, and nothing is told of the exit then.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.once(signal, () => {
      clear();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  const settings = { directory, memoryLimitMb: 512, threads: 1, cacheBytes: 64 * 1024 * 1024 };
  // Names of files come from it, and nothing that a test could see.
  return { compute: await DuckDbCompute.open(settings, seededRandom(1)), directory };
}
