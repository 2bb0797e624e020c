/**
 * Checks actions that come from outside: parsed log lines and rows of checkpoints, hundreds of thousands at a time. Written by hand, because
 * a table of 300,000 files is to be opened in seconds. What is checked is taken as it is, not copied; unknown fields stay.
 */
import { DyneError, limits } from "../core/index.ts";
import type { Action } from "./actions.ts";
import { isDeeperThan } from "./nesting.ts";

/** The value of one action, its fields not yet known. */
type Fields = Record<string, unknown>;

/** A field that is not as it must be. */
class WrongField extends Error {
  readonly field: string;

  constructor(field: string, reason: string) {
    super(reason);
    this.field = field;
  }
}

function fail(field: string, reason: string): never {
  throw new WrongField(field, reason);
}

/** Checks an action's fields, and puts defaults where the protocol lets writers leave them out. Throws `WrongField`. */
type Check = (fields: Fields) => void;

const checks: Readonly<Record<string, Check>> = {
  commitInfo(fields) {
    if (fields["isBlindAppend"] !== undefined && typeof fields["isBlindAppend"] !== "boolean")
      delete fields["isBlindAppend"];
    if (!isLong(fields["timestamp"])) delete fields["timestamp"];
    else fields["timestamp"] = Number(fields["timestamp"]);
    optionalLong(fields, "inCommitTimestamp");
  },
  protocol(fields) {
    requiredLong(fields, "minReaderVersion");
    requiredLong(fields, "minWriterVersion");
    optionalTexts(fields, "readerFeatures");
    optionalTexts(fields, "writerFeatures");
  },
  metaData(fields) {
    requiredText(fields, "id");
    optionalText(fields, "name");
    optionalText(fields, "description");
    const format = fields["format"];
    if (!isRecord(format) || typeof format["provider"] !== "string") return fail("format", "it has no provider");
    fields["format"] = { ...format, options: format["options"] ?? {} };
    if (!isMapOf((fields["format"] as Fields)["options"], false)) fail("format.options", "it is not a map of texts");
    fields["schemaString"] ??= '{"type":"struct","fields":[]}';
    requiredText(fields, "schemaString");
    fields["partitionColumns"] ??= [];
    optionalTexts(fields, "partitionColumns");
    fields["configuration"] ??= {};
    if (!isMapOf(fields["configuration"], false)) fail("configuration", "it is not a map of texts");
    optionalLong(fields, "createdTime");
  },
  txn(fields) {
    requiredText(fields, "appId");
    requiredLong(fields, "version");
    optionalLong(fields, "lastUpdated");
  },
  add(fields) {
    file(fields);
    if (!isMapOf(fields["partitionValues"], true)) fail("partitionValues", "it is not a map of texts");
    requiredLong(fields, "size");
    requiredLong(fields, "modificationTime");
    if (typeof fields["dataChange"] !== "boolean") fail("dataChange", "it is neither true nor false");
  },
  remove(fields) {
    file(fields);
    fields["dataChange"] ??= true;
    if (typeof fields["dataChange"] !== "boolean") fail("dataChange", "it is neither true nor false");
    const extended = fields["extendedFileMetadata"];
    if (extended !== undefined && typeof extended !== "boolean")
      fail("extendedFileMetadata", "it is neither true nor false");
    optionalMap(fields, "partitionValues");
    optionalLong(fields, "size");
    optionalLong(fields, "deletionTimestamp");
  },
  cdc(fields) {
    requiredPath(fields);
    if (!isMapOf(fields["partitionValues"], true)) fail("partitionValues", "it is not a map of texts");
    requiredLong(fields, "size");
    optionalMap(fields, "tags");
    fields["dataChange"] = false;
  },
  domainMetadata(fields) {
    requiredText(fields, "domain");
    requiredText(fields, "configuration");
    if (typeof fields["removed"] !== "boolean") fail("removed", "it is neither true nor false");
  },
};

/** What `add` and `remove` have in common. */
function file(fields: Fields): void {
  requiredPath(fields);
  optionalText(fields, "stats");
  optionalMap(fields, "tags");
  optionalLong(fields, "baseRowId");
  optionalLong(fields, "defaultRowCommitVersion");
  const vector = fields["deletionVector"];
  if (vector === undefined) return;
  if (!isRecord(vector)) return fail("deletionVector", "it is not an object");
  const clean = withoutNulls(vector);
  if (!["u", "i", "p"].includes(clean["storageType"] as string))
    fail("deletionVector.storageType", "it is not u, i or p");
  requiredText(clean, "pathOrInlineDv");
  optionalLong(clean, "offset");
  requiredLong(clean, "sizeInBytes");
  requiredLong(clean, "cardinality");
  fields["deletionVector"] = clean;
}

