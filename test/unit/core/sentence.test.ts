import { expect, it } from "vitest";
import { sentence } from "../../../shared/core/index.ts";

it.for<[unknown, string]>([
  ["connect ECONNREFUSED", "connect ECONNREFUSED."],
  ["It is gone. Try again.", "It is gone. Try again."],
  ["Is it there?", "Is it there?"],
  ['Use "a.b."', 'Use "a.b."'],
  ["ends with a line\n", "ends with a line."],
  ["goes on:", "goes on."],
  [new Error("no words"), "no words."],
  ["", "It gave no reason."],
  [7, "7."],
])("what somebody says is a sentence that more may follow: %j", ([said, text]) => {
  expect(sentence(said)).toBe(text);
});
