/** The logs of lanes at rest: of each generation without holes, and one generation beginning where the one before it ended. */
import { isDeepStrictEqual } from "node:util";
import type {
  CommitRecord,
  GenerationRecord,
  InputRange,
  OffsetsRecord,
  OutcomeRecord,
} from "../../shared/checkpoint/index.ts";
import { laneId, replayedLane } from "../../shared/core/index.ts";
import type { EngineWorld } from "../support/engine-harness.ts";

/** A lane in all generations of its flow, oldest first. */
export interface LaneLogs {
  readonly flow: string;
  readonly lane: string;
  readonly generations: readonly GenerationLogs[];
}

interface GenerationLogs {
  readonly record: GenerationRecord;
  readonly offsets: OffsetsRecord[];
  /** Without merges that were done again. */
  readonly outcomes: OutcomeRecord[];
  /** Of batches, from 1 on. */
  readonly commits: CommitRecord[];
  /** `commits/0`, which the first generation does not have. */
  begin: CommitRecord | undefined;
}

/** All lanes of all flows that have ever written an entry. */
export async function laneLogs(world: EngineWorld): Promise<LaneLogs[]> {
  const paths = await world.hostPaths();
  const records = new Map<string, GenerationRecord[]>();
  for (const path of paths) {
    const flow = /^checkpoints\/([^/]+)\/generations\/\d+$/.exec(path)?.[1];
    if (flow === undefined) continue;
    records.set(flow, [...(records.get(flow) ?? []), (await world.record(path)) as unknown as GenerationRecord]);
  }
  const lanes = new Map<string, LaneLogs>();
  for (const path of paths) {
    const match = /^checkpoints\/([^/]+)\/\d+\/([^/]+)\/(offsets|outcome|commits)\/\d+$/.exec(path);
    if (match === null) continue;
    const [, flow = "", lane = "", log] = match;
    const logs: LaneLogs = lanes.get(`${flow}/${lane}`) ?? {
      flow,
      lane,
      generations: (records.get(flow) ?? []).map((record) => {
        return { record, offsets: [], outcomes: [], commits: [], begin: undefined };
      }),
    };
    lanes.set(`${flow}/${lane}`, logs);
    const entry: unknown = await world.record(path);
    const own = logs.generations.find(({ record }) => record.generation === (entry as OffsetsRecord).generation);
    if (own === undefined) throw new Error(`${path} is of no generation`);
    if (log === "offsets") own.offsets.push(entry as OffsetsRecord);
    else if (log === "outcome") own.outcomes.push(entry as OutcomeRecord);
    else if ((entry as CommitRecord).batchId === 0) own.begin = entry as CommitRecord;
    else own.commits.push(entry as CommitRecord);
  }
  return [...lanes.values()];
}

/** What is wrong with the logs of a world at rest. */
export async function wrongLogs(world: EngineWorld): Promise<string[]> {
  const running = new Map<string, boolean>();
  for (const { id } of world.engine.flows) running.set(id, (await world.stateOf(id)) === "RUNNING");
  return (await laneLogs(world)).flatMap(({ flow, lane, generations }) => {
    const isRunning = running.get(flow) ?? true;
    const wrong = generations.flatMap((own, index) => [
      ...(own.record.generation === index + 1 ? [] : ["generations have a hole"]),
      ...wrongWithin(own, replayedLane(laneId(lane)) !== undefined),
      ...wrongEnd(own, generations.slice(index + 1), lane, isRunning),
      ...wrongBegin(own, generations[index - 1], generations.slice(index + 1), lane),
    ]);
    return wrong.map((each) => `${flow} lane ${lane}: ${each}`);
  });
}

/**
 * Batches count on from 1, each with its offsets, outcome and commit, and each begins where the one before it ended; a replay begins where it is
 * asked to.
 */
