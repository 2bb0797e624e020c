/**
 * dyne/testing: a pipeline tried in the process, as a list of what happens and what must be true then.
 *
 *     await using test = await PipelineTest.open(pipeline);
 *     await test.run([addData(orders, [{ id: 1, amount: 5 }]), processAllAvailable(), checkAnswer(totals, [{ amount: 5 }])]);
 */
export {
  addData,
  advanceTime,
  appendData,
  checkAnswer,
  checkEqualsQuery,
  checkFailure,
  checkLastBatch,
  checkQuarantine,
  checkStrategy,
  crash,
  deleteData,
  landFile,
  optimize,
  overwriteData,
  processAllAvailable,
  refresh,
  reset,
  restart,
  resume,
  updateData,
  type AddedRow,
  type CheckOptions,
} from "./actions.ts";
export type { Action, ChangedRows, EventBody, EventOptions, QuarantinedRow, Update } from "./action.ts";
export type { CrashPlace } from "./crash.ts";
export { PipelineTest, type PipelineTestOptions } from "./pipeline-test.ts";
export { DyneError, isDyneError, type ErrorCode } from "../core/index.ts";
export type { InputRow, InputRowOf, RowOf } from "../table/lake/index.ts";
