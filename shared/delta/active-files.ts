import type { AddFile, RemoveFile } from "./actions.ts";
import { fileKey } from "./file-path.ts";

type Layer = ReadonlyMap<string, AddFile | undefined>;

/**
 * The active files of a snapshot, immutable. A new version lays its few changes over those before it; layers of similar size are
 * melted together, so that a commit costs about as much as its own actions, and a look-up a handful of map accesses.
 */
export class ActiveFiles implements Iterable<AddFile> {
  /** Newest first; undefined marks a file that an older layer has and this version has not. */
  readonly #layers: readonly Layer[];
  readonly size: number;

  private constructor(layers: readonly Layer[], size: number) {
    this.#layers = layers;
    this.size = size;
  }

  static readonly empty = new ActiveFiles([], 0);

  /** The file with this key (see `fileKey`), if it is active. */
  get(key: string): AddFile | undefined {
    for (const layer of this.#layers) {
      if (layer.has(key)) return layer.get(key);
    }
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Files from the oldest to the newest, roughly. */
  *[Symbol.iterator](): Iterator<AddFile> {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      for (const [key, file] of this.#layers[i]!) {
        if (file !== undefined && !this.#layers.slice(0, i).some((newer) => newer.has(key))) yield file;
      }
    }
  }

  /** The files after a commit: its removes, then its adds (PROTOCOL.md § Action Reconciliation; within a commit order means nothing). */
  after(removes: readonly Pick<RemoveFile, "path" | "deletionVector">[], adds: readonly AddFile[]): ActiveFiles {
    if (removes.length === 0 && adds.length === 0) return this;
    const changes = new Map<string, AddFile | undefined>();
    for (const file of removes) changes.set(fileKey(file), undefined);
    for (const file of adds) changes.set(fileKey(file), file);
    if (this.#layers.length === 0) {
      // The first files, such as those of a checkpoint: nothing is there for them to change.
      const present = removes.length === 0 ? changes : withoutMarks(changes);
      return new ActiveFiles([present], present.size);
    }
    let size = this.size;
    for (const [key, file] of changes) size += (file === undefined ? 0 : 1) - (this.has(key) ? 1 : 0);
    return new ActiveFiles(meltTop([changes, ...this.#layers]), size);
  }
}

/** Keeps each layer more than twice as large as the one above it. */
function meltTop(layers: readonly Layer[]): readonly Layer[] {
  let [top, ...below] = layers as readonly [Layer, ...Layer[]];
  while (below[0] !== undefined && below[0].size <= 2 * top.size) {
    const [under, ...rest] = below;
    const melted = new Map(under);
    for (const [key, file] of top) {
      if (file === undefined && rest.length === 0) melted.delete(key);
      else melted.set(key, file);
    }
    top = melted;
    below = rest;
  }
  return below.length === 0 ? [withoutMarks(top)] : [top, ...below];
}

/** The lowest layer hides nothing. */
function withoutMarks(layer: Layer): Layer {
  for (const file of layer.values()) {
    if (file === undefined) return new Map([...layer].filter(([, present]) => present !== undefined));
  }
  return layer;
}
