import type { BackfillRequest, JobRecord } from "../checkpoint/index.ts";

/** Who takes jobs on and knows of them. Errors are those of the engine's backfills. */
export interface BackfillJobs {
  submit(
    request: BackfillRequest,
    options: { readonly requestedBy?: string | undefined; readonly idempotencyKey?: string | undefined },
  ): Promise<JobRecord>;
  find(jobId: string): Promise<JobRecord>;
  list(jobsMax: number): Promise<readonly JobRecord[]>;
  cancel(jobId: string): Promise<JobRecord>;
}
