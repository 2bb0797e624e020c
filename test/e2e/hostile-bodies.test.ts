import { createHash } from "node:crypto";
import type { EventData } from "@azure/event-hubs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPlatform, type RunningPlatform, type TableRow } from "./running-platform.ts";

const airports = `iata,name,city,state,country,latitude,longitude
LAS,McCarran International,Las Vegas,NV,USA,36.080,-115.152
PHL,Philadelphia Intl,Philadelphia,PA,USA,39.870,-75.245
`;

const flight = (id: string, changes: Readonly<Record<string, unknown>> = {}) => ({
  flight_id: id,
  date: "2001-01-01T00:01:00Z",
  delay: 33,
  distance: 2176,
  origin: "LAS",
  destination: "PHL",
  ...changes,
});
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const good = (id: string, changes?: Readonly<Record<string, unknown>>): Buffer => json(flight(id, changes));
const bytes = (...values: number[]): Buffer => Buffer.from(values);

interface Hostile {
  readonly name: string;
  readonly body: Buffer;
  readonly message: RegExp;
}

/** A flight padded to exactly this size by a field that nobody knows. */
function paddedFlight(sizeBytes: number): Buffer {
  const head = JSON.stringify(flight("H1")).slice(0, -1) + ',"remarks":"';
  return Buffer.from(`${head}${"x".repeat(sizeBytes - head.length - 2)}"}`);
}

