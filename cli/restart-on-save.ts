/** Runs a command of this program, and runs it again whenever a file of the pipelines is saved. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./dyne.ts", import.meta.url));
const pipelines = fileURLToPath(new URL("../pipelines", import.meta.url));

const lookMs = 300;
/** The exit code of a command that was used wrongly. */
const usedWrongly = 2;

/**
 * Gives the exit code of the last run, once it was asked to end. One that ends by itself waits for the next save, but for a first one that was
 * used wrongly, as on a folder that another process has: no save helps there.
 */
export async function restartOnSave(args: readonly string[], say: (text: string) => void): Promise<number> {
  using saves = new Saves();
  const asked = Promise.withResolvers<NodeJS.Signals>();
  let isAsked = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      isAsked = true;
      asked.resolve(signal);
    });
  }
  for (let runs = 1; ; runs++) {
    saves.seen();
    // By the channel it learns of this process's end, however that comes.
    const child = spawn(process.execPath, [program, ...args], { stdio: ["inherit", "inherit", "inherit", "ipc"] });
    const ended = once(child, "exit").then(([code]) => (typeof code === "number" ? code : 1));
    const what = await Promise.race([asked.promise, saves.next, ended]);
    if (what === "saved") {
      say("a pipeline was saved; starting again …");
      const code = await stopped(child, "SIGINT");
      if (isAsked) return code;
    } else if (typeof what === "string") {
      return await stopped(child, what === "SIGINT" && process.stdin.isTTY ? undefined : what);
    } else if (what === usedWrongly && runs === 1) {
      return what;
    } else {
      say(`it ended with ${what}; it starts again when a file in pipelines/ is saved, and Ctrl-C stops`);
      if ((await Promise.race([asked.promise, saves.next])) !== "saved") return what;
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

/**
 * Saves of TypeScript files below `pipelines/`. They are looked for again and again, because a watch of the file system loses files that an
 * editor replaces.
 */
class Saves implements Disposable {
  #stamp = stampOf();
  #next = Promise.withResolvers<"saved">();
  readonly #timer = setInterval(() => {
    if (stampOf() !== this.#stamp) this.#next.resolve("saved");
  }, lookMs);

  /** Resolves with the next save after `seen`. */
  get next(): Promise<"saved"> {
    return this.#next.promise;
  }

  /** Takes the files as they are now for known. */
  seen(): void {
    this.#stamp = stampOf();
    this.#next = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** What tells one state of the files from another. */
function stampOf(): string {
  const files = readdirSync(pipelines, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files
    .toSorted()
    .map((name) => {
      const found = statSync(join(pipelines, name), { throwIfNoEntry: false });
      return `${name} ${found?.mtimeMs} ${found?.size} ${found?.ino}`;
    })
    .join("\n");
}
