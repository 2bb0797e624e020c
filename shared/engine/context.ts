import { limits, type Clock, type Logger, type Random } from "../core/index.ts";
import type { Compute } from "../compute/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { EventHubReader } from "../sources/index.ts";
import type { TableCatalog } from "../table/index.ts";

/** Everything the engine is given. Components are objects, settings are data. */
export interface EngineContext {
  /** The pipeline's name: part of every appId. */
  readonly pipeline: string;
  readonly host: ObjectStore;
  readonly lake: ObjectStore;
  readonly compute: Compute;
  readonly hubs: EventHubReader;
  readonly tables: TableCatalog;
  readonly doorbells: Doorbells;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A folder for landed files while they are read. */
  readonly workDirectory: string;
  /** Where the progress of all batches is folded, as a path in the account `lake`; nowhere where absent. */
  readonly progressPath?: string | undefined;
  /** Views of inputs that are no larger are computed in full, unless they say otherwise; without it, none for that reason. */
  readonly smallInput?: SmallInput | undefined;
}

/** Of all of a view's inputs and of the view itself, together. */
export interface SmallInput {
  readonly bytesMax: number;
  readonly filesMax: number;
  /** A table of no more is read whole by a refresh, sooner than it is asked which of its files the change touches. */
  readonly unaskedBytesMax: number;
  readonly unaskedFilesMax: number;
}

/** What a deployment takes for small. */
export const smallInputs: SmallInput = {
  bytesMax: limits.fullRefreshBytes,
  filesMax: limits.fullRefreshFiles,
  unaskedBytesMax: limits.refreshUnaskedBytes,
  unaskedFilesMax: limits.refreshUnaskedFiles,
};

/** The queue through which flows are rung: at least once, in no order. */
export interface Doorbells {
  /** Rings a flow after `delayMs`. At most one bell per flow is outstanding for one due time. */
  ring(flow: string, delayMs: number): Promise<void>;
}
