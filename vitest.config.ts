import { defineConfig } from "vitest/config";

/** Suites whose files run beside each other. A worker takes one after another: loading everything anew for each costs a tenth of the whole. */
function quick(name: string, testTimeoutMs = 10_000) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: testTimeoutMs,
      hookTimeout: 30_000,
      isolate: false,
      sequence: { groupOrder: 0 },
    },
  };
}

/** Suites that start servers or load both cores: one file at a time, after all quick ones. */
function alone(name: string, testTimeoutMs: number, groupOrder: number) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: testTimeoutMs,
      hookTimeout: 60_000,
      maxWorkers: 1,
      sequence: { groupOrder },
    },
  };
}

export default defineConfig({
  test: {
    // DuckDB is a native module, which does not live in threads.
    pool: "forks",
    maxWorkers: 2,
    passWithNoTests: false,
    teardownTimeout: 10_000,
    projects: [
      quick("unit"),
      quick("contracts", 30_000),
      quick("golden", 30_000),
      quick("infra", 30_000),
      quick("model", 60_000),
      quick("oracle", 60_000),
      quick("simulation", 120_000),
      alone("e2e", 120_000, 1),
      alone("long", 1_200_000, 2),
      alone("concurrency", 60_000, 3),
      alone("interop", 300_000, 4),
    ],
  },
});
