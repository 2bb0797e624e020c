/** What customers do, and who they are: checked events, the customers as they stand, facts per day, and one row per customer. */
import {
  count,
  countDistinct,
  definePipeline,
  drop,
  eventHub,
  fromJson,
  materializedView,
  max,
  min,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
  toDate,
  upper,
} from "../shared/pipeline/index.ts";

const Event = struct({
  event_id: string(),
  customer_id: string(),
  type: string(),
  event_time: timestamp(),
  page: string(),
});

/** A change of a customer: `op` is `insert`, `update` or `delete`, and a deleted customer has neither name nor tier. */
const CustomerChange = struct({
  op: string(),
  customer_id: string(),
  name: string(),
  tier: string(),
  updated_at: timestamp(),
});

const tenDigits = "^[0-9]{10}$";

export const bronzeEvents = streamingTable("bronze.events", {
  from: eventHub("events"),
  partitionBy: ["ingestion_date"],
  owner: "web",
  description: "Every event of a customer as it arrived.",
});

export const bronzeCustomers = streamingTable("bronze.customers", {
  from: eventHub("customers"),
  partitionBy: ["ingestion_date"],
  owner: "crm",
  description: "Every change of a customer as it arrived.",
});

export const silverEvents = streamingTable("silver.events", {
  query: readStream(bronzeEvents)
    .withColumns(({ event_data }) => ({
      event: fromJson(event_data, Event, { unknownFields: "reject", nullInput: "reject" }),
    }))
    .select(({ event, enqueued_time }) => {
      const { event_id, customer_id, type, event_time, page } = event.fields;
      return {
        event_id,
        customer_id,
        type: upper(type),
        event_time,
        event_date: toDate(event_time),
        page,
        enqueued_time,
      };
    })
    // What an event of the future says of the time is not believed.
    .withWatermark("event_time", "30 days", { maxAhead: "0 seconds" })
    .dropDuplicatesWithinWatermark(["event_id"]),
  expect: ({ event_id, customer_id, type, event_time, enqueued_time }) => ({
    has_id: drop(event_id.isNotNull()),
    valid_customer: drop(customer_id.rlike(tenDigits)),
    has_type: drop(type.isNotNull()),
    recent: drop(event_time.ge(enqueued_time.minusDays(30))),
    not_in_future: drop(event_time.le(enqueued_time)),
  }),
  partitionBy: ["event_date"],
  owner: "web",
  description: "Events of customers, each once.",
});

export const silverCustomerChanges = streamingTable("silver.customer_changes", {
  query: readStream(bronzeCustomers)
    .withColumns(({ event_data }) => ({
      change: fromJson(event_data, CustomerChange, { unknownFields: "reject", nullInput: "reject" }),
    }))
    .select(({ change, sequence_number }) => ({ ...change.fields, sequence_number })),
  expect: ({ op, customer_id, updated_at }) => ({
    known_op: drop(op.isin("insert", "update", "delete")),
    valid_customer: drop(customer_id.rlike(tenDigits)),
    has_time: drop(updated_at.isNotNull()),
  }),
  owner: "crm",
  description: "Changes of customers, in whatever order they came and as often as they were sent.",
});

export const silverCustomers = materializedView("silver.customers", {
  query: read(silverCustomerChanges)
    .topK({
      by: ["customer_id"],
      // A customer's changes are in one partition of the hub: where two have the same time, the one sent later counts.
      orderBy: ({ updated_at, sequence_number }) => [updated_at.desc(), sequence_number.desc()],
      count: 1,
    })
    .filter(({ op }) => op.ne("delete"))
    .select("customer_id", "name", "tier", "updated_at"),
  owner: "crm",
  description: "Customers as their latest change left them, without those that were deleted.",
});

export const factEvents = materializedView("gold.fact_events", {
  query: read(silverEvents)
    .groupBy("event_date", "customer_id", "type")
    .agg(({ event_id, event_time }) => ({
      events: count(),
      distinct_events: countDistinct(event_id),
      first_time: min(event_time),
      last_time: max(event_time),
    })),
  partitionBy: ["event_date"],
  owner: "analytics",
  description: "What a customer did on a day, by type.",
});

export const customerMetrics = materializedView("gold.customer_metrics", {
  query: read(factEvents)
    .groupBy("customer_id")
    .agg(({ event_date, type, events, first_time, last_time }) => ({
      active_days: countDistinct(event_date),
      types: countDistinct(type),
      events: sum(events),
      first_time: min(first_time),
      last_time: max(last_time),
    }))
    .join(read(silverCustomers).select("customer_id", "name", "tier"), "customer_id", "left"),
  owner: "analytics",
  description:
    "Customers with events, and who they are; without name and tier where nobody knows, or where they have left.",
});

/** A sample with changing customers and a join of two views. */
export const customerEvents = definePipeline("customer-events", [
  bronzeEvents,
  bronzeCustomers,
  silverEvents,
  silverCustomerChanges,
  silverCustomers,
  factEvents,
  customerMetrics,
]);
