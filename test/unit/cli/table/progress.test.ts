import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { progressOn } from "../../../../cli/table/progress.ts";

let said: string[];
beforeEach(() => {
  said = [];
  vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ["Date"] });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("work is not reported before two seconds, and then once a second", () => {
  const onFile = progressOn("files", 9);
  for (const [index, afterMs] of [1_999, 2_000, 2_500, 3_000, 9_000, 9_999].entries()) {
    vi.setSystemTime(1_700_000_000_000 + afterMs);
    onFile(index + 1);
  }
  expect(said).toEqual(["  2 of 9 files\n", "  4 of 9 files\n", "  5 of 9 files\n"]);
});
