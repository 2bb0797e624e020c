/** The explorer itself, on models small enough to know by heart. */
import { describe, expect, it } from "vitest";
import { explore, type Model, type Move } from "./explore.ts";

/** Two hands of a clock with `size` hours. `moves` says where they can go from (a, b). */
function clock(size: number, over: Partial<Model<readonly [number, number]>> = {}): Model<readonly [number, number]> {
  return {
    initial: [0, 0],
    keyOf: ([a, b]) => `${a},${b}`,
    movesOf: ([a, b]) => [to("a", [(a + 1) % size, b]), to("b", [a, (b + 1) % size])],
    faultOf: () => undefined,
    isDone: ([a, b]) => a === 0 && b === 0,
    ...over,
  };
}

function to(label: string, next: readonly [number, number], isFault = false): Move<readonly [number, number]> {
  return { label: () => label, next, isFault };
}

describe("an exploration", () => {
  it("visits every state once", () => {
    expect(explore(clock(7), 1_000)).toEqual({ kind: "holds", states: 49, moves: 98, done: 1 });
  });

  it("finds a shortest way to what is wrong", () => {
    const found = explore(clock(7, { faultOf: ([a, b]) => (a === 2 && b === 1 ? "two past one" : undefined) }), 1_000);
    expect(found).toMatchObject({ kind: "broken", reason: "two past one" });
    expect(found.kind === "broken" ? found.trace.toSorted() : []).toEqual(["a", "a", "b"]);
  });

  it("finds a circle from which nothing leads on", () => {
    const trap = clock(7, {
      isDone: ([a]) => a < 3,
      movesOf: ([a, b]) =>
        a === 3 ? [to("b", [a, (b + 1) % 7])] : [to("a", [(a + 1) % 7, b]), to("b", [a, (b + 1) % 7])],
    });
    expect(explore(trap, 1_000)).toMatchObject({ kind: "broken", trace: ["a", "a", "a"] });
  });

  it("does not rely on a fault to lead on", () => {
    const trap = clock(4, {
      movesOf: ([a, b]) => [to("a", [(a + 1) % 4, b], a === 3), to("b", [a, (b + 1) % 4])],
    });
    expect(explore(trap, 1_000)).toMatchObject({ kind: "broken", reason: expect.stringContaining("stuck") });
  });

  it("is never cut off in silence", () => {
    expect(() => explore(clock(7), 48)).toThrow("There are more than 48 states");
  });
});
