import type { Random } from "../../shared/core/index.ts";
import { blobCreated, blobRenamed, fileCreated, type Announcement, type EventGridEvent } from "./event-grid-event.ts";

/** How often the notifier does what the real service is known to do; each a share between 0 and 1. */
export interface NoticeHabits {
  /** Messages delivered a second time, some seconds later. */
  readonly duplicates: number;
  /** Commits under `_delta_log/` announced as a rename. */
  readonly renames: number;
  /** Announcements preceded by one of the same file while it was empty. */
  readonly emptyFiles: number;
  /** Announcements followed by one of a path that does not exist. */
  readonly unknownPaths: number;
}

/** Enough of each habit that a consumer who cannot cope fails in its first minutes. */
export const defaultHabits: NoticeHabits = { duplicates: 0.02, renames: 0.1, emptyFiles: 0.01, unknownPaths: 0.01 };

/** A message to put into the queue. */
export interface Notice {
  readonly event: EventGridEvent;
  readonly delaySeconds: number;
}

const duplicateDelaySecondsMax = 4;

/**
 * The messages for one creation: exactly one that announces the blob, and around it what the habits add. Depends on
 * nothing but its arguments, so a seeded `random` gives the same messages again.
 */
export function announce(announcement: Announcement, habits: NoticeHabits, random: Random): readonly Notice[] {
  const happens = (share: number): boolean => random.next() < share;
  const isCommit = announcement.creation.blob.includes("/_delta_log/");
  const renamed = happens(habits.renames) && isCommit;
  const notices: Notice[] = [];
  if (happens(habits.emptyFiles))
    notices.push({ event: fileCreated(another(announcement, random), random.uuid()), delaySeconds: 0 });

  const event = renamed ? blobRenamed(announcement, random.uuid()) : blobCreated(announcement);
  notices.push({ event, delaySeconds: 0 });
  if (happens(habits.duplicates)) {
    notices.push({ event, delaySeconds: Math.floor(random.next() * (duplicateDelaySecondsMax + 1)) });
  }
  if (happens(habits.unknownPaths))
    notices.push({ event: blobCreated(elsewhere(announcement, random)), delaySeconds: 0 });
  return notices;
}

function another(announcement: Announcement, random: Random): Announcement {
  return { ...announcement, eventId: random.uuid() };
}

/** The same kind of blob at a place where nothing is. */
function elsewhere(announcement: Announcement, random: Random): Announcement {
  const { creation } = announcement;
  const name = creation.blob.slice(creation.blob.lastIndexOf("/") + 1);
  const folder = `nowhere/${random.uuid()}`;
  const blob = creation.blob.includes("/_delta_log/") ? `${folder}/_delta_log/${name}` : `${folder}/${name}`;
  return { ...another(announcement, random), creation: { ...creation, blob } };
}
