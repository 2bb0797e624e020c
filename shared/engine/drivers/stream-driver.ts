/**
 * A streaming table: reads each row of its upstream table once, sorts out what cannot be used, drops duplicates, appends (SPEC.md 4, 5).
 *
 *     stream ─ row-local ─┬─ row error ──→ quarantine MALFORMED
 *                         ├─ late ───────→ quarantine LATE
 *                         ├─ expectation → quarantine EXPECTATION
 *                         └─ state ──────→ sink, and its key into the state
 */
import {
  DyneError,
  instantMicros,
  laneId,
  laneOfFile,
  limits,
  type FlowId,
  type Generation,
  type LaneId,
} from "../../core/index.ts";
import type { DeltaRange, GenerationRecord, LaneHead, TableOutcome, Watermark } from "../../checkpoint/index.ts";
import type { ComputeJob, ComputeResult, FileSet, Row } from "../../compute/index.ts";
import { type AddFile, type DeltaCommit, type Snapshot } from "../../delta/index.ts";
import type { StreamFlow } from "../declared-flow.ts";
import { formIn } from "./stream-form.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, Hint, PlannedInput } from "../flow.ts";
import { StreamingJob } from "../incremental/streaming-job.ts";
import { streamingPlan, type StreamingPlan } from "../incremental/streaming-plan.ts";
import { initialWatermark, nextWatermark, withLanes, type LaneObservation } from "../incremental/watermark.ts";
import { appendOutcome, dataFile, fileTags, outputBytes, removedFile } from "../table-outcome.ts";

/** The part of the streaming flow's upstream that its driver needs to know. */
export interface Upstream {
  /** Lanes of the flow that writes the stream's table. */
  lanes(): Promise<readonly LaneId[]>;
  /** Lanes that its rows name, where these are others. */
  placeLanes?(): Promise<readonly LaneId[]>;
}

