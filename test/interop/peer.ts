/** Another implementation of Delta, in a process of its own that answers lines of JSON: see lines.py. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { followLines } from "../../shared/core/index.ts";

/** Spark plans a MERGE for seconds on a busy machine. */
const answerMsMax = 240_000;
/** The first start brings Spark's jars. */
const startMsMax = 600_000;
/** A whole table of the tests in one answer. */
const answerBytesMax = 256 * 1024 * 1024;
/** As much of what a process said on its standard error is kept for messages. */
const saidMax = 4_000;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** What a peer refuses or cannot do, in its own words. */
export class PeerError extends Error {
  override readonly name = "PeerError";
}

export class Peer implements AsyncDisposable {
  readonly name: string;
  /** Names and versions of what the peer is made of. */
  versions: Readonly<Record<string, string>> = {};
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #said = "";

  private constructor(name: string, python: string, args: readonly string[], folder: string) {
    this.name = name;
    this.#child = spawn(python, args, { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-saidMax);
    });
    this.#child.stdin.on("error", () => {
      // Whoever waits is told by the end of the process.
    });
    followLines(
      this.#child.stdout,
      answerBytesMax,
      (line) => this.#hear(line),
      (error) => this.#fail(error.message),
    );
    this.#child.on("error", (error) => this.#fail(error.message));
    this.#child.on("close", (code, signal) => this.#fail(`ended with ${code ?? signal}`));
  }

  /** Starts the program beside this file in a folder, and waits until it is ready. Throws what it said where it is not. */
  static async start(name: string, python: string, program: string, folder: string): Promise<Peer> {
    const peer = new Peer(name, python, [join(import.meta.dirname, program), folder], folder);
    try {
      peer.versions = (await peer.#answerTo(0, startMsMax)) as Record<string, string>;
      return peer;
    } catch (error) {
      await peer[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Asks for one operation. Throws PeerError with the peer's words where it refuses, an error where it does not answer in time. */
  async ask(op: string, request: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = this.#answerTo(id, answerMsMax);
    this.#child.stdin.write(`${JSON.stringify({ ...request, id, op })}\n`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const closed = once(this.#child, "close");
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    await closed;
    clearTimeout(timer);
  }

  #answerTo(id: number, msMax: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${this.name} did not answer within ${msMax / 1000} s. It said: ${this.#said}`));
      }, msMax);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  #hear(line: string): void {
    const { id, value, error } = JSON.parse(line) as { id: number; value?: unknown; error?: string };
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(value);
    else waiting.reject(new PeerError(error));
  }

  #fail(why: string): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error(`${this.name}: ${why}. It said: ${this.#said}`));
    }
    this.#waiting.clear();
  }
}
