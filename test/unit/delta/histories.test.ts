/** Laws of the log under random histories, interleavings, lost answers and rivals. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import {
  changes,
  commit,
  openSnapshot,
  updateSnapshot,
  type Action,
  type CommitOutcome,
  type CommitRequest,
  type DeltaLog,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { add, append, newTable, pathsOf, remove } from "./table-under-test.ts";

type Step =
  | { readonly kind: "append" | "overwrite"; readonly files: number }
  | { readonly kind: "remove" | "rewrite"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("append" as const, "overwrite" as const), files: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ kind: fc.constantFrom("remove" as const, "rewrite" as const), which: fc.nat(20) }),
);

/** The actions of a step on the paths that are active. */
function actionsOf(now: Step, active: readonly string[], name: string): readonly Action[] {
  switch (now.kind) {
    case "append":
      return Array.from({ length: now.files }, (_, i) => add(`${name}-${i}`));
    case "overwrite":
      return [
        ...active.map((path) => remove(path)),
        ...Array.from({ length: now.files }, (_, i) => add(`${name}-${i}`)),
      ];
    case "remove":
    case "rewrite": {
      const path = active[now.which % Math.max(1, active.length)];
      if (path === undefined) return [];
      return now.kind === "remove" ? [remove(path)] : [remove(path, false), add(`${name}-r`, { dataChange: false })];
    }
  }
}

function request(base: Snapshot, actions: readonly Action[]): CommitRequest {
  return { base, actions, isBlindAppend: false, operation: "STEP" };
}

test("a snapshot is what a naive replay of the history gives, at every version, advanced or opened", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { log, base } = await newTable();
      let snapshot = base;
      const naive = new Set<string>();
      const history: string[][] = [[]];
      for (const [i, now] of steps.entries()) {
        const actions = actionsOf(now, [...naive].sort(), `f${i}`);
        for (const action of actions) {
          if ("remove" in action) naive.delete(action.remove.path);
          if ("add" in action) naive.add(action.add.path);
        }
        snapshot = (await commit(log, request(snapshot, actions))).snapshot;
        history.push([...naive].sort());
        expect(pathsOf(snapshot)).toEqual(history.at(-1));
        expect(snapshot.files.size).toBe(naive.size);
      }
      for (const [version, paths] of history.entries())
        expect(pathsOf(await openSnapshot(log, { version }))).toEqual(paths);
      expect(pathsOf(await updateSnapshot(log, base))).toEqual(history.at(-1));
    }),
    { numRuns: 60 },
  );
});

test("writers that are interleaved at every request lose no commit and make no gap", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 3 }),
      async (scheduler, writers) => {
        const { memory, over, base, random, log } = await newTable();
        const gated = new FaultyStore(memory, {
          random,
          before: ({ name }) => scheduler.schedule(Promise.resolve(), name),
        });
        const write = async (writer: number, count: number): Promise<void> => {
          let snapshot = base;
          for (let i = 0; i < count; i++) {
            const outcome = await commit(over(gated), append(snapshot, `w${writer}-${i}`));
            expect(outcome.kind).toBe("committed");
            snapshot = outcome.snapshot;
          }
        };
        const done = Promise.all(writers.map((count, writer) => write(writer, count)));
        await scheduler.waitFor(done);
        const newest = await openSnapshot(log);
        expect(newest.version).toBe(writers.reduce((sum, count) => sum + count, 0));
        expect(pathsOf(newest)).toEqual(
          writers.flatMap((count, writer) => Array.from({ length: count }, (_, i) => `w${writer}-${i}`)).sort(),
        );
      },
    ),
    { numRuns: 80 },
  );
});

test("merges that are interleaved at every request never remove a file twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.nat(3), { minLength: 2, maxLength: 4 }),
      async (scheduler, targets) => {
        const { memory, over, base, random, log } = await newTable();
        const { snapshot } = await commit(over(memory), append(base, "0", "1", "2", "3"));
        const gated = new FaultyStore(memory, {
          random,
          before: ({ name }) => scheduler.schedule(Promise.resolve(), name),
        });
        const outcomes = Promise.all(
          targets.map((target, i) => commit(over(gated), request(snapshot, [remove(`${target}`), add(`new-${i}`)]))),
        );
        const kinds = (await scheduler.waitFor(outcomes)).map(({ kind }) => kind);
        const newest = await openSnapshot(log);
        expect(kinds.filter((kind) => kind === "committed")).toHaveLength(new Set(targets).size);
        expect(newest.files.size).toBe(4);
        expect(pathsOf(newest).filter((path) => path.startsWith("new"))).toEqual(
          kinds.flatMap((kind, i) => (kind === "committed" ? [`new-${i}`] : [])),
        );
      },
    ),
    { numRuns: 80 },
  );
});

