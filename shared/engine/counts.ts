import type { BatchCounts } from "../checkpoint/index.ts";

/** Counts of a batch in which nothing happened. */
export const noCounts: BatchCounts = {
  inputRows: 0,
  outputRows: 0,
  duplicates: 0,
  late: 0,
  lateIdle: 0,
  quarantined: {},
  expectations: {},
  inputBytes: 0,
  outputBytes: 0,
};
