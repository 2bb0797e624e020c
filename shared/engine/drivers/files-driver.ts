/** Landed files → bronze: each (path, etag) once, whoever announces it and however often (SPEC.md 21). */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  DyneError,
  instantMicros,
  instantOfMs,
  laneId,
  limits,
  type FlowId,
  type Generation,
  type LaneId,
} from "../../core/index.ts";
import {
  layout,
  type FileList,
  type GenerationRecord,
  type LandedFile,
  type LaneHead,
  type TableOutcome,
} from "../../checkpoint/index.ts";
import {
  textFileColumns,
  type ComputeInput,
  type ComputeJob,
  type ComputeResult,
  type FileSet,
  type TextFile,
  type WrittenFile,
} from "../../compute/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import type { DataType, Expression, LogicalPlan } from "../../plan/index.ts";
import { fileMatcher, type RowCondition } from "../../table/index.ts";
import { fetchLanded, globMatches, landedOf, listLanded, type Landed } from "../../sources/index.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { FilesFlow } from "../declared-flow.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, Hint, PlannedInput } from "../flow.ts";
import { call, column, extended, fieldsOf, filter, project, scan, schemaOf } from "../incremental/expressions.ts";
import {
  bronzeColumn,
  countsBySanity,
  landedSchema,
  quarantinedFiles,
  replacedRows,
} from "../incremental/landed-rows.ts";
import { appendOutcome, fileTags, outputBytes, removedFile } from "../table-outcome.ts";

const ledgerRole = "state:files";
const string: DataType = { kind: "string" };
const timestamp: DataType = { kind: "timestamp" };
/** What was read: a file is known by its path and etag together. */
const ledgerSchema = schemaOf({ path: string, etag: string, modified_time: timestamp, batch_id: { kind: "long" } });
const ledgerRowsMax = 5_000_000;
const fileKey = (file: { readonly path: string; readonly etag: string }): string => `${file.path}\n${file.etag}`;

/** The ledger as of the last commit, and whether its small files are many enough to be written anew as one. */
interface LedgerState {
  readonly snapshot: Snapshot;
  readonly merge: boolean;
  readonly fileSet: FileSet;
}

interface Fetched {
  readonly files: readonly TextFile[];
  readonly replaced: readonly LandedFile[];
}

