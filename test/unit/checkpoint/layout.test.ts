import fc from "fast-check";
import { expect, test } from "vitest";
import { batchIdOfName, layout } from "../../../shared/checkpoint/index.ts";
import { batchId, flowId, generation, laneId, limits } from "../../../shared/core/index.ts";

const flow = flowId("bronze.flights");
const g = generation(2);
const lane = laneId("3");

test.each([
  ["state", layout.state(flow), "checkpoints/bronze.flights/state.json"],
  ["the generations", layout.generations(flow), "checkpoints/bronze.flights/generations/"],
  ["a generation", layout.generation(flow, g), "checkpoints/bronze.flights/generations/00000000000000000002"],
  [
    "offsets",
    layout.entry(flow, g, lane, "offsets", batchId(7)),
    "checkpoints/bronze.flights/00000000000000000002/3/offsets/00000000000000000007",
  ],
  [
    "an outcome",
    layout.entry(flow, g, lane, "outcome", batchId(7)),
    "checkpoints/bronze.flights/00000000000000000002/3/outcome/00000000000000000007",
  ],
  [
    "an outcome done again",
    layout.entry(flow, g, lane, "outcome", batchId(7), 2),
    "checkpoints/bronze.flights/00000000000000000002/3/outcome/00000000000000000007.2",
  ],
  [
    "a commit",
    layout.entry(flow, g, lane, "commits", batchId(7)),
    "checkpoints/bronze.flights/00000000000000000002/3/commits/00000000000000000007",
  ],
  ["the lease", layout.lease(flow, g, lane), "checkpoints/bronze.flights/00000000000000000002/3/lease"],
  ["a state table", layout.stateTable(flow, g, "keys"), "checkpoints/bronze.flights/00000000000000000002/state/keys"],
  ["staged rows", layout.staged(flow, g), "checkpoints/bronze.flights/00000000000000000002/staged"],
])("%s has its place in the checkpoint", (_, path, expected) => {
  expect(path).toBe(expected);
});

test("names of entries sort as their batches do, and give their batch back", () => {
  const batch = fc.integer({ min: 0, max: limits.batchIdMax });
  const pathOf = (value: number) => layout.entry(flow, g, lane, "offsets", batchId(value));
  fc.assert(
    fc.property(batch, batch, (a, b) => {
      expect(pathOf(a) < pathOf(b)).toBe(a < b);
      expect(batchIdOfName(pathOf(a))).toBe(a);
    }),
  );
});

test("what is no entry of a log has no batch", () => {
  const path = layout.entry(flow, g, lane, "outcome", batchId(7), 1);
  for (const name of [path, "lease", "state.json", `${path}x`, "0007", ""]) expect(batchIdOfName(name)).toBeUndefined();
});
