/** Where backfill jobs are kept; see job-record.ts for what lies where. */
import { DyneError, isDyneError } from "../core/index.ts";
import { jobRecord, type JobRecord } from "./job-record.ts";
import { layout } from "./layout.ts";
import { decodeRecord, encodeRecord, putRecordIfAbsent, type RecordContext } from "./records.ts";

export interface StoredJob {
  readonly record: JobRecord;
  /** What the next change has to name. */
  readonly etag: string;
}

export class JobLog {
  readonly #context: RecordContext;

  constructor(context: RecordContext) {
    this.#context = context;
  }

  /** Records a new job, or gives the one that has its id already. */
  async create(record: JobRecord): Promise<{ readonly mine: boolean; readonly record: JobRecord }> {
    // First: a job that is not marked would be forgotten should its bell be lost.
    await this.#context.store.put(layout.openJob(record.jobId), new Uint8Array());
    return putRecordIfAbsent(this.#context, jobRecord, layout.job(record.jobId), record);
  }

  async find(jobId: string): Promise<StoredJob | undefined> {
    const path = layout.job(jobId);
    const object = await this.#context.store.get(path);
    return object && { record: decodeRecord(jobRecord, path, object.bytes), etag: object.etag };
  }

  /** Changes a job by put-if-match. Undefined where somebody else changed it first, or may have: read it again. */
  async change(before: StoredJob, record: JobRecord): Promise<StoredJob | undefined> {
    try {
      const result = await this.#context.store.putIfMatch(layout.job(record.jobId), encodeRecord(record), before.etag);
      return result.kind === "replaced" ? { record, etag: result.etag } : undefined;
    } catch (error) {
      if (isDyneError(error, "STORAGE_UNAVAILABLE")) return undefined;
      throw error;
    }
  }

  /** The ids of jobs that have not ended, and of some that have only just. */
  open(): Promise<readonly string[]> {
    return this.#idsBelow(layout.openJobs);
  }

  /** Takes a job that has ended off the list of those that have not. */
  async close(jobId: string): Promise<void> {
    await this.#context.store.delete(layout.openJob(jobId));
  }

  /** The ids of all jobs, ended ones included, and when each was changed last. */
  async all(): Promise<readonly { readonly jobId: string; readonly changedMs: number }[]> {
    const jobs: { readonly jobId: string; readonly changedMs: number }[] = [];
    for await (const { path, lastModifiedMs } of this.#context.store.list(layout.jobs)) {
      const [jobId = ""] = path.slice(layout.jobs.length).split("/");
      jobs.push({ jobId, changedMs: lastModifiedMs });
    }
    return jobs;
  }

  /** Forgets a job that has ended. Throws INVALID_ARGUMENT for any other. */
  async delete({ jobId, endedTime }: JobRecord): Promise<void> {
    if (endedTime === null) throw new DyneError("INVALID_ARGUMENT", `Job ${jobId} has not ended. Cancel it first.`);
    await this.#context.store.delete(layout.job(jobId));
  }

  async #idsBelow(prefix: string): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { path } of this.#context.store.list(prefix)) ids.push(path.slice(prefix.length));
    return ids;
  }
}