function wrongWithin(
  { record: { generation }, offsets, outcomes, commits }: GenerationLogs,
  isReplay: boolean,
): string[] {
  const wrong: string[] = [];
  if (commits.some(({ batchId }, index) => batchId !== index + 1)) wrong.push("commits have a hole");
  if (outcomes.some(({ batchId }, index) => batchId !== index + 1)) wrong.push("outcomes have a hole");
  if (offsets.some(({ batchId }, index) => batchId !== index)) wrong.push("offsets have a hole");
  for (const { batchId } of commits) {
    if (offsets[batchId] === undefined) wrong.push(`batch ${batchId} has no offsets`);
    if (outcomes[batchId - 1]?.seal !== null) wrong.push(`batch ${batchId} has a commit and no outcome`);
  }
  for (const [index, { inputs }] of offsets.entries()) {
    for (const [name, range] of Object.entries(inputs)) {
      const previous = offsets[index - 1]?.inputs[name];
      if (
        !isReplay &&
        range.kind === "hub" &&
        previous?.kind === "hub" &&
        range.fromSequence !== previous.untilSequence
      )
        wrong.push(`batch ${index} does not begin where the one before it ended`);
      if (range.kind === "delta" && previous?.kind === "delta" && range.afterVersion !== previous.toVersion)
        wrong.push(`batch ${index} does not begin where the one before it ended`);
    }
  }
  return wrong.map((each) => `generation ${generation}: ${each}`);
}

/**
 * The newest generation ends with a commit. Those before it end with a seal, after which nothing is decided; only where the rows went
 * anyway, a batch that was decided may be left where it was.
 */
function wrongEnd(
  { record, offsets, outcomes, commits }: GenerationLogs,
  later: LaneLogs["generations"],
  lane: string,
  isRunning: boolean,
) {
  const last = commits.length;
  const where = `generation ${record.generation} ends with ${offsets.length} offsets, ${outcomes.length} outcomes and ${last} commits`;
  // A flow that failed stands at a batch that was never decided.
  const isOpen = !isRunning && offsets.length === last + 2;
  if (later.length === 0) return (isOpen || offsets.length === last + 1) && outcomes.length === last ? [] : [where];
  const wrong: string[] = [];
  if (offsets.length > last + 2 || outcomes.length > last + 1) wrong.push(where);
  const seal = outcomes[last]?.seal ?? null;
  if (seal !== null && seal !== record.generation + 1)
    wrong.push(`generation ${record.generation} is sealed by generation ${seal}`);
  if (seal === null && !isSwappedBy(later, lane)) wrong.push(`${where}, and without a seal`);
  return wrong;
}

/** A generation begins at the start of its input, or where the last batch of the one before it ended. */
function wrongBegin(
  { record, offsets, begin }: GenerationLogs,
  before: GenerationLogs | undefined,
  later: LaneLogs["generations"],
  lane: string,
): string[] {
  const where = `generation ${record.generation} begins`;
  const [first] = offsets;
  if (before === undefined) return begin === undefined ? [] : [`${where} with a commit`];
  // What was begun after its rows were swapped by a later generation is fenced, and where it stands means nothing.
  if (isSwappedBy(later, lane)) return [];
  if (begin === undefined || first === undefined) return [`${where} without commits/0 or offsets/0`];
  const last = before.offsets[before.commits.length];
  if (record.continues.kind === "start" || begin.continues === null) {
    if (record.continues.kind !== "start" && before.commits.length > 0) return [`${where} anew instead of going on`];
    if (begin.continues !== null) return [`${where} where another ended`];
    return Object.values(first.inputs).every(isAtStart) ? [] : [`${where} at ${JSON.stringify(first.inputs)}`];
  }
  const { generation, batchId } = begin.continues;
  if (generation !== before.record.generation || batchId !== before.commits.length)
    return [`${where} after batch ${batchId} of generation ${generation}`];
  return isDeepStrictEqual(first.inputs, last?.inputs) ? [] : [`${where} elsewhere than the one before it ended`];
}

function isSwappedBy(later: LaneLogs["generations"], lane: string): boolean {
  return later.some(({ record: { swap } }) => Object.values(swap ?? {}).some((lanes) => Object.hasOwn(lanes, lane)));
}

function isAtStart(range: InputRange): boolean {
  if (range.kind === "hub") return range.untilSequence === 0;
  return range.kind === "delta" ? range.toVersion === -1 : range.files.length === 0;
}
