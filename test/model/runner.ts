/** A runner of lanes (as `lane-runner.ts`), and an operator who raises generations. Each segment is one turn of their loops. */
import { nextStep } from "../../shared/engine/recovery.ts";
import { beginLane, generationAfter, raise, swapOf, type Self } from "./hand-over.ts";
import { advance, readHead, rollForward, type Head } from "./lane.ts";
import { choose, once, type Next, type Program, type Segments } from "./program.ts";
import {
  path,
  type Change,
  type CommitRecord,
  type GenerationRecord,
  type Lane,
  type OffsetsRecord,
  type OutcomeRecord,
  type Role,
} from "./records.ts";
import { get, overwrite, putIfAbsent } from "./requests.ts";
import type { Rules } from "./rules.ts";

interface LanePass {
  readonly self: Self;
  readonly lane: Lane;
}

interface OpenLane extends LanePass {
  readonly record: GenerationRecord;
}

interface OpenBatch extends OpenLane {
  readonly head: Head;
}

export interface Command {
  readonly roles: readonly Role[];
  readonly change: Change;
  /** The lanes that the source tells the operator of. */
  readonly knows: readonly Lane[];
}

/** What the input is, and what of the freedom of runs is explored. */
export interface Input {
  /** Events per lane. */
  readonly events: number;
  /** How many different results a run can have, 1 or 2. */
  readonly variants: number;
  /** A batch takes all there is; else it may be cut anywhere. */
  readonly isWhole: boolean;
}

const idle: Next = { kind: "idle" };
const toBatch = (args: OpenBatch): Next => ({ kind: "become", segment: "batch", args });
const lanes: readonly Lane[] = ["a", "b"];

/** The segments of all programs: `pass` starts a runner on a lane, `command` an operator. */
export function segmentsOf(rules: Rules, input: Input): Segments {
  return {
    pass: (args: LanePass) => pass(rules, args),
    lane: (args: OpenLane) => openLane(rules, args),
    batch: (args: OpenBatch) => openBatch(rules, input, args),
    command: (args: Command) => command(rules, args),
  };
}

/** Finds the generation to run: the newest, if it is this build's; a new one, if none ever was. An older build stops quietly. */
function* pass(rules: Rules, { self, lane }: LanePass): Program<Next> {
  for (;;) {
    const generations = (yield { op: "generations" }) as readonly GenerationRecord[];
    const newest = generations.at(-1);
    const isRunnable = newest?.build === self.build;
    if (isRunnable) return { kind: "become", segment: "lane", args: { self, lane, record: newest } satisfies OpenLane };
    if (generations.some(({ build }) => build === self.build)) return idle;
    const record = generationAfter(newest, self.build, self.roles, "plan");
    const raised = yield* once(() => raise(rules, record, lanes));
    if (raised.record.build === self.build)
      return { kind: "become", segment: "lane", args: { self, lane, record: raised.record } satisfies OpenLane };
  }
}

function* command(rules: Rules, { roles, change, knows }: Command): Program<Next> {
  for (;;) {
    const newest = ((yield { op: "generations" }) as readonly GenerationRecord[]).at(-1);
    const own = newest?.tables.map(({ role }) => role) ?? roles;
    const next = generationAfter(newest, newest?.build ?? "A", own, change);
    const record: GenerationRecord = { ...next, swap: yield* once(() => swapOf(next, knows)) };
    const raised = yield* once(() => raise(rules, record, lanes));
    if (raised.isMine) return idle;
  }
}

function* openLane(rules: Rules, { self, lane, record }: OpenLane): Program<Next> {
  const head = yield* readHead(rules, record.generation, lane);
  if (head.end !== undefined) return toBatch({ self, lane, record, head });
  const begun = yield* once(() => beginLane(rules, self, record, lane));
  return begun === "begun" ? { kind: "become", segment: "lane", args: { self, lane, record } } : idle;
}

