/** What must not compile. `tsc` checks this file: an expected error that does not occur is an error. */
import {
  avg,
  boolean,
  concat,
  count,
  countIf,
  decimal,
  double,
  fromJson,
  integer,
  lag,
  lastValue,
  lit,
  long,
  max,
  pmod,
  rank,
  read,
  readStream,
  rowNumber,
  string,
  struct,
  sum,
  timestamp,
  toDate,
  upper,
  window,
} from "../../../shared/plan/index.ts";
import type {
  Column,
  DataFrame,
  DateType,
  DecimalType,
  DoubleType,
  IntegerType,
  LongType,
  StringType,
  TimestampType,
} from "../../../shared/plan/index.ts";
import { drop, eventHub, files, materializedView, streamingTable } from "../../../shared/pipeline/index.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function isTrue<_Check extends true>(): void {}

const flights = {
  name: "flights",
  schema: struct({
    id: string(),
    at: timestamp(),
    delay: long(),
    price: decimal(10, 2),
    speed: double(),
    seats: integer(),
    ok: boolean(),
    body: string(),
  }),
};
const frame = read(flights);

// Columns.
frame.select("id", "delay");
// @ts-expect-error no such column
frame.select("id", "dealy");
// @ts-expect-error no such column
frame.select(({ dealy }) => ({ dealy }));
// @ts-expect-error no such column
frame.filter(({ dealy }) => dealy.gt(1));
// @ts-expect-error no such column
frame.groupBy("dealy");
// @ts-expect-error no such column
frame.drop("dealy");
// @ts-expect-error dropped above
frame.drop("delay").select("delay");
// @ts-expect-error not selected
frame.select("id").filter(({ delay }) => delay.gt(1));
// @ts-expect-error no such column
frame.withWatermark("when", "1 day");
// @ts-expect-error no length of time
frame.withWatermark("at", "soon");
// @ts-expect-error no such column
readStream(flights).withWatermark("at", "1 day").dropDuplicatesWithinWatermark(["key"]);
// @ts-expect-error not boolean
frame.filter(({ delay }) => delay);

// Values and methods of other types.
frame.filter(({ delay }) => delay.gt(15));
// @ts-expect-error text is no number
frame.filter(({ delay }) => delay.gt("15"));
// @ts-expect-error a number is no text
frame.filter(({ id }) => id.eq(5));
// @ts-expect-error text is compared with a number
frame.filter(({ id, delay }) => id.eq(delay));
// @ts-expect-error rlike is for text
frame.filter(({ delay }) => delay.rlike("^1"));
// @ts-expect-error plus is for numbers
frame.select(({ id }) => ({ more: id.plus(1) }));
// @ts-expect-error minusDays is for times
frame.select(({ delay }) => ({ before: delay.minusDays(1) }));
// @ts-expect-error and is for booleans
frame.filter(({ delay, ok }) => delay.and(ok));
// @ts-expect-error upper is for text
frame.select(({ delay }) => ({ up: upper(delay) }));
// @ts-expect-error concat is for text
frame.select(({ id, delay }) => ({ both: concat(id, delay) }));
// @ts-expect-error sum is for numbers
frame.groupBy("id").agg(({ body }) => ({ total: sum(body) }));
// @ts-expect-error countIf takes a condition
frame.groupBy("id").agg(({ delay }) => ({ late: countIf(delay) }));
// @ts-expect-error a row number needs a window
frame.select(() => ({ n: rowNumber() }));
// @ts-expect-error a literal of another type
lit("x", long());

// @ts-expect-error a rank needs an order
frame.select(({ id }) => ({ n: rank().over({ partitionBy: [id] }) }));
// @ts-expect-error a rank has no rows
frame.select(({ at }) => ({ n: rank().over({ orderBy: [at], rows: { from: 0, to: 1 } }) }));
// @ts-expect-error which rows the last one is of
frame.select(({ at, id }) => ({ n: lastValue(id).over({ orderBy: [at] }) }));
// @ts-expect-error rows need an order
frame.select(({ delay }) => ({ n: sum(delay).over({ rows: { from: 0, to: 1 } }) }));
// @ts-expect-error a default of another type
frame.select(({ at, delay }) => ({ n: lag(delay, 1, "none").over({ orderBy: [at] }) }));
frame.select(({ at, delay, id }) => ({
  n: sum(delay).over({ partitionBy: [id] }),
  m: lag(id, 1, "none").over({ orderBy: [at] }),
}));

// Windows of time.
const byTime = frame.groupBy(({ at }) => ({ w: window(at, "10 minutes", "5 minutes") })).agg(() => ({ n: count() }));
isTrue<Same<typeof byTime.columns.w.fields.start, Column<TimestampType>>>();
frame.select(({ at }) => ({ start: window(at, "5 minutes").fields.start }));
// @ts-expect-error a row is in several windows
frame.select(({ at }) => ({ w: window(at, "10 minutes", "5 minutes") }));
// @ts-expect-error text is no time
frame.groupBy(({ id }) => ({ w: window(id, "5 minutes") }));

// First rows, names, NULL.
frame.topK({ by: ["id"], orderBy: ({ at }) => [at.desc()], count: 3 }).select("delay");
// @ts-expect-error no such column
frame.topK({ by: ["key"], orderBy: ({ at }) => [at.desc()], count: 3 });
const renamed = frame.select("id", "ok").withColumnRenamed("id", "key");
isTrue<Same<keyof typeof renamed.columns, "key" | "ok">>();
isTrue<Same<typeof renamed.columns.key, Column<StringType>>>();
frame.fillNull({ delay: 0, id: "none" });
// @ts-expect-error text for a number
frame.fillNull({ delay: "none" });

