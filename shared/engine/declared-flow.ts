/** Flows as the engine runs them: what a pipeline declares, with names, paths and schemas resolved. */
import type { FlowId } from "../core/index.ts";
import type { Expression, LogicalPlan, Schema } from "../plan/index.ts";

export type DeclaredFlow = HubFlow | FilesFlow | StreamFlow | ViewFlow;

interface Declared {
  readonly id: FlowId;
  readonly fingerprint: string;
  readonly minIntervalMs: number;
  readonly output: TableLocation;
}

export interface TableLocation {
  readonly name: string;
  /** In the account `lake`. */
  readonly path: string;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
}

/** Event Hub → bronze. */
export interface HubFlow extends Declared {
  readonly kind: "hub";
  readonly hub: string;
  readonly startingPosition: "earliest" | "latest";
  readonly failOnDataLoss: boolean;
}

/** Landed files → bronze. */
export interface FilesFlow extends Declared {
  readonly kind: "files";
  readonly glob: string;
  readonly format: "csv" | "json" | "jsonl";
  /** The columns of the data itself. */
  readonly dataSchema: Schema;
  /** A file older than this is not in the ledger any more and is refused. */
  readonly maxFileAgeMs: number;
  readonly quarantine: TableLocation;
}

/** A streaming table over another table. */
export interface StreamFlow extends Declared {
  readonly kind: "stream";
  readonly query: LogicalPlan;
  readonly stream: StreamSource;
  readonly statics: readonly TableLocation[];
  /** The sink has the hidden column of each row's place. */
  readonly carriesPlace: boolean;
  readonly expectations: readonly Expectation[];
  readonly quarantine: TableLocation;
}

/** The table that a stream reads, and what its rows say of their place. */
export interface StreamSource extends TableLocation {
  readonly writtenBy: FlowId;
  /** The columns of its files, hidden ones included. */
  readonly storedSchema: Schema;
  /** Lane, position in the lane, and time of arrival of a row; undefined where the table has no column for it. */
  readonly place: {
    readonly lane: Expression | undefined;
    readonly position: Expression | undefined;
    readonly arrival: Expression | undefined;
  };
}

export interface Expectation {
  readonly name: string;
  readonly action: "warn" | "drop" | "fail";
  readonly predicate: Expression;
}

/** A materialized view. */
export interface ViewFlow extends Declared {
  readonly kind: "view";
  readonly query: LogicalPlan;
  readonly inputs: readonly TableLocation[];
  readonly refresh: "auto" | "incremental" | "full";
  /** The share of time that refreshes may take. */
  readonly dutyCycle: number;
}
