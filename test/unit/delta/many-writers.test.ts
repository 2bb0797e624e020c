/**
 * Twenty writers of one table in one process, on a store that loses puts and their answers and lands them late (SPEC.md 23). A failure prints
 * its seed; again with: `SEED=… npx vitest run --project unit test/unit/delta/many-writers.test.ts`
 */
import { describe, expect, test } from "vitest";
import { isDyneError, limits, seededRandom } from "../../../shared/core/index.ts";
import {
  changes,
  commit,
  openSnapshot,
  type CommitOutcome,
  type DeltaLog,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import type { ObjectStore } from "../../../shared/storage/index.ts";
import { FaultyStore, type FaultRates } from "../../support/faulty-store.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { append, newTable, pathsOf } from "./table-under-test.ts";

const writers = 20;
const commitsEach = 5;

/** Counts what one writer puts where, and how long it waits. */
class Witness {
  /** By version's path: the distinct bodies, and how often one was put. */
  readonly bodies = new Map<string, Set<string>>();
  readonly sleepsMs: number[] = [];
  puts = 0;

  of(store: ObjectStore): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value = target[name as keyof ObjectStore] as (...args: unknown[]) => unknown;
        if (name !== "putIfAbsent") return value.bind(target);
        return (path: string, bytes: Uint8Array, ...rest: unknown[]) => {
          this.puts++;
          this.bodies.set(path, (this.bodies.get(path) ?? new Set()).add(new TextDecoder().decode(bytes)));
          return value.call(target, path, bytes, ...rest);
        };
      },
    });
  }
}

class WitnessedClock extends InstantClock {
  readonly #witness: Witness;

  constructor(startMs: number, witness: Witness) {
    super(startMs);
    this.#witness = witness;
  }

  override async sleep(ms: number): Promise<void> {
    this.#witness.sleepsMs.push(ms);
    await super.sleep(ms);
  }
}

async function world(seed: number, rates: FaultRates) {
  const { log, base, memory, clock } = await newTable(seed);
  const random = seededRandom(seed);
  const faulty = new FaultyStore(memory, {
    random,
    rates,
    only: ({ name }) => name === "putIfAbsent",
    // Requests of all writers mix at random.
    before: async () => {
      for (let turns = random.next() * 4; turns > 0; turns--) await Promise.resolve();
    },
  });
  const logOf = (witness: Witness, index: number): DeltaLog => ({
    ...log,
    store: witness.of(faulty),
    clock: new WitnessedClock(clock.nowMs(), witness),
    random: seededRandom(seed * 1_000 + index),
  });
  return { plain: { ...log, store: memory }, base, faulty, logOf };
}

/** Commits until it is known that it is done: the fence makes each call safe to repeat. Gives how often it was told to plan again or to retry. */
async function commitSurely(log: DeltaLog, base: Snapshot, writer: number, batch: number) {
  let snapshot = base;
  const refusals: string[] = [];
  for (let call = 1; call <= 50; call++) {
    const fences = [{ appId: `writer ${writer}`, version: batch, expected: batch === 1 ? undefined : batch - 1 }];
    try {
      const outcome: CommitOutcome = await commit(log, { ...append(snapshot, `w${writer}-${batch}`), fences });
      if (outcome.kind === "committed" || outcome.kind === "already-committed")
        return { snapshot: outcome.snapshot, refusals };
      expect(outcome).toMatchObject({ kind: "conflict", reason: "contention" });
      refusals.push("contention");
      snapshot = outcome.snapshot;
    } catch (error) {
      if (!isDyneError(error, "STORAGE_UNAVAILABLE")) throw error;
      refusals.push(error.code);
    }
  }
  throw new Error(`Writer ${writer} did not get batch ${batch} done: ${refusals.join(" ")}`);
}

const seeds = process.env["SEED"] === undefined ? [1, 2, 3] : [Number(process.env["SEED"])];

describe.each([
  ["a sound store", {}],
  ["a store that loses puts and their answers", { lostRequest: 0.15, lostAnswer: 0.2 }],
  ["a store on which puts land late", { lateWrite: 0.3, lostAnswer: 0.05 }],
] satisfies readonly (readonly [string, FaultRates])[])("twenty writers on %s", (_what, rates) => {
  test.each(seeds)("commit each batch once, with one body for each version, within bounds (seed %i)", async (seed) => {
    const { plain, base, faulty, logOf } = await world(seed, rates);
    const witnesses = Array.from({ length: writers }, () => new Witness());
    await Promise.all(
      witnesses.map(async (witness, writer) => {
        const log = logOf(witness, writer);
        let snapshot = base;
        for (let batch = 1; batch <= commitsEach; batch++)
          ({ snapshot } = await commitSurely(log, snapshot, writer, batch));
      }),
    );
    await faulty.heal();
    const newest = await openSnapshot(plain);
    const expected = witnesses.flatMap((_, writer) =>
      Array.from({ length: commitsEach }, (_of, index) => `w${writer}-${index + 1}`),
    );
    expect([newest.version, pathsOf(newest)]).toEqual([expected.length, expected.sort()]);
    // Each version is of one batch, and each batch of one version.
    const commits = await Array.fromAsync(changes(plain, { after: 0, to: newest.version }));
    expect(
      commits
        .map(({ adds }) => adds.map(({ path }) => path))
        .flat()
        .sort(),
    ).toEqual(expected);
    for (const [writer, { bodies, sleepsMs }] of witnesses.entries()) {
      for (const [path, texts] of bodies) expect([writer, path, texts.size]).toEqual([writer, path, 1]);
      expect(Math.max(0, ...sleepsMs)).toBeLessThanOrEqual(2_000);
    }
    // A version is put again where its answer was lost, and only there.
    const puts = witnesses.reduce((sum, witness) => sum + witness.puts, 0);
    const tried = witnesses.reduce((sum, { bodies }) => sum + bodies.size, 0);
    expect(puts > tried).toBe(Object.keys(rates).length > 0);
    // Waiting writers do not march in step.
    const waits = witnesses.flatMap(({ sleepsMs }) => sleepsMs);
    expect(new Set(waits).size).toBe(waits.length);
  });
});

test("a writer without a fence that is told of nothing but outcomes has committed what it was told, and nothing else", async () => {
  const { plain, base, logOf } = await world(7, {});
  const outcomes = await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const outcome = await commit(logOf(new Witness(), writer), append(base, `w${writer}`));
      return { writer, outcome };
    }),
  );
  const committed = outcomes.filter(({ outcome }) => outcome.kind === "committed");
  expect(outcomes.every(({ outcome }) => outcome.kind === "committed" || outcome.kind === "conflict")).toBe(true);
  expect(pathsOf(await openSnapshot(plain))).toEqual(committed.map(({ writer }) => `w${writer}`).sort());
  expect(new Set(committed.map(({ outcome }) => outcome.kind === "committed" && outcome.version)).size).toBe(
    committed.length,
  );
});

test("a writer on a store that is gone gives up after eight puts of one body, and says so", async () => {
  const { plain, base, logOf } = await world(8, { lostRequest: 1 });
  const witness = new Witness();
  await expect(commit(logOf(witness, 0), append(base, "a"))).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect([witness.bodies.size, [...witness.bodies.values()].map((texts) => texts.size)]).toEqual([1, [1]]);
  expect(witness.puts).toBeLessThanOrEqual(8);
  expect(witness.sleepsMs.length).toBeLessThan(8);
  expect((await openSnapshot(plain)).version).toBe(0);
  expect(limits.commitAttemptsMax).toBe(50);
});
