import { describe, expect, it } from "vitest";
import { defaultSubscriptions, matches } from "../../local/notifier/subscription.ts";
import { blobCreated, blobRenamed, fileCreated, type EventGridEvent } from "../../local/notifier/event-grid-event.ts";
import type { BlobCreation } from "../../local/azurite/index.ts";
import { readNotices } from "../../shared/runtime/notice.ts";
import { deploy } from "./deployment.ts";

const deployment = await deploy();

interface Filter {
  readonly subjectBeginsWith?: string;
  readonly subjectEndsWith?: string;
  readonly isSubjectCaseSensitive?: boolean;
  readonly includedEventTypes: readonly string[];
  readonly advancedFilters: readonly {
    readonly key: string;
    readonly operatorType: string;
    readonly values: readonly string[];
  }[];
}

const subscriptions = deployment.all("eventgrid:SystemTopicEventSubscription");
const filterOf = (name: string) => deployment.get(`notices/${name}`).inputs["filter"] as Filter;

/** Event Grid's rules: letter case never counts, all filters have to agree, and of the values of one any. */
function passes(filter: Filter, event: EventGridEvent): boolean {
  const lower = (text: string | undefined) => (text ?? "").toLowerCase();
  const subject = lower(event.subject);
  const agrees = ({ key, operatorType, values }: Filter["advancedFilters"][number]) => {
    const value = lower(key === "subject" ? event.subject : String(event.data[key.replace("data.", "")]));
    if (operatorType === "StringIn") return values.some((candidate) => lower(candidate) === value);
    if (operatorType === "StringContains") return values.some((candidate) => value.includes(lower(candidate)));
    throw new Error(`The operator ${operatorType} is not known here`);
  };
  return (
    filter.includedEventTypes.includes(event.eventType) &&
    subject.startsWith(lower(filter.subjectBeginsWith)) &&
    subject.endsWith(lower(filter.subjectEndsWith)) &&
    filter.advancedFilters.every(agrees)
  );
}

const announcement = (container: string, blob: string, api: BlobCreation["api"]) => ({
  creation: {
    account: "lake",
    container,
    blob,
    api,
    clientRequestId: "c",
    requestId: "r",
    eTag: "e",
    contentType: "t",
  } as BlobCreation,
  contentLengthBytes: 1,
  atMs: 0,
  eventId: "1",
  batchId: "2",
  sequencer: "3",
});

const commit = "silver/flights/_delta_log/00000000000000000007.json";
const events: readonly { what: string; event: EventGridEvent; to: readonly string[] }[] = [
  { what: "a landed file", event: blobCreated(announcement("landing", "airports/a.csv", "PutBlob")), to: ["landing"] },
  {
    what: "a landed large file",
    event: blobCreated(announcement("landing", "a/b.csv", "PutBlockList")),
    to: ["landing"],
  },
  {
    what: "a file that Spark renamed into landing",
    event: blobRenamed(announcement("landing", "a/b.csv", "PutBlob"), "c"),
    to: ["landing"],
  },
  {
    what: "a file that was created and is empty still",
    event: fileCreated(announcement("landing", "a/b.csv", "PutBlob"), "c"),
    to: [],
  },
  { what: "dyne's own commit", event: blobCreated(announcement("lake", commit, "PutBlob")), to: ["commits"] },
  {
    what: "a commit of Spark, which renames",
    event: blobRenamed(announcement("lake", commit, "PutBlob"), "c"),
    to: ["commits"],
  },
  { what: "a commit before it is written", event: fileCreated(announcement("lake", commit, "PutBlob"), "c"), to: [] },
  { what: "a data file", event: blobCreated(announcement("lake", "silver/flights/part-1.parquet", "PutBlob")), to: [] },
  {
    what: "a checkpoint of a table",
    event: blobCreated(announcement("lake", "silver/flights/_delta_log/7.checkpoint.parquet", "PutBlob")),
    to: [],
  },
  {
    what: "a JSON file that is no log",
    event: blobCreated(announcement("lake", "silver/flights/a.json", "PutBlob")),
    to: [],
  },
  { what: "a commit to a quarantine", event: blobCreated(announcement("quarantine", commit, "PutBlob")), to: [] },
];

it.for(events)("$what goes to $to", ({ event, to }) => {
  expect(["landing", "commits"].filter((name) => passes(filterOf(name), event))).toEqual(to);
});

it("what is delivered is understood by the function behind the queue", () => {
  for (const { event, to } of events.filter((sent) => sent.to.length > 0)) {
    expect(readNotices(event)).toEqual([
      { kind: "blob", path: event.subject.replace(/^.*containers\/([^/]+)\/blobs\//, "$1/") },
    ]);
    expect(to.length).toBe(1);
  }
});

it("subjects are filtered as on the local platform", () => {
  for (const { event } of events) {
    for (const local of defaultSubscriptions) {
      const everyCall = { key: "data.api", operatorType: "StringIn", values: [String(event.data["api"])] };
      const filter = filterOf(local.name);
      const bySubject = {
        ...filter,
        advancedFilters: [...filter.advancedFilters.filter(({ key }) => key === "subject"), everyCall],
      };
      expect([local.name, event.subject, passes(bySubject, event)]).toEqual([
        local.name,
        event.subject,
        matches(local, event.subject),
      ]);
    }
  }
  expect(subscriptions.map(({ inputs }) => String(inputs["eventSubscriptionName"])).sort()).toEqual(
    defaultSubscriptions.map(({ name }) => name).sort(),
  );
});

describe("the topic", () => {
  it("is the lake's, and acts by the identity of the notices alone", () => {
    const identity = deployment.get("identity/notices").id;
    expect(deployment.get("notices").inputs).toMatchObject({
      source: deployment.get("lake").id,
      topicType: "Microsoft.Storage.StorageAccounts",
      identity: { type: "UserAssigned", userAssignedIdentities: { [identity]: {} } },
    });
  });

  it("delivers into the queue that starts the function, and what fails into the container of dead letters, by that identity", () => {
    const identity = { type: "UserAssigned", userAssignedIdentity: deployment.get("identity/notices").id };
    const resourceId = deployment.get("host").id;
    expect(subscriptions.length).toBe(2);
    for (const { inputs } of subscriptions) {
      expect(inputs).not.toHaveProperty("destination");
      expect(inputs).not.toHaveProperty("deadLetterDestination");
      expect(inputs).toMatchObject({
        eventDeliverySchema: "EventGridSchema",
        deliveryWithResourceIdentity: {
          identity,
          destination: { endpointType: "StorageQueue", resourceId, queueName: "notices" },
        },
        deadLetterWithResourceIdentity: {
          identity,
          deadLetterDestination: { endpointType: "StorageBlob", resourceId, blobContainerName: "dead-letter" },
        },
      });
    }
  });

  it("stays within the 25 values that Event Grid takes", () => {
    for (const { inputs } of subscriptions) {
      const { advancedFilters } = inputs["filter"] as Filter;
      expect(advancedFilters.flatMap(({ values }) => values).length).toBeLessThanOrEqual(25);
    }
  });
});
