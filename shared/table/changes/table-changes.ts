/**
 * What a range of versions did to the rows of a table, as data: which files, and which of their rows. Made from the log alone; reading them
 * is another step.
 */
import { DyneError, limits } from "../../core/index.ts";
import { advanceSnapshot, commitPath, fileKey, parseSchema, readCommit, tableProperty } from "../../delta/index.ts";
import type { DeltaCommit, Metadata, Snapshot } from "../../delta/index.ts";
import { typeName } from "../../plan/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import { versionSpan, type ChangeRange, type VersionSpan } from "./change-range.ts";
import { incompatibility, isMapped, widestSchema, type Columns } from "./change-schema.ts";
import { changedFiles, type ChangedFile } from "./commit-changes.ts";

/** The changes of versions `from` to `to`, both included; none where `from` is `to + 1`. Plain data. */
export interface TableChanges {
  readonly from: number;
  readonly to: number;
  /**
   * The table whose columns the rows have: at `to`, or at its newest version (see `ChangeOptions.strict`). A column whose type was wider within
   * the range, and is narrower again because the table was restored, has the wider one: without loss nothing else can tell its rows.
   */
  readonly end: Snapshot;
  /** By version, rising; those that changed no row are left out. */
  readonly commits: readonly CommitChanges[];
  /** What the table's metadata was when files were written: see `ChangedFile.era`. */
  readonly eras: readonly ChangeEra[];
}

export interface CommitChanges {
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly files: readonly ChangedFile[];
}

export interface ChangeEra extends Columns {
  readonly partitionBy: readonly string[];
}

export interface ChangeOptions extends ChangeRange {
  /**
   * As Spark: refuses a range in which the table did not record its changes (`delta.enableChangeDataFeed`), and one in which a column was
   * renamed; and rows of a table without column mapping have the columns of its newest version. Without it, changes that were not recorded
   * are told by the files that came and went, where an updated row is one that went and one that came; a renamed column has its last
   * name throughout, and a column the widest of its types, should a restore have narrowed it; and rows have the columns of the range's end,
   * whatever became of the table after it.
   */
  readonly strict?: boolean | undefined;
}

/** Columns that rows of changes have beside those of their table, in this order. */
export const changeColumns = ["_change_type", "_commit_version", "_commit_timestamp"] as const;

const changeColumnNames: readonly string[] = changeColumns;
const commitsAtOnce = 8;

/**
 * Reads the log of a range (PROTOCOL.md § Add CDC File) and says what to read of which files. Costs one request for each commit that is not
 * in memory; the state before the range is only opened where the log does not say enough without it. Safe to repeat.
 *
 * Errors: those of `versionSpan`; DATA_LOSS where a commit of the range was cleaned from the log; SCHEMA_MISMATCH where rows of the range
 * cannot be told in the columns of its end (a column was dropped, though a restore may have brought it back, or got another type), naming the version; UNSUPPORTED_FEATURE with
 * `strict` where changes were not recorded; DUPLICATE_NAME where the table has a column that is called like one of `changeColumns`;
 * LIMIT_EXCEEDED for more files than are kept in memory.
 */
export async function planChanges(table: DeltaTable, options: ChangeOptions): Promise<TableChanges> {
  const strict = options.strict === true;
  const span = await versionSpan(table, options);
  const { from, to, newest } = span;
  const named = strict && ![newest, span.end].some(({ metadata }) => isMapped(metadata)) ? newest : span.end;
  assertFreeNames(table, named);
  const found = await readRange(table, span);
  const eras = await erasOf(table, span, found, strict);
  const end = strict ? named : widened(named, found, eras);
  if (strict) assertRecorded(table, span, found, eras);
  assertReadableAs(end, table, found, eras, strict);
  const commits = await withPartitionValues(table, found.commits, eras);
  return { from, to, end, commits, eras };
}

/** What the commits of a range say. */
interface RangeFindings {
  readonly commits: readonly CommitChanges[];
  /** Commits with metadata, in order: each begins an era; the first era, number 0, is the one before all of them. */
  readonly turns: readonly { readonly version: number; readonly metadata: Metadata }[];
}

