/** What a run of the oracle exercised, so that it cannot become a test of nothing. */
import type { StrategyName } from "../../shared/engine/incremental/view-strategy.ts";
import { operatorNames } from "./drawn-step.ts";
import { happeningNames } from "./random-history.ts";

/** Every way to refresh a view: the compiler misses the one that is not here. */
const strategies: Readonly<Record<StrategyName, true>> = {
  append: true,
  full: true,
  "merge-partials": true,
  "overwrite-partitions": true,
  "recompute-keys": true,
};

/** Of a generation, which has to be in full: counted by itself, so that it does not stand for the others. */
export const firstBuild = "first build";

/** Everything that can be drawn, by subject. */
export const drawable = {
  operator: [
    ...operatorNames,
    "view over view",
    "stream",
    "withWatermark quarantine",
    "withWatermark count",
    "dropDuplicatesWithinWatermark",
    "expect drop",
    "expect warn",
  ],
  history: happeningNames,
} satisfies Record<string, readonly string[]>;

/** So many pipelines of one half meet everything. */
const manyPipelines = 200;

export class Coverage {
  readonly #counts = new Map<string, Map<string, number>>();

  note(subject: string, name: string): void {
    const counts = this.#counts.get(subject) ?? new Map<string, number>();
    counts.set(name, (counts.get(name) ?? 0) + 1);
    this.#counts.set(subject, counts);
  }

  count(subject: string, name: string): number {
    return this.#counts.get(subject)?.get(name) ?? 0;
  }

  /** What should have been met among so many pipelines and was not: ways to refresh among a few, everything that can be drawn among many. */
  missing(pipelines: number): string[] {
    const expected: Readonly<Record<string, readonly string[]>> = {
      "view strategy": [firstBuild, ...Object.keys(strategies)],
      ...(pipelines < manyPipelines ? {} : drawable),
    };
    return Object.entries(expected).flatMap(([subject, names]) =>
      names.filter((name) => this.count(subject, name) === 0).map((name) => `${subject} ${name}`),
    );
  }

  /** A line per subject. */
  toString(): string {
    return [...this.#counts]
      .map(([subject, counts]) => {
        const parts = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
        return `${subject}: ${parts.join(", ")}`;
      })
      .join("\n");
  }
}
