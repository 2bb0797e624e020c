import { expect, it } from "vitest";
import { percentOf } from "../../../cli/explain.ts";

it.for<[number, string]>([
  [0.29, "29"],
  [0.2, "20"],
  [1, "100"],
  [0.001, "0.1"],
  [0.07, "7"],
  [0.125, "12.5"],
  [1 / 3, "33.3"],
  [0.0015, "0.15"],
])("a share of %d is told as %s percent", ([share, text]) => {
  expect(percentOf(share)).toBe(text);
});
