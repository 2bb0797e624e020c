import fc from "fast-check";
import { expect, test } from "vitest";
import { partitionOf } from "../../../../local/event-hubs/index.ts";

/** The SDK's own mapping, which is not part of its public face. */
const sdkMapping = new URL(
  "../../../../node_modules/@azure/event-hubs/dist/esm/impl/partitionKeyToIdMapper.js",
  import.meta.url,
).href;

test("a key goes to the partition to which the SDK's buffered producer sends it", async () => {
  const sdk = (await import(sdkMapping)) as { mapPartitionKeyToId(this: void, key: string, count: number): number };
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 120 }), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
      expect(partitionOf(key, partitions)).toBe(sdk.mapPartitionKeyToId(key, partitions));
    }),
    { numRuns: 500 },
  );
});

test("keys spread evenly over the partitions", () => {
  const counts = Array.from({ length: 8 }, () => 0);
  for (let k = 0; k < 80_000; k++) counts[partitionOf(`F${k}`, 8)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(600);
});

test("no partition can be chosen among none", () => {
  expect(() => partitionOf("key", 0)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});
