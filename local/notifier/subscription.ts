/**
 * Which blobs are announced: the filters of an Event Grid subscription, as infrastructure declares them.
 *
 *   { name: "commits", subjectBeginsWith: "/blobServices/default/containers/lake/blobs/", subjectContains: "/_delta_log/", subjectEndsWith: ".json" }
 */
export interface NoticeSubscription {
  readonly name: string;
  readonly subjectBeginsWith: string;
  readonly subjectContains?: string;
  readonly subjectEndsWith?: string;
}

/** The subject of a blob's events. The blob's name stands in it as it is, not percent-encoded. */
export function blobSubject(container: string, blob: string): string {
  return `/blobServices/default/containers/${container}/blobs/${blob}`;
}

/** What a deployment subscribes to: every file that lands, and every commit of a table in the lake. */
export const defaultSubscriptions: readonly NoticeSubscription[] = [
  { name: "landing", subjectBeginsWith: blobSubject("landing", "") },
  {
    name: "commits",
    subjectBeginsWith: blobSubject("lake", ""),
    subjectContains: "/_delta_log/",
    subjectEndsWith: ".json",
  },
];

/** True where the subscription asks for this subject. Letter case does not count, as in Event Grid. */
export function matches(subscription: NoticeSubscription, subject: string): boolean {
  const text = subject.toLowerCase();
  return (
    text.startsWith(subscription.subjectBeginsWith.toLowerCase()) &&
    text.includes((subscription.subjectContains ?? "").toLowerCase()) &&
    text.endsWith((subscription.subjectEndsWith ?? "").toLowerCase())
  );
}
