/**
 * The protocol that a table needs (PROTOCOL.md § Table Features for New and Existing Tables): versions where they say all that it has and
 * no more, names of features where they do not. A protocol is raised, never lowered.
 */
import type { Schema, StructField, DataType } from "../plan/index.ts";
import type { Protocol } from "./actions.ts";
import { tableFeatures } from "./feature-table.ts";
import { tableProperties, type TablePropertyName } from "./table-properties.ts";
import type { TableProperty } from "./property-kinds.ts";

const namedReader = 3;
const namedWriter = 7;

/** What every new table has: reader 1, writer 2. */
export const leastProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** True where a protocol has a feature, by name or by version. */
export function supportsFeature(protocol: Protocol, feature: string): boolean {
  return featuresOf(protocol).has(feature);
}

/** The protocol with these features added; the same one where it has them all. Pure. */
export function protocolWith(protocol: Protocol, features: Iterable<string>): Protocol {
  const has = featuresOf(protocol);
  const all = new Set(has);
  for (const feature of features) addWithNeeds(all, feature);
  if (all.size === has.size) return protocol;
  return legacyProtocol(protocol, all) ?? namedProtocol(protocol, all);
}

/** What a table's columns and properties ask of its protocol. Pure. */
export function featuresNeeded(schema: Schema, configuration: Readonly<Record<string, string>>): ReadonlySet<string> {
  const needed = new Set<string>();
  for (const [name, text] of Object.entries(configuration)) {
    const property = Object.hasOwn(tableProperties, name)
      ? (tableProperties[name as TablePropertyName] as TableProperty<unknown>)
      : undefined;
    const feature = property?.feature?.(property.parse(text) ?? property.unreadable);
    if (feature !== undefined) needed.add(feature);
    if (name.startsWith("delta.constraints.")) needed.add("checkConstraints");
  }
  for (const { type, metadata = {} } of fieldsWithin(schema)) {
    for (const [kind, feature] of typeFeatures) if (someType(type, (inner) => inner.kind === kind)) needed.add(feature);
    for (const [key, feature] of columnFeatures) if (key in metadata) needed.add(feature);
  }
  return needed;
}

/** What the type of a column asks for. */
const typeFeatures = [
  ["timestamp_ntz", "timestampNtz"],
  ["variant", "variantType"],
] as const;

/** What the metadata of a column asks for. */
const columnFeatures = [
  ["delta.invariants", "invariants"],
  ["delta.generationExpression", "generatedColumns"],
  ["delta.identity.start", "identityColumns"],
  ["CURRENT_DEFAULT", "allowColumnDefaults"],
] as const;

/** The features that a protocol has, those too that its versions imply. Pure. */
export function featuresOf({ minReaderVersion, minWriterVersion, ...named }: Protocol): ReadonlySet<string> {
  if (minWriterVersion >= namedWriter)
    return new Set([...(named.writerFeatures ?? []), ...(named.readerFeatures ?? [])]);
  return legacyFeatures(minReaderVersion, minWriterVersion);
}

/** A feature that readers must know is there only where both versions have it. */
function legacyFeatures(reader: number, writer: number): ReadonlySet<string> {
  const implied = Object.entries(tableFeatures).filter(
    ([, { legacyWriter = Number.POSITIVE_INFINITY, legacyReader = 1 }]) =>
      legacyWriter <= writer && legacyReader <= reader,
  );
  return new Set(implied.map(([name]) => name));
}

function addWithNeeds(all: Set<string>, feature: string): void {
  if (all.has(feature)) return;
  all.add(feature);
  for (const needed of tableFeatures[feature]?.needs ?? []) addWithNeeds(all, needed);
}

/** Versions that imply exactly these features, and are not lower than those that there are. */
function legacyProtocol(before: Protocol, features: ReadonlySet<string>): Protocol | undefined {
  if (before.minWriterVersion >= namedWriter) return undefined;
  const { minReaderVersion } = readerPart(before, features);
  for (let minWriterVersion = before.minWriterVersion; minWriterVersion < namedWriter; minWriterVersion++) {
    const implied = legacyFeatures(minReaderVersion, minWriterVersion);
    if (
      minReaderVersion < namedReader &&
      implied.size === features.size &&
      [...features].every((name) => implied.has(name))
    )
      return { minReaderVersion, minWriterVersion };
  }
  return undefined;
}

function namedProtocol(before: Protocol, features: ReadonlySet<string>): Protocol {
  const { minReaderVersion, readerFeatures } = readerPart(before, features);
  return {
    minReaderVersion,
    minWriterVersion: namedWriter,
    ...(readerFeatures && { readerFeatures }),
    writerFeatures: ordered(features),
  };
}

/** The reader version, and the names of features where the version is the one that has them. */
function readerPart(
  before: Protocol,
  features: ReadonlySet<string>,
): Pick<Protocol, "minReaderVersion" | "readerFeatures"> {
  const forReaders = ordered(features).filter(
    (name) => tableFeatures[name]?.readers ?? before.readerFeatures?.includes(name),
  );
  const versions = forReaders.map((name) => tableFeatures[name]?.legacyReader ?? namedReader);
  const minReaderVersion = Math.max(before.minReaderVersion, ...versions);
  return { minReaderVersion, ...(minReaderVersion >= namedReader && { readerFeatures: forReaders }) };
}

/** Known names in the order of their table, others after them. */
function ordered(features: ReadonlySet<string>): readonly string[] {
  const known = Object.keys(tableFeatures).filter((name) => features.has(name));
  return [...known, ...[...features].filter((name) => !Object.hasOwn(tableFeatures, name))];
}

function fieldsWithin(type: DataType): readonly StructField[] {
  if (type.kind === "array") return fieldsWithin(type.element);
  if (type.kind === "map") return [...fieldsWithin(type.key), ...fieldsWithin(type.value)];
  if (type.kind !== "struct") return [];
  return Object.values<StructField>(type.fields).flatMap((field) => [field, ...fieldsWithin(field.type)]);
}

function someType(type: DataType, test: (type: DataType) => boolean): boolean {
  if (test(type)) return true;
  if (type.kind === "array") return someType(type.element, test);
  return type.kind === "map" && (someType(type.key, test) || someType(type.value, test));
}
