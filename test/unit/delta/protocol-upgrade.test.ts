import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featuresNeeded, protocolWith, supportsFeature, type Protocol } from "../../../shared/delta/index.ts";
import { tableFeatures } from "../../../shared/delta/feature-table.ts";
import type { DataType, Schema, StructField } from "../../../shared/plan/index.ts";

const legacy = (minReaderVersion: number, minWriterVersion: number): Protocol => ({
  minReaderVersion,
  minWriterVersion,
});
const named = (minReaderVersion: number, writerFeatures: string, readerFeatures?: string): Protocol => ({
  minReaderVersion,
  minWriterVersion: 7,
  ...(readerFeatures !== undefined && { readerFeatures: readerFeatures.split(" ").filter(Boolean) }),
  writerFeatures: writerFeatures.split(" "),
});

describe("a protocol with a feature more", () => {
  test.each<[string, Protocol, string, Protocol]>([
    ["is the same where the version has it", legacy(1, 4), "changeDataFeed", legacy(1, 4)],
    ["is the same where it has its name", named(1, "changeDataFeed"), "changeDataFeed", named(1, "changeDataFeed")],
    ["is a version where that says no more", legacy(1, 2), "checkConstraints", legacy(1, 3)],
    ["is a version where two fill it", legacy(1, 3), "changeDataFeed generatedColumns", legacy(1, 4)],
    ["raises both versions for column mapping", legacy(1, 4), "columnMapping", legacy(2, 5)],
    [
      "has names where a version would say more",
      legacy(1, 2),
      "changeDataFeed",
      named(1, "appendOnly invariants changeDataFeed"),
    ],
    [
      "keeps the older reader version where that is enough",
      legacy(1, 2),
      "columnMapping",
      named(2, "appendOnly invariants columnMapping"),
    ],
    [
      "has names for readers where there is no version",
      legacy(1, 2),
      "deletionVectors",
      named(3, "appendOnly invariants deletionVectors", "deletionVectors"),
    ],
    [
      "names what its versions implied",
      legacy(2, 5),
      "timestampNtz",
      named(
        3,
        "appendOnly invariants checkConstraints changeDataFeed generatedColumns columnMapping timestampNtz",
        "columnMapping timestampNtz",
      ),
    ],
    [
      "brings what the feature needs",
      named(1, "appendOnly"),
      "rowTracking",
      named(1, "appendOnly domainMetadata rowTracking"),
    ],
    [
      "keeps features that nobody here knows",
      named(3, "appendOnly fromTheFuture", "fromTheFuture"),
      "inCommitTimestamp",
      named(3, "appendOnly inCommitTimestamp fromTheFuture", "fromTheFuture"),
    ],
    ["does not take a reader version for column mapping", legacy(2, 4), "columnMapping", legacy(2, 5)],
  ])("%s", (_what, before, features, after) => {
    expect(protocolWith(before, features.split(" "))).toEqual(after);
  });

  test("is never lower, has all that was and all that was asked for, and is the same asked again", () => {
    const names = fc.subarray(Object.keys(tableFeatures));
    const protocols = fc.oneof(
      fc.record({ minReaderVersion: fc.constantFrom(1, 2), minWriterVersion: fc.integer({ min: 1, max: 6 }) }),
      names.map((features) => protocolWith(legacy(1, 1), features)),
    );
    fc.assert(
      fc.property(protocols, names, (before, asked) => {
        const after = protocolWith(before, asked);
        expect(after.minReaderVersion).toBeGreaterThanOrEqual(before.minReaderVersion);
        expect(after.minWriterVersion).toBeGreaterThanOrEqual(before.minWriterVersion);
        for (const feature of Object.keys(tableFeatures)) {
          if (supportsFeature(before, feature) || asked.includes(feature))
            expect(supportsFeature(after, feature)).toBe(true);
        }
        expect(after.minReaderVersion >= 3).toBe(after.readerFeatures !== undefined);
        expect(after.minWriterVersion >= 7).toBe(after.writerFeatures !== undefined);
        expect(protocolWith(after, asked)).toBe(after);
      }),
    );
  });
});

describe("what a table needs", () => {
  const schemaOf = (field: StructField): Schema => ({ kind: "struct", fields: { a: field } });
  const plain = schemaOf({ type: { kind: "long" }, nullable: true });
  const nested = (kind: "timestamp_ntz"): DataType => ({ kind: "array", element: { kind }, containsNull: true });

  test.each<[string, Schema, Record<string, string>, readonly string[]]>([
    ["nothing for its plain columns", plain, { "delta.logRetentionDuration": "interval 7 days", mine: "x" }, []],
    ["nothing for what is turned off", plain, { "delta.enableChangeDataFeed": "false" }, []],
    [
      "timestampNtz for a column, however deep",
      schemaOf({ type: nested("timestamp_ntz"), nullable: true }),
      {},
      ["timestampNtz"],
    ],
    [
      "generatedColumns for one",
      schemaOf({ type: { kind: "long" }, nullable: true, metadata: { "delta.generationExpression": "1" } }),
      {},
      ["generatedColumns"],
    ],
    ["checkConstraints for one", plain, { "delta.constraints.positive": "a > 0" }, ["checkConstraints"]],
    ["columnMapping for a mode", plain, { "delta.columnMapping.mode": "name" }, ["columnMapping"]],
    [
      "inCommitTimestamp where it is on, in whatever case",
      plain,
      { "delta.enableInCommitTimestamps": "TRUE" },
      ["inCommitTimestamp"],
    ],
  ])("%s", (_what, schema, configuration, features) => {
    expect([...featuresNeeded(schema, configuration)]).toEqual(features);
  });
});
