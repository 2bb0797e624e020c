/** The proof of the sample with sensors: tables are computed again from what was to be sent, and from one another, and compared. */
import type { DraftedEvent, ReadingKind } from "../feeder/index.ts";
import { compareRows, loadPlan, type Check, type CheckRoom } from "./check-room.ts";

/** What becomes of a reading by its kind; a duplicate goes, and leaves nothing. */
const reasons = { malformed: "MALFORMED", late: "LATE", "broken-sensor": "EXPECTATION", "far-future": "EXPECTATION" };

const field = (name: string): string => `json_extract_string(b.event_data, '$.${name}')`;

/** Recomputes and compares; nothing of the engine takes part. */
export async function checkSensors(
  room: CheckRoom,
  plan: () => AsyncIterable<DraftedEvent<ReadingKind>>,
): Promise<readonly Check[]> {
  await loadPlan(room, "planned", plan());
  await loadKinds(room, plan());
  return [
    await compareRows(
      room,
      "bronze.readings holds every reading once, byte for byte",
      "SELECT partition, sequence_number, partition_key, md5(event_data) AS body FROM bronze_readings",
      "FROM planned",
    ),
    await compareRows(
      room,
      "silver.readings holds the readings that can be true, each once",
      "SELECT machine_id, measured_at, measured_date, temperature FROM silver_readings",
      `SELECT ${field("machine_id")}, CAST(${field("measured_at")} AS TIMESTAMPTZ), CAST(CAST(${field("measured_at")} AS TIMESTAMPTZ) AS DATE), CAST(${field("temperature")} AS DOUBLE)
        FROM bronze_readings b JOIN planned_kinds k USING (partition, sequence_number) WHERE k.kind = 'reading'`,
    ),
    await compareRows(
      room,
      "quarantine holds the malformed, late and refused readings with their reasons",
      "SELECT reason, event_data FROM quarantine_silver_readings",
      `SELECT k.reason, b.event_data FROM bronze_readings b JOIN planned_kinds k USING (partition, sequence_number) WHERE k.reason IS NOT NULL`,
    ),
    await compareRows(
      room,
      "gold.machine_temperature equals one batch query over silver.readings",
      `SELECT measured_date, machine_id, "window".start, "window".end, readings, avg_temperature, min_temperature, max_temperature FROM gold_machine_temperature`,
      `SELECT measured_date, machine_id, time_bucket(INTERVAL 5 MINUTE, measured_at) AS bucket, bucket + INTERVAL 5 MINUTE, count(*), avg(temperature), min(temperature), max(temperature)
        FROM silver_readings GROUP BY ALL`,
    ),
  ];
}

/** What was planned to become of the readings, by partition and sequence number. */
async function loadKinds(room: CheckRoom, plan: AsyncIterable<DraftedEvent<ReadingKind>>): Promise<void> {
  await room.connection.run(
    "CREATE OR REPLACE TABLE planned_kinds (partition VARCHAR, sequence_number BIGINT, kind VARCHAR, reason VARCHAR)",
  );
  const appender = await room.connection.createAppender("planned_kinds");
  for await (const { partition, sequenceNumber, kind } of plan) {
    const reason = kind in reasons ? reasons[kind as keyof typeof reasons] : undefined;
    appender.appendVarchar(String(partition));
    appender.appendBigInt(BigInt(sequenceNumber));
    appender.appendVarchar(kind);
    if (reason === undefined) appender.appendNull();
    else appender.appendVarchar(reason);
    appender.endRow();
  }
  appender.closeSync();
}
