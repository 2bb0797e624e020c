import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entriesOf } from "../support/zip-entries.ts";
import { runPlatform, type RunningPlatform } from "./running-platform.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const buildProgram = fileURLToPath(new URL("../../tools/build.mjs", import.meta.url));
const airports = `iata,name,city,state,country,latitude,longitude
LAS,McCarran International,Las Vegas,NV,USA,36.080,-115.152
PHL,Philadelphia Intl,Philadelphia,PA,USA,39.870,-75.245
`;

interface Flight {
  readonly flight_id: string;
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** A minute apart, there and back in turns. */
const flights: readonly Flight[] = Array.from({ length: 300 }, (_, index) => ({
  flight_id: `F${String(index).padStart(3, "0")}`,
  date: new Date(Date.UTC(2001, 0, 1, 0, index)).toISOString(),
  delay: (index * 7) % 60,
  distance: 2_000 + index,
  ...(index % 2 === 0 ? { origin: "LAS", destination: "PHL" } : { origin: "PHL", destination: "LAS" }),
}));
const duplicates = flights.slice(0, 20);
const unknown = flights.slice(0, 5).map((flight) => ({ ...flight, flight_id: `U${flight.flight_id}`, origin: "NIL" }));
const malformed = ["<flight/>", '{"flight_id":', ""].map((text) => Buffer.from(text));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What gold must say of a route: computed here from what was sent. */
function routeDaily(origin: string) {
  const own = flights.filter((flight) => flight.origin === origin);
  const delays = own.map(({ delay }) => delay);
  return {
    origin,
    destination: own[0]?.destination,
    flight_date: "2001-01-01",
    flights: own.length,
    delayed_flights: delays.filter((delay) => delay > 15).length,
    avg_delay: sum(delays) / own.length,
    min_delay: Math.min(...delays),
    max_delay: Math.max(...delays),
    total_distance: sum(own.map(({ distance }) => distance)),
  };
}

describe("the built app, unpacked from its zip away from the checkout", () => {
  let away: Awaited<ReturnType<typeof temporaryFolder>>;
  let app: string;
  let running: RunningPlatform;

  beforeAll(async () => {
    away = await temporaryFolder();
    app = join(away.path, "app");
    const zip = join(away.path, "app.zip");
    await promisify(execFile)(process.execPath, [buildProgram, "--out", join(away.path, "dist"), "--zip", zip]);
    // As an instance gets it: what is not in the zip is not there.
    for (const { path, contents } of await entriesOf(zip)) {
      await mkdir(dirname(join(app, path)), { recursive: true });
      await writeFile(join(app, path), contents);
    }
    running = await runPlatform({ app });
  }, 90_000);
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await away?.[Symbol.asyncDispose]();
  });

  it("finds no package that it does not bring", () => {
    const require = createRequire(join(app, "functions/event-hubs.js"));
    for (const name of ["zod", "@azure/functions", "@duckdb/node-api"])
      expect(() => require.resolve(name)).toThrow(name);
  });

  it("registers every function, and takes events and files from the hub to gold", async () => {
    expect(running.platform.functions).toEqual(expect.arrayContaining(["hub-flights", "notices", "sweep"]));
    await running.landing.getBlockBlobClient("airports/airports.csv").uploadData(Buffer.from(airports));
    const bodies = [...flights, ...duplicates, ...unknown].map((flight) => Buffer.from(JSON.stringify(flight)));
    await running.producer.sendBatch([...bodies, ...malformed].map((body) => ({ body })));

    const gold = await running.rowsWhen(
      "lake/gold/route_daily",
      (rows) => sum(rows.map((row) => Number(row["flights"]))) >= flights.length,
    );
    expect(gold.toSorted((a, b) => (String(a["origin"]) < String(b["origin"]) ? -1 : 1))).toEqual([
      routeDaily("LAS"),
      routeDaily("PHL"),
    ]);
    expect(await running.rows("lake/bronze/flights")).toHaveLength(bodies.length + malformed.length);
    const silver = await running.rows("lake/silver/flights");
    expect(silver.map((row) => String(row["flight_id"])).toSorted()).toEqual(flights.map(({ flight_id }) => flight_id));
    const reasons = (await running.rows("quarantine/silver/flights")).map((row) => String(row["reason"]));
    expect(reasons.toSorted()).toEqual([...unknown.map(() => "EXPECTATION"), ...malformed.map(() => "MALFORMED")]);
    expect(running.complaints).toEqual([]);
    const log = (await readFile(join(running.folder, "logs/functions.log"), "utf8")).trimEnd().split("\n");
    expect(log.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
  });
});
