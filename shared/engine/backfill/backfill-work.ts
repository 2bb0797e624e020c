/** What a kind of backfill is: how it is planned once, and how it is taken further. The life of a job is the same for all, see backfill.ts. */
import type { JobPlan, JobRecord } from "../../checkpoint/index.ts";
import type { Clock, Random } from "../../core/index.ts";
import { rowCountOf } from "../../delta/index.ts";
import type { EventHubReader } from "../../sources/index.ts";
import type { ObjectStore } from "../../storage/index.ts";
import type { TableCatalog } from "../../table/index.ts";
import type { DeclaredFlow } from "../declared-flow.ts";
import type { Engine } from "../engine.ts";

export interface BackfillServices {
  readonly host: ObjectStore;
  readonly hubs: EventHubReader;
  readonly tables: TableCatalog;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a step of a job has to work with. */
export interface BackfillStep {
  readonly services: BackfillServices;
  readonly engine: Engine;
  readonly flow: DeclaredFlow;
  readonly job: JobRecord;
}

export interface Advanced {
  readonly plan: JobPlan;
  readonly progress: JobRecord["progress"];
  readonly rows: number;
  /** `waits`: it cannot go on now, for the reason given. */
  readonly next:
    | { readonly kind: "more" }
    | { readonly kind: "done" }
    | { readonly kind: "waits"; readonly for: string; readonly inMs?: number };
}

export interface BackfillWork<Plan extends JobPlan = JobPlan> {
  /** Resolves what is asked for. Throws INVALID_ARGUMENT where it makes no sense; changes nothing. */
  plan(step: BackfillStep): Promise<Plan>;
  /** Does some of it, for about `budgetMs`. Safe to repeat, and to be done by two at once. */
  advance(step: BackfillStep, plan: Plan, budgetMs: number): Promise<Advanced>;
}

export function recordsOf({ host: store, clock, random }: BackfillServices) {
  return { store, clock, random };
}

/** The rows that a job has added to a flow's sink, as far as its files are still there. */
export async function rowsAdded({ services, flow, job }: BackfillStep): Promise<number> {
  const snapshot = await services.tables.open("lake", flow.output.path).find();
  return [...(snapshot?.files ?? [])]
    .filter(({ tags }) => tags?.["job"] === job.jobId)
    .reduce((sum, file) => sum + (rowCountOf(file) ?? 0), 0);
}
