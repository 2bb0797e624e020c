/** A feature of Delta as a case: who writes it, who reads it, and what must come of it. */
import type { PeerName, World } from "../world.ts";

/** What a reader makes of a table: the rows that were written, or no row and a refusal in these words. */
export type Reading = "equal" | { readonly refuses: RegExp };

interface Case {
  readonly feature: string;
  /** Tell cases of one feature apart. */
  readonly seed?: number;
  readonly title?: string;
}

/** A table that dyne writes. */
export interface WrittenHere extends Case {
  readonly kind: "here";
  readonly write: (world: World, path: string) => Promise<Written>;
  /** How each peer reads it; equal where it does not say. */
  readonly readings?: Partial<Record<PeerName, Reading>>;
}

/** What was written, as whoever wrote it knows without reading. */
export interface Written {
  /** Rows by version, as texts; undefined for a version that cannot be read any more. The newest is the last. */
  readonly versions: readonly (readonly string[] | undefined)[];
  /** What each version changed, with `_change_type` and `_commit_version`; absent where the table has no change feed. */
  readonly changes?: readonly (readonly string[])[];
}

/** A table that a peer writes. Dyne must say of its rows and changes what the peer says. */
export interface WrittenThere extends Case {
  readonly kind: "there";
  readonly by: Partial<Record<PeerName, (world: World, path: string) => Promise<void>>>;
  /** How dyne reads it; equal where it does not say. */
  readonly reading?: Reading;
  /** Ranges of the change feed to be read, both ends included. */
  readonly changes?: readonly (readonly [from: number, to: number])[];
}

export type InteropCase = WrittenHere | WrittenThere;

/** A name for people. */
export function titleOf({ feature, seed, title }: InteropCase): string {
  const detail = seed === undefined ? title : `seed ${seed}`;
  return detail === undefined ? feature : `${feature} (${detail})`;
}
