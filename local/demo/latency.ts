/** Latency as a reader sees it: from the time the hub took an event to the commit that made its row readable. */
import type { CheckRoom } from "./check-room.ts";
import type { LaneWatch } from "./watch.ts";

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

export interface Latency {
  readonly bronze: Percentiles;
  readonly silver: Percentiles;
  readonly gold: Percentiles;
}

/** In milliseconds, over all rows. A silver row is readable in gold from the first commit of the view that had read its version. */
export async function measureLatency(room: CheckRoom, view: LaneWatch, input: string): Promise<Latency> {
  const reached = view.batches.map(({ offsets, commit }) => {
    const range = offsets.inputs[input];
    return `(${range?.kind === "delta" ? range.toVersion : -1}, TIMESTAMPTZ '${commit.committedTime}')`;
  });
  await room.connection.run("CREATE OR REPLACE TEMP TABLE reached (to_version INTEGER, reached_at TIMESTAMPTZ)");
  if (reached.length > 0) await room.connection.run(`INSERT INTO reached VALUES ${reached.join(", ")}`);
  const gold = `(SELECT s.enqueued_time, r.reached_at AS _committed FROM silver s ASOF JOIN reached r ON s._version <= r.to_version)`;
  return {
    bronze: await percentiles(room, "bronze"),
    silver: await percentiles(room, "silver"),
    gold: await percentiles(room, gold),
  };
}

async function percentiles(room: CheckRoom, relation: string): Promise<Percentiles> {
  const latencyMs = "(epoch_us(_committed) - epoch_us(enqueued_time)) / 1000.0";
  const [row] = await room.rows(
    `SELECT quantile_cont(${latencyMs}, 0.5) AS p50, quantile_cont(${latencyMs}, 0.95) AS p95 FROM ${relation}`,
  );
  return { p50: Math.round(Number(row?.["p50"] ?? 0)), p95: Math.round(Number(row?.["p95"] ?? 0)) };
}
