import type { Role } from "./records.ts";

/** The rules of the protocol that a runner keeps. The model explores them as they are, and each one taken out. */
export interface Rules {
  /** `outcome/N` decides a batch (SPEC.md 1). Else each runner rolls forward what it computed itself. */
  readonly outcomeDecides: boolean;
  /** A decided batch is never computed again (SPEC.md 1). */
  readonly rollsForwardOnly: boolean;
  /** A run reads the state as `commits/N−1` left it (SPEC.md 1). Else as it is. */
  readonly stateAsOfCommit: boolean;
  /** `offsets/N` is the first writer's (SPEC.md 1). Else the last one's. */
  readonly offsetsIfAbsent: boolean;
  /** `commits/N` is written after the tables (SPEC.md 1). */
  readonly commitsLast: boolean;
  /** The state is committed before the sink. No rule: the order of the tables does not matter. */
  readonly stateBeforeSink: boolean;
  /** The tables whose commits ask their fence (SPEC.md 2). */
  readonly fenced: readonly Role[];
  /** The fence's appId names the lane (SPEC.md 14). */
  readonly laneInTxn: boolean;
  /** What follows an unknown answer of a table's commit (SPEC.md 23). */
  readonly afterUnknown: "same-put" | "asks-fence" | "rebases";
  /** All tables of a generation are there before its record is (SPEC.md 2). */
  readonly tablesBeforeGeneration: boolean;
  /** A runner looks for a newer generation before it plans. A courtesy: seal and fence decide. */
  readonly looksForNewest: boolean;
  /** The lane of the generation before is ended by a seal. */
  readonly seals: boolean;
  /** A seal is put only where there is no outcome. */
  readonly sealIfAbsent: boolean;
  /** Where an outcome was there before the seal, the lane ends after that batch. */
  readonly sealVerified: boolean;
  /** A lane goes on where its seal is, not where whoever raised the generation had seen it. */
  readonly continuesFromSeal: boolean;
  /** A lane that a generation never began is begun there before it is ended. */
  readonly beginsBeforeSealing: boolean;
  /** Who cannot begin a lane because a later generation has swapped its tables goes no further with it. */
  readonly stopsWhereOvertaken: boolean;
  /** A lane that ended before the first batch of a refresh hands on that its first batch replaces the data. */
  readonly handsOnReplacement: boolean;
  /** The first batch expects the txn that `commits/0` names. */
  readonly followsBeginning: boolean;
  /** `commits/0` is read after `offsets/0`, which is written after it. */
  readonly beginningReadLast: boolean;
  /** A swap records a txn of its generation for every lane whose rows it removes. */
  readonly swapIsFenced: boolean;
  /** A swap leaves alone the rows of lanes that it does not name, and so does not fence. */
  readonly swapKeepsOthers: boolean;
  /** A batch of the new generation in a table says that the swap was done. Else it passes for a later owner's. */
  readonly laterBatchMeansSwapped: boolean;
  /** Whether a swap was done is asked of the txn of the lane that begins. Else of the first lane's, which may be in a later generation. */
  readonly asksOwnLaneOfSwap: boolean;
  /** Where the input goes on at the seals, all lanes are ended before the swap, so that what was decided is in all tables. */
  readonly endsLanesBeforeRestore: boolean;
  /** A swap that lost its version looks again at what it removes. */
  readonly swapLooksAgain: boolean;
}

export const allRules: Rules = {
  outcomeDecides: true,
  rollsForwardOnly: true,
  stateAsOfCommit: true,
  offsetsIfAbsent: true,
  commitsLast: true,
  stateBeforeSink: true,
  fenced: ["quarantine", "state", "sink"],
  laneInTxn: true,
  afterUnknown: "same-put",
  tablesBeforeGeneration: true,
  looksForNewest: true,
  seals: true,
  sealIfAbsent: true,
  sealVerified: true,
  continuesFromSeal: true,
  beginsBeforeSealing: true,
  stopsWhereOvertaken: true,
  handsOnReplacement: true,
  followsBeginning: true,
  beginningReadLast: true,
  swapIsFenced: true,
  swapKeepsOthers: true,
  laterBatchMeansSwapped: true,
  asksOwnLaneOfSwap: true,
  endsLanesBeforeRestore: true,
  swapLooksAgain: true,
};
