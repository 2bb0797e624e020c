import { expect, test } from "vitest";
import { jsonLogger } from "../../../shared/runtime/index.ts";

const logged = (from: "debug" | "info" | "warn" | "error") => {
  const lines: string[] = [];
  const logger = jsonLogger(from, (line) => void lines.push(line));
  logger.debug("d");
  logger.info("i", { rows: 7n });
  logger.warn("w");
  logger.error("e", { cause: undefined, nested: { n: 1n } });
  return lines;
};

test("a line is one JSON object with its level, message and fields; whole numbers beyond 2^53 are text", () => {
  const lines = logged("debug");
  expect(lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1)).toBe(true);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    [
      { level: "debug", message: "d" },
      { level: "info", message: "i", rows: "7" },
      { level: "warn", message: "w" },
      { level: "error", message: "e", nested: { n: "1" } },
    ].map((line) => expect.objectContaining(line)),
  );
});

test("lines below the level are left out", () => {
  expect(logged("warn").map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(["warn", "error"]);
});
