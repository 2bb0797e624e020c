import fc from "fast-check";
import { expect, test } from "vitest";

import type { BlobCreation } from "../../../../local/azurite/index.ts";
import { announce } from "../../../../local/notifier/announcements.ts";
import type { Announcement } from "../../../../local/notifier/event-grid-event.ts";
import { blobSubject, defaultSubscriptions, matches } from "../../../../local/notifier/subscription.ts";
import { seededRandom } from "../../../../shared/core/index.ts";

const creation: BlobCreation = {
  account: "lake",
  container: "lake",
  blob: "silver/events/_delta_log/00000000000000000007.json",
  api: "PutBlob",
  eTag: '"0x8D4BCC2E4835CD0"',
  requestId: "831e1650-001e-001b-66ab-eeb76e069631",
  clientRequestId: "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
  contentType: "application/json",
};

const announcement: Announcement = {
  creation,
  contentLengthBytes: 512,
  atMs: Date.parse("2026-11-20T20:15:00.123Z"),
  eventId: "event",
  batchId: "batch",
  sequencer: "0001",
};

const never = { duplicates: 0, renames: 0, emptyFiles: 0, unknownPaths: 0 };

test("a put is announced once, in the shape of Event Grid's schema", () => {
  const notices = announce(announcement, never, seededRandom(1));
  expect(notices).toEqual([
    {
      delaySeconds: 0,
      event: {
        topic:
          "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/lake",
        subject: "/blobServices/default/containers/lake/blobs/silver/events/_delta_log/00000000000000000007.json",
        eventType: "Microsoft.Storage.BlobCreated",
        eventTime: "2026-11-20T20:15:00.1230000Z",
        id: "event",
        data: {
          api: "PutBlob",
          clientRequestId: "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
          requestId: "831e1650-001e-001b-66ab-eeb76e069631",
          eTag: "0x8D4BCC2E4835CD0",
          contentType: "application/json",
          contentLength: 512,
          blobType: "BlockBlob",
          url: "https://lake.blob.core.windows.net/lake/silver/events/_delta_log/00000000000000000007.json",
          sequencer: "0001",
          storageDiagnostics: { batchId: "batch" },
        },
        dataVersion: "",
        metadataVersion: "1",
      },
    },
  ]);
});

test("a commit may be announced as a rename to its path, a landing file never", () => {
  const habits = { ...never, renames: 1 };
  const [commit] = announce(announcement, habits, seededRandom(1));
  expect(commit?.event).toMatchObject({ eventType: "Microsoft.Storage.BlobRenamed", data: { api: "RenameFile" } });
  expect(commit?.event.subject).toBe(blobSubject("lake", creation.blob));
  const landing = { ...announcement, creation: { ...creation, container: "landing", blob: "events/a.json" } };
  expect(announce(landing, habits, seededRandom(1))[0]?.event.data["api"]).toBe("PutBlob");
});

test("whatever the habits, the blob itself is announced at least once, and the same seed gives the same messages", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const shares = fc.record({ duplicates: share, renames: share, emptyFiles: share, unknownPaths: share });
  fc.assert(
    fc.property(shares, fc.integer(), (habits, seed) => {
      const notices = announce(announcement, habits, seededRandom(seed));
      const subject = blobSubject("lake", creation.blob);
      expect(
        notices.filter(({ event }) => event.subject === subject && event.data["api"] !== "CreateFile").length,
      ).toBeGreaterThan(0);
      expect(announce(announcement, habits, seededRandom(seed))).toEqual(notices);
    }),
  );
});

test.each([
  ["landing", "events/2026/a.json", true],
  ["landing", "airports.csv", true],
  ["lake", "silver/events/_delta_log/00000000000000000007.json", true],
  ["lake", "silver/events/_delta_log/00000000000000000010.checkpoint.parquet", false],
  ["lake", "silver/events/part-0.parquet", false],
  ["quarantine", "silver/events/_delta_log/00000000000000000007.json", false],
  ["capture", "events/0/a.avro", false],
])("%s/%s is announced: %s", (container, blob, announced) => {
  expect(defaultSubscriptions.some((subscription) => matches(subscription, blobSubject(container, blob)))).toBe(
    announced,
  );
});
