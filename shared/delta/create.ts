import { DyneError } from "../core/index.ts";
import type { Schema, StructField } from "../plan/index.ts";
import { verifiedPutIfAbsent } from "../storage/index.ts";
import type { Action, CommitInfo, Metadata } from "./actions.ts";
import { numberedSchema } from "./column-ids.ts";
import { assertNames } from "./column-names.ts";
import { commitOf, encodeActions, parseCommit } from "./commit-file.ts";
import { assertStatisticsColumns } from "./file-layout.ts";
import { timed } from "./in-commit-timestamp.ts";
import { commitPath, type DeltaLog } from "./log.ts";
import { assertText, checkProperties, protocolOfNew } from "./property-change.ts";
import { parseSchema, schemaString } from "./schema.ts";
import { findSnapshot } from "./open-snapshot.ts";
import { snapshotOfFirst, type Snapshot } from "./snapshot.ts";
import { tableProperty } from "./table-properties.ts";
import { engineInfo, transactionRetention } from "./transaction.ts";

export interface TableDefinition {
  readonly schema: Schema;
  readonly partitionBy?: readonly string[] | undefined;
  /** Table properties, such as `delta.appendOnly`. */
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
}

/** Whether this call made the table; whoever lost the race has the other's table, whatever its schema. */
export interface Creation {
  readonly kind: "created" | "exists";
  readonly snapshot: Snapshot;
}

/**
 * Creates an empty table as version 0, or adopts the one that is there. Safe to repeat.
 * Throws INVALID_ARGUMENT, DUPLICATE_NAME or UNKNOWN_COLUMN for a definition that is no Delta table, or has a property that Delta has not;
 * UNSUPPORTED_FEATURE for columns and properties that dyne does not write.
 */
export async function createTable(log: DeltaLog, definition: TableDefinition): Promise<Creation> {
  validate(log, definition);
  const existing = await findSnapshot(log);
  if (existing !== undefined) return { kind: "exists", snapshot: existing };
  const nowMs = log.clock.nowMs();
  const actions = firstActions(log, definition, nowMs);
  const put = await verifiedPutIfAbsent(log.store, commitPath(log, 0), encodeActions(actions), log);
  const first = put.kind === "created" ? { ...commitOf(0, actions, nowMs), etag: put.etag } : parseCommit(log, 0, put);
  return { kind: put.kind, snapshot: snapshotOfFirst(log, first) };
}

function firstActions(log: DeltaLog, definition: TableDefinition, nowMs: number): readonly Action[] {
  const { partitionBy = [], name, description } = definition;
  const checked = checkProperties(log.path, definition.configuration ?? {});
  const protocol = protocolOfNew(log.path, definition.schema, checked);
  const { schema, configuration } = withColumnMapping(log, definition.schema, checked.configuration);
  const metaData: Metadata = {
    id: log.random.uuid(),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    format: { provider: "parquet", options: {} },
    schemaString: schemaString(schema),
    partitionColumns: partitionBy,
    configuration,
    createdTime: nowMs,
  };
  const { actions, inCommitTimestamp } = timed(undefined, [{ protocol }, { metaData }], nowMs);
  const commitInfo: CommitInfo = {
    ...(inCommitTimestamp !== undefined && { inCommitTimestamp }),
    timestamp: nowMs,
    operation: "CREATE TABLE",
    operationParameters: { partitionBy: JSON.stringify(partitionBy), properties: JSON.stringify(configuration) },
    isolationLevel: tableProperty(configuration, "delta.isolationLevel"),
    isBlindAppend: true,
    engineInfo,
    txnId: log.random.uuid(),
  };
  return [{ commitInfo }, ...actions];
}

/** Columns of a new table that maps them have names in files that mean nothing (PROTOCOL.md § Writer Requirements for Column Mapping). */
function withColumnMapping(
  log: DeltaLog,
  schema: Schema,
  configuration: Readonly<Record<string, string>>,
): { readonly schema: Schema; readonly configuration: Readonly<Record<string, string>> } {
  if (tableProperty(configuration, "delta.columnMapping.mode") === "none") return { schema, configuration };
  const physicalName = (): string => `col-${log.random.uuid()}`;
  const numbered = numberedSchema(schema, { maxColumnId: 0, physicalName });
  const maxColumnId = String(numbered.maxColumnId);
  return {
    schema: numbered.schema,
    configuration: { ...configuration, "delta.columnMapping.maxColumnId": maxColumnId },
  };
}

function validate(log: DeltaLog, definition: TableDefinition): void {
  const { schema, partitionBy = [], configuration = {}, name = "", description = "" } = definition;
  assertText(name, `The name of ${log.path}`);
  assertText(description, `The description of ${log.path}`);
  parseSchema(schemaString(schema));
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  const checked = checkProperties(log.path, configuration);
  assertNames(schema, tableProperty(checked.configuration, "delta.columnMapping.mode"));
  assertPartitionList(log, partitionBy);
  for (const column of partitionBy) {
    const kind = fields[column]?.type.kind;
    if (kind === undefined)
      throw new DyneError("UNKNOWN_COLUMN", `The table ${log.path} has no column "${column}" to be partitioned by.`);
    if (kind === "struct" || kind === "array" || kind === "map") {
      throw new DyneError(
        "INVALID_ARGUMENT",
        `The table ${log.path} cannot be partitioned by "${column}": it is a ${kind}.`,
      );
    }
  }
  if (partitionBy.length > 0 && partitionBy.length >= Object.keys(fields).length) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The table ${log.path} needs a column beside those that it is partitioned by.`,
    );
  }
  assertStatisticsColumns(log.path, { schema, partitionBy }, checked.configuration);
  if (checked.configuration[transactionRetention] !== undefined) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The table ${log.path} may not have the property ${transactionRetention}: writers are told apart by records that must not expire.`,
    );
  }
}

function assertPartitionList({ path }: DeltaLog, partitionBy: readonly string[]): void {
  if (!Array.isArray(partitionBy))
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The table ${path} is partitioned by a list of columns, and "${String(partitionBy)}" is none. Write [columns].`,
    );
  const twice = partitionBy.find((column, at) => partitionBy.indexOf(column) < at);
  if (twice !== undefined)
    throw new DyneError("DUPLICATE_NAME", `The table ${path} is partitioned by "${twice}" twice. Name it once.`);
}
