/**
 * What the model keeps under each path. It is the layout of the checkpoint and of Delta logs, with one record per path and only the fields
 * that decide anything:
 *
 *     generations/<g>                     GenerationRecord
 *     <g>/<lane>/offsets/<batch>          OffsetsRecord
 *     <g>/<lane>/outcome/<batch>          OutcomeRecord
 *     <g>/<lane>/commits/<batch>          CommitRecord
 *     <table>/<version>                   TableEntry; version 0 creates the table
 */
export type Lane = "a" | "b";
export type Role = "quarantine" | "state" | "sink";

/**
 * Why a generation was raised, and what becomes of data and position: `plan` keeps both; `refresh` reads the input again and replaces the
 * data by its first batch; `reset` empties the tables and reads the input again, with a new state; `rewind` sets all tables back, state
 * included, and the input with them, here to the start; `restore` sets the sink alone back, here to nothing, and the input goes on.
 */
export type Change = "plan" | "refresh" | "reset" | "rewind" | "restore";

export interface GenerationRecord {
  readonly generation: number;
  readonly build: string;
  /** By role, in the order in which a batch commits them. */
  readonly tables: readonly { readonly role: Role; readonly table: string }[];
  readonly change: Change;
  /** Which lanes' rows go from which tables, in one commit per table; null where none do. */
  readonly swap: { readonly roles: readonly Role[]; readonly lanes: readonly Lane[] } | null;
  /** Where the raiser saw the lanes stand; empty, unless that rule is taken out. */
  readonly seen: Readonly<Partial<Record<Lane, LaneEnd>>>;
}

/** Events `(start, end]` of the lane's input, which is numbered from 1. `offsets/0` has `end` only: where batch 1 begins. */
export interface OffsetsRecord {
  readonly start: number;
  readonly end: number;
}

export interface OutcomeRecord {
  readonly seal: number | null;
  /** Which of the possible results of the run this is: no two runs need to agree. */
  readonly variant: number;
  /** The events that no state had seen. */
  readonly rows: readonly number[];
}

export interface TableStanding {
  readonly version: number;
  readonly txn: number | null;
}

export interface CommitRecord {
  readonly tables: Readonly<Partial<Record<Role, TableStanding>>>;
  /** In `commits/0`: the first batch takes the place of all that the tables hold. */
  readonly isReplacedNext: boolean;
}

/** Where a lane of a generation ended. */
export interface LaneEnd {
  readonly batch: number;
  readonly end: number;
  readonly tables: CommitRecord["tables"];
  readonly isReplacedNext: boolean;
}

export interface TableEntry {
  readonly kind: "create" | "batch" | "swap";
  readonly generation: number;
  readonly lane: Lane | null;
  readonly batch: number;
  readonly variant: number;
  readonly rows: readonly number[];
  /** Takes out rows of all versions below this one; 0 for none. */
  readonly removesBelow: number;
  /** Of which lanes; null for all. */
  readonly removesOf: readonly Lane[] | null;
  readonly txns: Readonly<Record<string, number>>;
}

export type ModelRecord = GenerationRecord | OffsetsRecord | OutcomeRecord | CommitRecord | TableEntry;

export const path = {
  generation: (g: number) => `generations/${g}`,
  offsets: (g: number, lane: Lane, batch: number) => `${g}/${lane}/offsets/${batch}`,
  outcome: (g: number, lane: Lane, batch: number) => `${g}/${lane}/outcome/${batch}`,
  commits: (g: number, lane: Lane, batch: number) => `${g}/${lane}/commits/${batch}`,
  entry: (table: string, version: number) => `${table}/${version}`,
} as const;

/** Which rows a run puts where. Every event is in the sink or in quarantine, and two runs differ in all of them. */
export function rowsOf(role: Role, variant: number, rows: readonly number[]): readonly number[] {
  if (role === "state") return rows;
  return rows.filter((event) => ((event + variant) % 2 === 0) === (role === "quarantine"));
}
