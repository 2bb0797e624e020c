import { limits } from "../core/index.ts";
import type { ObjectStore } from "./object-store.ts";

/** Deletes objects in the order given, a few at once. Returns how many there were. Safe to repeat. */
export async function deleteAll(store: ObjectStore, paths: readonly string[]): Promise<number> {
  for (let start = 0; start < paths.length; start += limits.deletesAtOnce) {
    await Promise.all(paths.slice(start, start + limits.deletesAtOnce).map((path) => store.delete(path)));
  }
  return paths.length;
}
