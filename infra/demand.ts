/** What the pipelines ask of Azure, told from their manifests. */
import { RunError } from "@pulumi/pulumi";
import { checkTogether, manifest, type Manifest, type Pipeline } from "../shared/pipeline/index.ts";
import type { Config } from "./config.ts";

export interface Hub {
  readonly name: string;
  readonly partitions: number;
  readonly consumerGroups: readonly string[];
}

export interface Table {
  readonly name: string;
  /** Container and path in the account `lake`. */
  readonly path: string;
}

/** A table that can be filled from what is there already, and the body of the request for it. */
export interface FirstBackfill {
  readonly table: string;
  readonly request: Readonly<Record<string, string | number>>;
}

export interface Demand {
  /** By name, each once, however many tables read it. */
  readonly hubs: readonly Hub[];
  readonly queues: readonly string[];
  /** True where a table is fed by files that land. */
  readonly landsFiles: boolean;
  /** Names of the functions that a hub or a queue starts. */
  readonly streamFunctions: readonly string[];
  readonly tables: readonly Table[];
  readonly backfills: readonly FirstBackfill[];
}

/** What a namespace holds: hubs in it, partitions and consumer groups of each. */
const tiers = {
  Standard: { hubs: 10, partitions: 32, consumerGroups: 20, partitionsPerUnit: Infinity },
  Premium: { hubs: 100, partitions: 100, consumerGroups: 100, partitionsPerUnit: 200 },
} as const;

/**
 * The demand of all pipelines together. Throws DUPLICATE_NAME where pipelines do not go together, and a RunError where there is none, two want one hub
 * with different partitions or a hub does not fit into a namespace of the configured tier.
 */
export function demandOf(
  pipelines: readonly Pipeline[],
  config: Pick<Config, "eventHubsTier" | "processingUnits">,
): Demand {
  checkTogether(pipelines);
  if (pipelines.length === 0) throw new RunError("There is no pipeline to deploy. List one in pipelines/index.ts.");
  const manifests = pipelines.map(manifest);
  const hubs = hubsOf(manifests);
  checkFit(hubs, config);
  return {
    hubs,
    queues: sorted(manifests.flatMap(({ queues }) => queues)),
    landsFiles: manifests.some(({ sources }) => sources.some(({ kind }) => kind === "files")),
    streamFunctions: sorted(
      manifests.flatMap(({ functions }) =>
        functions.flatMap(({ name, trigger }) => (["eventHub", "queue"].includes(trigger.kind) ? [name] : [])),
      ),
    ),
    tables: manifests
      .flatMap(({ tables }) => tables.map(({ name, path }) => ({ name, path })))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    backfills: backfillsOf(manifests),
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

/** Of tables fed from hubs all that the hub still holds; of tables fed by files all that lies below their folder. */
function backfillsOf(manifests: readonly Manifest[]): readonly FirstBackfill[] {
  return manifests
    .flatMap(({ sources }) =>
      sources.map((source): FirstBackfill => {
        const request = { kind: "replay", source: source.table };
        return source.kind === "eventHub"
          ? { table: source.table, request: { ...request, from: 0 } }
          : { table: source.table, request: { ...request, prefix: source.glob.slice(0, folderEnd(source.glob)) } };
      }),
    )
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}

/** Behind the last slash before anything that is a pattern. */
function folderEnd(glob: string): number {
  const pattern = glob.search(/[*?[{]/);
  return glob.slice(0, pattern < 0 ? glob.length : pattern).lastIndexOf("/") + 1;
}

function checkFit(
  hubs: readonly Hub[],
  { eventHubsTier: tier, processingUnits = 1 }: Pick<Config, "eventHubsTier" | "processingUnits">,
): void {
  const limits = tiers[tier];
  if (hubs.length > limits.hubs) {
    throw new RunError(
      `The pipelines read ${hubs.length} hubs; a namespace of the tier ${tier} holds ${limits.hubs}. Send several kinds of events through one hub, or deploy the pipelines as two projects.`,
    );
  }
  const instead = tier === "Standard" ? ", or take the tier Premium: pulumi config set eventHubsTier Premium" : "";
  for (const { name, partitions, consumerGroups } of hubs) {
    if (partitions > limits.partitions) {
      throw new RunError(
        `The hub "${name}" wants ${partitions} partitions; the tier ${tier} allows ${limits.partitions}. Declare fewer, eventHub("${name}", { partitions: ${limits.partitions} })${instead}.`,
      );
    }
    if (consumerGroups.length > limits.consumerGroups) {
      throw new RunError(
        `The hub "${name}" wants ${consumerGroups.length} consumer groups; the tier ${tier} allows ${limits.consumerGroups}${instead}.`,
      );
    }
  }
  const all = hubs.reduce((sum, { partitions }) => sum + partitions, 0);
  if (all > limits.partitionsPerUnit * processingUnits) {
    throw new RunError(
      `The hubs have ${all} partitions together; ${processingUnits} processing units of the tier ${tier} hold ${limits.partitionsPerUnit * processingUnits}. Take more: pulumi config set processingUnits <number>`,
    );
  }
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].sort();
}
