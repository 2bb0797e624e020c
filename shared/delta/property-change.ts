/** Properties that somebody sets or takes away, checked, and the protocol that the table then needs. */
import { DyneError, nearestName } from "../core/index.ts";
import type { Schema } from "../plan/index.ts";
import type { Metadata, Protocol } from "./actions.ts";
import { tableFeatures } from "./feature-table.ts";
import type { TableProperty } from "./property-kinds.ts";
import { featuresNeeded, leastProtocol, protocolWith } from "./protocol-upgrade.ts";
import { assertWritable } from "./table-features.ts";
import { tableProperties, type TablePropertyName } from "./table-properties.ts";

type Configuration = Readonly<Record<string, string>>;

/** Properties as a table may keep them, and what was asked of its protocol among them. */
export interface CheckedProperties {
  /** By the names that Delta gives them. */
  readonly configuration: Configuration;
  /** From `delta.feature.<name>` = `supported` and `delta.minWriterVersion`: they are asked for once and not kept. */
  readonly features: readonly string[];
}

const featurePrefix = "delta.feature.";

/**
 * Checks properties that somebody wants to set. Names of Delta's and of dyne's are known in whatever case, and kept, as their values, in the
 * spelling that every engine reads; names that do not begin with
 * `delta.` or `dyne.` are the table owner's and are taken as they are.
 * Throws INVALID_ARGUMENT for an unknown name, with the nearest one, for one that is given twice or can be none, for a text that is no value,
 * for a value that is no text, which no reader would take, and for what only writers set;
 * UNSUPPORTED_FEATURE for a value that asks for what dyne does not write.
 */
export function checkProperties(path: string, wanted: Configuration): CheckedProperties {
  const configuration: Record<string, string> = {};
  const features = new Set<string>();
  for (const [given, text] of Object.entries(wanted)) {
    if (given.trim() !== given || given === "" || given === "__proto__")
      throw new DyneError(
        "INVALID_ARGUMENT",
        `"${given}" cannot be the name of a property of ${path}. Choose another, without blanks around it.`,
      );
    assertText(text, `${given} of ${path}`);
    if (given.toLowerCase().startsWith(featurePrefix)) features.add(askedFeature(path, given, text));
    else if (given.toLowerCase() === "delta.minwriterversion" || given.toLowerCase() === "delta.minreaderversion")
      for (const feature of featuresOfVersion(path, given, text)) features.add(feature);
    else {
      const [name, kept] = isOwnName(given) ? [given, text] : checkedProperty(path, given, text);
      if (Object.hasOwn(configuration, name))
        throw new DyneError("INVALID_ARGUMENT", `${name} of ${path} is given twice. Give it one value.`);
      configuration[name] = kept;
    }
  }
  return { configuration, features: [...features] };
}

/** Throws INVALID_ARGUMENT for what JavaScript gives where a table's log can only have a text: no reader would take the table any more. */
export function assertText(value: unknown, what: string): asserts value is string {
  if (typeof value === "string") return;
  throw new DyneError("INVALID_ARGUMENT", `${what} is to be ${String(value)}, which is no text. Write it as one.`);
}

/** True for a name that neither Delta nor dyne gives a meaning to. */
export function isOwnName(given: string): boolean {
  return !/^(?:delta|dyne)\./i.test(given);
}

/**
 * The protocol of a new table with these columns and properties: the least that says all they need.
 * Throws UNSUPPORTED_FEATURE, naming it, where dyne does not write such a table.
 */
export function protocolOfNew(path: string, schema: Schema, { configuration, features }: CheckedProperties): Protocol {
  const protocol = protocolWith(leastProtocol, [...featuresNeeded(schema, configuration), ...features]);
  assertWritable(path, protocol, stubOf(configuration), schema);
  return protocol;
}

/** What a change of a table's metadata asks of its protocol: the same one where it has all. Throws as `protocolOfNew` does. */
export function protocolAfter(
  path: string,
  before: Protocol,
  metadata: Metadata,
  schema: Schema,
  features: readonly string[] = [],
): Protocol {
  const protocol = protocolWith(before, [...featuresNeeded(schema, metadata.configuration), ...features]);
  assertWritable(path, protocol, metadata, schema);
  return protocol;
}

