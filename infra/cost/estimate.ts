/** The monthly bill of the pipelines under a load, line by line, and what the same load costs on what is always on. */
import type { Manifest } from "../../shared/pipeline/index.ts";
import { assumed } from "./assumptions.ts";
import { careRequests, triggerRequests } from "./housekeeping.ts";
import { coresOf, secondsPerMonth, sum, sweepsPerMonth, workOf, type Load, type Work } from "./load.ts";
import { free, priceTable, type PriceName } from "./prices.ts";
import { requestsPerBatch, writeBytes, type Requests } from "./requests.ts";

export interface EstimateOptions extends Load {
  readonly capture: boolean;
  /** Keeps an instance ready for each hub, each queue and HTTP. */
  readonly warm: boolean;
}

/** So much of something at a price. */
export interface Line {
  readonly what: string;
  readonly price: PriceName;
  /** Of the price's unit, free grants taken off. */
  readonly units: number;
  readonly usd: number;
  /** What of it is billed where nothing arrives. */
  readonly idleUsd: number;
}

export interface Alternative {
  readonly name: string;
  readonly how: string;
  /** What takes the place of Functions, Event Grid, queues and requests. Event Hubs, capacity and logs stay. */
  readonly computeUsd: number;
  readonly totalUsd: number;
}

export interface Estimate {
  readonly lines: readonly Line[];
  readonly totalUsd: number;
  readonly idleUsd: number;
  readonly throughputUnits: number;
  readonly instances: number;
  readonly batchesPerSecond: number;
  readonly alternatives: readonly Alternative[];
}

/** What the estimate cannot be made for; the message says what to do. */
export class CostProblem extends Error {}

const throughputUnitsMax = 40;
const instanceGb = 2;
const instanceCores = 1;
const chunkBytes = 64 * 1_024;
const seconds = secondsPerMonth;
const sweeps = sweepsPerMonth;

/** The bill. It does not shrink where more events come, larger ones, or they are kept for longer. Throws CostProblem for more than a namespace takes. */
export function estimate(manifests: readonly Manifest[], options: EstimateOptions): Estimate {
  const work = workOf(manifests, options);
  const nothing = workOf(manifests, { eventsPerSecond: 0 });
  const units = work.hubs.length === 0 ? 0 : throughputUnitsOf(options);
  const atLoad = amounts(work, options, units);
  const idle = amounts(nothing, { ...options, eventsPerSecond: 0 }, Math.min(1, units));
  const lines = atLoad.map(({ what, price, units: used }, index): Line => {
    const { usd } = priceTable[price];
    return { what, price, units: used, usd: used * usd, idleUsd: (idle[index]?.units ?? 0) * usd };
  });
  const totalUsd = sum(lines.map((line) => line.usd));
  return {
    lines,
    totalUsd,
    idleUsd: sum(lines.map((line) => line.idleUsd)),
    throughputUnits: units,
    instances: instancesOf(work),
    batchesPerSecond: ratesOf(work).commits,
    alternatives: alternativesTo(lines, work, options),
  };
}

/** 1 MB/s or 1,000 events/s in, each. */
function throughputUnitsOf({ eventsPerSecond, eventBytes }: Load): number {
  const units = Math.max(1, Math.ceil(eventsPerSecond / 1_000), Math.ceil((eventsPerSecond * eventBytes) / 1e6));
  if (units <= throughputUnitsMax) return units;
  throw new CostProblem(
    `The load needs ${units} throughput units; a namespace of the tier Standard has ${throughputUnitsMax} at most. Estimate a part of it, or ask Azure for the tiers Premium and Dedicated, which this estimate does not know.`,
  );
}

interface Amount {
  readonly what: string;
  readonly price: PriceName;
  readonly units: number;
}

