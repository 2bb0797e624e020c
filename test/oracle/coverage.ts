/** What a run of the oracle exercised, so that it cannot become a test of nothing. */
import type { StrategyName } from "../../shared/engine/incremental/view-strategy.ts";
import { operatorNames, type OperatorName } from "./drawn-step.ts";
import { happeningNames } from "./random-history.ts";

/** Every way to refresh a view: the compiler misses the one that is not here. */
const strategies: Readonly<Record<StrategyName, true>> = {
  append: true,
  full: true,
  "merge-partials": true,
  "recompute-keys": true,
};

/** Of a generation, which has to be in full: counted by itself, so that it does not stand for the others. */
export const firstBuild = "first build";

/** A refresh in full because inputs and view are so little; counted beside its strategy. */
export const ofLittle = "full of little";

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

/** Operators under which no view follows changes: each refresh is in full. */
const onlyInFull: ReadonlySet<OperatorName> = new Set(["limit", "window of all rows"]);

/** So many pipelines of one half meet everything but for chance: this much may be missing of a subject, as rare as some of it is. */
const manyPipelines = 200;
const missedByChance = 3;
/** An operator that was refreshed so often, and never by changes, was not followed. */
const oftenRefreshed = 5;

/** A refresh of a view that is declared to follow changes, other than its first: by its strategy. */
export const followed = "view that follows changes";

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

  /** A batch of a view of these operators; `follows`: it is declared to be refreshed by changes alone. */
  noteRefresh(strategy: StrategyName, operators: readonly string[], follows: boolean): void {
    this.note("view strategy", strategy);
    for (const operator of new Set(operators)) this.note(`refresh of ${operator}`, strategy);
    if (follows) this.note(followed, strategy);
  }

  /**
   * What should have been met among so many pipelines and was not: ways to refresh among a few; among many everything that can be drawn, and
   * each operator in a view that was refreshed by its changes.
   */
  missing(pipelines: number): string[] {
    const expected: Readonly<Record<string, readonly string[]>> = {
      "view strategy": [firstBuild, ofLittle, ...Object.keys(strategies)],
      ...(pipelines < manyPipelines ? {} : drawable),
    };
    const absent = Object.entries(expected).flatMap(([subject, names]) => {
      const missed = names.filter((name) => this.count(subject, name) === 0);
      const isChance = subject in drawable && missed.length <= missedByChance;
      return isChance ? [] : missed.map((name) => `${subject} ${name}`);
    });
    if (pipelines < manyPipelines) return absent;
    const unfollowed = operatorNames.filter((operator) => {
      const byChanges = this.#refreshes(`refresh of ${operator}`);
      if (onlyInFull.has(operator)) return byChanges > 0;
      return byChanges === 0 && this.count(`refresh of ${operator}`, "full") >= oftenRefreshed;
    });
    return [...absent, ...unfollowed.map((operator) => `by changes: ${operator}`)];
  }

  /** Of the refreshes that should have been by changes, the share that was. */
  get followedShare(): number {
    const byChanges = this.#refreshes(followed);
    return byChanges / Math.max(1, byChanges + this.count(followed, "full"));
  }

  /** How often something was refreshed by its changes. */
  #refreshes(subject: string): number {
    return Object.keys(strategies)
      .filter((name) => name !== "full")
      .reduce((sum, name) => sum + this.count(subject, name), 0);
  }

  /** A line per subject. */
  toString(): string {
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([subject, counts]) => {
        const parts = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
        return `${subject}: ${parts.join(", ")}`;
      })
      .join("\n");
  }
}
