/** What the pipelines ask of Azure, told from their manifests. */
import { RunError } from "@pulumi/pulumi";
import { checkTogether, manifest, type Manifest, type Pipeline } from "../shared/pipeline/index.ts";

export interface Hub {
  readonly name: string;
  readonly partitions: number;
  readonly consumerGroups: readonly string[];
}

export interface Demand {
  /** By name, each once, however many tables read it. */
  readonly hubs: readonly Hub[];
  readonly queues: readonly string[];
  /** True where a table is fed by files that land. */
  readonly landsFiles: boolean;
}

/** What a namespace of the tier Standard holds. */
const standard = { hubs: 10, partitions: 32, consumerGroups: 20 } as const;

/**
 * The demand of all pipelines together. Throws DUPLICATE_NAME where pipelines do not go together, and a RunError where there is none, two want one hub
 * with different partitions or a hub does not fit into a namespace of the tier Standard.
 */
export function demandOf(pipelines: readonly Pipeline[]): Demand {
  checkTogether(pipelines);
  if (pipelines.length === 0) throw new RunError("There is no pipeline to deploy. List one in pipelines/index.ts.");
  const manifests = pipelines.map(manifest);
  const hubs = hubsOf(manifests);
  checkFit(hubs);
  return {
    hubs,
    queues: sorted(manifests.flatMap(({ queues }) => queues)),
    landsFiles: manifests.some(({ sources }) => sources.some(({ kind }) => kind === "files")),
  };
}

function hubsOf(manifests: readonly Manifest[]): readonly Hub[] {
  const partitions = new Map<string, number>();
  for (const source of manifests.flatMap(({ sources }) => sources)) {
    if (source.kind !== "eventHub") continue;
    const declared = partitions.get(source.hub) ?? source.partitions;
    if (declared !== source.partitions) {
      throw new RunError(
        `The hub "${source.hub}" is declared with ${declared} and with ${source.partitions} partitions. Declare the same number for every table that reads it.`,
      );
    }
    partitions.set(source.hub, declared);
  }
  const groups = manifests.flatMap(({ consumerGroups }) => consumerGroups);
  return sorted(partitions.keys()).map((name) => ({
    name,
    partitions: partitions.get(name) ?? 1,
    consumerGroups: sorted(groups.filter(({ hub }) => hub === name).map((group) => group.name)),
  }));
}

function checkFit(hubs: readonly Hub[]): void {
  if (hubs.length > standard.hubs) {
    throw new RunError(
      `The pipelines read ${hubs.length} hubs; a namespace of the tier Standard holds ${standard.hubs}. Send several kinds of events through one hub, or deploy the pipelines as two projects.`,
    );
  }
  for (const { name, partitions, consumerGroups } of hubs) {
    if (partitions > standard.partitions) {
      throw new RunError(
        `The hub "${name}" wants ${partitions} partitions; the tier Standard allows ${standard.partitions}. Declare fewer: eventHub("${name}", { partitions: ${standard.partitions} }).`,
      );
    }
    if (consumerGroups.length > standard.consumerGroups) {
      throw new RunError(
        `The hub "${name}" wants ${consumerGroups.length} consumer groups; the tier Standard allows ${standard.consumerGroups}.`,
      );
    }
  }
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].sort();
}