function amounts(work: Work, options: EstimateOptions, throughputUnits: number): readonly Amount[] {
  const { eventsPerSecond, eventBytes, capture } = options;
  const { hoursPerMonth } = assumed;
  const events = work.hubs.length === 0 ? 0 : eventsPerSecond * seconds;
  const ingress = events * Math.max(1, Math.ceil(eventBytes / chunkBytes));
  return [
    { what: "Event Hubs, throughput", price: "throughputUnitHour", units: throughputUnits * hoursPerMonth.value },
    { what: "Event Hubs, events in", price: "millionIngress", units: ingress / 1e6 },
    {
      what: "Event Hubs, Capture",
      price: "captureUnitHour",
      units: capture ? throughputUnits * hoursPerMonth.value : 0,
    },
    ...functionAmounts(work, options),
    { what: "Storage, capacity", price: "storedGigabyteMonth", units: storedGb(work, options) },
    ...requestAmounts(work, options),
    ...noticeAmounts(work, options),
  ];
}

/** A hub's function runs where one of its lanes has a batch; every commit is a notice, which is an execution; the sweep is one a minute. */
function functionAmounts(work: Work, { warm }: EstimateOptions): readonly Amount[] {
  const { runs, commits } = ratesOf(work);
  const executions = (runs + commits) * seconds + sweeps;
  const billed = assumed.secondsPerExecution.value;
  const share = (rate: number) => Math.min(1, rate * billed);
  const instances = instancesOf(work);
  const hubShare = work.hubs.length === 0 ? 0 : share(runs / work.hubs.length);
  // Each hub has instances of its own, and so have notices and the sweep.
  const busySeconds = (Math.max(instances, work.hubs.length) * hubShare + share(commits)) * seconds + sweeps * billed;
  const gigabyteSeconds = busySeconds * instanceGb;
  const ready = warm ? (work.hubs.length + 3) * instanceGb * seconds : 0;
  const paid = (used: number, granted: number) => (warm ? used : Math.max(0, used - granted));
  return [
    {
      what: "Functions, execution",
      price: warm ? "readyGigabyteSecond" : "gigabyteSecond",
      units: paid(gigabyteSeconds, free.gigabyteSeconds),
    },
    { what: "Functions, instances kept ready", price: "baselineGigabyteSecond", units: ready },
    { what: "Functions, executions", price: "millionExecutions", units: paid(executions, free.executions) / 1e6 },
    {
      what: "Log Analytics",
      price: "logGigabyte",
      units: Math.max(0, (executions * assumed.logBytesPerExecution.value) / 1e9 - free.logGigabytes),
    },
  ];
}

function ratesOf({ flows }: Work): { readonly runs: number; readonly commits: number } {
  const rate = (kinds: readonly string[]) =>
    sum(flows.filter(({ kind }) => kinds.includes(kind)).map(({ batchesPerSecond }) => batchesPerSecond));
  return { runs: rate(["hub"]), commits: rate(["hub", "stream", "view"]) };
}

function instancesOf(work: Work): number {
  const cores = coresOf(work);
  return cores === 0 ? 0 : Math.ceil(cores / (instanceCores * (assumed.useOfCoresPercent.value / 100)));
}

function storedGb({ flows }: Work, { eventBytes, retentionDays, capture, eventsPerSecond }: EstimateOptions): number {
  const percentOf = {
    hub: assumed.bronzePercent,
    stream: assumed.silverPercent,
    view: assumed.viewPercent,
    files: assumed.viewPercent,
  };
  const perSecond = sum(
    flows.map(({ kind, eventsPerSecond: events }) => (events * eventBytes * percentOf[kind].value) / 100),
  );
  const captured = capture ? (eventsPerSecond * eventBytes * assumed.capturePercent.value) / 100 : 0;
  const days = retentionDays + Math.min(retentionDays, assumed.rewrittenDays.value);
  return ((perSecond * days + captured * retentionDays) * 86_400) / 1e9;
}

/**
 * Requests of all batches, of the hubs' triggers, and of what the tables do by themselves. A file of more than 4 MB counts as several writes.
 * The sweep looks at each flow's head.
 */
