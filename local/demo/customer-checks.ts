/** The proof of the sample with customers: every table is computed again from those that it is made from, in SQL, and compared. */
import type { PlannedEvent } from "../feeder/index.ts";
import { compareRows, loadPlan, type Check, type CheckRoom } from "./check-room.ts";

/** What was to be sent. */
export interface CustomerPlans {
  readonly events: AsyncIterable<PlannedEvent>;
  readonly changes: AsyncIterable<PlannedEvent>;
}

const field = (name: string): string => `json_extract_string(body, '$.${name}')`;
const body = "CASE WHEN json_valid(event_data) THEN CAST(event_data AS JSON) END AS body";
const isId = `coalesce(regexp_full_match(${field("customer_id")}, '[0-9]{10}'), false)`;

/** Bronze events with their fields, and whether they may go on. */
const events = `(SELECT *, body IS NOT NULL AS parses,
    parses AND ${isId} AND event_id IS NOT NULL AND type IS NOT NULL
      AND coalesce(event_time BETWEEN enqueued_time - INTERVAL 30 DAY AND enqueued_time, false) AS is_right
  FROM (SELECT *, ${field("event_id")} AS event_id, ${field("customer_id")} AS customer_id, ${field("type")} AS type,
      TRY_CAST(${field("event_time")} AS TIMESTAMPTZ) AS event_time, ${field("page")} AS page
    FROM (SELECT event_data, enqueued_time, ${body} FROM bronze_events)))`;

/** Bronze changes of customers, likewise. */
const changes = `(SELECT *, body IS NOT NULL AND updated_at IS NOT NULL AS parses,
    parses AND ${isId} AND op IN ('insert', 'update', 'delete') AS is_right
  FROM (SELECT *, ${field("op")} AS op, ${field("customer_id")} AS customer_id, ${field("name")} AS name, ${field("tier")} AS tier,
      TRY_CAST(${field("updated_at")} AS TIMESTAMPTZ) AS updated_at
    FROM (SELECT event_data, sequence_number, ${body} FROM bronze_customers)))`;

const bodies = "partition, sequence_number, partition_key, md5(event_data) AS body";
/** Whether an event is late or breaks a rule depends on what came before it. */
const reason = "CASE WHEN reason = 'MALFORMED' THEN reason ELSE 'REFUSED' END, event_data";
const refused = (from: string): string =>
  `SELECT CASE WHEN parses THEN 'REFUSED' ELSE 'MALFORMED' END, event_data FROM ${from} WHERE NOT is_right`;

/** The comparisons, in the order of the tables: what there is, and what there should be. */
const comparisons: readonly (readonly [name: string, actual: string, expected: string])[] = [
  ["bronze.events holds every event once, byte for byte", `SELECT ${bodies} FROM bronze_events`, "FROM planned_events"],
  [
    "bronze.customers holds every change once, byte for byte",
    `SELECT ${bodies} FROM bronze_customers`,
    "FROM planned_changes",
  ],
  [
    "silver.events equals one batch query over bronze.events",
    "SELECT event_id, customer_id, type, event_time, event_date, page FROM silver_events",
    `SELECT DISTINCT ON (event_id) event_id, customer_id, upper(type), event_time, CAST(event_time AS DATE), page FROM ${events} WHERE is_right`,
  ],
  [
    "quarantine holds all other events of bronze.events, duplicates excepted",
    `SELECT ${reason} FROM quarantine_silver_events`,
    refused(events),
  ],
  [
    "silver.customer_changes equals one batch query over bronze.customers",
    "SELECT op, customer_id, name, tier, updated_at, sequence_number FROM silver_customer_changes",
    `SELECT op, customer_id, name, tier, updated_at, sequence_number FROM ${changes} WHERE is_right`,
  ],
  [
    "quarantine holds all other changes of bronze.customers",
    `SELECT ${reason} FROM quarantine_silver_customer_changes`,
    refused(changes),
  ],
  [
    "silver.customers is what the latest change of each left",
    "SELECT customer_id, name, tier, updated_at FROM silver_customers",
    `SELECT customer_id, name, tier, updated_at FROM (SELECT customer_id,
        unnest(max_by({op: op, name: name, tier: tier, updated_at: updated_at}, (updated_at, sequence_number))) FROM ${changes} WHERE is_right GROUP BY customer_id)
      WHERE op <> 'delete'`,
  ],
  [
    "gold.fact_events equals one batch query over silver.events",
    "SELECT event_date, customer_id, type, events, distinct_events, first_time, last_time FROM gold_fact_events",
    `SELECT event_date, customer_id, type, count(*), count(DISTINCT event_id), min(event_time), max(event_time) FROM silver_events GROUP BY ALL`,
  ],
  [
    "gold.customer_metrics equals a join of events and customers",
    "SELECT customer_id, active_days, types, events, first_time, last_time, name, tier FROM gold_customer_metrics",
    `SELECT e.customer_id, count(DISTINCT e.event_date), count(DISTINCT e.type), count(*), min(e.event_time), max(e.event_time), any_value(c.name), any_value(c.tier)
      FROM silver_events e LEFT JOIN silver_customers c USING (customer_id) GROUP BY e.customer_id`,
  ],
];

/** Recomputes and compares; nothing of the engine takes part. */
export async function checkCustomerEvents(room: CheckRoom, plans: CustomerPlans): Promise<readonly Check[]> {
  await loadPlan(room, "planned_events", plans.events);
  await loadPlan(room, "planned_changes", plans.changes);
  const checks: Check[] = [];
  for (const [name, actual, expected] of comparisons) checks.push(await compareRows(room, name, actual, expected));
  return checks;
}
