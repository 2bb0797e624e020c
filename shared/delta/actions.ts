/**
 * The actions of a Delta log, in the shape of its lines (PROTOCOL.md § Actions): one object with one key.
 *
 *   {"commitInfo":{"timestamp":1700000000000,"operation":"WRITE","txnId":"…"}}
 *   {"txn":{"appId":"dyne/flights/silver.flights/0","version":4294967297}}
 *   {"add":{"path":"day=2001-01-01/part-….parquet","partitionValues":{"day":"2001-01-01"},"size":812,"modificationTime":1700000000000,"dataChange":true,"stats":"{\"numRecords\":3}"}}
 *
 * Unknown actions are left out and unknown fields kept, as the protocol asks (PROTOCOL.md § Protocol Evolution).
 */
import { z } from "zod";
import { DyneError } from "../core/index.ts";

export type Action =
  | { readonly commitInfo: CommitInfo }
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly txn: Txn }
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly cdc: CdcFile }
  | { readonly domainMetadata: DomainMetadata };

/** PROTOCOL.md § Protocol Evolution. */
export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

/** PROTOCOL.md § Change Metadata. */
export interface Metadata {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdTime?: number;
}

/** By partition column, as text (PROTOCOL.md § Partition Value Serialization); null, and the empty text, mean NULL. */
export type PartitionValues = Readonly<Record<string, string | null>>;

/** PROTOCOL.md § Add File and Remove File. `path` is percent-encoded: `dataFilePath` resolves it. */
export interface AddFile {
  readonly path: string;
  readonly partitionValues: PartitionValues;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modificationTime: number;
  readonly dataChange: boolean;
  /** Statistics as JSON text (PROTOCOL.md § Per-file Statistics). */
  readonly stats?: string;
  readonly tags?: Readonly<Record<string, string | null>>;
  readonly deletionVector?: DeletionVector;
  readonly baseRowId?: number;
  readonly defaultRowCommitVersion?: number;
  readonly clusteringProvider?: string;
}

/** PROTOCOL.md § Add File and Remove File. */
export interface RemoveFile {
  readonly path: string;
  readonly deletionTimestamp?: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: PartitionValues;
  readonly size?: number;
  readonly stats?: string;
  readonly tags?: Readonly<Record<string, string | null>>;
  readonly deletionVector?: DeletionVector;
  readonly baseRowId?: number;
  readonly defaultRowCommitVersion?: number;
}

/** PROTOCOL.md § Deletion Vector Descriptor Schema. */
export interface DeletionVector {
  readonly storageType: "u" | "i" | "p";
  readonly pathOrInlineDv: string;
  readonly offset?: number | undefined;
  readonly sizeInBytes: number;
  readonly cardinality: number;
}

/** PROTOCOL.md § Add CDC File. */
export interface CdcFile {
  readonly path: string;
  readonly partitionValues: PartitionValues;
  readonly size: number;
  readonly dataChange: false;
  readonly tags?: Readonly<Record<string, string | null>>;
}

/** PROTOCOL.md § Transaction Identifiers. */
export interface Txn {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number;
}

/** PROTOCOL.md § Domain Metadata. */
export interface DomainMetadata {
  readonly domain: string;
  readonly configuration: string;
  readonly removed: boolean;
}

/** PROTOCOL.md § Commit Provenance Information: free-form; these are the fields that dyne looks at. */
export interface CommitInfo {
  readonly timestamp?: number;
  readonly inCommitTimestamp?: number;
  readonly operation?: string;
  readonly operationParameters?: Readonly<Record<string, unknown>>;
  /** Counts, sizes and durations of the operation: texts as Spark writes them, numbers as others do. */
  readonly operationMetrics?: Readonly<Record<string, unknown>>;
  readonly isBlindAppend?: boolean;
  readonly engineInfo?: string;
  /** Unique for one attempt at one version. */
  readonly txnId?: string;
  readonly [field: string]: unknown;
}

/** Longs may come as bigint from a Parquet checkpoint. */
const long = z.union([z.number(), z.bigint().transform(Number)]);
const texts = z.record(z.string(), z.string());
const textsOrNulls = z.record(z.string(), z.string().nullable());

