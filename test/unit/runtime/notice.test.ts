import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readJobBell, readNotices } from "../../../shared/runtime/notice.ts";

/** An event as Event Grid puts it into a queue. */
const event = (fields: Readonly<Record<string, unknown>> = {}) => ({
  topic: "/subscriptions/0/resourceGroups/dyne/providers/Microsoft.Storage/storageAccounts/lake",
  subject: "/blobServices/default/containers/lake/blobs/silver/events/_delta_log/00000000000000000007.json",
  eventType: "Microsoft.Storage.BlobCreated",
  eventTime: "2026-01-02T03:04:05.6780000Z",
  id: "831e1650-001e-001b-66ab-eeb76e069631",
  data: { api: "PutBlob", url: "https://lake.blob.core.windows.net/lake/elsewhere", contentLength: 1 },
  dataVersion: "",
  metadataVersion: "1",
  ...fields,
});
const subjectOf = (path: string) => `/blobServices/default/containers/${path.replace("/", "/blobs/")}`;
const commit = { kind: "blob", path: "lake/silver/events/_delta_log/00000000000000000007.json" };

describe("a bell of dyne's own", () => {
  test.each(["ring", "wake"])("of the kind %s rings its flow", (kind) => {
    expect(readNotices({ format: 1, kind, flow: "silver.events" })).toEqual([{ kind: "ring", flow: "silver.events" }]);
  });

  test.each([
    { format: 2, kind: "ring", flow: "silver.events" },
    { format: 1, kind: "dance", flow: "x" },
    { format: 1, kind: "ring" },
  ])("that this build does not know is ignored: %o", (message) => {
    expect(readNotices(message)).toEqual([{ kind: "other", reason: expect.any(String) }]);
  });
});

describe("an event of a blob", () => {
  test("that was created is its path", () => {
    expect(readNotices(event())).toEqual([commit]);
  });

  test("that was renamed into place, as Spark commits, is its new path", () => {
    const renamed = event({
      eventType: "Microsoft.Storage.BlobRenamed",
      data: { api: "RenameFile", sourceUrl: "https://x/tmp", destinationUrl: "https://x/y" },
    });
    expect(readNotices(renamed)).toEqual([commit]);
  });

  test("is understood as an object and as text", () => {
    expect(readNotices(JSON.stringify(event()))).toEqual([commit]);
  });

  test("that comes in an array is each of its events", () => {
    expect(readNotices([event(), event({ subject: subjectOf("landing/a/1.csv") })])).toEqual([
      commit,
      { kind: "blob", path: "landing/a/1.csv" },
    ]);
    expect(readNotices(JSON.stringify([event()]))).toEqual([commit]);
    expect(readNotices([])).toEqual([]);
  });

  test.each(["landing/a b/é#1%20+.csv", "landing/a/blobs/b/containers/x.csv", "landing/a%2Fb/1.csv"])(
    "has the name as it is: %s",
    (path) => {
      expect(readNotices(event({ subject: subjectOf(path) }))).toEqual([{ kind: "blob", path }]);
    },
  );
});

describe("anything else concerns nobody, and says why", () => {
  test.each<[unknown, string]>([
    [event({ eventType: "Microsoft.Storage.BlobDeleted" }), "Microsoft.Storage.BlobDeleted"],
    [event({ eventType: "Microsoft.EventGrid.SubscriptionValidationEvent" }), "SubscriptionValidationEvent"],
    [event({ subject: "/queueServices/default/queues/x" }), "/queueServices/default/queues/x"],
    [event({ subject: "/blobServices/default/containers/lake" }), "/blobServices/default/containers/lake"],
    [event({ subject: "/blobServices/default/containers/lake/blobs/" }), "blobs/"],
    [event({ subject: 7 }), "neither a bell nor an Event Grid event"],
    ["not JSON", "neither"],
    ["", "neither"],
    [undefined, "neither"],
    [null, "neither"],
    [7, "neither"],
    [Buffer.from("x"), "neither"],
  ])("%o", (message, reason) => {
    expect(readNotices(message)).toEqual([{ kind: "other", reason: expect.stringContaining(reason) }]);
  });

  test("and nothing makes it throw", () => {
    const nearly = fc.record(
      {
        format: fc.anything(),
        kind: fc.anything(),
        flow: fc.anything(),
        eventType: fc.anything(),
        subject: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.json(), fc.string(), nearly, fc.array(nearly)), (message) => {
        for (const notice of readNotices(message)) expect(["ring", "blob", "other"]).toContain(notice.kind);
      }),
    );
  });
});

describe("a bell of a job", () => {
  test("names its job, as text and as what the host has parsed", () => {
    const bell = { format: 1, kind: "chunk", job: "0f8c", turn: 7 };
    const read = { jobId: "0f8c", turn: 7 };
    expect([readJobBell(bell), readJobBell(JSON.stringify(bell))]).toEqual([read, read]);
  });

  test.each([{ format: 2, kind: "chunk", job: "x" }, { format: 1, kind: "ring", flow: "a.b" }, {}, null, 7, "{", "[]"])(
    "is nothing else, and nothing that cannot be understood: %o",
    (message) => {
      expect(readJobBell(message)).toBeUndefined();
    },
  );
});
