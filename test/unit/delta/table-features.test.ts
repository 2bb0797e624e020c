import { describe, expect, test } from "vitest";
import { assertReadable, assertWritable, type Metadata, type Protocol } from "../../../shared/delta/index.ts";
import type { Schema, StructField } from "../../../shared/plan/index.ts";

const plain: Schema = { kind: "struct", fields: { a: { type: { kind: "long" }, nullable: true } } };
const metadataOf = (configuration: Record<string, string> = {}): Metadata => ({
  id: "x",
  format: { provider: "parquet", options: {} },
  schemaString: "",
  partitionColumns: [],
  configuration,
});
const withField = (metadata: StructField["metadata"]): Schema => ({
  kind: "struct",
  fields: {
    s: {
      type: {
        kind: "array",
        containsNull: true,
        element: {
          kind: "struct",
          fields: { a: { type: { kind: "long" }, nullable: true, ...(metadata && { metadata }) } },
        },
      },
      nullable: true,
    },
  },
});

function refusal(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

const refusalNaming = (name: string): unknown =>
  expect.objectContaining({ code: "UNSUPPORTED_FEATURE", message: expect.stringContaining(name) });

describe("reading", () => {
  test.each<[string, Protocol, Record<string, string>, string | undefined]>([
    ["reader 1", { minReaderVersion: 1, minWriterVersion: 2 }, {}, undefined],
    ["reader 2 without column mapping", { minReaderVersion: 2, minWriterVersion: 5 }, {}, undefined],
    [
      "reader 2 with column mapping",
      { minReaderVersion: 2, minWriterVersion: 5 },
      { "delta.columnMapping.mode": "name" },
      undefined,
    ],
    [
      "known features",
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["timestampNtz", "vacuumProtocolCheck"] },
      {},
      undefined,
    ],
    [
      "deletion vectors",
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["timestampNtz", "deletionVectors"] },
      {},
      undefined,
    ],
    [
      "two unknown features",
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["variantType", "coordinates", "toString"] },
      {},
      "coordinates, toString",
    ],
    [
      "unknown writer features only",
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["icebergCompatV9"] },
      {},
      undefined,
    ],
    ["reader 4", { minReaderVersion: 4, minWriterVersion: 7 }, {}, "reader version 4"],
  ])("%s", (_name, protocol, configuration, refused) => {
    const read = (): void => assertReadable("t", protocol, metadataOf(configuration), plain);
    expect(refusal(read)).toEqual(refused === undefined ? undefined : refusalNaming(refused));
  });
});

describe("a table that names a feature", () => {
  const of = (name: string, isReaderFeature: boolean): Protocol => ({
    minReaderVersion: isReaderFeature ? 3 : 1,
    minWriterVersion: 7,
    ...(isReaderFeature && { readerFeatures: [name] }),
    writerFeatures: [name],
  });

  test.each(["timestampNtz", "vacuumProtocolCheck", "v2Checkpoint"])("%s is read", (name) => {
    expect(refusal(() => assertReadable("t", of(name, true), metadataOf(), plain))).toBeUndefined();
  });

  test.each(["timestampNtz", "vacuumProtocolCheck", "v2Checkpoint"])("%s is written", (name) => {
    expect(refusal(() => assertWritable("t", of(name, true), metadataOf(), plain))).toBeUndefined();
  });

  test.each([
    "inCommitTimestamp",
    "domainMetadata",
    "rowTracking",
    "clustering",
    "materializePartitionColumns",
    "icebergCompatV2",
    "allowColumnDefaults",
    "unheardOf",
  ])("%s, of writers alone, is read", (name) => {
    expect(refusal(() => assertReadable("t", of(name, false), metadataOf(), plain))).toBeUndefined();
  });

  test.each(["inCommitTimestamp", "domainMetadata", "rowTracking"])("%s for readers too is read", (name) => {
    expect(refusal(() => assertReadable("t", of(name, true), metadataOf(), plain))).toBeUndefined();
  });

  test.each(["catalogManaged", "catalogOwned-preview", "collations", "unheardOf", "constructor", "__proto__"])(
    "%s is refused for reading, by that name",
    (name) => {
      const error = refusal(() => assertReadable("t", of(name, true), metadataOf(), plain));
      expect(error).toMatchObject({ code: "UNSUPPORTED_FEATURE", details: { features: [name] } });
      expect(error).toEqual(refusalNaming(name));
    },
  );

  test("catalogManaged is refused with the reason", () => {
    expect(() => assertReadable("t", of("catalogManaged", true), metadataOf(), plain)).toThrow("its catalog's");
  });

  test.each([
    "rowTracking",
    "clustering",
    "icebergCompatV1",
    "icebergCompatV2",
    "allowColumnDefaults",
    "materializePartitionColumns",
    "catalogManaged",
    "unheardOf",
    "constructor",
  ])("%s is refused for writing, by that name", (name) => {
    expect(refusal(() => assertWritable("t", of(name, false), metadataOf(), plain))).toEqual(refusalNaming(name));
  });

  test("without a list of them is corrupt", () => {
    const without = { minReaderVersion: 3, minWriterVersion: 7 };
    expect(() => assertReadable("t", without, metadataOf(), plain)).toThrow("no readerFeatures");
    expect(() => assertWritable("t", { ...without, readerFeatures: [] }, metadataOf(), plain)).toThrow(
      "no writerFeatures",
    );
  });
});

test("a table of files that are not Parquet is refused, by their format", () => {
  const csv = { ...metadataOf(), format: { provider: "csv", options: {} } };
  expect(refusal(() => assertReadable("t", { minReaderVersion: 1, minWriterVersion: 2 }, csv, plain))).toEqual(
    refusalNaming("csv"),
  );
});

describe("writing", () => {
  const legacy = (minWriterVersion: number): Protocol => ({ minReaderVersion: 1, minWriterVersion });
  test.each<[string, Protocol, Record<string, string>, StructField["metadata"], string | undefined]>([
    ["writer 2", legacy(2), {}, undefined, undefined],
    ["writer 2 with an invariant", legacy(2), {}, { "delta.invariants": "x" }, undefined],
    ["writer 3 with a constraint", legacy(3), { "delta.constraints.positive": "a > 0" }, undefined, undefined],
    ["writer 4 with a generated column", legacy(4), {}, { "delta.generationExpression": "1" }, undefined],
    ["writer 6 with an identity column", legacy(6), {}, { "delta.identity.start": 1 }, "identityColumns"],
    ["writer 6 without any of them", legacy(6), {}, undefined, undefined],
    [
      "unknown writer features",
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["appendOnly", "rowTracking"] },
      {},
      undefined,
      "rowTracking",
    ],
    [
      "unread reader features",
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["catalogManaged"], writerFeatures: [] },
      {},
      undefined,
      "catalogManaged",
    ],
    ["writer 8", legacy(8), {}, undefined, "writer version 8"],
  ])("%s", (_name, protocol, configuration, metadata, refused) => {
    const write = (): void => assertWritable("t", protocol, metadataOf(configuration), withField(metadata));
    expect(refusal(write)).toEqual(refused === undefined ? undefined : refusalNaming(refused));
  });
});
