/** Brings a snapshot up to date by the new commits alone. */
import { readCommit, type DeltaCommit } from "./commit-file.ts";
import { lastCheckpointHint } from "./last-checkpoint.ts";
import type { DeltaLog } from "./log.ts";
import { openSnapshot } from "./open-snapshot.ts";
import { advanceSnapshot, type Snapshot } from "./snapshot.ts";
import { confirmNewest, isTrusted } from "./trusted-snapshot.ts";

/**
 * The newest version, from a snapshot of an older one: asks for the next commits by name until there is none and never lists, so that it
 * costs one request beside the new commits. The same snapshot where nothing is new.
 *
 * `onCommit` is told of each new commit and the snapshot after it, as soon as it is read: whoever keeps the snapshot need not read the commit
 * again where a later read fails. A snapshot that slept so long that its next commit may have been cleaned away is opened anew from the checkpoint that covers it;
 * `onCommit` is then not told of the commits in between.
 */
export async function updateSnapshot(
  log: DeltaLog,
  snapshot: Snapshot,
  onCommit?: (commit: DeltaCommit, after: Snapshot) => void,
): Promise<Snapshot> {
  let current = snapshot;
  for (;;) {
    const askedMs = log.clock.nowMs();
    const commit = await readCommit(log, current.version + 1);
    if (commit === undefined) {
      const overtaken = !isTrusted(log, current) && ((await lastCheckpointHint(log))?.version ?? -1) > current.version;
      if (overtaken) current = await openSnapshot(log);
      confirmNewest(current, askedMs);
      return current;
    }
    current = advanceSnapshot(log, current, commit);
    onCommit?.(commit, current);
  }
}
