/** What is asked of the two accounts beside batches: by the hubs' triggers for themselves, and by tables that keep themselves in shape. */
import { assumed } from "./assumptions.ts";
import { secondsPerMonth, sum, sweepsPerMonth, type FlowWork, type Load, type Work } from "./load.ts";
import { requestsOfCare, writeBytes, type Requests } from "./requests.ts";

/**
 * In a month: a checkpoint of the trigger for each execution, and, for the share of time that a hub's function runs, a listing of who reads
 * which partition and a write for each partition.
 */
export function triggerRequests({ flows }: Work): Requests {
  const hubs = flows.filter(({ kind }) => kind === "hub");
  const checkpoints = sum(hubs.map(({ batchesPerSecond }) => batchesPerSecond)) * assumed.checkpointsPerExecution.value;
  const ownership = sum(
    hubs.map(({ lanes, batchesPerSecond }) => {
      const share = Math.min(1, batchesPerSecond * assumed.secondsPerExecution.value);
      return (share * (1 + lanes)) / assumed.ownershipSeconds.value;
    }),
  );
  return { hostReads: 0, hostWrites: (checkpoints + ownership) * secondsPerMonth, lakeReads: 0, lakeWrites: 0 };
}

/**
 * In a month: the looks at each table, and the merges of tables that grow by small files, each by a file and a commit. Views are replaced by
 * their refreshes, and are taken for tables that have nothing to merge.
 */
export function careRequests({ flows }: Work, { eventBytes }: Pick<Load, "eventBytes">): Requests {
  const tables = sum(flows.map(tablesOf));
  const looks = sweepsPerMonth / requestsOfCare.sweepsPerLook;
  const growing = flows.filter(({ kind }) => kind === "hub" || kind === "stream");
  // Of files that come of merges a hundred become one again, and so on.
  const { filesPerMerge, mergedSizes } = assumed;
  const merged = sum(growing.map(({ batchesPerSecond }) => batchesPerSecond)) * (1 + 1 / (filesPerMerge.value - 1));
  const bytes = sum(growing.map(({ eventsPerSecond }) => eventsPerSecond)) * eventBytes * mergedSizes.value;
  const large = bytes / writeBytes;
  const reads = (merged + large) * secondsPerMonth;
  const writes = ((merged / filesPerMerge.value) * 2 + large) * secondsPerMonth;
  const { sweep, look } = requestsOfCare;
  const atTables = (key: keyof Requests) => tables * (sweep[key] * sweepsPerMonth + look[key] * looks);
  return {
    hostReads: atTables("hostReads"),
    hostWrites: atTables("hostWrites"),
    lakeReads: atTables("lakeReads") + reads,
    lakeWrites: atTables("lakeWrites") + writes,
  };
}

/** A table of rows that are judged has one of quarantine beside it. */
function tablesOf({ kind }: FlowWork): number {
  return kind === "stream" ? 2 : 1;
}
