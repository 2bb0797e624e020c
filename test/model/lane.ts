/** A lane's logs as a runner sees them, and the carrying of a decided batch into its tables (as `lane-log.ts` and `roll-forward.ts`). */
import { get, commitTable, appId, txn, type TableCommit } from "./requests.ts";
import { once, type Program } from "./program.ts";
import {
  path,
  rowsOf,
  type CommitRecord,
  type GenerationRecord,
  type Lane,
  type OffsetsRecord,
  type OutcomeRecord,
  type Role,
  type TableStanding,
} from "./records.ts";
import type { Rules } from "./rules.ts";

export interface Head {
  /** The last committed batch; 0 before any. */
  readonly batch: number;
  readonly tables: CommitRecord["tables"];
  readonly isReplacedNext: boolean;
  /** Where its input ended; undefined on a lane that was not begun. */
  readonly end: number | undefined;
  readonly openOffsets: OffsetsRecord | undefined;
  readonly openOutcome: OutcomeRecord | undefined;
}

export const readHead = (rules: Rules, g: number, lane: Lane): Program<Head> =>
  once(function* (): Program<Head> {
    const last = ((yield { op: "last-commit", generation: g, lane }) as number | undefined) ?? 0;
    return yield* headAt(rules, g, lane, last);
  });

/** Probes for the next commits by name. */
export const advance = (rules: Rules, g: number, lane: Lane, from: number): Program<Head> =>
  once(function* (): Program<Head> {
    let last = from;
    while ((yield* get(path.commits(g, lane, last + 1))) !== undefined) last++;
    return yield* headAt(rules, g, lane, last);
  });

/** Records are read in the opposite order of their writing, so that whoever sees one sees all that came before it. */
function* headAt(rules: Rules, g: number, lane: Lane, batch: number): Program<Head> {
  const readCommit = () => get<CommitRecord>(path.commits(g, lane, batch));
  const early = rules.beginningReadLast ? undefined : yield* readCommit();
  const openOffsets = yield* get<OffsetsRecord>(path.offsets(g, lane, batch + 1));
  const openOutcome = yield* get<OutcomeRecord>(path.outcome(g, lane, batch + 1));
  const offsets = yield* get<OffsetsRecord>(path.offsets(g, lane, batch));
  const commit = rules.beginningReadLast ? yield* readCommit() : early;
  const { tables = {}, isReplacedNext = false } = commit ?? {};
  return { batch, tables, isReplacedNext, end: offsets?.end, openOffsets, openOutcome };
}

export type Rolled = { readonly kind: "rolled"; readonly tables: CommitRecord["tables"] } | TableCommit;

/** Brings a decided batch into all its tables. */
export function* rollForward(
  rules: Rules,
  record: GenerationRecord,
  lane: Lane,
  head: Head,
  outcome: OutcomeRecord,
): Program<Rolled> {
  const batch = head.batch + 1;
  const tables: Partial<Record<Role, TableStanding>> = {};
  const order = rules.stateBeforeSink ? record.tables : record.tables.toReversed();
  for (const { role, table } of order) {
    const before = head.tables[role];
    const rows = rowsOf(role, outcome.variant, outcome.rows);
    const replaces = head.isReplacedNext && role !== "state";
    if (rows.length === 0 && !replaces) {
      tables[role] = before ?? { version: -1, txn: null };
      continue;
    }
    const mine = txn(record.generation, batch);
    const expected = rules.followsBeginning || head.batch > 0 ? (before?.txn ?? undefined) : undefined;
    const committed = yield* commitTable(rules, {
      table,
      fence: { appId: appId(rules, lane), version: mine, expected },
      isFenced: rules.fenced.includes(role),
      replaces,
      entry: { kind: "batch", generation: record.generation, lane, batch, variant: outcome.variant, rows },
    });
    if (committed.kind !== "committed") return committed;
    tables[role] = { version: committed.version, txn: mine };
  }
  return { kind: "rolled", tables };
}
