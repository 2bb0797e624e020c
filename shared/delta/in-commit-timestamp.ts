/**
 * The time of a commit within its file, where a table asks for it (PROTOCOL.md § In-Commit Timestamps). It rises with every version, and
 * stays what it is when the table is copied.
 */
import type { Action, Metadata } from "./actions.ts";
import type { Snapshot } from "./snapshot.ts";
import { tableProperty } from "./table-properties.ts";

const enablementVersion = "delta.inCommitTimestampEnablementVersion";
const enablementTimestamp = "delta.inCommitTimestampEnablementTimestamp";

/** True where commits of a table carry their time. */
export function hasInCommitTimestamps({ configuration }: Pick<Metadata, "configuration">): boolean {
  return tableProperty(configuration, "delta.enableInCommitTimestamps");
}

/** The actions of one try, and the time that its commitInfo has to carry, in milliseconds since the epoch. */
export interface TimedActions {
  readonly actions: readonly Action[];
  readonly inCommitTimestamp?: number;
}

/**
 * Gives a commit its time: now, or just after the version before it where the clocks of two writers differ. Where the commit turns the
 * feature on for a table that exists, its metadata gets the version and the time from which on there are such times; both change with
 * every try, so the metadata is made anew. Pure.
 */
export function timed(base: Snapshot | undefined, actions: readonly Action[], nowMs: number): TimedActions {
  const metadata = actions.find((action) => "metaData" in action)?.metaData;
  const after = metadata ?? base?.metadata;
  if (after === undefined || !hasInCommitTimestamps(after)) return { actions };
  const inCommitTimestamp = base === undefined ? nowMs : Math.max(nowMs, base.timestampMs + 1);
  if (base === undefined || metadata === undefined) return { actions, inCommitTimestamp };
  const configuration = hasInCommitTimestamps(base.metadata)
    ? kept(base.metadata.configuration, metadata.configuration)
    : {
        ...metadata.configuration,
        [enablementVersion]: String(base.version + 1),
        [enablementTimestamp]: String(inCommitTimestamp),
      };
  const changed: Action = { metaData: { ...metadata, configuration } };
  return { actions: actions.map((action) => ("metaData" in action ? changed : action)), inCommitTimestamp };
}

/** When the feature was turned on is history, which no change of metadata takes away. */
function kept(
  before: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const since = [enablementVersion, enablementTimestamp].flatMap((key) =>
    before[key] === undefined ? [] : [[key, before[key]] as const],
  );
  return { ...wanted, ...Object.fromEntries(since) };
}
