/**
 * Checks actions that come from outside: parsed log lines and rows of checkpoints, hundreds of thousands at a time. Written by hand, because
 * a table of 300,000 files is to be opened in seconds. What is checked is taken as it is, not copied; unknown fields stay.
 */
import { DyneError, limits } from "../core/index.ts";
import type { Action } from "./actions.ts";
import { isDeeperThan } from "./nesting.ts";

/** The value of one action, its fields not yet known. */
type Fields = Record<string, unknown>;

/** Fails the check with where and why. */
type Fail = (field: string, reason: string) => never;

/** Checks an action's fields, and puts defaults where the protocol lets writers leave them out. */
type Check = (fields: Fields, fail: Fail) => void;

const checks: Readonly<Record<string, Check>> = {
  commitInfo(fields, fail) {
    if (fields["isBlindAppend"] !== undefined && typeof fields["isBlindAppend"] !== "boolean")
      delete fields["isBlindAppend"];
    if (!isLong(fields["timestamp"])) delete fields["timestamp"];
    else fields["timestamp"] = Number(fields["timestamp"]);
    optionalLong(fields, "inCommitTimestamp", fail);
  },
  protocol(fields, fail) {
    requiredLong(fields, "minReaderVersion", fail);
    requiredLong(fields, "minWriterVersion", fail);
    optionalTexts(fields, "readerFeatures", fail);
    optionalTexts(fields, "writerFeatures", fail);
  },
  metaData(fields, fail) {
    requiredText(fields, "id", fail);
    optionalText(fields, "name", fail);
    optionalText(fields, "description", fail);
    const format = fields["format"];
    if (!isRecord(format) || typeof format["provider"] !== "string") return fail("format", "it has no provider");
    fields["format"] = { ...format, options: format["options"] ?? {} };
    if (!isMapOf((fields["format"] as Fields)["options"], false)) fail("format.options", "it is not a map of texts");
    fields["schemaString"] ??= '{"type":"struct","fields":[]}';
    requiredText(fields, "schemaString", fail);
    fields["partitionColumns"] ??= [];
    optionalTexts(fields, "partitionColumns", fail);
    fields["configuration"] ??= {};
    if (!isMapOf(fields["configuration"], false)) fail("configuration", "it is not a map of texts");
    optionalLong(fields, "createdTime", fail);
  },
  txn(fields, fail) {
    requiredText(fields, "appId", fail);
    requiredLong(fields, "version", fail);
    optionalLong(fields, "lastUpdated", fail);
  },
  add(fields, fail) {
    file(fields, fail);
    if (!isMapOf(fields["partitionValues"], true)) fail("partitionValues", "it is not a map of texts");
    requiredLong(fields, "size", fail);
    requiredLong(fields, "modificationTime", fail);
    if (typeof fields["dataChange"] !== "boolean") fail("dataChange", "it is neither true nor false");
  },
  remove(fields, fail) {
    file(fields, fail);
    fields["dataChange"] ??= true;
    if (typeof fields["dataChange"] !== "boolean") fail("dataChange", "it is neither true nor false");
    const extended = fields["extendedFileMetadata"];
    if (extended !== undefined && typeof extended !== "boolean")
      fail("extendedFileMetadata", "it is neither true nor false");
    optionalMap(fields, "partitionValues", fail);
    optionalLong(fields, "size", fail);
    optionalLong(fields, "deletionTimestamp", fail);
  },
  cdc(fields, fail) {
    requiredPath(fields, fail);
    if (!isMapOf(fields["partitionValues"], true)) fail("partitionValues", "it is not a map of texts");
    requiredLong(fields, "size", fail);
    optionalMap(fields, "tags", fail);
    fields["dataChange"] = false;
  },
  domainMetadata(fields, fail) {
    requiredText(fields, "domain", fail);
    requiredText(fields, "configuration", fail);
    if (typeof fields["removed"] !== "boolean") fail("removed", "it is neither true nor false");
  },
};

/** What `add` and `remove` have in common. */
function file(fields: Fields, fail: Fail): void {
  requiredPath(fields, fail);
  optionalText(fields, "stats", fail);
  optionalMap(fields, "tags", fail);
  optionalLong(fields, "baseRowId", fail);
  optionalLong(fields, "defaultRowCommitVersion", fail);
  const vector = fields["deletionVector"];
  if (vector === undefined) return;
  if (!isRecord(vector)) return fail("deletionVector", "it is not an object");
  const clean = withoutNulls(vector);
  if (!["u", "i", "p"].includes(clean["storageType"] as string))
    fail("deletionVector.storageType", "it is not u, i or p");
  requiredText(clean, "pathOrInlineDv", fail);
  optionalLong(clean, "offset", fail);
  requiredLong(clean, "sizeInBytes", fail);
  requiredLong(clean, "cardinality", fail);
  fields["deletionVector"] = clean;
}

/** Actions of V2 checkpoints, which have no place in a commit (PROTOCOL.md § Sidecar File Information, § Checkpoint Metadata). */
export type CheckpointAction =
  | { readonly sidecar: { readonly path: string; readonly sizeInBytes?: number } }
  | { readonly checkpointMetadata: { readonly version: number } };

const checkpointChecks: Readonly<Record<string, Check>> = {
  ...checks,
  sidecar(fields, fail) {
    requiredPath(fields, fail);
    optionalLong(fields, "sizeInBytes", fail);
  },
  checkpointMetadata(fields, fail) {
    requiredLong(fields, "version", fail);
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
  for (const name in value) {
    const fields = value[name];
    if (fields === null || fields === undefined || !Object.hasOwn(known, name)) continue;
    if (!isRecord(fields)) throw corrupt(place, `${name} is not an object`);
    let hasNulls = false;
    for (const field in fields) {
      const value = fields[field];
      if (value === null) hasNulls = true;
      else if (typeof value === "object" && isDeeperThan(value, limits.deltaNestingMax))
        throw corrupt(place, `${name}.${field} has too many values in one another`);
    }
    const clean = hasNulls ? withoutNulls(fields) : fields;
    known[name]!(clean, (field, reason) => {
      throw corrupt(place, `${name}.${field}: ${reason}`);
    });
    return { [name]: clean };
  }
  return undefined;
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

function requiredLong(fields: Fields, name: string, fail: Fail): void {
  const value = fields[name];
  if (typeof value === "bigint") fields[name] = Number(value);
  else if (!Number.isFinite(value)) fail(name, value === undefined ? "it is missing" : "it is not a number");
}

function optionalLong(fields: Fields, name: string, fail: Fail): void {
  if (fields[name] !== undefined) requiredLong(fields, name, fail);
}

function requiredText(fields: Fields, name: string, fail: Fail): void {
  if (typeof fields[name] !== "string") fail(name, fields[name] === undefined ? "it is missing" : "it is not a text");
}

function optionalText(fields: Fields, name: string, fail: Fail): void {
  if (fields[name] !== undefined) requiredText(fields, name, fail);
}

function requiredPath(fields: Fields, fail: Fail): void {
  requiredText(fields, "path", fail);
  if (fields["path"] === "") fail("path", "it is empty");
}

function optionalTexts(fields: Fields, name: string, fail: Fail): void {
  const value = fields[name];
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every((text) => typeof text === "string"))
    fail(name, "it is not a list of texts");
}

function optionalMap(fields: Fields, name: string, fail: Fail): void {
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
