/** What work does in memory, whatever the machine: whatever copies a collection is seen by the entries that it puts into another. */
import { ActiveFiles } from "../../shared/delta/index.ts";

export interface CountedWork {
  /** Put into any map or set. */
  readonly entries: number;
  /** Iterations begun over the active files of a snapshot. */
  readonly walks: number;
}

/** Counts until the work is done. Nothing else may run meanwhile. */
export async function countedWork(work: () => unknown): Promise<CountedWork> {
  let entries = 0;
  let walks = 0;
  using _set = observed(Map.prototype, "set", () => entries++);
  using _add = observed(Set.prototype, "add", () => entries++);
  using _iterate = observed(ActiveFiles.prototype, Symbol.iterator, () => walks++);
  await work();
  return { entries, walks };
}

type Method = (this: object, ...args: unknown[]) => unknown;

/** Has a method tell of its calls until it is disposed of. */
function observed(prototype: object, name: PropertyKey, onCall: () => void): Disposable {
  const before = Object.getOwnPropertyDescriptor(prototype, name)!;
  const method = before.value as Method;
  const value: Method = function (...args) {
    onCall();
    return method.apply(this, args);
  };
  Object.defineProperty(prototype, name, { ...before, value });
  return { [Symbol.dispose]: () => void Object.defineProperty(prototype, name, before) };
}