const hostile: readonly Hostile[] = [
  { name: "JSON that breaks off", body: good("M01").subarray(0, 40), message: /not valid JSON/ },
  { name: "no JSON at all", body: Buffer.from("<flight id='M02'/>"), message: /not valid JSON/ },
  { name: "two documents", body: Buffer.concat([good("M03"), good("M03")]), message: /not valid JSON/ },
  { name: "a comma too many", body: Buffer.from('{"flight_id":"M04",}'), message: /not valid JSON/ },
  {
    name: "a text where a number is expected",
    body: good("M05", { delay: "abc" }),
    message: /field `delay`: expected bigint, found string/,
  },
  {
    name: "a fraction where a whole number is expected",
    body: good("M06", { distance: 1.5 }),
    message: /field `distance`: expected bigint/,
  },
  {
    name: "a number beyond 64 bits",
    body: Buffer.from(good("M07").toString().replace("2176", "123456789012345678901234567890")),
    message: /field `distance`: expected bigint/,
  },
  {
    name: "a date that does not exist",
    body: good("M08", { date: "2001-02-30T00:00:00Z" }),
    message: /field `date`: expected timestamp/,
  },
  {
    name: "an object where a text is expected",
    body: good("M09", { origin: { code: "LAS" } }),
    message: /field `origin`: expected string, found object/,
  },
  { name: "a field that nobody knows", body: good("M10", { gate: "A1" }), message: /unknown field `gate`/ },
  {
    name: "a field that stands twice",
    body: Buffer.from('{"flight_id":"M11","flight_id":"M11"}'),
    message: /duplicate field `flight_id`/,
  },
  { name: "an array", body: json([flight("M12")]), message: /expected an object, found array/ },
  { name: "null", body: Buffer.from("null"), message: /expected an object, found null/ },
  { name: "an empty body", body: Buffer.alloc(0), message: /empty body/ },
  { name: "only white space", body: Buffer.from(" \n\t"), message: /not valid JSON/ },
  {
    name: "a zero byte",
    body: Buffer.concat([Buffer.from('{"flight_id":"M16'), bytes(0), Buffer.from('"}')]),
    message: /not valid JSON/,
  },
  {
    name: "bytes that are no UTF-8",
    body: Buffer.concat([Buffer.from('{"flight_id":"'), bytes(0xff, 0xfe, 0xc3), Buffer.from('"}')]),
    message: /not UTF-8/,
  },
  { name: "gzip", body: bytes(0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xff), message: /not UTF-8/ },
  {
    name: "brackets a thousand deep",
    body: Buffer.from("[".repeat(1_000) + "]".repeat(1_000)),
    message: /expected an object, found array/,
  },
  {
    name: "brackets a hundred thousand deep in a field that nobody knows",
    body: Buffer.from(`{"flight_id":"M21","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
    message: /unknown field `x`/,
  },
  { name: "half of a surrogate pair", body: Buffer.from('{"flight_id":"\\ud800"}'), message: /not valid JSON/ },
  { name: "a byte order mark", body: Buffer.concat([bytes(0xef, 0xbb, 0xbf), good("M23")]), message: /not valid JSON/ },
  { name: "a comment", body: Buffer.from('{"flight_id":"M24" /* here */}'), message: /not valid JSON/ },
  { name: "infinity", body: good("M25", { date: "infinity" }), message: /field `date`: expected timestamp/ },
  {
    name: "SQL in a field's name",
    body: good("M20", { "x'; DROP TABLE flights; --": 1 }),
    message: /unknown field `x'; DROP TABLE flights; --`/,
  },
  { name: "a body of a million bytes", body: paddedFlight(1_000_000), message: /unknown field `remarks`/ },
];

const sha = (body: Uint8Array): string => createHash("sha256").update(body).digest("hex");

/** What bronze keeps of a body, as bytes again. */
function bodyOf(row: TableRow): Buffer {
  const { event_data: text, event_data_binary: binary } = row;
  if (typeof text === "string") return Buffer.from(text, "utf8");
  return Buffer.from(String(binary), "base64");
}

describe("bodies that nobody asked for, among good ones", () => {
  const sent: { readonly partition: string; readonly events: readonly EventData[] }[] = [];
  const goodIds: string[] = [];
  let running: RunningPlatform;
  let bronze: TableRow[];
  let silver: TableRow[];
  let quarantine: TableRow[];

  const send = async (partition: string, events: readonly EventData[]) => {
    const batch = await running.producer.createBatch({ partitionId: partition, maxSizeInBytes: 1_048_576 });
    for (const event of events) if (!batch.tryAdd(event)) throw new Error("the batch is full");
    await running.producer.sendBatch(batch);
    sent.push({ partition, events });
  };
  const sendGood = (partition: string, id: string, more: Partial<EventData> = {}) => {
    goodIds.push(id);
    return send(partition, [{ body: good(id), ...more }]);
  };

  beforeAll(async () => {
    running = await runPlatform();
    await running.landing.getBlockBlobClient("airports/airports.csv").uploadData(Buffer.from(airports));
    await running.rowsWhen("lake/bronze/airports", (rows) => rows.length === 2);
    for (const [index, { body }] of hostile.entries()) {
      const partition = String(index % 2);
      await send(partition, [{ body }]);
      await sendGood(partition, `G${index}`);
    }
    // All of them once more in one batch per partition, so that one micro-batch holds them together.
    const small = hostile.filter(({ body }) => body.length < 10_000);
    goodIds.push("G-all");
    await send("0", [...small.map(({ body }) => ({ body })), { body: good("G-all") }]);
    // The host changes names of properties and looks of numbers on their way to a function; bronze must have neither.
    await sendGood("0", "G-properties", {
      properties: { Source: "gate", attempt: 2, ratio: 0.5, urgent: true, "é ✈": "ü" },
    });
    await send("1", [{ body: hostile[0]!.body, properties: { Source: "broken" } }]);
    await sendGood("0", "G\u0000 ✈ '\";--");
    await send("1", [{ body: good("U1", { origin: "ZZZ" }) }]);
    await sendGood("1", "G-last");

    const count = sent.reduce((sum, { events }) => sum + events.length, 0);
    bronze = await running.rowsWhen("lake/bronze/flights", (rows) => rows.length >= count);
    silver = await running.rowsWhen("lake/silver/flights", (rows) => rows.length >= goodIds.length);
    quarantine = await running.rowsWhen("quarantine/silver/flights", (rows) => rows.length >= count - goodIds.length);
  }, 90_000);
  afterAll(async () => running?.[Symbol.asyncDispose]());

  it("keeps every event once in bronze, byte for byte and in the order of its partition", () => {
    for (const partition of ["0", "1"]) {
      const events = sent.filter((batch) => batch.partition === partition).flatMap((batch) => batch.events);
      const rows = bronze
        .filter((row) => row["partition"] === partition)
        .toSorted((a, b) => Number(a["sequence_number"]) - Number(b["sequence_number"]));
      expect(rows.map((row) => row["sequence_number"])).toEqual(events.map((_, index) => index));
      expect(rows.map((row) => sha(bodyOf(row)))).toEqual(events.map((event) => sha(event.body as Buffer)));
    }
    const binaries = bronze.filter((row) => row["event_data"] === null).map(bodyOf);
    expect(binaries).toHaveLength(4);
    expect(bronze.filter((row) => row["event_data"] !== null && row["event_data_binary"] !== null)).toEqual([]);
  });

  it.for(hostile)("puts $name into quarantine as MALFORMED, and says why", ({ body, message }) => {
    const found = quarantine.filter((row) => sha(bodyOf(row)) === sha(body));
    expect(found.length).toBeGreaterThan(0);
    for (const row of found) {
      expect(row).toMatchObject({ reason: "MALFORMED", rule: null, source_table: "bronze.flights" });
      expect(row["message"]).toMatch(message);
    }
  });

  it("names the place in bronze of each row in quarantine", () => {
    const place = (lane: unknown, position: unknown, body: Buffer) =>
      `${String(lane)}/${String(position)} ${sha(body)}`;
    const places = new Set(bronze.map((row) => place(row["partition"], row["sequence_number"], bodyOf(row))));
    expect(quarantine.filter((row) => !places.has(place(row["lane"], row["position"], bodyOf(row))))).toEqual([]);
    expect(quarantine).toHaveLength(bronze.length - goodIds.length);
  });

  it("keeps a flight from nowhere apart by its rule, not as malformed", () => {
    const [row, ...others] = quarantine.filter(({ reason }) => reason !== "MALFORMED");
    expect(others).toEqual([]);
    expect(row).toMatchObject({ reason: "EXPECTATION", rule: "known_airport" });
    expect(row?.["message"]).toContain("known_airport");
    expect(JSON.parse(String(row?.["row"]))).toMatchObject({ flight_id: "U1", origin: "ZZZ", origin_state: null });
  });

  it("lets every good flight through to silver, once and enriched", () => {
    expect(new Set(silver.map((row) => row["flight_id"]))).toEqual(new Set(goodIds));
    expect(silver).toHaveLength(goodIds.length);
    for (const row of silver)
      expect(row).toMatchObject({ origin: "LAS", origin_city: "Las Vegas", delay: 33, distance: 2176 });
  });

  it("keeps application properties as they were sent", () => {
    const properties = bronze.flatMap((row) =>
      row["properties"] === null ? [] : [JSON.parse(String(row["properties"])) as unknown],
    );
    expect(properties).toHaveLength(2);
    expect(properties).toContainEqual({ Source: "gate", attempt: 2, ratio: 0.5, urgent: true, "é ✈": "ü" });
    expect(properties).toContainEqual({ Source: "broken" });
  });

  it("keeps partition keys that look like JSON, or like nothing at all, as they were sent", async () => {
    const keys = ["007", "null", "true", '"quoted"', "clé ✈ 𝕏", "a\u0000b", "{}"];
    for (const [index, partitionKey] of keys.entries()) {
      await running.producer.sendBatch([{ body: good(`K${index}`) }], { partitionKey });
    }
    const rows = await running.rowsWhen("lake/bronze/flights", (all) => all.length >= bronze.length + keys.length);
    const keyOf = new Map(
      rows.map((row) => [(/"flight_id":"(K\d)"/.exec(String(row["event_data"])) ?? [])[1], row["partition_key"]]),
    );
    expect(keys.map((_, index) => keyOf.get(`K${index}`))).toEqual(keys);
    expect(rows.filter((row) => row["partition_key"] === null)).toHaveLength(bronze.length);
  });

  it("goes on: no flow has failed, and what comes later reaches gold", async () => {
    await sendGood("0", "G-after");
    await running.rowsWhen("lake/silver/flights", (rows) => rows.some((row) => row["flight_id"] === "G-after"));
    const silverRows = await running.rows("lake/silver/flights");
    const [route] = await running.rowsWhen(
      "lake/gold/route_daily",
      (rows) => rows[0]?.["flights"] === silverRows.length,
    );
    expect(route).toMatchObject({
      origin: "LAS",
      destination: "PHL",
      flight_date: "2001-01-01",
      min_delay: 33,
      max_delay: 33,
      avg_delay: 33,
    });
    const flows = ["bronze.flights", "bronze.airports", "silver.flights", "gold.route_daily", "gold.airport_delays"];
    const states = await Promise.all(flows.map((flow) => running.host.get(`checkpoints/${flow}/state.json`)));
    expect(states).toEqual(flows.map(() => undefined));
    expect(running.complaints).toEqual([]);
  });
});
