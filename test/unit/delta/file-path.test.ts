import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dataFilePath, decodeLogPath, encodeLogPath, fileKey } from "../../../shared/delta/index.ts";
import { hivePartitionPath } from "../../../shared/storage/index.ts";

const log = { path: "lake/silver/events" };

test("a path that is encoded for the log resolves to itself, below the table", () => {
  const segment = fc
    .string({ unit: "binary", minLength: 1, maxLength: 8 })
    .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== "..");
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
      const path = segments.join("/");
      expect(decodeLogPath(encodeLogPath(path))).toBe(path.toWellFormed());
      expect(dataFilePath(log, { path: encodeLogPath(path) })).toBe(`lake/silver/events/${path.toWellFormed()}`);
    }),
  );
});

describe("paths of foreign writers", () => {
  test.each([
    ["part-0.parquet", "part-0.parquet"],
    ["special%20p@%23h", "special p@#h"],
    ["day=2001-01-01/at=10%253A30/x", "day=2001-01-01/at=10%3A30/x"],
    ["./a//b/../c", "a/c"],
    ["a%2Fb", "a/b"],
  ])("%s is %s", (path, expected) => {
    expect(dataFilePath(log, { path })).toBe(`lake/silver/events/${expected}`);
  });

  test.each([
    "/etc/passwd",
    "file:///etc/passwd",
    "abfss://lake@other.dfs.core.windows.net/x",
    "s3:x",
    "../other/x",
    "a/../../x",
    "%2e%2e/x",
    "a/%2e%2e%2f..%2Fx",
    ".",
    "a%00b",
  ])("%s is outside the table", (path) => {
    expect(() => dataFilePath(log, { path })).toThrow(expect.objectContaining({ code: "PATH_OUTSIDE_TABLE" }));
  });

  test("a path that is not percent-encoded is an error of the log", () => {
    expect(() => dataFilePath(log, { path: "100%" })).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
  });
});

describe("folders of partitions", () => {
  test.each<[readonly string[], Record<string, string | null>, string]>([
    [[], {}, ""],
    [["day"], { day: "2001-01-01" }, "day=2001-01-01"],
    [["day", "at"], { day: null, at: "10:30:00" }, "day=__HIVE_DEFAULT_PARTITION__/at=10%3A30%3A00"],
    [["a=b"], { "a=b": "x/y%\u0001 [ü]" }, "a%3Db=x%2Fy%25%01 %5Bü%5D"],
    [["a"], { a: "" }, "a=__HIVE_DEFAULT_PARTITION__"],
  ])("by %j, %j is %j", (partitionBy, values, expected) => {
    expect(hivePartitionPath(partitionBy, values)).toBe(expected);
  });

  test("are percent-encoded once more in the log, as Spark does", () => {
    expect(encodeLogPath(`${hivePartitionPath(["at"], { at: "2013-07-05 17:01:00" })}/p.parquet`)).toBe(
      "at=2013-07-05%2017%253A01%253A00/p.parquet",
    );
  });
});

describe("what is the same logical file", () => {
  const deletionVector = {
    storageType: "u" as const,
    pathOrInlineDv: "abc",
    offset: 1,
    sizeInBytes: 3,
    cardinality: 1,
  };
  test("the same path under two spellings", () => {
    expect(fileKey({ path: "a%20b" })).toBe(fileKey({ path: "./a b" }));
    expect(fileKey({ path: "file:///a/b%20c" })).toBe(fileKey({ path: "/a/b c" }));
  });
  test("not the same path with another deletion vector", () => {
    const keys = [
      undefined,
      deletionVector,
      { ...deletionVector, offset: 2 },
      { ...deletionVector, pathOrInlineDv: "abd" },
    ].map((dv) => fileKey({ path: "a", deletionVector: dv }));
    expect(new Set(keys).size).toBe(4);
  });
});