test("an append without a fence is in the table once, whenever the commit had an answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const { memory, over, base, random, log } = await newTable(seed);
      const faulty = new FaultyStore(memory, { random, rates: { lostRequest: 0.2, lostAnswer: 0.3, lateWrite: 0.1 } });
      const answered: string[] = [];
      const write = async (name: string): Promise<void> => {
        const outcome = await commit(over(faulty), append(base, name)).catch(() => undefined);
        if (outcome?.kind === "committed") answered.push(name);
      };
      await Promise.all(["a", "b", "c"].map(write));
      await faulty.heal();
      const commits = await Array.fromAsync(changes(log, { after: 0, to: (await openSnapshot(log)).version }));
      for (const name of answered)
        expect(commits.filter(({ adds }) => adds.some(({ path }) => path === name))).toHaveLength(1);
    }),
    { numRuns: 150 },
  );
});

/** A runner of batches of one appId: plans, writes a file of its own per batch, commits it fenced, and tries again after lost answers. */
async function runBatches(
  log: DeltaLog,
  runner: string,
  batches: number,
  base: Snapshot,
): Promise<readonly CommitOutcome["kind"][]> {
  const kinds: CommitOutcome["kind"][] = [];
  let snapshot = base;
  for (let batch = 1; batch <= batches; batch++) {
    const fences = [{ appId: "lane", version: batch, expected: batch === 1 ? undefined : batch - 1 }];
    for (let tries = 0; ; tries++) {
      try {
        const outcome = await commit(log, { ...append(snapshot, `${batch}-${runner}`), fences });
        snapshot = outcome.snapshot;
        kinds.push(outcome.kind);
        break;
      } catch (error) {
        if (!isDyneError(error, "STORAGE_UNAVAILABLE") || tries > 50) throw error;
      }
    }
    if (kinds.at(-1) === "fenced") return kinds;
  }
  return kinds;
}

const batchesOf = (paths: readonly string[]): readonly string[] => paths.map((path) => path.split("-")[0]!);

describe("fenced batches", () => {
  test("of two runners of the same batches, interleaved at every request, each batch is committed by one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (scheduler, batches) => {
        const { memory, over, base, random, log } = await newTable();
        const gated = new FaultyStore(memory, {
          random,
          before: ({ name }) => scheduler.schedule(Promise.resolve(), name),
        });
        const runs = await scheduler.waitFor(
          Promise.all(["a", "b"].map((runner) => runBatches(over(gated), runner, batches, base))),
        );
        const newest = await openSnapshot(log);
        expect(batchesOf(pathsOf(newest))).toEqual(Array.from({ length: batches }, (_, i) => `${i + 1}`));
        expect(newest.txns.get("lane")).toBe(batches);
        expect(newest.version).toBe(batches);
        for (const kinds of runs) expect(kinds).not.toContain("txn-changed");
      }),
      { numRuns: 80 },
    );
  });

  test("lost requests, lost answers and late writes never commit a batch twice and never lose one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, twoRunners) => {
        const { memory, over, base, random, log } = await newTable(seed);
        const faulty = new FaultyStore(memory, {
          random,
          rates: { lostRequest: 0.15, lostAnswer: 0.2, lateWrite: 0.15 },
        });
        const runners = twoRunners ? ["a", "b"] : ["a"];
        await Promise.all(runners.map((runner) => runBatches(over(faulty), runner, 5, base)));
        await faulty.heal();
        const newest = await openSnapshot(log);
        expect(batchesOf(pathsOf(newest))).toEqual(["1", "2", "3", "4", "5"]);
        expect(newest.version).toBe(5);
        const recorded = (await Array.fromAsync(changes(log, { after: 0, to: 5 }))).flatMap(({ txns }) =>
          txns.map(({ version }) => version),
        );
        expect(recorded).toEqual([1, 2, 3, 4, 5]);
      }),
      { numRuns: 150 },
    );
  });

  test("a zombie of an older generation never gets past a newer one", async () => {
    const { log, base } = await newTable();
    const generation = 2 ** 32;
    const first = await commit(log, {
      ...append(base, "g1"),
      fences: [{ appId: "lane", version: generation + 1, expected: undefined }],
    });
    await commit(log, {
      ...append(first.snapshot, "g2"),
      fences: [{ appId: "lane", version: 2 * generation + 1, expected: generation + 1 }],
    });
    const zombie = {
      ...append(first.snapshot, "zombie"),
      fences: [{ appId: "lane", version: generation + 2, expected: generation + 1 }],
    };
    expect(await commit(log, zombie)).toMatchObject({ kind: "fenced", recorded: 2 * generation + 1 });
    expect(pathsOf(await openSnapshot(log))).toEqual(["g1", "g2"]);
  });
});
