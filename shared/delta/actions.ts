/**
 * The actions of a Delta log, in the shape of its lines (PROTOCOL.md § Actions): one object with one key.
 *
 *   {"commitInfo":{"timestamp":1700000000000,"operation":"WRITE","txnId":"…"}}
 *   {"txn":{"appId":"dyne/flights/silver.flights/0","version":4294967297}}
 *   {"add":{"path":"day=2001-01-01/part-….parquet","partitionValues":{"day":"2001-01-01"},"size":812,"modificationTime":1700000000000,"dataChange":true,"stats":"{\"numRecords\":3}"}}
 *
 * Unknown actions are left out and unknown fields kept, as the protocol asks (PROTOCOL.md § Protocol Evolution).
 */
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
