/** Runs a command of this program, and runs it again whenever a file of the pipelines is saved. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./dyne.ts", import.meta.url));
const pipelines = fileURLToPath(new URL("../pipelines", import.meta.url));

/** Editors write a file in several steps. */
const settleMs = 200;

/** Gives the exit code of the last run, once it was asked to end. One that ends by itself waits for the next save. */
export async function restartOnSave(args: readonly string[], say: (text: string) => void): Promise<number> {
  using saves = watchSaves();
  const asked = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => asked.resolve(signal));
  for (;;) {
    // By the channel it learns of this process's end, however that comes.
    const child = spawn(process.execPath, [program, ...args], { stdio: ["inherit", "inherit", "inherit", "ipc"] });
    const ended = once(child, "exit").then(([code]) => (typeof code === "number" ? code : 1));
    const what = await Promise.race([asked.promise, saves.next(), ended]);
    if (what === "saved") {
      say("a pipeline was saved; starting again …");
      await stopped(child, "SIGINT");
    } else if (typeof what === "string") {
      return await stopped(child, what === "SIGINT" && process.stdin.isTTY ? undefined : what);
    } else {
      say(`it ended with ${what}; it starts again when a file in pipelines/ is saved, and Ctrl-C stops`);
      if ((await Promise.race([asked.promise, saves.next()])) !== "saved") return what;
    }
  }
}

/** Waits for a child's end, which a signal asks for; a terminal's Ctrl-C has reached the child already. Gives its exit code. */
async function stopped(child: ChildProcess, signal: NodeJS.Signals | undefined): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    if (signal !== undefined) child.kill(signal);
    await ended;
  }
  return child.exitCode ?? 1;
}

/** Saves of TypeScript files below `pipelines/`; those that come while nobody waits count as one. */
function watchSaves(): { next(): Promise<"saved">; [Symbol.dispose](): void } {
  let saved = Promise.withResolvers<void>();
  const watcher = watch(pipelines, { recursive: true }, (_event, name) => {
    if (name?.endsWith(".ts") === true) saved.resolve();
  });
  return {
    next: async () => {
      await saved.promise;
      await sleep(settleMs);
      saved = Promise.withResolvers<void>();
      return "saved";
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}