function* openBatch(rules: Rules, input: Input, open: OpenBatch): Program<Next> {
  const { head } = open;
  const seen = rules.outcomeDecides ? head : { ...head, openOutcome: undefined };
  const step = nextStep<OffsetsRecord, OutcomeRecord>(seen);
  switch (step.kind) {
    case "sealed":
      return idle;
    case "plan":
      return yield* plan(rules, input, open);
    case "run":
      return yield* run(rules, input, open, step.offsets);
    case "roll":
      return rules.rollsForwardOnly
        ? yield* roll(rules, open, step.outcome)
        : yield* roll(rules, open, yield* once(() => compute(rules, input, open, step.offsets)));
  }
}

function* plan(rules: Rules, input: Input, { self, lane, record, head }: OpenBatch): Program<Next> {
  const { generation: g } = record;
  const start = head.end ?? 0;
  if (start === input.events) return idle;
  if (rules.looksForNewest && (yield* get(path.generation(g + 1))) !== undefined) return idle;
  const end = input.isWhole ? input.events : start + 1 + (yield* choose(input.events - start));
  const offsets: OffsetsRecord = { start, end };
  const at = path.offsets(g, lane, head.batch + 1);
  if (!rules.offsetsIfAbsent) {
    yield* overwrite(at, offsets);
    return toBatch({ self, lane, record, head: { ...head, openOffsets: offsets } });
  }
  const put = yield* putIfAbsent(at, offsets);
  if (put.isMine) return toBatch({ self, lane, record, head: { ...head, openOffsets: put.record } });
  return toBatch({ self, lane, record, head: yield* advance(rules, g, lane, head.batch) });
}

/** Computes a batch. Rows that the state has seen drop out; of the others any run may make something else. */
function* compute(
  rules: Rules,
  input: Input,
  { record, head }: OpenBatch,
  { start, end }: OffsetsRecord,
): Program<OutcomeRecord> {
  const state = record.tables.find(({ role }) => role === "state")?.table;
  const upTo = rules.stateAsOfCommit ? (head.tables.state?.version ?? -1) : Infinity;
  const seen = state === undefined || upTo < 0 ? [] : ((yield { op: "rows", table: state, upTo }) as readonly number[]);
  const rows = Array.from({ length: end - start }, (_, index) => start + 1 + index).filter((e) => !seen.includes(e));
  return { seal: null, variant: yield* choose(input.variants), rows };
}

function* run(rules: Rules, input: Input, open: OpenBatch, offsets: OffsetsRecord): Program<Next> {
  const { lane, record, head } = open;
  const computed = yield* once(() => compute(rules, input, open, offsets));
  if (!rules.outcomeDecides) return yield* roll(rules, open, computed);
  const put = yield* putIfAbsent(path.outcome(record.generation, lane, head.batch + 1), computed);
  return toBatch({ ...open, head: { ...head, openOutcome: put.record } });
}

function* roll(rules: Rules, open: OpenBatch, outcome: OutcomeRecord): Program<Next> {
  const { lane, record, head } = open;
  const at = path.commits(record.generation, lane, head.batch + 1);
  const ahead: CommitRecord = { tables: {}, isReplacedNext: false };
  if (!rules.commitsLast) yield* putIfAbsent(at, ahead);
  const rolled = yield* once(() => rollForward(rules, record, lane, head, outcome));
  if (rolled.kind === "fenced") return idle;
  if (rolled.kind === "failed") return rolled;
  const commit = { tables: rolled.kind === "rolled" ? rolled.tables : {}, isReplacedNext: false };
  const put = rules.commitsLast ? yield* putIfAbsent(at, commit) : { record: commit };
  return toBatch({
    ...open,
    head: {
      batch: head.batch + 1,
      tables: put.record.tables,
      isReplacedNext: false,
      end: head.openOffsets?.end,
      openOffsets: undefined,
      openOutcome: undefined,
    },
  });
}
