import fc from "fast-check";
import { expect, test } from "vitest";

import { seededRandom } from "../../../../shared/core/index.ts";
import { PollingBackoff } from "../../../../local/functions-host/backoff.ts";

test("polling slows down from 100 ms to the polling interval of host.json, and never beyond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 120_000 }), fc.integer(), (maxMs, seed) => {
      const backoff = new PollingBackoff(maxMs, seededRandom(seed));
      const waits = Array.from({ length: 20 }, () => backoff.nextMs());
      expect(waits[0]).toBe(Math.min(100, maxMs));
      expect(waits).toEqual([...waits].sort((a, b) => a - b));
      expect(waits.at(-1)).toBe(maxMs);
      backoff.reset();
      expect(backoff.nextMs()).toBe(100);
    }),
  );
});