function stubOf(configuration: Configuration): Metadata {
  return {
    id: "",
    format: { provider: "parquet", options: {} },
    schemaString: "",
    partitionColumns: [],
    configuration,
  };
}

/** The name as Delta spells it, of a property that may be set to this text, and the text as every engine reads it. */
function checkedProperty(path: string, given: string, text: string): readonly [name: string, text: string] {
  const name = knownName(path, given);
  const property = tableProperties[name] as TableProperty<unknown>;
  if (property.isInternal === true)
    throw new DyneError("INVALID_ARGUMENT", `${name} of ${path} is set by writers, not by people. Leave it out.`);
  const value = property.parse(text);
  if (value === undefined)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${name} of ${path} cannot be ${JSON.stringify(text)}. Give it ${property.form}.`,
    );
  const refused = property.refused?.(value);
  if (refused !== undefined) throw unsupported(path, refused, `${name} = ${text}`);
  return [name, property.spell(text)];
}

/**
 * A property's name as Delta or dyne spells it, from one in whatever case.
 * Throws INVALID_ARGUMENT for a name that they do not have, with the nearest one that they have.
 */
export function knownName(path: string, given: string): TablePropertyName {
  const names = Object.keys(tableProperties) as TablePropertyName[];
  const name = names.find((candidate) => candidate.toLowerCase() === given.toLowerCase());
  if (name !== undefined) return name;
  if (given.toLowerCase().startsWith("delta.constraints."))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${given} of ${path} is a constraint, not a property: add it with addConstraint, which looks at the rows first.`,
    );
  const [owner, prefix] = /^dyne\./i.test(given) ? ["dyne", "dyne."] : ["Delta", "delta."];
  const theirs = names.filter((each) => each.startsWith(prefix));
  const nearest = nearestName(given, theirs);
  const known = owner === "dyne" ? ` It has ${theirs.join(", ")}.` : "";
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${owner} has no table property ${given}.${nearest === undefined ? "" : ` Did you mean ${nearest}?`}${known} Names of your own do not begin with "${prefix}".`,
    { details: { property: given, ...(nearest !== undefined && { nearest }) } },
  );
}

function askedFeature(path: string, given: string, text: string): string {
  const feature = given.slice(featurePrefix.length);
  const known = Object.keys(tableFeatures).find((name) => name.toLowerCase() === feature.toLowerCase());
  if (known === undefined) {
    const nearest = nearestName(feature, Object.keys(tableFeatures));
    throw unsupported(path, feature, nearest === undefined ? given : `${given}; did you mean ${nearest}?`);
  }
  if (text !== "supported" && text !== "enabled")
    throw new DyneError("INVALID_ARGUMENT", `${given} of ${path} cannot be ${JSON.stringify(text)}, only supported.`);
  return known;
}

/** What the legacy versions up to one have (PROTOCOL.md § Writer Version Requirements, § Reader Version Requirements). */
function featuresOfVersion(path: string, given: string, text: string): readonly string[] {
  const version = /^\d{1,2}$/.test(text.trim()) ? Number(text) : 0;
  const isReader = given.toLowerCase() === "delta.minreaderversion";
  if (version < 1 || version > (isReader ? 3 : 7))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${given} of ${path} cannot be ${JSON.stringify(text)}: there is no such version.`,
    );
  return Object.entries(tableFeatures)
    .filter(([, { legacyWriter, legacyReader }]) => {
      if (isReader) return legacyReader !== undefined && legacyReader <= version;
      return legacyWriter !== undefined && legacyWriter <= version && version < 7 && legacyReader === undefined;
    })
    .map(([name]) => name);
}

function unsupported(path: string, feature: string, asked: string): DyneError {
  return new DyneError(
    "UNSUPPORTED_FEATURE",
    `dyne does not write ${feature}, which ${path} would need (${asked}). Leave it out, or use Spark for the table.`,
    { details: { features: [feature] } },
  );
}
