/** What the simulation itself promises. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../shared/core/index.ts";
import type { Compute, ComputeJob } from "../../shared/compute/index.ts";
import { mutants } from "./mutants/mutants.ts";
import { PermutedCompute } from "./permuted-compute.ts";
import { scheduleOf } from "./schedule.ts";
import { Seeds } from "./seeds.ts";
import { shapes } from "./shapes.ts";

describe("a seed", () => {
  let seeds: Seeds;
  beforeAll(async () => {
    seeds = await Seeds.open();
  });
  afterAll(() => seeds[Symbol.asyncDispose]());

  test("plays the same calls in the same order every time", { timeout: 60_000 }, async () => {
    const played = [3, 31, 36, 145, 200];
    const digests: string[] = [];
    for (const seed of played) digests.push(await seeds.digestOf(seed));
    for (const [index, seed] of [...played.entries()].reverse())
      expect(await seeds.digestOf(seed), `seed ${seed}`).toBe(digests[index]);
    expect(new Set(digests).size).toBe(played.length);
  });
});

test("all shapes of pipelines are among the schedules of npm test", () => {
  const drawn = new Set(Array.from({ length: 500 }, (_, seed) => scheduleOf(seed).shape));
  expect([...drawn].sort()).toEqual([...shapes].sort());
});

test.each(mutants)("what the mutant of rule $rule, $name, replaces is there once", async ({ edits }) => {
  const changed = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const text = changed.get(file) ?? (await readFile(join(import.meta.dirname, "../..", file), "utf8"));
    expect(text.split(find), `${file}: ${find}`).toHaveLength(2);
    changed.set(file, text.split(find).join(replace));
  }
});

test("a permuted compute keeps the rows of its inputs together and leaves sorted results alone", async () => {
  const seen: ComputeJob[] = [];
  const inner: Compute = {
    run: async (job) => {
      seen.push(job);
      const rows = [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }];
      return { kind: "done", written: {}, collected: { free: rows, sorted: rows }, positions: {} };
    },
    close: async () => {},
  };
  const compute = new PermutedCompute(inner, seededRandom(7));
  const schema = { kind: "struct", fields: {} } as const;
  const scan = { kind: "scan", source: "t", schema, streaming: false } as const;
  const columns = { a: [1, 2, 3, 4, 5], b: ["1", "2", "3", "4", "5"] };
  const orders = new Set<string>();
  for (let run = 0; run < 10; run++) {
    const result = await compute.run({
      name: "test",
      inputs: { t: { kind: "rows", schema, columns, rowCount: 5 } },
      steps: [],
      writes: [],
      collects: [
        { name: "free", plan: scan, rowsMax: 9 },
        { name: "sorted", plan: { kind: "sort", input: scan, orders: [] }, rowsMax: 9 },
      ],
      parameters: {},
    });
    const input = seen.at(-1)?.inputs["t"];
    if (input?.kind !== "rows" || result.kind !== "done") throw new Error("another kind");
    expect(input.columns["a"]?.map(String)).toEqual(input.columns["b"]);
    expect([...(input.columns["a"] ?? [])].sort((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3, 4, 5]);
    expect(result.collected["sorted"]).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
    orders.add(JSON.stringify([input.columns["a"], result.collected["free"]]));
  }
  expect(orders.size).toBeGreaterThan(5);
});
