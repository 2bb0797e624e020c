/** What may happen to an instance: it dies at any call, or another one works beside it. And how to come back to a moment before. */
import { readFile } from "node:fs/promises";
import { isDyneError, type Random } from "../../shared/core/index.ts";
import type { ObjectStore } from "../../shared/storage/index.ts";
import { Crash, isCrash } from "../../shared/testing/crash.ts";
import { aroundStore, type Around } from "../../shared/testing/store-calls.ts";

export { aroundStore, Crash, isCrash, type Around };

/** A store on which everybody gets every lease and keeps it. */
export function withoutLeases(store: ObjectStore): ObjectStore {
  return {
    ...aroundStore(store, (_operation, work) => work()),
    acquireLease: async () => ({ renew: async () => true, release: async () => {} }),
  };
}

/** True where a queue would answer by delivering again: nothing but a service that was not available. */
export function isPassing(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isPassing);
  return isDyneError(error) && error.kind === "unavailable";
}

/** For `catch`: lets the death pass, and nothing else. */
export function expectCrash(error: unknown): void {
  if (!isCrash(error)) throw error;
}

/** The instance dies when it is about to write an outcome of the flow. */
export function dyingAtOutcome(flow: string, batch?: number): (store: ObjectStore) => ObjectStore {
  const name = batch === undefined ? "" : String(batch).padStart(20, "0");
  return dyingAt((path) => path.startsWith(`checkpoints/${flow}/`) && path.includes(`/outcome/${name}`));
}

/** The instance dies when it is about to commit to the table of this path. */
export function dyingAtCommit(tablePath: string): (store: ObjectStore) => ObjectStore {
  return dyingAt((path) => path.startsWith(`${tablePath}/_delta_log/`) && !path.endsWith("/00000000000000000000.json"));
}

function dyingAt(isLast: (path: string) => boolean): (store: ObjectStore) => ObjectStore {
  let place: string | undefined;
  return (store) =>
    aroundStore(store, async ({ path, writes }, work) => {
      if (writes && isLast(path)) place ??= path;
      if (place !== undefined) throw new Crash(`before the write of ${place}`);
      return work();
    });
}

/** Lets an instance die at its `at`-th call, before or after the call has its effect. The dead do nothing more. */
export class CrashPoint {
  readonly #at: number;
  readonly #moment: "before" | "after";
  #calls = 0;
  #place: string | undefined;

  constructor(at: number, moment: "before" | "after") {
    this.#at = at;
    this.#moment = moment;
  }

  /** Calls that were made while it lived. */
  get calls(): number {
    return this.#calls;
  }

  /** Where it died; undefined while it lives. */
  get place(): string | undefined {
    return this.#place;
  }

  readonly around: Around = async ({ name, path }, work) => {
    if (this.#place !== undefined) throw new Crash(`after the death at ${this.#place}`);
    this.#calls++;
    if (this.#calls !== this.#at) return work();
    this.#place = `${this.#moment} call ${this.#at}, ${name} ${path}`;
    if (this.#moment === "after") await work();
    throw new Crash(this.#place);
  };
}

/** Writes down every change of a store, so that the store can be made again as it was at any moment. */
export class Journal {
  readonly #changes: { readonly atMs: number; readonly again: (store: ObjectStore) => Promise<unknown> }[] = [];

  /** A place to come back to. */
  get length(): number {
    return this.#changes.length;
  }

  /** Makes the first changes again, at the times at which they were made; etags come out the same. */
  async replay(store: ObjectStore, length: number, atTime: (ms: number) => void): Promise<void> {
    for (const { atMs, again } of this.#changes.slice(0, length)) {
      atTime(atMs);
      await again(store);
    }
  }

  /** The store, written down from now on. */
  of(inner: ObjectStore, nowMs: () => number): ObjectStore {
    const note = (again: (store: ObjectStore) => Promise<unknown>): void =>
      void this.#changes.push({ atMs: nowMs(), again });
    const own = <K extends keyof ObjectStore>(name: K): ObjectStore[K] => inner[name].bind(inner) as ObjectStore[K];
    return {
      get: own("get"),
      getRange: own("getRange"),
      head: own("head"),
      downloadFile: own("downloadFile"),
      list: own("list"),
      pathOf: own("pathOf"),
      put: (path, bytes) => {
        note((store) => store.put(path, bytes));
        return inner.put(path, bytes);
      },
      putIfAbsent: (path, bytes) => {
        note((store) => store.putIfAbsent(path, bytes));
        return inner.putIfAbsent(path, bytes);
      },
      putIfMatch: (path, bytes, etag) => {
        note((store) => store.putIfMatch(path, bytes, etag));
        return inner.putIfMatch(path, bytes, etag);
      },
      uploadFile: async (path, file) => {
        const bytes = await readFile(file);
        note((store) => store.put(path, bytes));
        return inner.put(path, bytes);
      },
      delete: (path) => {
        note((store) => store.delete(path));
        return inner.delete(path);
      },
      acquireLease: async (path, seconds) => {
        const lease = await inner.acquireLease(path, seconds);
        if (lease === undefined) return undefined;
        note(async (store) => (await store.acquireLease(path, seconds))?.release());
        return lease;
      },
    };
  }
}

/** Lets one of several instances work at a time; at every call of a store a throw of the dice says who goes on. */
export class Baton {
  readonly #random: Random;
  readonly #names: readonly string[];
  readonly #passRate: number;
  #alive: string[] = [];
  #frozen = new Set<string>();
  #holder = "";
  #passes = 0;
  #waiting: (() => void)[] = [];

  constructor(random: Random, names: readonly string[], passRate = 0.3) {
    this.#random = random;
    this.#names = names;
    this.#passRate = passRate;
  }

  /** How often the dice were thrown for who goes on. */
  get passes(): number {
    return this.#passes;
  }

  /** All of them start together, each with one `run`. */
  begin(): void {
    this.#alive = [...this.#names];
    this.#frozen = new Set();
    this.#pass();
  }

  around(name: string): Around {
    return async (_operation, work) => {
      await this.turn(name);
      return work();
    };
  }

  /** Takes part until `work` is done. */
  async run(name: string, work: () => Promise<void>): Promise<void> {
    try {
      // Not even its first steps are taken before it is its turn.
      await this.#wait(name);
      await work();
    } finally {
      this.#alive.splice(this.#alive.indexOf(name), 1);
      if (this.#holder === name) this.#pass();
    }
  }

  /** From its next call on it stands still, until all others have ended or stand still too. */
  freeze(name: string): void {
    this.#frozen.add(name);
    if (this.#holder === name) this.#pass();
  }

  /** Returns when the instance may go on. */
  async turn(name: string): Promise<void> {
    if (this.#holder === name && this.#random.next() < this.#passRate) this.#pass();
    await this.#wait(name);
  }

  async #wait(name: string): Promise<void> {
    while (this.#holder !== name && this.#alive.includes(name)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #pass(): void {
    this.#passes++;
    const able = this.#alive.filter((name) => !this.#frozen.has(name));
    const among = able.length > 0 ? able : this.#alive;
    this.#holder = among[Math.floor(this.#random.next() * among.length)] ?? "";
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
