import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "./eventually.ts";
import { runPlatform, type RunningPlatform, type TableRow } from "./running-platform.ts";

const header = "iata,name,city,state,country,latitude,longitude";
const csv = (...lines: readonly string[]): Buffer => Buffer.from(`${[header, ...lines].join("\n")}\n`);
const airport = (iata: string, name = `Airport ${iata}`): string => `${iata},${name},City,ST,USA,1.5,-2.5`;

const bronze = "lake/bronze/airports";
const file = (name: string) => `landing/airports/${name}`;
const rowsOf = (rows: readonly TableRow[], name: string) => rows.filter((row) => row["file_name"] === file(name));
const ordered = (texts: readonly unknown[]) => texts.map(String).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
const namesOf = (rows: readonly TableRow[]) => ordered(rows.map((row) => row["name"]));

describe("files that land", () => {
  let running: RunningPlatform;
  const drop = async (name: string, body: Buffer): Promise<string> =>
    String((await running.landing.getBlockBlobClient(`airports/${name}`).uploadData(body)).etag);

  /** A notice as Event Grid would send it, true or not. */
  const announce = (path: string, eventType = "Microsoft.Storage.BlobCreated") =>
    running.notices.sendMessage(
      Buffer.from(
        JSON.stringify({
          eventType,
          subject: `/blobServices/default/containers/landing/blobs/${path}`,
          id: "1",
          eventTime: "2026-01-01T00:00:00Z",
          data: { url: "https://elsewhere.example/landing/airports/wrong.csv" },
          dataVersion: "",
          metadataVersion: "1",
        }),
      ).toString("base64"),
    );
  /** Waits until no message of the queue is due any more. */
  const noticesTaken = () =>
    eventually(
      async () => (await running.notices.peekMessages()).peekedMessageItems.length,
      (waiting) => waiting === 0,
      running.platform.failed,
    );
  const bronzeWhen = (isThere: (rows: readonly TableRow[]) => boolean) => running.rowsWhen(bronze, isThere);

  beforeAll(async () => {
    running = await runPlatform();
  }, 60_000);
  afterAll(async () => running?.[Symbol.asyncDispose]());

  it("are read once, however often they are announced", async () => {
    await drop("once.csv", csv(airport("AAA"), airport("BBB")));
    await bronzeWhen((rows) => rows.length === 2);
    await announce("airports/once.csv");
    await announce("airports/once.csv", "Microsoft.Storage.BlobRenamed");
    await announce("airports/once.csv", "Microsoft.Storage.BlobDeleted");
    await announce("airports/never-was.csv");
    await announce("elsewhere/once.csv");
    await running.notices.sendMessage(Buffer.from("not JSON").toString("base64"));
    await drop("empty.csv", Buffer.alloc(0));
    await noticesTaken();
    await drop("after.csv", csv(airport("CCC")));
    const rows = await bronzeWhen((all) => rowsOf(all, "after.csv").length > 0);
    expect(namesOf(rows)).toEqual(["Airport AAA", "Airport BBB", "Airport CCC"]);
    expect(rowsOf(rows, "once.csv").map((row) => row["row_number"])).toEqual([1, 2]);
  });

  it("are read again where they are dropped again, and say which version each row is of", async () => {
    const before = await drop("twice.csv", csv(airport("DDD", "Before")));
    await bronzeWhen((rows) => rowsOf(rows, "twice.csv").length === 1);
    const after = await drop("twice.csv", csv(airport("DDD", "After"), airport("EEE", "After")));
    const rows = rowsOf(await bronzeWhen((all) => rowsOf(all, "twice.csv").length === 3), "twice.csv");
    const plain = (etag: unknown) => String(etag).replaceAll('"', "");
    expect(ordered(rows.map((row) => `${String(row["name"])} ${plain(row["file_etag"])}`))).toEqual(
      ordered([`After ${plain(after)}`, `After ${plain(after)}`, `Before ${plain(before)}`]),
    );
  });

  it("are never mixed where one replaces the other at once: all of a version is there, or none", async () => {
    const names = Array.from({ length: 6 }, (_, index) => `race-${index}.csv`);
    await Promise.all(
      names.map(async (name) => {
        await drop(name, csv(airport("OLD", "Old"), airport("OLD", "Old")));
        await drop(name, csv(airport("NEW", "New"), airport("NEW", "New"), airport("NEW", "New")));
      }),
    );
    const isNew = (row: TableRow) => row["name"] === "New";
    await bronzeWhen((rows) => names.every((name) => rowsOf(rows, name).filter(isNew).length >= 3));
    await noticesTaken();
    const rows = await running.rows(bronze);
    const replaced = (await running.rows("quarantine/bronze/airports")).filter((row) => row["reason"] === "REPLACED");
    for (const name of names) {
      const of = rowsOf(rows, name);
      const isSetAside = replaced.some((row) => String(row["message"]).includes(file(name)));
      expect(of.filter(isNew)).toHaveLength(3);
      // A version that was planned and then replaced is named in quarantine, and none of its rows are in bronze.
      expect(isSetAside ? [0] : [0, 2]).toContain(of.length - 3);
    }
  });

  it("keep what does not fit: unknown columns and wrong types are rescued, the row stays", async () => {
    await drop(
      "misfit.csv",
      Buffer.from(
        `${header},elevation\nFFF,Airport FFF,City,ST,USA,high,-2.5,120\nGGG,Airport GGG,City,ST,USA,1.5,-2.5,\n`,
      ),
    );
    const rows = rowsOf(await bronzeWhen((all) => rowsOf(all, "misfit.csv").length === 2), "misfit.csv");
    const [fff, ggg] = rows.toSorted((a, b) => Number(a["row_number"]) - Number(b["row_number"]));
    expect(fff).toMatchObject({ iata: "FFF", latitude: null, longitude: -2.5 });
    expect(JSON.parse(String(fff?.["_rescued_data"]))).toEqual({ latitude: "high", elevation: "120" });
    expect(ggg).toMatchObject({ iata: "GGG", latitude: 1.5, _rescued_data: null });
  });

  it("are there for the command while everything runs", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      fileURLToPath(new URL("../../cli/dyne.ts", import.meta.url)),
      ...["table", "read", "bronze.airports", "--data", running.folder, "--format", "ndjson"],
    ]);
    const printed = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as TableRow);
    expect(printed).toHaveLength((await running.rows(bronze)).length);
    expect(running.complaints).toEqual([]);
  });
});
