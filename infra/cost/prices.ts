/**
 * What Azure and the alternatives ask, in US dollars before tax, as list prices of western Europe or the nearest that a source names. Every
 * price says where it is from and of when that is, or that it is assumed. Look yours up before you rely on one.
 */

export interface Price {
  readonly usd: number;
  readonly unit: string;
  /** Where it is from. */
  readonly source: string;
  /** Of when the source is, `2025-05` or `2025-05-22`; undefined where the price is assumed. */
  readonly date: string | undefined;
}

const eventHubs = "azure.microsoft.com/pricing/details/event-hubs, as quoted for West Europe";
const flex = "azure.microsoft.com/pricing/details/functions, as quoted by modal.com/blog/azure-function-pricing-guide";
const blob = "learn.microsoft.com/azure/storage/blobs/azcopy-cost-estimation, sample prices of the blob endpoint";
const hierarchical =
  "learn.microsoft.com/azure/storage/blobs/azcopy-cost-estimation, sample prices of Data Lake Storage";

const prices = {
  throughputUnitHour: { usd: 0.03, unit: "throughput unit and hour", source: eventHubs, date: "2026-09" },
  millionIngress: { usd: 0.028, unit: "million events of up to 64 KB", source: eventHubs, date: "2026-09" },
  captureUnitHour: { usd: 0.1, unit: "throughput unit and hour with Capture", source: "assumed", date: undefined },
  gigabyteSecond: { usd: 0.000026, unit: "GB and second of execution, on demand", source: flex, date: "2025-05-22" },
  millionExecutions: { usd: 0.4, unit: "million executions", source: flex, date: "2025-05-22" },
  baselineGigabyteSecond: { usd: 0.000004, unit: "GB and second kept ready", source: "assumed", date: undefined },
  readyGigabyteSecond: { usd: 0.000016, unit: "GB and second of execution, ready", source: "assumed", date: undefined },
  storedGigabyteMonth: {
    usd: 0.0208,
    unit: "GB and month, hot, three copies in one place",
    source: "assumed",
    date: undefined,
  },
  hostWrites: { usd: 0.055, unit: "10,000 writes and listings, flat account", source: blob, date: "2025" },
  hostReads: { usd: 0.0044, unit: "10,000 reads and leases, flat account", source: blob, date: "2025" },
  lakeWrites: {
    usd: 0.0715,
    unit: "10,000 writes of up to 4 MB, hierarchical account",
    source: hierarchical,
    date: "2025",
  },
  lakeReads: {
    usd: 0.0057,
    unit: "10,000 reads of up to 4 MB, hierarchical account",
    source: hierarchical,
    date: "2025",
  },
  queueOperations: { usd: 0.004, unit: "10,000 operations of a queue", source: "assumed", date: undefined },
  millionGridOperations: {
    usd: 0.6,
    unit: "million operations of Event Grid",
    source:
      "azure.microsoft.com/pricing/details/event-grid, as quoted by Microsoft's announcement of its general availability",
    date: "2018-01",
  },
  logGigabyte: {
    usd: 2.3,
    unit: "GB of analytics logs",
    source: "azure.microsoft.com/pricing/details/monitor, as quoted by cost estimates of Azure samples",
    date: "2023-03",
  },
  streamingUnitHour: {
    usd: 0.11,
    unit: "streaming unit and hour of Stream Analytics",
    source: "Azure/Azure-CloudIntelligence-SolutionAuthoringWorkspace, docs/solution-prices.md: 81.84 for 744 hours",
    date: "2017",
  },
  databricksUnit: {
    usd: 0.3,
    unit: "DBU of jobs compute, premium tier",
    source: "azure.microsoft.com/pricing/details/databricks, as quoted by table 5.1 of Modern Data Warehouses in Azure",
    date: "2022",
  },
  clusterNodeHour: {
    usd: 0.23,
    unit: "hour of a machine with 4 cores and 14 GB (DS3 v2)",
    source: "assumed",
    date: undefined,
  },
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof prices;

/** The table, by name. */
export const priceTable: Readonly<Record<PriceName, Price>> = prices;

/** When the table was put together. */
export const pricesOf = "2026-11-30";

/** What a subscription gets for nothing every month. It may be used up by something else. */
export const free = {
  gigabyteSeconds: 100_000,
  executions: 250_000,
  gridOperations: 100_000,
  logGigabytes: 5,
} as const;