export class StreamDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly position: FlowDriver["position"];
  readonly #context: EngineContext;
  readonly #declared: StreamFlow;
  readonly #upstream: Upstream;
  readonly #plan: StreamingPlan;
  readonly #job: StreamingJob;

  constructor(context: EngineContext, declared: StreamFlow, upstream: Upstream) {
    this.#context = context;
    this.#declared = declared;
    this.#upstream = upstream;
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
    this.#plan = streamingPlan(declared.query);
    this.#job = new StreamingJob(declared, this.#plan);
    const { watermark } = this.#plan;
    this.position = {
      inputs: [declared.stream.name],
      watermark: watermark === undefined ? null : { eventTime: watermark.eventTime, delayMs: watermark.delayMs },
    };
  }

  /** A flow with state has one lane; a row-local one inherits its upstream's. */
  get #isKeyed(): boolean {
    return this.#plan.deduplicate !== undefined || this.#plan.watermark !== undefined;
  }

  tables(generation: Generation): readonly FlowTable[] {
    const { output, quarantine } = this.#declared;
    return [
      { role: "quarantine", root: "lake", path: quarantine.path, schema: quarantine.schema, partitionBy: [] },
      ...this.#job.stateTables(generation),
      {
        role: "sink",
        root: "lake",
        path: output.path,
        schema: this.#job.sinkSchema,
        partitionBy: output.partitionBy,
      },
    ];
  }

  async lanes(): Promise<readonly LaneId[]> {
    return this.#isKeyed ? [laneId("0")] : this.#upstream.lanes();
  }

  /** A row keeps the place that it has in the stream's own input. */
  placeLanes(): Promise<readonly LaneId[]> {
    return this.#upstream.placeLanes?.() ?? this.#upstream.lanes();
  }

  async start(): Promise<PlannedInput | undefined> {
    const table = this.#context.tables.open("lake", this.#declared.stream.path);
    if ((await table.confirmed()) === undefined) return undefined;
    const input = await table.latest();
    const startVersion = await table.lastRemoval(input.version);
    return this.#planned(
      { kind: "delta", tableId: input.metadata.id, afterVersion: -1, toVersion: -1, startVersion },
      {},
      this.#plan.watermark ? initialWatermark(await this.placeLanes()) : null,
    );
  }

  async plan(
    lane: LaneId,
    head: LaneHead,
    _hint: Hint | undefined,
    generation: GenerationRecord,
  ): Promise<PlannedInput | undefined> {
    const last = this.#range(head.lastOffsets?.inputs);
    const table = this.#context.tables.open("lake", this.#declared.stream.path);
    const newest = await table.latest();
    if (newest.metadata.id !== last.tableId)
      throw upstreamChanged(this.flow, table.path, "is another table than the one that was read so far");
    const statics = await this.#staticVersions();
    if (statics === undefined) return undefined;
    const watermark = await this.#watermarkInForce(head);
    const startVersion = last.toVersion < 0 ? last.startVersion : undefined;
    const { toVersion, files, job } = await this.#cut(lane, last.toVersion, startVersion, newest.version);
    if (files === 0 && !(await this.#wouldEvict(watermark, head, generation))) return undefined;
    const range = { ...last, afterVersion: last.toVersion, toVersion, startVersion };
    return this.#planned(range, statics, watermark, job);
  }

  async compute(batch: BatchContext): Promise<ComputedBatch> {
    const range = this.#range(batch.offsets.inputs);
    const table = this.#context.tables.open("lake", this.#declared.stream.path);
    const { startVersion, afterVersion, toVersion } = range;
    const commits = [
      ...(startVersion === undefined ? [] : [await table.state(startVersion)]),
      ...(await table.changes(startVersion ?? afterVersion, toVersion)),
    ];
    const { storedSchema, partitionBy } = this.#declared.stream;
    const form = formIn(table.known ?? (await table.latest()), storedSchema, partitionBy);
    const stream: FileSet = {
      kind: "files",
      store: this.#context.lake,
      ...form,
      files: commits.flatMap((commit) =>
        this.#files(commit, batch.lane).map((file) => table.inputFile(form, file, commit.version)),
      ),
      hidden: this.#job.hiddenColumns,
    };
    const statics: Record<string, FileSet> = {};
    for (const [name, pinned] of Object.entries(batch.offsets.statics)) {
      const joined = this.#context.tables.open(
        "lake",
        this.#declared.statics.find((s) => s.name === name)?.path ?? name,
      );
      statics[name] = joined.fileSet(await joined.at(pinned.version));
    }
    const state = await this.#state(batch);
    const isReplay = batch.offsets.job !== null;
    const job = this.#job.build({
      batch,
      stream,
      statics,
      seen: isReplay ? await this.#keptBefore(batch, stream, statics) : state?.fileSet,
      lake: this.#context.lake,
      host: this.#context.host,
      mergeState: state?.merge ?? false,
    });
    const result = await this.#context.compute.run(job);
    if (result.kind === "pending") throw new DyneError("BATCH_ABANDONED", `${this.flow} waits for its compute.`);
    return this.#outcome(
      batch,
      job,
      result,
      state,
      stream.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    );
  }

  #planned(
    range: DeltaRange,
    statics: PlannedInput["statics"],
    watermark: Watermark | null,
    job: string | null = null,
  ): PlannedInput {
    return { inputs: { [this.#declared.stream.name]: range }, statics, watermark, job };
  }

  #range(inputs: Readonly<Record<string, unknown>> | undefined): DeltaRange {
    const range = inputs?.[this.#declared.stream.name] as DeltaRange | undefined;
    if (range?.kind !== "delta")
      throw new DyneError(
        "CHECKPOINT_CORRUPT",
        `The offsets of ${this.flow} name no versions of ${this.#declared.stream.name}.`,
      );
    return range;
  }

  /** Static tables at their latest version; undefined until each has one with rows to join. */
  async #staticVersions(): Promise<PlannedInput["statics"] | undefined> {
    const versions: Record<string, { tableId: string; version: number }> = {};
    for (const joined of this.#declared.statics) {
      const snapshot = await this.#context.tables.open("lake", joined.path).find();
      if (snapshot === undefined || snapshot.version < 1) return undefined;
      versions[joined.name] = { tableId: snapshot.metadata.id, version: snapshot.version };
    }
    return versions;
  }

  async #watermarkInForce(head: LaneHead): Promise<Watermark | null> {
    const current = head.lastOutcome?.watermark ?? head.lastOffsets?.watermark ?? null;
    return current === null ? null : withLanes(current, await this.placeLanes());
  }

  /** The longest run of versions that one batch may read, at least one: rows of a backfill are a batch of their own (SPEC.md 19). */
  async #cut(
    lane: LaneId,
    afterVersion: number,
    startVersion: number | undefined,
    newestVersion: number,
  ): Promise<{ toVersion: number; files: number; job: string | null }> {
    let bytes = 0;
    let files = 0;
    let job: string | null = null;
    let toVersion = afterVersion;
    const table = this.#context.tables.open("lake", this.#declared.stream.path);
    while (toVersion < newestVersion) {
      const commit =
        startVersion !== undefined && toVersion < startVersion
          ? await table.state(startVersion)
          : await table.changeAfter(toVersion, newestVersion);
      if (commit === undefined) break;
      const added = this.#files(commit, lane);
      const size = added.reduce((sum, file) => sum + rowBytes(file), 0);
      const addedBy = jobOf(added);
      const isFull = bytes + size > limits.batchInputBytes || files + added.length > limits.batchInputFiles;
      if (files > 0 && added.length > 0 && (isFull || addedBy !== job)) break;
      if (added.length > 0) job = addedBy;
      bytes += size;
      files += added.length;
      toVersion = commit.version;
    }
    return { toVersion, files, job };
  }

  /** The rows that a commit adds for a lane. Anything but an append stops the flow (SPEC.md 12). */
  #files(commit: DeltaCommit, lane: LaneId): readonly AddFile[] {
    const changed = commit.removes.some((file) => file.dataChange);
    if (changed) {
      throw upstreamChanged(
        this.flow,
        this.#declared.stream.path,
        `was updated, deleted from or overwritten in version ${commit.version}`,
      );
    }
    const added = commit.adds.filter((file) => file.dataChange);
    return this.#isKeyed ? added : added.filter((file) => laneOfFile(file) === lane);
  }

  /** True where the watermark has passed a whole file of the state since the last batch: a batch without input lets it go. */
  async #wouldEvict(watermark: Watermark | null, head: LaneHead, generation: GenerationRecord): Promise<boolean> {
    const role = this.#job.stateRole;
    const committed = role === undefined ? undefined : head.lastCommit?.tables[role];
    const owned = role === undefined ? undefined : generation.tables[role];
    if (owned === undefined || committed === undefined || committed.version < 1) return false;
    const evictedBefore = watermark?.evictedBefore ?? null;
    if (evictedBefore === (head.lastOffsets?.watermark?.evictedBefore ?? null)) return false;
    const snapshot = await this.#context.tables.open(owned.root, owned.path).at(committed.version);
    return [...snapshot.files].some((file) => this.#job.isEvicted(file, evictedBefore));
  }

  /** Keys seen, as of the last commit, without what has passed out of reach. */
  async #state(batch: BatchContext): Promise<SeenKeys | undefined> {
    const role = this.#job.stateRole;
    const owned = role === undefined ? undefined : batch.generation.tables[role];
    if (role === undefined || owned === undefined) return undefined;
    const table = this.#context.tables.open("host", owned.path);
    const version = batch.lastCommit?.tables[role]?.version ?? -1;
    const snapshot = await table.at(Math.max(0, version));
    const evictBefore = batch.offsets.watermark?.evictedBefore ?? null;
    const evicted: AddFile[] = [];
    const live: AddFile[] = [];
    for (const file of snapshot.files) (this.#job.isEvicted(file, evictBefore) ? evicted : live).push(file);
    const merge = batch.offsets.job === null && live.length >= limits.stateSmallFilesMax;
    return { role, tableId: owned.tableId, snapshot, live, evicted, merge, fileSet: table.fileSet(snapshot, live) };
  }

  /**
   * What the rows of a backfill are held against: not the state, which may have let go of keys that old, but the rows of the sink whose
   * event times are near theirs. Undefined where there is no de-duplication, or no row with an event time.
   */
  async #keptBefore(
    batch: BatchContext,
    stream: FileSet,
    statics: Readonly<Record<string, FileSet>>,
  ): Promise<FileSet | undefined> {
    if (this.#job.stateRole === undefined) return undefined;
    const result = await this.#context.compute.run(this.#job.span(batch, stream, statics));
    if (result.kind === "pending") throw new DyneError("BATCH_ABANDONED", `${this.flow} waits for its compute.`);
    const span = this.#job.readSpan(result);
    if (span === undefined) return undefined;
    const table = this.#context.tables.open("lake", this.#declared.output.path);
    // Not as of the last commit, whose files somebody may have rewritten and deleted since. Where the sink has this very batch already, its
    // outcome is there, and counts instead of what is computed here.
    const snapshot = await table.latest();
    return table.fileSet(
      snapshot,
      [...snapshot.files].filter((file) => this.#job.mayReach(file, span)),
    );
  }

  #outcome(
    batch: BatchContext,
    job: ComputeJob,
    result: Extract<ComputeResult, { kind: "done" }>,
    state: SeenKeys | undefined,
    inputBytes: number,
  ): ComputedBatch {
    const observed = this.#job.read(result);
    this.#failOnViolation(observed.failures);
    const tags = fileTags(batch.lane, batch.offsets.job);
    const idOf = (role: string) => batch.generation.tables[role]?.tableId ?? "";
    const tables: TableOutcome[] = [
      appendOutcome("quarantine", idOf("quarantine"), -1, result.written["quarantine"] ?? [], tags),
    ];
    if (state !== undefined) {
      const removed = state.merge ? [...state.evicted, ...state.live] : state.evicted;
      tables.push({
        role: state.role,
        tableId: state.tableId,
        baseVersion: state.snapshot.version,
        add: (result.written["state"] ?? []).map((file) => dataFile(file, tags)),
        remove: removed.map(removedFile),
        cdc: [],
        staged: null,
      });
    }
    tables.push(appendOutcome("sink", idOf("sink"), -1, result.written["sink"] ?? [], tags));
    const counts = { ...noCounts, ...observed.counts, inputBytes, outputBytes: outputBytes(tables) };
    return {
      tables,
      watermark: this.#nextWatermark(batch, observed.lanes),
      counts,
      ...(observed.eventTime === undefined ? {} : { eventTime: observed.eventTime }),
      strategy: { name: "append", reason: `${job.name}: a streaming table reads each row once` },
    };
  }

  #nextWatermark(batch: BatchContext, observed: ReadonlyMap<string, LaneObservation>): Watermark | null {
    const inForce = batch.offsets.watermark;
    const declared = this.#plan.watermark;
    if (inForce === null || declared === undefined) return null;
    if (batch.offsets.job !== null) return inForce;
    const lastMs = batch.lastCommit === undefined ? undefined : Date.parse(batch.lastCommit.committedTime);
    const elapsedMs = lastMs === undefined ? 0 : Number(instantMicros(batch.offsets.batchTime) / 1000n) - lastMs;
    return nextWatermark(inForce, observed, elapsedMs, declared);
  }

  #failOnViolation(failures: readonly Row[]): void {
    const first = failures[0];
    if (first === undefined) return;
    throw new DyneError(
      "EXPECTATION_FAILED",
      `${this.flow} expects "${String(first["rule"])}" of every row, and ${String(first["rows"])} rows of the batch break it. Nothing of the batch was committed. ` +
        "Correct the rows upstream or change the expectation, then resume the flow.",
      { details: { rule: first["rule"], rows: Number(first["rows"]), sample: String(first["sample"] ?? "") } },
    );
  }
}

/** The keys seen as of the last commit: files that still matter, and files that no row can need any more. */
interface SeenKeys {
  readonly role: string;
  readonly tableId: string;
  readonly snapshot: Snapshot;
  readonly live: readonly AddFile[];
  readonly evicted: readonly AddFile[];
  /** The live files are small and many: the batch writes them anew as one. */
  readonly merge: boolean;
  readonly fileSet: FileSet;
}

/** The backfill that brought all of some files. Beside live rows, as in what a table holds at a version, its rows are as all others. */
function jobOf(files: readonly AddFile[]): string | null {
  const [job, ...others] = new Set(files.map(({ tags }) => tags?.["job"] ?? null));
  return others.length === 0 ? (job ?? null) : null;
}

/** Estimated uncompressed bytes of a file: Parquet of this kind is about a quarter of its rows. */
function rowBytes(file: AddFile): number {
  return file.size * 4;
}

function upstreamChanged(flow: string, path: string, what: string): DyneError {
  return new DyneError(
    "UPSTREAM_CHANGED",
    `${path} ${what}; ${flow} reads rows that are only ever added. Rebuild ${flow} from the start, or read the table from a materialized view.`,
  );
}