/** Actions of V2 checkpoints, which have no place in a commit (PROTOCOL.md § Sidecar File Information, § Checkpoint Metadata). */
export type CheckpointAction =
  | { readonly sidecar: { readonly path: string; readonly sizeInBytes?: number } }
  | { readonly checkpointMetadata: { readonly version: number } };

const checkpointChecks: Readonly<Record<string, Check>> = {
  ...checks,
  sidecar(fields) {
    requiredPath(fields);
    optionalLong(fields, "sizeInBytes");
  },
  checkpointMetadata(fields) {
    requiredLong(fields, "version");
  },
};

/**
 * Checks one action: a parsed log line or a row of a checkpoint (where the columns of the other actions are null). The value becomes the
 * action's, and no longer the caller's. Undefined for an action
 * that is not known. Throws LOG_CORRUPT where a known one has not its required fields, or values that lie too deep in one another.
 */
export function parseAction(value: unknown, place: string): Action | undefined {
  return parse(checks, value, place) as Action | undefined;
}

/** The same in a checkpoint, which knows more actions. */
export function parseCheckpointAction(value: unknown, place: string): Action | CheckpointAction | undefined {
  return parse(checkpointChecks, value, place) as Action | CheckpointAction | undefined;
}

function parse(known: Readonly<Record<string, Check>>, value: unknown, place: string): Fields | undefined {
  if (!isRecord(value)) throw corrupt(place, "it is not an object");
  let name: string | undefined;
  let isAlone = true;
  for (const key in value) {
    if (name === undefined && (value[key] ?? null) !== null && Object.hasOwn(known, key)) name = key;
    else isAlone = false;
  }
  if (name === undefined) return undefined;
  const fields = value[name];
  if (!isRecord(fields)) throw corrupt(place, `${name} is not an object`);
  try {
    const clean = hasNulls(fields) ? withoutNulls(fields) : fields;
    known[name]!(clean);
    return isAlone && clean === fields ? value : { [name]: clean };
  } catch (error) {
    if (error instanceof WrongField) throw corrupt(place, `${name}.${error.field}: ${error.message}`);
    throw error;
  }
}

/** Fails for values that lie too deep in one another. */
function hasNulls(fields: Fields): boolean {
  let found = false;
  for (const field in fields) {
    const value = fields[field];
    if (value === null) found = true;
    else if (typeof value === "object" && isDeeperThan(value, limits.deltaNestingMax))
      fail(field, "it has too many values in one another");
  }
  return found;
}

/** Spark writes absent fields as null in places. */
function withoutNulls(value: Fields): Fields {
  for (const name in value) {
    if (value[name] === null) return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  }
  return value;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Longs may come as bigint from a Parquet checkpoint. */
function isLong(value: unknown): boolean {
  return Number.isFinite(value) || typeof value === "bigint";
}

function requiredLong(fields: Fields, name: string): void {
  const value = fields[name];
  if (typeof value === "bigint") fields[name] = Number(value);
  else if (!Number.isFinite(value)) fail(name, value === undefined ? "it is missing" : "it is not a number");
}

function optionalLong(fields: Fields, name: string): void {
  if (fields[name] !== undefined) requiredLong(fields, name);
}

function requiredText(fields: Fields, name: string): void {
  if (typeof fields[name] !== "string") fail(name, fields[name] === undefined ? "it is missing" : "it is not a text");
}

function optionalText(fields: Fields, name: string): void {
  if (fields[name] !== undefined) requiredText(fields, name);
}

function requiredPath(fields: Fields): void {
  requiredText(fields, "path");
  if (fields["path"] === "") fail("path", "it is empty");
}

function optionalTexts(fields: Fields, name: string): void {
  const value = fields[name];
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every((text) => typeof text === "string"))
    fail(name, "it is not a list of texts");
}

function optionalMap(fields: Fields, name: string): void {
  if (fields[name] !== undefined && !isMapOf(fields[name], true)) fail(name, "it is not a map of texts");
}

function isMapOf(value: unknown, withNulls: boolean): boolean {
  if (!isRecord(value)) return false;
  for (const name in value) {
    const text = value[name];
    if (typeof text !== "string" && !(withNulls && text === null)) return false;
  }
  return true;
}

function corrupt(place: string, reason: string): DyneError {
  return new DyneError("LOG_CORRUPT", `${place} is not a Delta action: ${reason}. Restore the log file from a copy.`);
}