async function readRange(table: DeltaTable, { from, to }: VersionSpan): Promise<RangeFindings> {
  const commits: CommitChanges[] = [];
  const turns: { version: number; metadata: Metadata }[] = [];
  let count = 0;
  for await (const commit of commitsOf(table, from, to)) {
    const { version, timestampMs, metadata } = commit;
    const before = turns.length;
    if (metadata !== undefined) turns.push({ version, metadata });
    const files = changedFiles(commit, { before, after: turns.length });
    count += files.length;
    if (count > limits.changeFilesMax)
      throw new DyneError(
        "LIMIT_EXCEEDED",
        `Versions ${from} to ${version} of ${table.path} changed ${count} files, more than the limit of ${limits.changeFilesMax}. Read them in shorter ranges.`,
        { details: { version } },
      );
    if (files.length > 0) commits.push({ version, timestampMs, files });
  }
  return { commits, turns };
}

/** The commits of versions, in order, a few requests ahead. */
async function* commitsOf(table: DeltaTable, from: number, to: number): AsyncGenerator<DeltaCommit> {
  for (let first = from; first <= to; first += commitsAtOnce) {
    const count = Math.min(commitsAtOnce, to - first + 1);
    const versions = Array.from({ length: count }, (_, i) => first + i);
    const commits = await Promise.all(
      versions.map(async (version) => table.remembered(version) ?? readCommit(table.log, version)),
    );
    for (const [i, commit] of commits.entries()) {
      if (commit === undefined) throw await gone(table, first + i, to);
      yield commit;
    }
  }
}

/** The metadata of each era; of the one before the first turn only where it matters. */
async function erasOf(
  table: DeltaTable,
  { from, end }: VersionSpan,
  { commits, turns }: RangeFindings,
  strict: boolean,
): Promise<readonly ChangeEra[]> {
  const later = turns.map(({ metadata }) => eraOf(metadata));
  const [first] = turns;
  if (first === undefined) return [end];
  const isUsed = commits.some(({ files }) => files.some(({ era }) => era === 0)) || (strict && first.version > from);
  // What nobody looks at can be anything.
  if (!isUsed || first.version === 0) return [eraOf(first.metadata), ...later];
  return [await table.at(first.version - 1), ...later];
}

function eraOf(metadata: Metadata): ChangeEra {
  return { metadata, schema: parseSchema(metadata.schemaString), partitionBy: metadata.partitionColumns };
}

function assertFreeNames(table: DeltaTable, { schema }: Snapshot): void {
  const taken = Object.keys(schema.fields).find((name) => changeColumnNames.includes(name.toLowerCase()));
  if (taken !== undefined)
    throw new DyneError(
      "DUPLICATE_NAME",
      `The table ${table.path} has a column ${taken}, and its changes have one of that name that says what became of a row. Rename the table's column to read its changes.`,
    );
}

/** As Spark: from the first version on, every metadata must have the feed turned on. */
function assertRecorded(
  table: DeltaTable,
  { from, to }: VersionSpan,
  { turns }: RangeFindings,
  eras: readonly ChangeEra[],
): void {
  const since = turns.map(({ version }, index) => ({ version, era: eras[index + 1] }));
  const inForce = turns[0]?.version === from ? since : [{ version: from, era: eras[0] }, ...since];
  const off = inForce.find(
    ({ era }) => era === undefined || !tableProperty(era.metadata.configuration, "delta.enableChangeDataFeed"),
  );
  if (from <= to && off !== undefined)
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `The table ${table.path} did not record its changes at version ${off.version}: delta.enableChangeDataFeed is not set there. Read a range in which it is, or read without strict, which tells changes by the files that came and went.`,
      { details: { version: off.version, features: ["changeDataFeed"] } },
    );
}

/** The end with its columns as wide as they are in the metadata under which rows of the range were written. */
function widened(end: Snapshot, { commits }: RangeFindings, eras: readonly ChangeEra[]): Snapshot {
  const used = new Set(commits.flatMap(({ files }) => files.map(({ era }) => era)));
  let { schema } = end;
  for (const era of used) {
    const columns = eras[era];
    if (columns !== undefined && columns.metadata !== end.metadata)
      schema = widestSchema(columns, { schema, metadata: end.metadata });
  }
  return typeName(schema) === typeName(end.schema) ? end : { ...end, schema };
}

