import { limits, type Clock, type Random } from "../../core/index.ts";

/** How often a write is planned again after another writer was first. */
export interface RepeatOptions {
  /** 1 means not again. */
  readonly attemptsMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Plans and tries a write again while others are first, waiting a little longer each time. The last outcome is given, a conflict too. */
export async function repeatOnConflict<Outcome extends { readonly kind: string }>(
  write: () => Promise<Outcome>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { attemptsMax = limits.writeAttemptsMax, signal }: RepeatOptions = {},
): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await write();
    if (outcome.kind !== "conflict" || attempt >= attemptsMax) return outcome;
    const waitMs = Math.min(limits.writeRepeatMsMax, limits.writeRepeatMs * 2 ** attempt);
    await clock.sleep(waitMs * (0.5 + random.next() / 2), signal);
  }
}
