import { pipelines } from "../pipelines/index.ts";
import { manifest } from "../shared/pipeline/index.ts";

/** The hubs that the pipelines read, as the local platform makes them. */
export function hubsOfPipelines(): Record<string, { partitions: number; consumerGroups: string[] }> {
  const hubs: Record<string, { partitions: number; consumerGroups: string[] }> = {};
  for (const { sources, consumerGroups } of pipelines.map(manifest)) {
    for (const source of sources) {
      if (source.kind !== "eventHub") continue;
      hubs[source.hub] = {
        partitions: source.partitions,
        consumerGroups: consumerGroups.filter((group) => group.hub === source.hub).map((group) => group.name),
      };
    }
  }
  return hubs;
}
