/**
 * Which tables dyne reads and writes (PROTOCOL.md § Table Features, § Valid Feature Names in Table Features). A feature that a table
 * names is refused by name, unless dyne supports it or it is named without being in use.
 */
import { DyneError } from "../core/index.ts";
import type { DataType, Schema, StructField } from "../plan/index.ts";
import type { Metadata, Protocol } from "./actions.ts";
import { typeOf } from "./schema.ts";
import { hasKnownTypeChanges } from "./type-widening.ts";

/** What a table's properties and columns ask for. */
interface TableUse {
  readonly configuration: Readonly<Record<string, string>>;
  /** Every field's metadata, nested ones too. */
  readonly fields: readonly StructField[];
}

type Support = "yes" | ((use: TableUse) => boolean);

const typeChangesAreKnown = ({ fields }: TableUse): boolean =>
  fields.every((field) => hasKnownTypeChanges(field, typeOf));
const noFieldHas =
  (...keys: readonly string[]) =>
  ({ fields }: TableUse): boolean =>
    !fields.some(({ metadata }) => metadata !== undefined && keys.some((key) => key in metadata));

/**
 * Reader features, and when dyne can read a table that names them. Some ask nothing of readers, and belong to writers alone; a protocol
 * that names them for readers too is read all the same.
 */
const readerFeatures: Readonly<Record<string, Support>> = {
  columnMapping: "yes",
  deletionVectors: "yes",
  domainMetadata: "yes",
  inCommitTimestamp: "yes",
  rowTracking: "yes",
  timestampNtz: "yes",
  typeWidening: typeChangesAreKnown,
  "typeWidening-preview": typeChangesAreKnown,
  v2Checkpoint: "yes",
  vacuumProtocolCheck: "yes",
  variantShredding: "yes",
  "variantShredding-preview": "yes",
  variantType: "yes",
  "variantType-preview": "yes",
};

const catalogReason = "its commits are its catalog's to give out, and what is in the folder may be behind them";

/** Why some features are refused, where more than their names is to be known. */
const refusalReasons: Readonly<Record<string, string>> = {
  catalogManaged: catalogReason,
  "catalogOwned-preview": catalogReason,
};

/** Writer features, and when dyne can write a table that names them. */
const writerFeatures: Readonly<Record<string, Support>> = {
  appendOnly: "yes",
  changeDataFeed: "yes",
  checkConstraints: "yes",
  columnMapping: "yes",
  deletionVectors: "yes",
  domainMetadata: "yes",
  generatedColumns: "yes",
  identityColumns: noFieldHas("delta.identity.start", "delta.identity.step"),
  inCommitTimestamp: "yes",
  invariants: "yes",
  timestampNtz: "yes",
  typeWidening: typeChangesAreKnown,
  "typeWidening-preview": typeChangesAreKnown,
  // It allows a form of checkpoints and asks for none: classic ones are valid beside it (PROTOCOL.md § Checkpoints).
  v2Checkpoint: "yes",
  vacuumProtocolCheck: "yes",
};

/** What each legacy version asks for, beside those before it (PROTOCOL.md § Reader Version Requirements, § Writer Version Requirements). */
const legacyReaderFeatures: Readonly<Record<number, readonly string[]>> = { 2: ["columnMapping"] };
const legacyWriterFeatures: Readonly<Record<number, readonly string[]>> = {
  2: ["appendOnly", "invariants"],
  3: ["checkConstraints"],
  4: ["changeDataFeed", "generatedColumns"],
  5: ["columnMapping"],
  6: ["identityColumns"],
};

const featuresReaderVersion = 3;
const featuresWriterVersion = 7;

