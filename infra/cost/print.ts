/** The estimate as people read it. */
import { assumed } from "./assumptions.ts";
import type { Estimate, EstimateOptions } from "./estimate.ts";
import { free, priceTable, pricesOf, type PriceName } from "./prices.ts";

const dollars = (usd: number) => `${usd.toFixed(2)} $`;
const rounded = (value: number) =>
  value >= 100
    ? Math.round(value).toLocaleString("en")
    : value.toLocaleString("en", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
/** A number as somebody gave it, with separators of thousands. */
const given = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 20 });

/** What the estimate is also made for, and for twice as much as was asked for: each batch costs requests, whatever is in it. */
export function slowerSeconds(asked = 0): number {
  return Math.max(30, 2 * asked);
}

/** Lines of text, without colours. */
export function printed(
  { lines, alternatives, ...sums }: Estimate,
  options: EstimateOptions,
  {
    names,
    slower,
    longerSeconds,
  }: { readonly names: readonly string[]; readonly slower: Estimate; readonly longerSeconds: number },
): string {
  const { eventsPerSecond, eventBytes, retentionDays, minIntervalSeconds, capture, warm } = options;
  const used = [
    ...new Set<PriceName>([
      ...lines.map(({ price }) => price),
      "clusterNodeHour",
      "databricksUnit",
      "streamingUnitHour",
    ]),
  ];
  const others = alternatives.map(({ name, how, computeUsd, totalUsd }) => [
    `  ${name}: ${dollars(totalUsd)}, of which ${dollars(computeUsd)} compute`,
    `      ${how}`,
  ]);
  return [
    `${names.join(", ")}: ${given(eventsPerSecond)} events/s of ${given(eventBytes)} bytes, kept for ${given(retentionDays)} days${minIntervalSeconds === undefined ? "" : `, ${given(minIntervalSeconds)} s or more between the batches of a lane`}; Capture ${capture ? "on" : "off"}, profile ${warm ? "warm" : "idle"}`,
    "",
    `${"".padEnd(34)}${"a month".padStart(12)}${"idle".padStart(12)}`,
    ...lines
      .filter(({ usd, idleUsd }) => usd > 0 || idleUsd > 0)
      .map(
        ({ what, usd, idleUsd, units, price }) =>
          `  ${what.padEnd(32)}${dollars(usd).padStart(12)}${dollars(idleUsd).padStart(12)}   ${rounded(units)} × ${priceTable[price].unit}`,
      ),
    `  ${"together".padEnd(32)}${dollars(sums.totalUsd).padStart(12)}${dollars(sums.idleUsd).padStart(12)}`,
    `  ${sums.throughputUnits} throughput units; ${sums.instances} instances of 2 GB for the work of the hubs; ${rounded(sums.batchesPerSecond)} batches a second`,
    `  With ${given(longerSeconds)} seconds between the batches of a lane: ${dollars(slower.totalUsd)} (--min-interval-seconds, minInterval of a table)`,
    "",
    "The same load on what is always on, with the same Event Hubs, storage and logs:",
    ...others.flat(),
    "",
    `Prices (table of ${pricesOf}):`,
    ...used.map((name) => {
      const { usd, unit, source, date } = priceTable[name];
      return `  ${usd} $ per ${unit}: ${date === undefined ? "assumed" : `${source} (${date})`}`;
    }),
    `  free every month: ${free.gigabyteSeconds.toLocaleString("en")} GB·s and ${free.executions.toLocaleString("en")} executions on demand, ${free.gridOperations.toLocaleString("en")} operations of Event Grid, ${free.logGigabytes} GB of logs, if nothing else of the subscription uses them up`,
    "",
    "Assumed:",
    ...Object.values(assumed).map(({ value, says }) => `  ${value.toLocaleString("en")} ${says}`),
    "  events are spread evenly over hubs, partitions and the hours of the month, and half-empty batches are as many as full ones",
    "  not counted: what lands as files, the vacuum of each table once a day and the seconds of sweeps that merge, who asks for the state of the hubs' triggers to scale them, backfills, the HTTP API, alerts, network, tax, and what readers of the lake ask for",
    "",
    "No cloud was asked, and no bill has been compared with this.",
  ].join("\n");
}
