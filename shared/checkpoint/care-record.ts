/**
 * When a table of a flow was last looked after, so that it is not done by every instance and not after every start:
 *
 *     {"format":1,"lookedAtMs":1772323200000,"vacuumedAtMs":1772236800000}
 *
 * A record that is lost, or was written by nobody, only makes somebody look sooner, and vacuum later.
 */
import { z } from "zod";
import { checkpointFormat } from "./formats.ts";
import { decodeRecord, encodeRecord, type RecordContext } from "./records.ts";

const timeMs = z.number().int().nonnegative();
const careRecord = z.object({ format: z.literal(checkpointFormat), lookedAtMs: timeMs, vacuumedAtMs: timeMs });

export interface CareIntervals {
  readonly lookMs: number;
  readonly vacuumMs: number;
}

/**
 * Takes on looking after a table, if that is due and nobody else has: says whether it is to be vacuumed, too. Undefined where it is not due.
 * One that dies afterwards leaves it to the next time. One request where nothing is due, and one more where it is. Errors: those of the
 * store, CHECKPOINT_CORRUPT, FORMAT_TOO_NEW.
 */
export async function claimCare(
  { store, clock }: RecordContext,
  path: string,
  { lookMs, vacuumMs }: CareIntervals,
): Promise<{ readonly isVacuumDue: boolean } | undefined> {
  const nowMs = clock.nowMs();
  const stored = await store.get(path);
  const known = stored && decodeRecord(careRecord, path, stored.bytes);
  // What was recorded far ahead is of a clock that was wrong: it must not keep the table from being looked at until then.
  if (known !== undefined && Math.abs(nowMs - known.lookedAtMs) < lookMs) return undefined;

  // A table that nobody has looked after yet has nothing that is old.
  const vacuumedAtMs = known?.vacuumedAtMs ?? nowMs;
  const isVacuumDue = Math.abs(nowMs - vacuumedAtMs) >= vacuumMs;
  const bytes = encodeRecord({
    format: checkpointFormat,
    lookedAtMs: nowMs,
    vacuumedAtMs: isVacuumDue ? nowMs : vacuumedAtMs,
  } satisfies z.infer<typeof careRecord>);
  const put =
    stored === undefined ? await store.putIfAbsent(path, bytes) : await store.putIfMatch(path, bytes, stored.etag);
  return put.kind === "created" || put.kind === "replaced" ? { isVacuumDue } : undefined;
}