/** Throws UNSUPPORTED_FEATURE, naming the features, where the table cannot be read. */
export function assertReadable(path: string, protocol: Protocol, metadata: Metadata, schema: Schema): void {
  if (protocol.minReaderVersion > featuresReaderVersion)
    throw unknownVersion(path, "reader", protocol.minReaderVersion);
  if (metadata.format.provider.toLowerCase() !== "parquet")
    refuse(path, "read", [`files of format ${metadata.format.provider}`]);
  const named =
    protocol.minReaderVersion === featuresReaderVersion
      ? listed(path, "readerFeatures", protocol.readerFeatures)
      : legacyFeatures(legacyReaderFeatures, protocol.minReaderVersion);
  refuse(path, "read", unsupported(readerFeatures, named, metadata, schema));
}

/** Throws UNSUPPORTED_FEATURE, naming the features, where the table cannot be written. */
export function assertWritable(path: string, protocol: Protocol, metadata: Metadata, schema: Schema): void {
  assertReadable(path, protocol, metadata, schema);
  if (protocol.minWriterVersion > featuresWriterVersion)
    throw unknownVersion(path, "writer", protocol.minWriterVersion);
  const named =
    protocol.minWriterVersion === featuresWriterVersion
      ? listed(path, "writerFeatures", protocol.writerFeatures)
      : legacyFeatures(legacyWriterFeatures, protocol.minWriterVersion);
  refuse(path, "written", unsupported(writerFeatures, named, metadata, schema));
}

/** A protocol with table features lists them (PROTOCOL.md § Table Features). */
function listed(path: string, list: string, features: readonly string[] | undefined): readonly string[] {
  if (features !== undefined) return features;
  throw new DyneError(
    "LOG_CORRUPT",
    `The protocol of the table ${path} has table features and no ${list}. Restore the log from a copy.`,
  );
}

/** The features by which a table says what must be true of its rows: whoever adds rows has to look at them. */
export function rulesInUse({ configuration }: Metadata, schema: Schema): readonly string[] {
  const fields = allFields(schema);
  const has = (key: string): boolean => fields.some(({ metadata }) => metadata !== undefined && key in metadata);
  return [
    ...(Object.keys(configuration).some((key) => key.startsWith("delta.constraints.")) ? ["checkConstraints"] : []),
    ...(has("delta.invariants") ? ["invariants"] : []),
    ...(has("delta.generationExpression") ? ["generatedColumns"] : []),
  ];
}

function unsupported(
  supported: Readonly<Record<string, Support>>,
  named: readonly string[],
  metadata: Metadata,
  schema: Schema,
): readonly string[] {
  const use: TableUse = { configuration: metadata.configuration, fields: allFields(schema) };
  return named.filter((feature) => {
    const support = Object.hasOwn(supported, feature) ? supported[feature] : undefined;
    return support === undefined || (support !== "yes" && !support(use));
  });
}

function legacyFeatures(features: Readonly<Record<number, readonly string[]>>, version: number): readonly string[] {
  return Object.entries(features).flatMap(([since, names]) => (Number(since) <= version ? names : []));
}

function allFields(type: DataType): readonly StructField[] {
  switch (type.kind) {
    case "struct":
      return Object.values(type.fields as Record<string, StructField>).flatMap((field) => [
        field,
        ...allFields(field.type),
      ]);
    case "array":
      return allFields(type.element);
    case "map":
      return [...allFields(type.key), ...allFields(type.value)];
    default:
      return [];
  }
}

function refuse(path: string, verb: string, features: readonly string[]): void {
  if (features.length === 0) return;
  const named = features.map((feature) => {
    const reason = Object.hasOwn(refusalReasons, feature) ? refusalReasons[feature] : undefined;
    return reason === undefined ? feature : `${feature} (${reason})`;
  });
  throw new DyneError(
    "UNSUPPORTED_FEATURE",
    `The table ${path} cannot be ${verb}: dyne does not support ${named.join(", ")}. Drop the feature from the table, or use Spark for it.`,
    {
      details: { features },
    },
  );
}

function unknownVersion(path: string, role: "reader" | "writer", version: number): DyneError {
  return new DyneError(
    "UNSUPPORTED_FEATURE",
    `The table ${path} asks for Delta ${role} version ${version}, which dyne does not know. Use a newer dyne, or Spark.`,
    {
      details: { features: [`${role} version ${version}`] },
    },
  );
}
