/** Names that must not be mixed up are branded: one constructor each, which checks the form. */
import { DyneError } from "./errors.ts";
import { limits } from "./limits.ts";

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** The hidden column that says where a row stood in the input (SPEC.md 4): last in a table that has it, and not shown unless asked for. */
export const placeColumn = "_dyne";

/** `schema.table`, lower case, digits and underscores. */
export type TableName = Branded<string, "TableName">;
/** A flow; its sink's table name unless it is named otherwise. */
export type FlowId = Branded<string, "FlowId">;
/** A lane of a flow: an Event Hub partition id, or `0` for a keyed flow. */
export type LaneId = Branded<string, "LaneId">;
/** A micro-batch of one lane and generation; starts at 1. */
export type BatchId = Branded<number, "BatchId">;
/** A generation of a flow's plan and data; starts at 1. */
export type Generation = Branded<number, "Generation">;

const tableNamePattern = /^[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}$/;

export function tableName(text: string): TableName {
  if (!tableNamePattern.test(text)) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${text}" is not a table name. Use schema.table in lower case, such as "silver.events".`,
    );
  }
  return text as TableName;
}

export function flowId(text: string): FlowId {
  return tableName(text) as string as FlowId;
}

export function laneId(text: string): LaneId {
  if (!/^[a-z0-9-]{1,36}$/.test(text)) {
    throw new DyneError("INVALID_ARGUMENT", `"${text}" is not a lane. A lane is a partition id such as "3", or "0".`);
  }
  return text as LaneId;
}

const replayPrefix = "replay-";

/** The lane in which backfills bring what another lane has passed already: one at a time, with logs and a fence of its own. */
export function replayLane(lane: LaneId): LaneId {
  return laneId(`${replayPrefix}${lane}`);
}

/** The lane whose input a replay lane brings again; undefined for any other lane. */
export function replayedLane(lane: LaneId): LaneId | undefined {
  return lane.startsWith(replayPrefix) ? laneId(lane.slice(replayPrefix.length)) : undefined;
}

export function batchId(value: number): BatchId {
  if (!Number.isInteger(value) || value < 0 || value > limits.batchIdMax) {
    throw new DyneError("INVALID_ARGUMENT", `${value} is not a batch id. Batch ids are whole numbers from 1 on.`);
  }
  return value as BatchId;
}

export function generation(value: number): Generation {
  if (!Number.isInteger(value) || value < 1 || value >= limits.generationsMax) {
    throw new DyneError("INVALID_ARGUMENT", `${value} is not a generation. Generations are whole numbers from 1 on.`);
  }
  return value as Generation;
}

/** The `txn.version` of a batch (engine-rules 2): later generations are greater than every batch of earlier ones. */
export function txnVersion(g: Generation, b: BatchId): number {
  return g * 2 ** 32 + b;
}

/** The Delta appId of a lane of a flow. */
export function txnAppId(pipeline: string, flow: FlowId, lane: LaneId): string {
  return `dyne/${pipeline}/${flow}/${lane}`;
}

/** The generation and batch of a `txn.version`. */
export function batchOfTxn(version: number): { readonly generation: Generation; readonly batchId: BatchId } {
  return { generation: generation(Math.floor(version / 2 ** 32)), batchId: batchId(version % 2 ** 32) };
}

/** The lanes of a flow among the appIds that a table has records of. */
export function lanesIn(appIds: Iterable<string>, pipeline: string, flow: FlowId): LaneId[] {
  const prefix = `dyne/${pipeline}/${flow}/`;
  return [...appIds].filter((appId) => appId.startsWith(prefix)).map((appId) => laneId(appId.slice(prefix.length)));
}

/** The lane that the rows of a data file came through, by the file's tag; without one it is that of flows with a single lane. */
export function laneOfFile({ tags }: { readonly tags?: Readonly<Record<string, string | null>> }): string {
  return tags?.["lane"] ?? "0";
}

/** A number in an object's name: 20 digits, so that names sort as numbers do. */
export function paddedNumber(value: number): string {
  return String(value).padStart(20, "0");
}
