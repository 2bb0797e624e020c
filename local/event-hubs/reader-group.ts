/** Who may read a partition in a consumer group, by the rules of epochs (owner levels). */

/** One reader of a partition as its consumer group sees it. */
export interface GroupReader {
  /** The owner level; undefined for a reader that shares. */
  readonly epoch: number | undefined;
  /** Ends the reader with an error. */
  readonly disconnect: (description: string) => void;
}

/** What a consumer group says to a newcomer. */
export type Admission =
  | { readonly kind: "admitted"; readonly leave: () => void }
  | { readonly kind: "refused"; readonly reason: "epoch" | "limit"; readonly description: string };

/** Readers without an epoch that one partition of one group allows. */
const sharedReadersMax = 5;

/** Who reads one partition in one consumer group: one reader with an epoch, or several without. */
export class ReaderGroup {
  readonly #readers = new Set<GroupReader>();

  /** A newcomer whose epoch is at least the owner's takes over, and everybody else is disconnected. */
  admit(newcomer: GroupReader): Admission {
    const { epoch } = newcomer;
    const owner = [...this.#readers].find((reader) => reader.epoch !== undefined)?.epoch;
    if (owner !== undefined && (epoch === undefined || epoch < owner)) {
      const mine = epoch === undefined ? "without an epoch" : `with epoch '${epoch}'`;
      return {
        kind: "refused",
        reason: "epoch",
        description: `A receiver with a higher epoch '${owner}' already exists. A new receiver ${mine} cannot be created.`,
      };
    }
    if (epoch === undefined && this.#readers.size >= sharedReadersMax) {
      return {
        kind: "refused",
        reason: "limit",
        description: `The consumer group has ${sharedReadersMax} receivers on this partition, which is the limit.`,
      };
    }
    if (epoch !== undefined) {
      for (const reader of this.#readers)
        reader.disconnect(
          `A new receiver with epoch '${epoch}' is created, hence the current receiver is disconnected.`,
        );
      this.#readers.clear();
    }
    this.#readers.add(newcomer);
    return { kind: "admitted", leave: () => this.#readers.delete(newcomer) };
  }
}
