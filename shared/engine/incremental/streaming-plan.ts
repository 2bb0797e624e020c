/**
 * A streaming table's query, taken apart at its stateful operator (SPEC.md 5): a row-local part that reads the stream once, the watermark,
 * and de-duplication. What cannot run this way is refused when the pipeline is loaded.
 */
import {
  checkStreaming,
  schemaOf,
  type DropDuplicatesWithinWatermark,
  type LogicalPlan,
  type Scan,
  type Schema,
  type WithWatermark,
} from "../../plan/index.ts";

export interface StreamingPlan {
  /** The stream's scan. */
  readonly stream: Scan;
  /** Row by row, from the stream up to the de-duplication or the sink. */
  readonly rowLocal: LogicalPlan;
  readonly schema: Schema;
  readonly watermark: WithWatermark | undefined;
  readonly deduplicate: DropDuplicatesWithinWatermark | undefined;
}

/** Takes a streaming query apart. Throws INVALID_PIPELINE, UNBOUNDED_STATE or UNSUPPORTED_FEATURE with the remedy. */
export function streamingPlan(query: LogicalPlan): StreamingPlan {
  const { stream, watermark, deduplicate } = checkStreaming(query);
  const rowLocal = deduplicate?.input ?? query;
  return { stream, rowLocal, schema: schemaOf(rowLocal), watermark: watermark?.watermark, deduplicate };
}
