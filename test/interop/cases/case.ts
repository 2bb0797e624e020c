/** A feature of Delta as a case: who writes it, who reads it, and what must come of it. */
import type { PeerName, World } from "../world.ts";

/**
 * What a reader makes of a table: the rows and the change rows that were written, the rows alone, where it reads other changes than were made,
 * or a refusal in these words.
 */
export type Reading = "equal" | "rows" | { readonly refuses: RegExp };

/** delta-rs 1.6.6 reads the rows of a table whose columns are mapped, and not its change feed. */
export const noMappedChanges: Partial<Record<PeerName, Reading>> = {
  "delta-rs": { refuses: /Column mapping is not supported for read operation 'CHANGE DATA FEED/ },
};

interface Case {
  readonly feature: string;
  /** Tell cases of one feature apart. */
  readonly seed?: number;
  readonly title?: string;
}

/** A table that dyne writes, alone or in turns with others. */
export interface WrittenHere extends Case {
  readonly kind: "here";
  readonly write: (world: World, path: string) => Promise<Written>;
  /** How each peer reads it; equal where it does not say. */
  readonly readings?: Partial<Record<PeerName, Reading>>;
  /** What more must hold, by a sentence each; tried in this order when everybody has read the rows. */
  readonly checks?: Readonly<Record<string, Check>>;
  /** It is read from a checkpoint alone too: a copy of it, without the commits before. */
  readonly fromCheckpoint?: true;
}

/** Throws where it does not hold. It may write to the table. */
export type Check = (world: World, path: string, written: Written) => Promise<void>;

/** What was written, as whoever wrote it knows without reading. */
export interface Written {
  /** Rows by version, as texts; undefined for a version that cannot be read any more, or that nobody has worked out. The newest is the last. */
  readonly versions: readonly (readonly string[] | undefined)[];
  /** What each version changed, with `_change_type` and `_commit_version`; absent where the table has no change feed. */
  readonly changes?: readonly (readonly string[])[];
}

/** A table that a peer writes. Dyne must say of its rows and changes what the peer says, and may refuse to write it. */
export interface WrittenThere extends Case {
  readonly kind: "there";
  readonly by: Partial<Record<PeerName, (world: World, path: string) => Promise<void>>>;
  /** How dyne reads it; equal where it does not say. */
  readonly reading?: Reading;
  /** Ranges of the change feed to be read, both ends included. */
  readonly changes?: readonly (readonly [from: number, to: number])[];
  /** How dyne names what it does not write the table for, whatever is to be written. */
  readonly refusesWriting?: RegExp;
}

export type InteropCase = WrittenHere | WrittenThere;

/** A name for people. */
export function titleOf({ feature, seed, title }: InteropCase): string {
  const detail = seed === undefined ? title : `seed ${seed}`;
  return detail === undefined ? feature : `${feature} (${detail})`;
}