function requestAmounts(work: Work, options: EstimateOptions): readonly Amount[] {
  const { flows } = work;
  const furtherWrites = ({ kind, eventsPerSecond, batchesPerSecond }: Work["flows"][number]) =>
    kind === "view" || batchesPerSecond === 0
      ? 0
      : ((eventsPerSecond / batchesPerSecond) * options.eventBytes) / writeBytes;
  const looks = sweeps * flows.length;
  const [trigger, care] = [triggerRequests(work), careRequests(work, options)];
  const total = (of: (requests: Requests) => number, more: (flow: Work["flows"][number]) => number = () => 0) =>
    sum(flows.map((flow) => flow.batchesPerSecond * (of(requestsPerBatch[flow.kind]) + more(flow)))) * seconds +
    of(trigger) +
    of(care);
  return [
    { what: "Storage, writes of host", price: "hostWrites", units: total(({ hostWrites }) => hostWrites) / 1e4 },
    { what: "Storage, reads of host", price: "hostReads", units: (total(({ hostReads }) => hostReads) + looks) / 1e4 },
    {
      what: "Storage, writes of lake",
      price: "lakeWrites",
      units: total(({ lakeWrites }) => lakeWrites, furtherWrites) / 1e4,
    },
    { what: "Storage, reads of lake", price: "lakeReads", units: (total(({ lakeReads }) => lakeReads) + looks) / 1e4 },
  ];
}

/** Every blob of the lake raises an event, which is billed where a filter drops it too; a commit's is delivered. */
function noticeAmounts(work: Work, options: EstimateOptions): readonly Amount[] {
  const { commits } = ratesOf(work);
  const blobs = sum(
    work.flows.map(({ kind, batchesPerSecond }) => batchesPerSecond * requestsPerBatch[kind].lakeWrites),
  );
  const operations = (blobs + commits) * seconds + careRequests(work, options).lakeWrites;
  return [
    { what: "Event Grid", price: "millionGridOperations", units: Math.max(0, operations - free.gridOperations) / 1e6 },
    {
      what: "Queue of notices",
      price: "queueOperations",
      units: (commits * seconds * assumed.queueOperationsPerMessage.value) / 1e4,
    },
  ];
}

/** What is left of the bill where something else computes. */
const kept: readonly PriceName[] = [
  "throughputUnitHour",
  "millionIngress",
  "captureUnitHour",
  "storedGigabyteMonth",
  "logGigabyte",
];

function alternativesTo(lines: readonly Line[], work: Work, { eventsPerSecond }: Load): readonly Alternative[] {
  const keptUsd = sum(lines.filter(({ price }) => kept.includes(price)).map(({ usd }) => usd));
  const hours = assumed.hoursPerMonth.value;
  const nodes = 1 + Math.max(1, Math.ceil(eventsPerSecond / assumed.eventsPerClusterNode.value));
  const unitsPerNodeHour = 0.75;
  const nodeUsd = priceTable.clusterNodeHour.usd + unitsPerNodeHour * priceTable.databricksUnit.usd;
  const queries = work.flows.filter(({ kind }) => kind !== "files").length;
  const units =
    queries *
    Math.max(3, Math.ceil(eventsPerSecond / Math.max(1, work.hubs.length) / assumed.eventsPerStreamingUnit.value));
  const alternative = (name: string, how: string, computeUsd: number): Alternative => ({
    name,
    how,
    computeUsd,
    totalUsd: keptUsd + computeUsd,
  });
  return [
    alternative(
      "Databricks jobs cluster",
      `${nodes} machines of 4 cores (DS3 v2, ${unitsPerNodeHour} DBU an hour each), always on`,
      nodes * nodeUsd * hours,
    ),
    alternative(
      "Stream Analytics",
      `${units} streaming units, a query for each of ${queries} tables; without merges, late changes and history, which it does not have`,
      units * priceTable.streamingUnitHour.usd * hours,
    ),
  ];
}
