/**
 * Lets a flow go past a batch that cannot be computed (SPEC.md 7): the batch is decided as one without output, by the same put-if-absent
 * that decides every batch, so that whoever finishes it finds nothing to write. Its rows never reach the table; they are in its input still.
 */
import { batchId, DyneError, generation, instantOfMs, laneId } from "../core/index.ts";
import { FlowLog, hasFailed, LaneLog } from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import { noCounts } from "./counts.ts";
import type { FlowDriver } from "./flow.ts";
import { resumeFlow } from "./flow-state.ts";

/**
 * Skips the batch that failed the flow, which has to be named, and sets the flow going again. Safe to repeat. Throws INVALID_ARGUMENT where
 * the flow has not failed in that batch, or where skipping it would not help.
 */
export async function skipBatch(context: EngineContext, driver: FlowDriver, batch: number): Promise<void> {
  const { host: store, clock, random } = context;
  const records = { store, clock, random };
  const flowLog = new FlowLog(records, driver.flow);
  const newest = (await flowLog.generations()).at(-1);
  const { record: state } = await flowLog.state();
  const failure = newest !== undefined && hasFailed(state, newest.generation) ? state?.failure : undefined;
  if (newest === undefined || failure?.batchId !== batch)
    throw wrong(`${driver.flow} has not failed in batch ${batch}. See "dyne flow list" for the batch that failed.`);
  const log = new LaneLog(records, driver.flow, generation(failure.generation), laneId(failure.lane));
  const offsets = await log.offsetsAt(batchId(batch));
  if (offsets === undefined || failure.generation !== newest.generation)
    throw wrong(
      `Batch ${batch} of ${driver.flow} failed before its input was logged (${failure.code}), and the one after it would fail alike. Reset the flow.`,
    );
  const { mine, record } = await log.putOutcome({
    format: 1,
    flow: driver.flow,
    lane: failure.lane,
    generation: failure.generation,
    batchId: batch,
    redo: 0,
    attempt: random.uuid(),
    createdTime: instantOfMs(clock.nowMs()),
    tables: [],
    watermark: offsets.watermark,
    counts: noCounts,
    strategy: { name: skipped, reason: `${failure.code}: ${failure.message}`.slice(0, reasonCharactersMax) },
    promoted: null,
    job: offsets.job,
    seal: null,
  });
  if (!mine && record.strategy.name !== skipped)
    throw wrong(
      `Batch ${batch} of ${driver.flow} is computed already, and failed on its way into the table (${failure.code}). Remove the cause and resume the flow, or reset it.`,
    );
  context.logger.warn("a batch is skipped", {
    flow: driver.flow,
    lane: failure.lane,
    batchId: batch,
    inputs: offsets.inputs,
  });
  await resumeFlow(context, driver.flow);
}

/** The strategy of a skipped batch, by which the history of a flow tells it. */
const skipped = "skip";
const reasonCharactersMax = 500;

function wrong(message: string): DyneError {
  return new DyneError("INVALID_ARGUMENT", message);
}
