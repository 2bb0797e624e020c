/**
 * Tables of random columns that everybody changes, in turns: whoever is drawn creates it, and in every round each writer does one random
 * step, in an order drawn anew. A model knows the rows, and the changes, of each version. `INTEROP_SEED=n` draws other tables,
 * `INTEROP_TABLES=n` more of them.
 */
import { expect } from "vitest";
import { seededRandom, type Random } from "../../../shared/core/index.ts";
import { dyneStep } from "../dyne-steps.ts";
import { Model } from "../model.ts";
import { peerCreate, peerStep } from "../peer-steps.ts";
import { randomTable, type RandomTable, type Step } from "../random-table.ts";
import { canonicalRows } from "../same-rows.ts";
import { interopSeed, tablesCount } from "../seed.ts";
import type { PeerName, World } from "../world.ts";
import { noMappedChanges, type Check, type WrittenHere } from "./case.ts";
import { newestVersion } from "./checks.ts";
import { create, writtenOf, type Properties } from "./plain-table.ts";

type Writer = PeerName | "dyne";

const rounds = 3;
/**
 * Where a path has other letters than these in it as they are, as Spark writes it, delta-rs 1.6.6 removes the file by another spelling of the
 * path, by which neither it nor Spark finds the file: the rows are there twice.
 */
const plainTexts = ["a", "A", "it's", 'a "quote"', "a/b", "x=y", "100%", "x y", "a+b"] as const;
/** Change files below folders with other names than these are not found by delta-rs 1.6.6: it takes their paths as they stand in the log. */
const plainestTexts = ["a", "A", "b-c", "d_e", "0"] as const;
const everybody: readonly Writer[] = ["dyne", "Spark", "delta-rs"];
const withoutDeltaRs: readonly Writer[] = ["dyne", "Spark"];
const vectors: Properties = { "delta.enableDeletionVectors": "true" };
const feed: Properties = { "delta.enableChangeDataFeed": "true" };

function inTurns(feature: string, seed: number, writers: readonly Writer[], properties: Properties): WrittenHere {
  const isMapped = properties["delta.columnMapping.mode"] !== undefined;
  const hasFeed = properties["delta.enableChangeDataFeed"] === "true";
  return {
    kind: "here",
    feature: `written in turns: ${feature}`,
    seed,
    readings: hasFeed ? readingsOfFeed(properties) : {},
    async write(world, path) {
      const table = randomTable(seed, {
        oddNames: isMapped,
        steps: rounds * writers.length,
        ...(writers.includes("delta-rs") && { partitionTexts: hasFeed ? plainestTexts : plainTexts }),
      });
      const random = seededRandom(seed);
      const creator = shuffled(writers, random)[0]!;
      await createBy(world, creator, path, table, { "delta.enableDeletionVectors": "false", ...properties });
      if ((await newestVersion(path)) !== 0) throw new Error(`${creator} did not create the table as version 0`);
      const turns = Array.from({ length: rounds }, () => shuffled(writers, random)).flat();
      const model = new Model();
      const steps: readonly Step[] = [{ kind: "append", rows: table.first }, ...table.steps];
      for (const [turn, step] of steps.entries()) {
        const writer = turn === 0 ? creator : turns[turn - 1]!;
        await stepBy(world, writer, path, table, step);
        follow(model, step, await newestVersion(path), `${step.kind} by ${writer} in turn ${turn} of seed ${seed}`);
      }
      return writtenOf(model, hasFeed);
    },
    checks: { "dyne and delta-rs read every version": everyVersion },
  };
}

/** Of a file with a vector that is removed as a whole, delta-rs 1.6.6 takes the rows that were deleted before for those that are deleted now. */
function readingsOfFeed(properties: Properties): NonNullable<WrittenHere["readings"]> {
  if (properties["delta.columnMapping.mode"] !== undefined) return noMappedChanges;
  return properties["delta.enableDeletionVectors"] === "true" ? { "delta-rs": "rows" } : {};
}

async function createBy(
  world: World,
  writer: Writer,
  path: string,
  table: RandomTable,
  properties: Properties,
): Promise<void> {
  if (writer === "dyne") await create(world.session(path), table, properties);
  else await peerCreate(world, writer, path, table, properties);
}

async function stepBy(world: World, writer: Writer, path: string, table: RandomTable, step: Step): Promise<void> {
  if (writer === "dyne") await dyneStep(world, world.session(path), table, step);
  else await peerStep(world, writer, path, table, step);
}

/** A step makes one version, or none where it concerns no row. */
function follow(model: Model, step: Step, newest: number, what: string): void {
  const made = newest - (model.versions.length - 1);
  const concerned = model.concerns(step);
  if (made > 1 || (made === 0 && concerned > 0))
    throw new Error(`${what} made ${made} versions, and concerns ${concerned} rows`);
  if (made === 1) model.apply(step);
}

const everyVersion: Check = async (world, path, { versions }) => {
  for (const [version, rows] of versions.entries()) {
    const wanted = canonicalRows(rows!);
    expect(canonicalRows(await world.read(path, version)), `dyne, version ${version}`).toEqual(wanted);
    const theirs = (await world.peers["delta-rs"].ask("read", { path, version })) as string[];
    expect(canonicalRows(theirs), `delta-rs, version ${version}`).toEqual(wanted);
  }
};

function shuffled<T>(values: readonly T[], random: Random): readonly T[] {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random.next() * left.length), 1)[0]!);
}

const seeds = (first: number): readonly number[] => Array.from({ length: tablesCount }, (_, i) => first + i);
const firstSeed = interopSeed * 10_000;

/** All of them. */
export const inTurnsHere: readonly WrittenHere[] = [
  ...seeds(firstSeed).map((seed) => inTurns("plain tables", seed, everybody, {})),
  ...seeds(firstSeed + 200).map((seed) => inTurns("change data feed", seed, everybody, feed)),
  ...seeds(firstSeed + 400).map((seed) =>
    inTurns("change data feed with deletion vectors", seed, withoutDeltaRs, { ...vectors, ...feed }),
  ),
  ...seeds(firstSeed + 600).map((seed) =>
    inTurns("change data feed with column mapping", seed, withoutDeltaRs, {
      "delta.columnMapping.mode": seed % 2 === 0 ? "name" : "id",
      "delta.enableInCommitTimestamps": "true",
      ...(seed % 4 < 2 && vectors),
      ...feed,
    }),
  ),
];
