import { DyneError } from "../../core/index.ts";
import {
  assertStatisticsColumns,
  assertText,
  checkProperties,
  isOwnName,
  knownName,
  numberedSchema,
  protocolAfter,
  schemaString,
  tableProperties,
  tableProperty,
  type Metadata,
  type Snapshot,
  type TablePropertyName,
} from "../../delta/index.ts";
import type { Schema } from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import { commitAltered, type Alteration } from "./alteration.ts";
import { assertFlowGoesOn, assertNotMapped, writerOf, type AlterOptions } from "./flow-properties.ts";

type Configuration = Readonly<Record<string, string>>;

/**
 * Sets properties of a table. What a property needs of the table's protocol is added to it in the same commit: versions where they are
 * enough, names of features where they are not; nothing is ever lowered. `delta.feature.<name>` = `supported` only does that.
 *
 * Safe to repeat. Throws INVALID_ARGUMENT for a name that Delta does not have, with the nearest one, for a text that is no value, for a change
 * that a table cannot make, and for one that the flow which writes the table could not go on with; UNSUPPORTED_FEATURE for what dyne does not
 * write.
 */
export async function setProperties(
  { table }: Pick<TableSession, "table">,
  wanted: Configuration,
  options: AlterOptions = {},
): Promise<Alteration> {
  const snapshot = await table.latest();
  const checked = checkProperties(table.path, wanted);
  const { configuration, features } = checked;
  const writer = writerOf(snapshot, options);
  assertFlowGoesOn(table.path, writer, checked);
  if ("delta.columnMapping.mode" in configuration) assertNotMapped(table.path, snapshot, writer);
  const metadata = withColumnMapping(table.path, snapshot, {
    ...snapshot.metadata,
    configuration: { ...snapshot.metadata.configuration, ...configuration },
  });
  assertStatisticsColumns(table.path, snapshot, configuration);
  return commitAltered(table, snapshot, {
    protocol: protocolAfter(table.path, snapshot.protocol, metadata.metadata, metadata.schema, features),
    metadata: metadata.metadata,
    operation: "SET TBLPROPERTIES",
    operationParameters: { properties: JSON.stringify(wanted) },
  });
}

/**
 * Takes properties away from a table, so that it has Delta's own value again. A property that is not set is left so. The protocol stays as it
 * is. Safe to repeat. Throws INVALID_ARGUMENT for a name that neither Delta, dyne nor the table has, and for what a table cannot be without again.
 */
export async function unsetProperties(
  { table }: Pick<TableSession, "table">,
  names: readonly string[],
  options: AlterOptions = {},
): Promise<Alteration> {
  const snapshot = await table.latest();
  const configuration: Record<string, string> = { ...snapshot.metadata.configuration };
  for (const given of names) {
    assertText(given, `A property of ${table.path} that is taken away`);
    delete configuration[keyOf(table.path, snapshot, given)];
  }
  if (configuration["delta.columnMapping.mode"] === undefined)
    assertNotMapped(table.path, snapshot, writerOf(snapshot, options));
  const metadata = { ...snapshot.metadata, configuration };
  withColumnMapping(table.path, snapshot, metadata);
  return commitAltered(table, snapshot, {
    protocol: snapshot.protocol,
    metadata,
    operation: "UNSET TBLPROPERTIES",
    operationParameters: { properties: JSON.stringify(names), ifExists: true },
  });
}

/** The key of a property that may be taken away. */
function keyOf(path: string, { metadata }: Snapshot, given: string): string {
  const isForeign = Object.hasOwn(metadata.configuration, given) && !Object.hasOwn(tableProperties, given);
  if (given.toLowerCase().startsWith("delta.constraints.")) knownName(path, given);
  if (isOwnName(given) || isForeign) return given;
  const name: TablePropertyName = knownName(path, given);
  if ("isInternal" in tableProperties[name])
    throw new DyneError("INVALID_ARGUMENT", `${name} of ${path} is set by writers, and stays.`);
  return name;
}

/** A table's columns can be mapped by name from some version on; that is not undone, nor changed to ids. */
function withColumnMapping(
  path: string,
  before: Snapshot,
  metadata: Metadata,
): { readonly metadata: Metadata; readonly schema: Schema } {
  const had = tableProperty(before.metadata.configuration, "delta.columnMapping.mode");
  const mode = tableProperty(metadata.configuration, "delta.columnMapping.mode");
  if (mode === had) return { metadata, schema: before.schema };
  if (had !== "none" || mode !== "name")
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The columns of ${path} are mapped by ${had}, and cannot be by ${mode}: a table that is there can only go from none to name.`,
    );
  // The files that are there have the names that the schema has now. Ids may have been given before, where the table was restored since.
  const given = tableProperty(before.metadata.configuration, "delta.columnMapping.maxColumnId") ?? 0;
  const { schema, maxColumnId } = numberedSchema(before.schema, { maxColumnId: given, physicalName: (name) => name });
  const configuration = { ...metadata.configuration, "delta.columnMapping.maxColumnId": String(maxColumnId) };
  return { metadata: { ...metadata, schemaString: schemaString(schema), configuration }, schema };
}