// Result types.
const columns = frame.columns;
isTrue<Same<typeof columns.delay, Column<LongType>>>();
const computed = frame.select(({ delay, speed, seats, price, at, id }) => ({
  a: delay.plus(1),
  b: delay.plus(speed),
  c: seats.divide(2),
  d: toDate(at),
  e: id,
  f: seats.plus(delay),
  g: price.divide(3),
  h: price.divide(seats),
  i: delay.divide(price),
  j: price.divide(speed),
  k: pmod(seats, price),
}));
isTrue<Same<typeof computed.columns.a, Column<LongType>>>();
isTrue<Same<typeof computed.columns.b, Column<DoubleType>>>();
isTrue<Same<typeof computed.columns.c, Column<DoubleType>>>();
isTrue<Same<typeof computed.columns.d, Column<DateType>>>();
isTrue<Same<typeof computed.columns.e, Column<StringType>>>();
isTrue<Same<typeof computed.columns.f, Column<LongType>>>();
isTrue<Same<typeof computed.columns.g, Column<DecimalType>>>();
isTrue<Same<typeof computed.columns.h, Column<DecimalType>>>();
isTrue<Same<typeof computed.columns.i, Column<DecimalType>>>();
isTrue<Same<typeof computed.columns.j, Column<DoubleType>>>();
isTrue<Same<typeof computed.columns.k, Column<DecimalType>>>();
const grouped = frame.groupBy("id").agg(({ delay, speed, seats, price }) => ({
  n: count(),
  total: sum(seats),
  mean: avg(delay),
  price: avg(price),
  top: max(speed),
}));
isTrue<Same<typeof grouped.columns.n, Column<LongType>>>();
isTrue<Same<typeof grouped.columns.total, Column<LongType>>>();
isTrue<Same<typeof grouped.columns.mean, Column<DoubleType>>>();
isTrue<Same<typeof grouped.columns.price, Column<DecimalType>>>();
// @ts-expect-error neither grouped by nor aggregated
grouped.select("delay");

// Structs.
const parsed = frame.select(({ body }) => fromJson(body, struct({ n: integer(), when: timestamp() })).fields);
isTrue<Same<typeof parsed.columns.n, Column<IntegerType>>>();
isTrue<Same<typeof parsed.columns.when, Column<TimestampType>>>();
// @ts-expect-error no such field
frame.select(({ body }) => ({ x: fromJson(body, struct({ n: integer() })).fields.m }));

// Joins.
const airports = read({ name: "airports", schema: struct({ iata: string(), city: string(), delay_minutes: long() }) });
const joined: DataFrame<{ id: StringType; city: StringType }> = frame
  .join(airports, { left: "id", right: "iata" }, "left")
  .select("id", "city");
void joined;
// @ts-expect-error no such column on the right
frame.join(airports, { left: "id", right: "icao" });
// @ts-expect-error not on both sides
frame.join(airports, "id");
// @ts-expect-error other columns
frame.union(airports);

const delays = read({ name: "delays", schema: struct({ id: string(), minutes: long() }) });
const byId = frame.join(delays, "id", "full");
isTrue<Same<keyof typeof byId.columns, keyof typeof flights.schema.fields | "minutes">>();
isTrue<Same<typeof byId.columns.id, Column<StringType>>>();
const met = frame.select("id", "ok").join(delays, "id", "semi");
isTrue<Same<keyof typeof met.columns, "id" | "ok">>();
// @ts-expect-error only looked at
frame.join(delays, "id", "anti").select("minutes");
frame.join(delays, "id", "right").select("minutes", "body");
// @ts-expect-error no type of join
frame.join(delays, "id", "outer");
// @ts-expect-error has no columns to join on
frame.join(delays, "id", "cross");
frame.select("ok").crossJoin(delays).select("ok", "minutes");
// @ts-expect-error no such column on either side
frame.crossJoin(airports).select("minutes");

// Tables.
const bronze = streamingTable("bronze.events", { from: eventHub("events"), partitionBy: ["ingestion_date"] });
isTrue<Same<ReturnType<typeof read<{ a: LongType }>>["columns"]["a"], Column<LongType>>>();
read(bronze).select("event_data", "sequence_number");
// @ts-expect-error no column of bronze
read(bronze).select("event_date");
// @ts-expect-error no column of bronze
streamingTable("bronze.events", { from: eventHub("events"), partitionBy: ["event_date"] });
const landed = streamingTable("bronze.airports", {
  from: files("landing/airports/**.csv", { format: "csv", schema: struct({ iata: string() }) }),
});
read(landed).select("iata", "file_name", "_rescued_data");
// @ts-expect-error no format
files("landing/airports/**.xml", { format: "xml", schema: struct({ iata: string() }) });
const offsets = readStream(bronze).select("offset");
const counts = read(bronze)
  .groupBy("partition")
  .agg(() => ({ n: count() }));
// @ts-expect-error no such column
streamingTable("silver.a", { query: offsets, expect: ({ ofset }) => ({ known: drop(ofset.isNotNull()) }) });
// @ts-expect-error not boolean
streamingTable("silver.a", { query: offsets, expect: ({ offset }) => ({ known: drop(offset) }) });
// @ts-expect-error no column of the view
materializedView("gold.counts", { query: counts, partitionBy: ["day"] });
