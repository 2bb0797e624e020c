/**
 * Where the flows stand, and whether messages were given up on, as lines of the log: what alerts are made of. One line per flow and one per queue
 * of given-up messages, whenever the clock's minute divides by five, whoever looks then; and by one who has looked before also later, where the
 * work of a sweep has taken longer than that minute.
 *
 *     {"level":"info","message":"flow status","pipeline":"flights","flow":"silver.flights","state":"RUNNING","eventsBehind":null,
 *      "versionsBehind":2,"freshnessMs":4120,"intervalMs":1000}
 *     {"level":"info","message":"queue status","queue":"notices-poison","messages":0}
 */
import type { Clock, Logger } from "../core/index.ts";
import type { Pipeline } from "../pipeline/index.ts";
import { flowStatus, type FlowStatus, type ServingContext } from "../serving/index.ts";

/** How many messages wait in a queue, about; zero where there is no such queue. */
export type QueueLength = (queue: string) => Promise<number>;

export interface StatusLogParts extends ServingContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly queueLength: QueueLength;
}

const everyMinutes = 5;

/** What a process remembers between two looks. */
export interface StatusTurn {
  /** The five minutes, counted from 1970, in which it looked last; undefined before it has. */
  lastLook: number | undefined;
}

/** Where the Functions host puts what failed five times. */
const givenUpQueues = ["notices-poison", "bulk-poison"] as const;

/**
 * Says where everything stands, if it is time for it. What cannot be told is a warning in the log, and missing: silence of this log is an alert of its
 * own. Never throws; safe to repeat.
 */
export async function logStatus(
  parts: StatusLogParts,
  pipelines: readonly Pipeline[],
  turn: StatusTurn = { lastLook: undefined },
): Promise<void> {
  const minute = Math.floor(parts.clock.nowMs() / 60_000);
  const look = Math.floor(minute / everyMinutes);
  const isDue = turn.lastLook === undefined ? minute % everyMinutes === 0 : turn.lastLook !== look;
  turn.lastLook = look;
  if (!isDue) return;
  for (const { name: pipeline, flows } of pipelines) {
    for (const flow of flows) {
      await told(parts.logger, { pipeline, flow: flow.id }, async () => {
        const status = await flowStatus(parts, flow);
        parts.logger.info("flow status", { pipeline, flow: flow.id, ...lineOf(status) });
      });
    }
  }
  for (const queue of givenUpQueues) {
    await told(parts.logger, { queue }, async () => {
      parts.logger.info("queue status", { queue, messages: await parts.queueLength(queue) });
    });
  }
}

async function told(logger: Logger, about: object, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    logger.warn("the status could not be told", { ...about, reason: String(error) });
  }
}

/** What of a status an alert is made of: the input that is furthest behind, by its unit, and how far apart its batches are by intention. */
function lineOf({ state, lag, freshnessMs, intervalMs }: FlowStatus) {
  return {
    state,
    eventsBehind: most(lag.map((input) => (input.kind === "hub" ? input.eventsBehind : null))),
    versionsBehind: most(lag.map((input) => (input.kind === "table" ? input.versionsBehind : null))),
    freshnessMs,
    intervalMs,
  };
}

function most(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
