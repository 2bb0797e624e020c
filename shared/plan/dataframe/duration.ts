import { DyneError } from "../../core/errors.ts";

const unitMs = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
} as const;

/** A length of time as users write it. */
export type Duration = `${number} ${keyof typeof unitMs}` | `${number} ${keyof typeof unitMs}s`;

/** Milliseconds of a text such as "10 minutes". Errors: INVALID_ARGUMENT. */
export function durationMs(text: string): number {
  const match =
    typeof text !== "string" ? null : /^(\d+(?:\.\d+)?) (millisecond|second|minute|hour|day|week)s?$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  if (Number.isSafeInteger(ms)) return ms;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `"${String(text)}" is no length of time. Write a number and a unit, such as "10 minutes" or "1 day".`,
  );
}
