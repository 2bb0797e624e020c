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

/** That somebody has taken on looking after a table, until the record is another one. */
export interface CareTurn {
  readonly isVacuumDue: boolean;
  readonly etag: string;
}

export interface CareIntervals {
  readonly lookMs: number;
  readonly vacuumMs: number;
}

/**
 * Takes on looking after a table, if that is due and nobody else has: says whether it is to be vacuumed, too: until
 * `endCare` says that it was. Undefined where it is not due. One that dies afterwards leaves it to the next time. One request where nothing is due, and one more where it is. Errors: those of the
 * store, CHECKPOINT_CORRUPT, FORMAT_TOO_NEW.
 */
export async function claimCare(
  { store, clock }: RecordContext,
  path: string,
  { lookMs, vacuumMs }: CareIntervals,
): Promise<CareTurn | undefined> {
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
    vacuumedAtMs,
  } satisfies z.infer<typeof careRecord>);
  const put =
    stored === undefined ? await store.putIfAbsent(path, bytes) : await store.putIfMatch(path, bytes, stored.etag);
  return put.kind === "created" || put.kind === "replaced" ? { isVacuumDue, etag: put.etag } : undefined;
}

/**
 * Says how a turn went: `vacuumed` is done for as long as the interval says, `unfinished` is gone on with by whoever looks next, at once.
 * Nothing where somebody else has taken the table on meanwhile. One request. Errors: those of the store.
 */
export async function endCare(
  { store, clock }: RecordContext,
  path: string,
  { etag }: CareTurn,
  how: "vacuumed" | "unfinished",
  { lookMs, vacuumMs }: CareIntervals,
): Promise<void> {
  const nowMs = clock.nowMs();
  const times =
    how === "vacuumed"
      ? { lookedAtMs: nowMs, vacuumedAtMs: nowMs }
      : { lookedAtMs: Math.max(0, nowMs - lookMs), vacuumedAtMs: Math.max(0, nowMs - vacuumMs) };
  await store.putIfMatch(path, encodeRecord({ format: checkpointFormat, ...times }), etag);
}
