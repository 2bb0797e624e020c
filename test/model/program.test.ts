/** Programs as plain data: the state of a runner is what it was told, and no more than it still needs. */
import { describe, expect, it } from "vitest";
import { Interner } from "./intern.ts";
import { choose, once, ProgramRunner, type Next, type Program, type Segments } from "./program.ts";

function* readAll(paths: readonly string[]): Program<string> {
  let text = "";
  for (const path of paths) text += String(yield { op: "get", path });
  return text;
}

function* outer(): Program<Next> {
  const first = yield* once(function* () {
    const inner = yield* once(() => readAll(["a", "b"]));
    return inner + (yield* readAll(["c"]));
  });
  const second = yield* readAll(["d"]);
  return { kind: "become", segment: "next", args: { heard: first + second } };
}

function* next({ heard }: { readonly heard: string }): Program<Next> {
  const chosen = yield* choose(2);
  yield { op: "get", path: `${heard}${chosen}` };
  return { kind: "idle" };
}

const segments: Segments = { outer, next };

describe("a program", () => {
  it("goes on after each answer as if it had never stopped, and chooses every way", () => {
    const runner = new ProgramRunner(segments, new Interner());
    let [resting] = runner.start("outer", {});
    const asked: string[] = [];
    for (const answer of ["1", "2", "3"]) {
      asked.push(resting?.request?.op === "get" ? resting.request.path : "");
      [resting] = runner.answer(resting!.state, answer);
    }
    expect(asked).toEqual(["a", "b", "c"]);
    const ways = runner.answer(resting!.state, "4");
    expect(ways.map(({ request }) => request)).toEqual([
      { op: "get", path: "12340" },
      { op: "get", path: "12341" },
    ]);
    expect(runner.answer(ways[0]!.state, undefined)).toMatchObject([{ request: undefined, failure: undefined }]);
  });

  it("forgets how it came to know what it knows", () => {
    const interner = new Interner();
    const runner = new ProgramRunner(segments, interner);
    const states = [
      ["1", "23", "4"],
      ["12", "3", "4"],
    ].map((answers) => {
      let [resting] = runner.start("outer", {});
      for (const answer of answers) [resting] = runner.answer(resting!.state, answer);
      return interner.keyOf(resting!.state);
    });
    expect(states[0]).toBe(states[1]);
  });
});
