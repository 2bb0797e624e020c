/** The tables of a run of the demo, exported: what the README does. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const events = 2_000;
const runMsMax = 240_000;
const outputBytesMax = 2 ** 26;

export const demoTables = [
  "bronze.flights",
  "bronze.airports",
  "silver.flights",
  "gold.route_daily",
  "gold.airport_delays",
] as const;
export type DemoTable = (typeof demoTables)[number];

/** A data folder that `npm start` has filled. */
export interface DemoRun {
  /** Exports a table into a folder that does not exist yet. */
  exportTo(table: DemoTable, folder: string): Promise<void>;
  /** Rows of the table itself, as texts. */
  rows(table: DemoTable): Promise<readonly string[]>;
}

let ran: Promise<DemoRun> | undefined;

/** One run for all who ask. Its folder is gone when the process ends. */
export async function demoRun(): Promise<DemoRun> {
  return (ran ??= run());
}

/** Sends events through the demo's pipeline until all tables have them. Throws what the command said where it fails. */
async function run(): Promise<DemoRun> {
  const data = mkdtempSync(join(tmpdir(), "dyne-interop-run-"));
  process.once("exit", () => rmSync(data, { recursive: true, force: true }));
  await dyne("start", "--events", String(events), "--rate", "max", "--json", "--data", data);
  return {
    async exportTo(table, folder) {
      await dyne("table", "export", table, "--to", folder, "--data", data);
    },
    async rows(table) {
      const said = await dyne("table", "read", table, "--format", "ndjson", "--data", data);
      return said.split("\n").filter((line) => line !== "");
    },
  };
}

async function dyne(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(process.execPath, ["cli/dyne.ts", ...args], {
    cwd: root,
    timeout: runMsMax,
    maxBuffer: outputBytesMax,
  });
  return stdout;
}
