import type { Snapshot } from "../delta/index.ts";

/**
 * Snapshots of tables between two looks at them, so that a look reads the new commits alone. Of those that were looked at last, as many as
 * have no more files than `filesMax` together; a larger one is opened anew. One for all engines of an instance.
 */
export class CareSnapshots {
  readonly #filesMax: number;
  /** By path, those that were looked at first in front. */
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(filesMax: number) {
    this.#filesMax = filesMax;
  }

  /** The newer one of what was kept and what somebody else has of the table: files that both have are in memory once. */
  newest(path: string, known: Snapshot | undefined): Snapshot | undefined {
    const kept = this.#snapshots.get(path);
    const newest = kept === undefined || (known?.version ?? -1) > kept.version ? known : kept;
    // Without the etag of its commit nothing tells a table from one that was made anew in its place.
    return newest?.etag === undefined ? undefined : newest;
  }

  keep(path: string, snapshot: Snapshot): void {
    this.#snapshots.delete(path);
    // One that is too large alone leaves the others where they are.
    if (snapshot.files.size > this.#filesMax) return;
    this.#snapshots.set(path, snapshot);
    let files = [...this.#snapshots.values()].reduce((sum, each) => sum + each.files.size, 0);
    for (const [first, { files: its }] of this.#snapshots) {
      if (files <= this.#filesMax) return;
      this.#snapshots.delete(first);
      files -= its.size;
    }
  }

  /** How many are kept. */
  get size(): number {
    return this.#snapshots.size;
  }
}