export class FilesDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly position: FlowDriver["position"] = { inputs: ["files"], watermark: null };
  readonly #context: EngineContext;
  readonly #declared: FilesFlow;
  /** The ledger at the version it was last read. */
  #ledger: { readonly tableId: string; readonly version: number; readonly known: ReadonlySet<string> } | undefined;

  constructor(context: EngineContext, declared: FilesFlow) {
    this.#context = context;
    this.#declared = declared;
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
  }

  tables(generation: Generation): readonly FlowTable[] {
    const { output, quarantine } = this.#declared;
    return [
      { role: "quarantine", root: "lake", path: quarantine.path, schema: quarantine.schema, partitionBy: [] },
      {
        role: ledgerRole,
        root: "host",
        path: layout.stateTable(this.flow, generation, "files"),
        schema: ledgerSchema,
        partitionBy: [],
      },
      { role: "sink", root: "lake", path: output.path, schema: output.schema, partitionBy: output.partitionBy },
    ];
  }

  async lanes(): Promise<readonly LaneId[]> {
    return [laneId("0")];
  }

  /** A reset forgets which files were read, so that those which are too old to be read again would be lost. */
  async assertResettable(): Promise<void> {
    const oldestMs = this.#context.clock.nowMs() - this.#declared.maxFileAgeMs;
    const landed = await listLanded(this.#context.lake, this.#declared.glob);
    const tooOld = landed.filter((file) => Date.parse(file.modifiedTime) < oldestMs);
    if (tooOld.length === 0) return;
    throw new DyneError(
      "INVALID_ARGUMENT",
      `A reset of ${this.flow} would lose the rows of ${tooOld.length} landed files that are older than maxFileAge, such as ${tooOld[0]?.path}. ` +
        "Raise maxFileAge, write those files again, or move them away if they are not wanted.",
      { details: { files: tooOld.length } },
    );
  }

  async start(): Promise<PlannedInput> {
    return this.#planned([]);
  }

  async plan(
    _lane: LaneId,
    head: LaneHead,
    hint: Hint | undefined,
    generation: GenerationRecord,
  ): Promise<PlannedInput | undefined> {
    const candidates = await this.#candidates(hint);
    if (candidates.length === 0) return undefined;
    const known = await this.#knownFiles(head, generation);
    const chosen: LandedFile[] = [];
    let bytes = 0;
    for (const file of await this.#unread(candidates, known, hint)) {
      if (
        chosen.length > 0 &&
        (bytes + file.sizeBytes > limits.batchInputBytes || chosen.length >= limits.batchInputFiles)
      )
        break;
      bytes += file.sizeBytes;
      chosen.push({ ...file });
    }
    if (chosen.length === 0) return undefined;
    return this.#planned(chosen, hint?.kind === "replay" ? hint.job : null);
  }

  /**
   * Files that were never read. Of those older than maxFileAge the ledger does not know: they are refused, except where a replay asks for
   * them, which looks into the table itself.
   */
  async #unread(candidates: readonly Landed[], known: ReadonlySet<string>, hint: Hint | undefined) {
    const oldestMs = this.#context.clock.nowMs() - this.#declared.maxFileAgeMs;
    const isTooOld = (file: Landed): boolean => Date.parse(file.modifiedTime) < oldestMs;
    const unknown = candidates.filter((file) => !known.has(fileKey(file)));
    if (hint?.kind === "replay") {
      const there = await this.#inSink(unknown.filter(isTooOld));
      return unknown.filter((file) => !there.has(fileKey(file)));
    }
    for (const { path, modifiedTime } of unknown.filter(isTooOld))
      this.#context.logger.error(
        "a landed file is older than maxFileAge and is not read; replay it, write it again, or raise maxFileAge",
        { flow: this.flow, path, modifiedTime },
      );
    return unknown.filter((file) => !isTooOld(file));
  }

  /** Which of some files the table has rows of. */
  async #inSink(files: readonly Landed[]): Promise<ReadonlySet<string>> {
    if (files.length === 0) return new Set();
    const { path, schema } = this.#declared.output;
    const table = this.#context.tables.open("lake", path);
    const snapshot = await table.latest();
    const names: RowCondition = { kind: "in", column: "file_name", values: files.map((file) => file.path) };
    const possible = [...snapshot.files].filter(fileMatcher(snapshot, [names]));
    const rows = scan("rows", schema);
    const keys = project(rows, [
      ["path", column("file_name")],
      ["etag", column("file_etag")],
    ]);
    const result = await this.#context.compute.run({
      name: `${this.flow}/present`,
      inputs: { rows: table.fileSet(snapshot, possible) },
      steps: [],
      writes: [],
      collects: [{ name: "present", plan: { kind: "distinct", input: keys }, rowsMax: ledgerRowsMax }],
      parameters: {},
    });
    return keysOf(result, "present", this.flow);
  }

  async compute(batch: BatchContext): Promise<ComputedBatch> {
    const input = batch.offsets.inputs["files"];
    if (input?.kind !== "files")
      throw new DyneError("CHECKPOINT_CORRUPT", `The offsets of ${this.flow} name no files. Reset the flow.`);
    const folder = join(this.#context.workDirectory, this.#context.random.uuid());
    await mkdir(folder, { recursive: true });
    try {
      return await this.#computeFetched(batch, input, await this.#fetch(input, folder));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #computeFetched(batch: BatchContext, input: FileList, fetched: Fetched): Promise<ComputedBatch> {
    const ledger = batch.generation.tables[ledgerRole];
    if (ledger === undefined)
      throw new DyneError("CHECKPOINT_CORRUPT", `${this.flow} has no ledger of files. Reset the flow.`);
    const state = await this.#ledgerState(batch, ledger.path);
    const result = await this.#context.compute.run(this.#job(batch, input, fetched, ledger.path, state));
    if (result.kind === "pending") throw new DyneError("BATCH_ABANDONED", `${this.flow} waits for its compute.`);
    const counts = Object.fromEntries(
      (result.collected["counts"] ?? []).map((row) => [String(row["sane"]), Number(row["rows"])]),
    );
    const rows = counts["true"] ?? 0;
    const malformed = counts["false"] ?? 0;
    const tables = this.#outcomes(batch, result.written, state);
    return {
      tables,
      watermark: null,
      counts: {
        ...noCounts,
        inputRows: rows + malformed,
        outputRows: rows,
        quarantined: {
          ...(malformed > 0 ? { MALFORMED: malformed } : {}),
          ...(fetched.replaced.length > 0 ? { REPLACED: fetched.replaced.length } : {}),
        },
        inputBytes: input.files.reduce((sum, file) => sum + file.sizeBytes, 0),
        outputBytes: outputBytes(tables),
      },
      strategy: { name: "append", reason: `${input.files.length} landed files` },
    };
  }

  #job(batch: BatchContext, input: FileList, fetched: Fetched, ledgerPath: string, state: LedgerState): ComputeJob {
    const { output, quarantine, dataSchema, format } = this.#declared;
    const rowsSchema = extended(dataSchema, landedSchema);
    const sane = call("is_null", column(textFileColumns.error));
    const batchTime: Expression = { kind: "literal", value: batch.offsets.batchTime, type: timestamp };
    const lake = { store: this.#context.lake, sortBy: [] };
    return {
      name: `${this.flow}/${batch.offsets.batchId}`,
      inputs: {
        landed: { kind: "text", format, schema: dataSchema, files: fetched.files },
        replaced: replacedRows(fetched.replaced),
        read: ledgerRows(input.files, batch.offsets.batchId),
        ...(state.merge ? { ledger: state.fileSet } : {}),
      },
      steps: [{ kind: "plan", name: "rows", plan: scan("landed", rowsSchema), rowErrors: "fail", carry: [] }],
      writes: [
        {
          name: "sink",
          plan: project(
            filter(scan("rows", rowsSchema), sane),
            fieldsOf(output.schema).map(([name, field]) => [name, bronzeColumn(name, field.type, batchTime)]),
          ),
          target: { ...lake, path: output.path, schema: output.schema, partitionBy: output.partitionBy },
        },
        {
          name: "quarantine",
          plan: quarantinedFiles(this.#declared, batch, rowsSchema, batchTime),
          target: { ...lake, path: quarantine.path, schema: quarantine.schema, partitionBy: [] },
        },
        {
          name: "ledger",
          plan: this.#ledgerPlan(batch, state.merge),
          target: { store: this.#context.host, path: ledgerPath, schema: ledgerSchema, partitionBy: [], sortBy: [] },
        },
      ],
      collects: [{ name: "counts", rowsMax: 2, plan: countsBySanity(rowsSchema, sane) }],
      parameters: { current_timestamp: batch.offsets.batchTime },
      signal: batch.signal,
    };
  }

  #outcomes(
    batch: BatchContext,
    written: Readonly<Record<string, readonly WrittenFile[]>>,
    state: LedgerState,
  ): TableOutcome[] {
    const idOf = (role: string) => batch.generation.tables[role]?.tableId ?? "";
    const tags = fileTags(batch.lane, batch.offsets.job);
    return [
      appendOutcome("quarantine", idOf("quarantine"), -1, written["quarantine"] ?? [], tags),
      {
        ...appendOutcome(ledgerRole, idOf(ledgerRole), state.snapshot.version, written["ledger"] ?? []),
        remove: state.merge ? [...state.snapshot.files].map(removedFile) : [],
      },
      appendOutcome("sink", idOf("sink"), -1, written["sink"] ?? [], tags),
    ];
  }

  #planned(files: readonly Landed[], job: string | null = null): PlannedInput {
    return {
      inputs: { files: { kind: "files", files: files.map((file) => ({ ...file })) } },
      statics: {},
      watermark: null,
      job,
    };
  }

  /** What may be read: the one file that was announced, those that a replay asks for, or all that lie there. */
  async #candidates(hint: Hint | undefined): Promise<readonly Landed[]> {
    if (hint?.kind === "landed") return this.#announced(hint.path);
    const landed = await listLanded(this.#context.lake, this.#declared.glob);
    if (hint?.kind !== "replay" || hint.part.kind !== "files") return landed;
    const { prefix } = hint.part;
    return landed.filter(({ path }) => path.startsWith(prefix));
  }

  /** The announced file, where it is one of this source's and still there. Anything else is no error: notices are only doorbells. */
  async #announced(path: string): Promise<Landed[]> {
    if (!globMatches(this.#declared.glob, path)) return [];
    const meta = await this.#context.lake.head(path);
    return meta === undefined || meta.sizeBytes === 0 ? [] : [landedOf(meta)];
  }

  /** Copies of the planned files; one whose etag has changed is no longer the planned one. */
  async #fetch(input: FileList, folder: string): Promise<Fetched> {
    const files: TextFile[] = [];
    const replaced: LandedFile[] = [];
    for (const file of input.files) {
      const localPath = await fetchLanded(this.#context.lake, file, folder, this.#context.random);
      if (localPath === undefined) replaced.push(file);
      else
        files.push({ localPath, path: file.path, etag: file.etag, modifiedTimeUs: instantMicros(file.modifiedTime) });
    }
    return { files, replaced };
  }

  async #knownFiles(head: LaneHead, generation: GenerationRecord): Promise<ReadonlySet<string>> {
    const version = head.lastCommit?.tables[ledgerRole]?.version ?? -1;
    const ledger = generation.tables[ledgerRole];
    if (version < 1 || ledger === undefined) return new Set();
    if (this.#ledger?.version === version && this.#ledger.tableId === ledger.tableId) return this.#ledger.known;
    const table = this.#context.tables.open("host", ledger.path);
    const result = await this.#context.compute.run({
      name: `${this.flow}/ledger`,
      inputs: { ledger: table.fileSet(await table.at(version)) },
      steps: [],
      writes: [],
      collects: [{ name: "known", plan: scan("ledger", ledgerSchema), rowsMax: ledgerRowsMax }],
      parameters: {},
    });
    const known = keysOf(result, "known", this.flow);
    this.#ledger = { tableId: ledger.tableId, version, known };
    return known;
  }

  async #ledgerState(batch: BatchContext, path: string): Promise<LedgerState> {
    const table = this.#context.tables.open("host", path);
    const snapshot = await table.at(Math.max(0, batch.lastCommit?.tables[ledgerRole]?.version ?? 0));
    return { snapshot, merge: snapshot.files.size >= limits.stateSmallFilesMax, fileSet: table.fileSet(snapshot) };
  }

  /** The files of this batch; from time to time with all that came before, less those that are too old to be read again. */
  #ledgerPlan(batch: BatchContext, merge: boolean): LogicalPlan {
    const read = scan("read", ledgerSchema);
    if (!merge) return read;
    const oldest = instantOfMs(Number(instantMicros(batch.offsets.batchTime) / 1000n) - this.#declared.maxFileAgeMs);
    const young = call("ge", column("modified_time"), { kind: "literal", value: oldest, type: timestamp });
    return { kind: "union", inputs: [filter(scan("ledger", ledgerSchema), young), read] };
  }
}

/** The files that a job has collected. */
function keysOf(result: ComputeResult, name: string, flow: FlowId): ReadonlySet<string> {
  if (result.kind === "pending") throw new DyneError("BATCH_ABANDONED", `${flow} waits for its compute.`);
  return new Set(
    (result.collected[name] ?? []).map(({ path, etag }) => fileKey({ path: String(path), etag: String(etag) })),
  );
}

function ledgerRows(files: readonly LandedFile[], batch: number): ComputeInput {
  return {
    kind: "rows",
    schema: ledgerSchema,
    rowCount: files.length,
    columns: {
      path: files.map((file) => file.path),
      etag: files.map((file) => file.etag),
      modified_time: files.map((file) => instantMicros(file.modifiedTime)),
      batch_id: files.map(() => BigInt(batch)),
    },
  };
}
