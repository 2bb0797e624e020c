import { DyneError, limits } from "../../core/index.ts";
import type { ComputeJob } from "../compute.ts";

/** A job that was stopped from outside. */
export function abandoned(job: string, cause: unknown): DyneError {
  return new DyneError("BATCH_ABANDONED", `${job} was interrupted. It runs again.`, { cause });
}

/** What DuckDB throws, by what the caller can do about it. */
export function computeError({ name: job, signal }: ComputeJob, error: unknown): unknown {
  if (error instanceof DyneError) return error;
  if (signal?.aborted) return abandoned(job, error);
  const message = error instanceof Error ? error.message : String(error);
  if (/Out of Memory/i.test(message)) {
    return new DyneError(
      "OUT_OF_MEMORY",
      `${job} ran out of memory. Lower the batch's limits or take a larger instance.`,
      { cause: error },
    );
  }
  const refused = /UNSUPPORTED_FEATURE: ([^\n]*)/.exec(message)?.[1];
  if (refused !== undefined) return new DyneError("UNSUPPORTED_FEATURE", `${job}: ${refused}.`, { cause: error });
  if (/File name too long/i.test(message)) {
    return new DyneError(
      "LIMIT_EXCEEDED",
      `${job} has a partition value whose folder would have a name of more than 255 bytes. Nothing was written. Partition by another column, or shorten its values.`,
      { cause: error },
    );
  }
  if (/Overflow in HUGEINT addition/.test(message)) {
    return new DyneError(
      "DATA_ERROR",
      `${job}: a sum does not fit into 38 digits. Correct the rows, or cast the values to double before they are added up.`,
      { cause: error },
    );
  }
  const stopped = /(DATA_ERROR|CONSTRAINT_VIOLATED): ?([^]*)/.exec(message);
  if (stopped?.[1] === "CONSTRAINT_VIOLATED") return constraintViolated(job, stopped[2] ?? "", error);
  if (stopped !== null) {
    const sample = (stopped[2] ?? "").split("\n", 1)[0]!.slice(0, limits.sampleCharacters);
    return new DyneError("DATA_ERROR", `${job}: ${sample}. Correct the rows, or make the query tolerate them.`, {
      cause: error,
    });
  }
  return new DyneError("COMPUTE_FAILED", `${job} failed: ${message.slice(0, 2_000)}`, { cause: error });
}

/** What the function `guarded` stops a query with: a rule as JSON, and a row. */
function constraintViolated(job: string, text: string, cause: unknown): DyneError {
  const [named = "{}", row = ""] = text.split("\n");
  const { rule, condition } = JSON.parse(named) as { readonly rule?: string; readonly condition?: string };
  return new DyneError(
    "CONSTRAINT_VIOLATED",
    `${job}: the row ${row} breaks the rule ${rule}: ${condition}. Nothing was written. Correct the row, or drop the rule.`,
    { cause, details: { rule, condition, row } },
  );
}
