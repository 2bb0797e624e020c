/** `dyne land`, `dyne send` and `dyne run` on a folder whose platform does not run: what is there is brought to gold, and nothing is left running. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ownDataFolder, startStorage } from "../../local/platform/index.ts";
import { customerEvents } from "../../pipelines/customer-events.ts";
import { sensors } from "../../pipelines/sensors.ts";
import { silentLogger } from "../../shared/core/index.ts";
import { shell } from "../unit/cli/command.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const airports =
  "iata,name,city,state,country,latitude,longitude\nLAS,Las Vegas,Las Vegas,NV,USA,36,-115\nPHL,Philadelphia,Philadelphia,PA,USA,40,-75\n";
const flight = (id: string) =>
  JSON.stringify({
    flight_id: id,
    date: "2001-01-01T00:01:00Z",
    delay: 3,
    distance: 2176,
    origin: "LAS",
    destination: "PHL",
  });

/** Tables of the pipelines that nothing was sent to. */
const idleTables = [customerEvents, sensors].flatMap(({ flows }) => flows.map(({ id }) => id));

const stack = new AsyncDisposableStack();
let folder: string;
let data: string;
beforeAll(async () => {
  folder = stack.use(await temporaryFolder()).path;
  data = join(folder, "data");
  await writeFile(join(folder, "airports.csv"), airports);
  await writeFile(join(folder, "flights.jsonl"), `${flight("A\u2028")}\n\n${flight("B")}\n${flight("B")}\nno JSON\n`);
  await using owned = await ownDataFolder(data);
  await using _storage = await startStorage({ directory: owned.path, logger: silentLogger });
}, 60_000);
afterAll(() => stack.disposeAsync());

const dyne = (...words: readonly string[]) => shell(["dyne", ...words, "--data", data].join(" "));

it("files that are landed and lines that are sent are in gold after one run", { timeout: 120_000 }, async () => {
  const landed = await dyne("land", join(folder, "airports.csv"), "--to", "landing/airports/");
  expect(landed).toEqual({ exitCode: 0, stdout: "landing/airports/airports.csv\n", stderr: "" });
  const sent = await dyne("send", "flights", join(folder, "flights.jsonl"), "--json");
  expect(sent).toEqual({ exitCode: 0, stdout: '{"hub":"flights","events":4}\n', stderr: "" });
  const ran = await dyne("run", "--json");
  expect([ran.exitCode, ran.stderr]).toEqual([0, "running what there is …\n"]);
  const { flows } = JSON.parse(ran.stdout) as { flows: { flow: string; rows: number | null }[] };
  expect(Object.fromEntries(flows.map(({ flow, rows }) => [flow, rows]))).toEqual({
    "bronze.flights": 4,
    "bronze.airports": 2,
    "silver.flights": 2,
    "gold.route_daily": 1,
    "gold.airport_delays": 1,
    ...Object.fromEntries(idleTables.map((table) => [table, 0])),
  });
  const replayed = await dyne("backfill", "replay", "bronze.flights", "--from", "0", "--json");
  expect([replayed.exitCode, JSON.parse(replayed.stdout)]).toEqual([
    0,
    expect.objectContaining({ state: "SUCCEEDED", progress: { unit: "events", done: 4, total: 4 }, rows: 0 }),
  ]);
  expect(existsSync(join(data, "endpoints.json"))).toBe(false);
  // Nobody holds the folder any more.
  await using _folder = await ownDataFolder(data);
});

it.each([
  ["run", /^TABLE_NOT_FOUND: .*npm start/, 1],
  ["send no-hub", /^INVALID_ARGUMENT: No pipeline reads a hub "no-hub"\. Choose one of flights/, 2],
  ["land /no/such.csv --to landing/airports/", /^INVALID_ARGUMENT: There is no file \/no\/such\.csv/, 2],
  [
    "land package.json --to landing/airports/",
    /^INVALID_ARGUMENT: No pipeline reads landing\/airports\/package\.json/,
    2,
  ],
])("dyne %s says what to do", async (words, said, code) => {
  const { exitCode, stderr } = await shell(`dyne ${words} --data ${join(folder, "nothing")}`);
  expect([exitCode, stderr]).toEqual([code, expect.stringMatching(said)]);
});