const deletionVector = z.looseObject({
  storageType: z.enum(["u", "i", "p"]),
  pathOrInlineDv: z.string(),
  offset: long.nullish().transform((value) => value ?? undefined),
  sizeInBytes: long,
  cardinality: long,
});

const fileFields = {
  path: z.string().min(1),
  stats: z.string().optional(),
  tags: textsOrNulls.optional(),
  deletionVector: deletionVector.optional(),
  baseRowId: long.optional(),
  defaultRowCommitVersion: long.optional(),
};

const schemas = {
  commitInfo: z.looseObject({
    isBlindAppend: z.boolean().optional().catch(undefined),
    timestamp: long.optional().catch(undefined),
    inCommitTimestamp: long.optional(),
  }),
  protocol: z.looseObject({
    minReaderVersion: long,
    minWriterVersion: long,
    readerFeatures: z.array(z.string()).optional(),
    writerFeatures: z.array(z.string()).optional(),
  }),
  metaData: z.looseObject({
    id: z.string(),
    name: z.string().optional(),
    description: z.string().optional(),
    format: z.looseObject({ provider: z.string(), options: texts.nullish().transform((options) => options ?? {}) }),
    schemaString: z.string().default('{"type":"struct","fields":[]}'),
    partitionColumns: z.array(z.string()).default([]),
    configuration: texts.default({}),
    createdTime: long.optional(),
  }),
  txn: z.looseObject({ appId: z.string(), version: long, lastUpdated: long.optional() }),
  add: z.looseObject({
    ...fileFields,
    partitionValues: textsOrNulls,
    size: long,
    modificationTime: long,
    dataChange: z.boolean(),
  }),
  remove: z.looseObject({
    ...fileFields,
    deletionTimestamp: long.optional(),
    dataChange: z.boolean().default(true),
    extendedFileMetadata: z.boolean().optional(),
    partitionValues: textsOrNulls.optional(),
    size: long.optional(),
  }),
  cdc: z.looseObject({
    path: z.string().min(1),
    partitionValues: textsOrNulls,
    size: long,
    dataChange: z.literal(false).catch(false),
    tags: textsOrNulls.optional(),
  }),
  domainMetadata: z.looseObject({ domain: z.string(), configuration: z.string(), removed: z.boolean() }),
} as const;

type ActionName = keyof typeof schemas;
const actionNames = Object.keys(schemas) as ActionName[];

/**
 * Checks one action that came from outside: a parsed log line or a row of a checkpoint (where the columns of the other actions are
 * null). Undefined for an action that is not known. Throws LOG_CORRUPT where a known one has not its required fields.
 */
export function parseAction(value: unknown, place: string): Action | undefined {
  if (typeof value !== "object" || value === null) throw corrupt(place, "it is not an object");
  const record = value as Record<string, unknown>;
  const name = actionNames.find((candidate) => record[candidate] !== undefined && record[candidate] !== null);
  if (name === undefined) return undefined;
  const parsed = schemas[name].safeParse(withoutNulls(record[name]));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw corrupt(place, `${name}.${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  return { [name]: parsed.data } as unknown as Action;
}

/** Spark writes absent fields as null in places. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function corrupt(place: string, reason: string): DyneError {
  return new DyneError("LOG_CORRUPT", `${place} is not a Delta action: ${reason}. Restore the log file from a copy.`);
}

/** The `remove` that takes an active file out of the table, with what readers of the log want to know of it. */
export function removeOf(
  file: AddFile,
  { deletionTimestampMs, dataChange = true }: { readonly deletionTimestampMs: number; readonly dataChange?: boolean },
): RemoveFile {
  return {
    path: file.path,
    deletionTimestamp: deletionTimestampMs,
    dataChange,
    extendedFileMetadata: true,
    partitionValues: file.partitionValues,
    size: file.size,
    ...(file.tags && { tags: file.tags }),
    ...(file.stats !== undefined && { stats: file.stats }),
    ...(file.deletionVector && { deletionVector: file.deletionVector }),
    ...(file.baseRowId !== undefined && { baseRowId: file.baseRowId }),
    ...(file.defaultRowCommitVersion !== undefined && { defaultRowCommitVersion: file.defaultRowCommitVersion }),
  };
}
