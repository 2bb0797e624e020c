/** What routes answer from. `runtime` opens it. */
import type { Compute } from "../compute/index.ts";
import type { Pipeline } from "../pipeline/index.ts";
import type { ServingContext } from "../serving/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { BackfillJobs } from "./backfill-jobs.ts";
import type { ServedTables } from "./served-tables.ts";

export interface HttpServices extends ServingContext {
  readonly pipelines: readonly Pipeline[];
  readonly lake: ObjectStore;
  readonly compute: Compute;
  readonly served: ServedTables;
  readonly backfill: BackfillJobs;
}
