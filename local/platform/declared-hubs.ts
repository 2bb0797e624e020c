import { manifest, type Pipeline } from "../../shared/pipeline/index.ts";
import type { HubsOptions } from "./event-hubs.ts";

/** The hubs that pipelines read, with as many partitions as they declare, or as `partitions` says by hub. */
export function hubsOf(
  pipelines: readonly Pipeline[],
  partitions: Readonly<Record<string, number>> = {},
): HubsOptions["hubs"] {
  const hubs: Record<string, { partitions: number; consumerGroups: string[] }> = {};
  for (const { sources, consumerGroups } of pipelines.map(manifest)) {
    for (const source of sources) {
      if (source.kind !== "eventHub") continue;
      hubs[source.hub] = {
        partitions: partitions[source.hub] ?? source.partitions,
        consumerGroups: consumerGroups.filter((group) => group.hub === source.hub).map((group) => group.name),
      };
    }
  }
  return hubs;
}
