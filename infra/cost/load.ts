/** What the pipelines do with a load, second by second: batches, executions, bytes. */
import type { Manifest } from "../../shared/pipeline/index.ts";
import { assumed } from "./assumptions.ts";

export interface Load {
  /** Over all hubs, evenly. */
  readonly eventsPerSecond: number;
  readonly eventBytes: number;
  readonly retentionDays: number;
  /** Lets lanes wait longer between two batches than their flow says. */
  readonly minIntervalSeconds?: number | undefined;
}

export type FlowKind = Manifest["flows"][number]["kind"];

export interface FlowWork {
  readonly id: string;
  readonly kind: FlowKind;
  readonly lanes: number;
  readonly eventsPerSecond: number;
  readonly batchesPerSecond: number;
}

export interface Work {
  readonly hubs: readonly string[];
  readonly flows: readonly FlowWork[];
}

/**
 * The work of all pipelines together. A lane has a batch for each event that comes, and no more than one in its `minInterval`. Flows of files
 * take what lands once and are left out.
 */
export function workOf(
  manifests: readonly Manifest[],
  { eventsPerSecond, minIntervalSeconds = 0 }: Pick<Load, "eventsPerSecond" | "minIntervalSeconds">,
): Work {
  const sources = manifests.flatMap(({ sources: all }) => all);
  const partitions = new Map(
    sources.flatMap((source) => (source.kind === "eventHub" ? [[source.hub, source.partitions]] : [])),
  );
  const share = partitions.size === 0 ? 0 : eventsPerSecond / partitions.size;
  const flows = manifests.flatMap((manifest) => flowsOf(manifest, { partitions, share, minIntervalSeconds }));
  return { hubs: [...partitions.keys()].sort(), flows };
}

interface Feed {
  /** By hub. */
  readonly partitions: ReadonlyMap<string, number>;
  /** Events a second of each hub. */
  readonly share: number;
  readonly minIntervalSeconds: number;
}

/** Flows come after those that they read, so that what reaches a table is known before it is read. */
function flowsOf({ flows, sources }: Manifest, { partitions, share, minIntervalSeconds }: Feed): readonly FlowWork[] {
  const reaching = new Map<string, number>();
  return flows.flatMap(({ id, kind, inputs, output, lanes, minInterval }) => {
    const fed = sources.some((source) => source.kind === "eventHub" && source.table === output) ? share : 0;
    const events = fed + inputs.reduce((sum, { table }) => sum + (reaching.get(table) ?? 0), 0);
    reaching.set(output, events);
    if (kind === "files") return [];
    const laneCount = lanes.kind === "partitions" ? (partitions.get(lanes.hub) ?? 1) : 1;
    const perLane = Math.min(events / laneCount, 1 / Math.max(minIntervalSeconds, secondsOf(minInterval)));
    return [{ id, kind, lanes: laneCount, eventsPerSecond: events, batchesPerSecond: laneCount * perLane }];
  });
}

/** A day is the longest that a duration of the manifest counts in. Without an interval a batch follows the other once a second. */
function secondsOf(duration: string): number {
  const [, days, seconds] = /^P(?:(\d+)D|T([\d.]+)S)$/.exec(duration) ?? [];
  const value = days === undefined ? Number(seconds) : Number(days) * 86_400;
  return value > 0 ? value : 1;
}

export const secondsPerMonth = assumed.hoursPerMonth.value * 3_600;
/** One a minute. */
export const sweepsPerMonth = secondsPerMonth / 60;

/** Cores that the work keeps busy, on average. */
export function coresOf({ flows }: Work): number {
  const batches = sum(flows.map(({ batchesPerSecond }) => batchesPerSecond));
  const events = sum(flows.map((flow) => flow.eventsPerSecond));
  return (batches * assumed.cpuMsPerBatch.value) / 1e3 + (events * assumed.cpuUsPerEventAndFlow.value) / 1e6;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
