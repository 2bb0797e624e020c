/** `dyne run`: what is there is brought to gold, and nothing is left running. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ownDataFolder, startStorage } from "../../local/platform/index.ts";
import { silentLogger } from "../../shared/core/index.ts";
import { shell } from "../unit/cli/command.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const csv = "iata,name,city,state,country,latitude,longitude\nXYZ,One,Town,TX,USA,1.5,2.5\n";

const stack = new AsyncDisposableStack();
let data: string;
beforeAll(async () => {
  data = stack.use(await temporaryFolder()).path;
  await using _folder = await ownDataFolder(data);
  await using azurite = await startStorage({ directory: data, logger: silentLogger });
  const lake = BlobServiceClient.fromConnectionString(azurite.connectionStrings.lake);
  await lake.getContainerClient("landing").getBlockBlobClient("airports/a.csv").uploadData(Buffer.from(csv));
}, 60_000);
afterAll(() => stack.disposeAsync());

it("reads what has landed, and ends", { timeout: 60_000 }, async () => {
  const first = await shell(`dyne run --data ${data} --json`);
  expect([first.exitCode, first.stderr]).toEqual([0, "running what there is …\n"]);
  const { flows } = JSON.parse(first.stdout) as { flows: { flow: string; state: string; rows: number | null }[] };
  expect(flows.find(({ flow }) => flow === "bronze.airports")).toMatchObject({ state: "RUNNING", rows: 1 });
  expect(existsSync(join(data, "endpoints.json"))).toBe(false);
  // Nobody holds the folder any more, and there is nothing left to do.
  await using _folder = await ownDataFolder(data);
});

it("says what to do about a folder that holds nothing", async () => {
  const { exitCode, stderr } = await shell(`dyne run --data ${join(data, "nothing")}`);
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^TABLE_NOT_FOUND: .*npm start/)]);
});
