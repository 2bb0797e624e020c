import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cloneSource, dataFilePath, decodeLogPath, encodeLogPath, fileKey } from "../../../shared/delta/index.ts";
import { FileStore, hivePartitionPath } from "../../../shared/storage/index.ts";
import { seededRandom } from "../../../shared/core/index.ts";
import { InstantClock } from "../../support/instant-clock.ts";

const store = new FileStore("/data", { clock: new InstantClock(0), random: seededRandom(1) });
const log = { path: "lake/silver/events", store };

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

describe("absolute paths", () => {
  const clone = { ...log, clonedFrom: ["lake/silver/source"] };

  test.each([
    ["/data/lake/silver/events/a%20b", "lake/silver/events/a b"],
    ["file:///data/lake/silver/events/day=2001-01-01/at=10%253A30/x", "lake/silver/events/day=2001-01-01/at=10%3A30/x"],
    ["file:/data/lake/silver/source/../events/x", "lake/silver/events/x"],
  ])("%s is in the table", (path, expected) => {
    expect(dataFilePath(log, { path })).toBe(expected);
    expect(dataFilePath(clone, { path })).toBe(expected);
  });

  test("into the table that it is a clone of are read where that is said, and nothing beside it", () => {
    const path = "file:///data/lake/silver/source/x";
    expect(dataFilePath(clone, { path })).toBe("lake/silver/source/x");
    expect(() => dataFilePath(log, { path })).toThrow(expect.objectContaining({ code: "PATH_OUTSIDE_TABLE" }));
  });

  test.each([
    "file:///data/lake/silver/events",
    "file:///data/lake/silver/events2/x",
    "file:///data/lake/silver/source2/x",
    "file:///data/lake/silver/events/../other/x",
    "file:///data/lake/silver/source/%2e%2e/other/x",
    "file:///data/lake/silver",
    "file:///lake/silver/events/x",
    "../source/x",
  ])("%s is outside of both", (path) => {
    expect(() => dataFilePath(clone, { path })).toThrow(
      expect.objectContaining({ code: "PATH_OUTSIDE_TABLE", details: { path } }),
    );
  });

  test("say where they lead to in the store, as clonedFrom has to spell it", () => {
    expect(() => dataFilePath(clone, { path: "file:///data/lake/silver/other%20one/x" })).toThrow(
      'not inside the table, nor inside lake/silver/source; its path in the store is "lake/silver/other one/x".',
    );
    expect(() => dataFilePath(log, { path: "/elsewhere/x" })).toThrow("not inside the table. Where the table is");
  });

  test("however they are written, lead into the table or its source, or are refused", () => {
    const piece = fc.constantFrom(
      "..",
      ".",
      "",
      "%2e%2e",
      "%2f..",
      "data",
      "lake",
      "silver",
      "events",
      "source",
      "x",
      "%00",
    );
    const start = fc.constantFrom(
      "/",
      "//",
      "file:/",
      "file:///data/lake/silver/events/",
      "file://localhost/",
      "memory:/",
      "",
    );
    fc.assert(
      fc.property(start, fc.array(piece, { maxLength: 8 }), (scheme, pieces) => {
        const path = `${scheme}${pieces.join("/")}`;
        let found: string;
        try {
          found = dataFilePath(clone, { path });
        } catch (error) {
          expect(error).toMatchObject({ code: "PATH_OUTSIDE_TABLE" });
          return;
        }
        expect(found).toMatch(/^lake\/silver\/(events|source)\/./);
        expect(found.split("/").some((segment) => ["", ".", ".."].includes(segment))).toBe(false);
        expect(found).not.toContain("\0");
      }),
      { numRuns: 2_000 },
    );
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
    for (const path of ["file:///a/b%20c", "file:/a/b%20c", "FILE://localhost/a/b%20c", "/a/b%20c"])
      expect(fileKey({ path })).toBe(fileKey({ path: "/a/b c" }));
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

describe("the folder of the table that another is a clone of", () => {
  test.each([
    "lake/silver/src",
    "./lake//silver/./src/",
    "/data/lake/silver/src",
    "/data/lake/./silver/src/",
    "file:///data/lake/silver/src",
    "file:/data/lake/silver/other/../src/",
  ])("may be spelled %s", (folder) => {
    expect(cloneSource(log, folder)).toBe("lake/silver/src");
  });

  test("has the characters that it has, but in a URI", () => {
    expect(cloneSource(log, "/data/a b/100%")).toBe("a b/100%");
    expect(cloneSource(log, "a%20b")).toBe("a%20b");
    expect(cloneSource(log, "/data/people")).toBe("people");
    expect(cloneSource(log, "file:///data/a%20b")).toBe("a b");
  });

  test.each([
    "/src",
    "/data",
    "/data/../src",
    "../src",
    "a/../../src",
    "",
    ".",
    "./",
    "s3://bucket/src",
    "file:///src",
  ])("cannot be %j, which is not within the store", (folder) => {
    expect(() => cloneSource(log, folder)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining('as in "lake/silver/source"') as string,
      }),
    );
  });
});