function assertReadableAs(
  end: Snapshot,
  table: DeltaTable,
  { commits, turns }: RangeFindings,
  eras: readonly ChangeEra[],
  strict: boolean,
): void {
  const used = new Set(commits.flatMap(({ files }) => files.map(({ era }) => era)));
  const reasons = eras.map((era, at) => {
    const reason = incompatibility(era, end, { sameNames: strict });
    if (reason !== undefined || strict || !used.has(at)) return reason;
    // What a restore brought back is missing in the rows of before: what went of them would not be what had come.
    return eras
      .filter((_, later) => later > at && used.has(later))
      .map((later) => incompatibility(era, { ...later, schema: widestSchema(era, later) }))
      .find((each) => each !== undefined);
  });
  for (const { version, files } of commits) {
    const era = files.find((file) => reasons[file.era] !== undefined)?.era;
    if (era === undefined) continue;
    // The first later metadata that itself is in the way of these rows.
    const turn = turns.findIndex(
      (_, i) => i >= era && incompatibility(eras[era]!, eras[i + 1]!, { sameNames: strict }),
    );
    const at = turns[turn]?.version ?? end.version;
    throw new DyneError(
      "SCHEMA_MISMATCH",
      `Version ${at} of ${table.path} ${reasons[era]}, so that rows of version ${version} cannot be told in the columns of version ${end.version}. Read the changes up to version ${at - 1}, and those from version ${at + 1} on, apart.`,
      { details: { version: at, rowsOf: version } },
    );
  }
}

/**
 * Removes may leave out the values of their file's partition (PROTOCOL.md § Add File and Remove File, `extendedFileMetadata`): those are in
 * the state before.
 */
async function withPartitionValues(
  table: DeltaTable,
  commits: readonly CommitChanges[],
  eras: readonly ChangeEra[],
): Promise<readonly CommitChanges[]> {
  let state: Snapshot | undefined;
  const whole: CommitChanges[] = [];
  for (const commit of commits) {
    const isWhole = ({ partitionValues, era }: ChangedFile) =>
      partitionValues !== undefined || eras[era]?.partitionBy.length === 0;
    if (commit.files.every(isWhole)) {
      whole.push(commit);
      continue;
    }
    const before: Snapshot = await stateBefore(table, commit.version, state);
    state = before;
    const files = commit.files.map((file) =>
      isWhole(file) ? file : { ...file, partitionValues: valuesIn(before, file) },
    );
    whole.push({ ...commit, files });
  }
  return whole;
}

/** The state before a version, from an earlier one where there is one. */
async function stateBefore(table: DeltaTable, version: number, earlier: Snapshot | undefined): Promise<Snapshot> {
  let state = earlier ?? (await table.at(version - 1));
  if (state.version < version - 1)
    for await (const commit of commitsOf(table, state.version + 1, version - 1))
      state = advanceSnapshot(table.log, state, commit);
  return state;
}

function valuesIn(state: Snapshot, file: ChangedFile): ChangedFile["partitionValues"] {
  const active = state.files.get(fileKey(file));
  if (active !== undefined) return active.partitionValues;
  throw new DyneError(
    "LOG_CORRUPT",
    `Version ${state.version + 1} removes the file ${file.path}, which the table does not have at version ${state.version}. Restore the log from a copy.`,
    { details: { version: state.version + 1, path: file.path } },
  );
}

/** What is missing, and from where on nothing is: logs are cleaned from their beginning. */
async function gone(table: DeltaTable, missing: number, to: number): Promise<DyneError> {
  let [low, high] = [missing + 1, to + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((await table.log.store.head(commitPath(table.log, middle))) !== undefined) high = middle;
    else low = middle + 1;
  }
  const remedy =
    high > to ? "Read the table itself." : `Read its changes from version ${high} on, or the table itself.`;
  return new DyneError(
    "DATA_LOSS",
    `Version ${missing} of ${table.path} was cleaned from its log, and what it changed cannot be told any more. ${remedy}`,
    { details: { version: missing, ...(high > to ? {} : { oldest: high }) } },
  );
}
