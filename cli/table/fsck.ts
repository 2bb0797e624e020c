import { Command, Option } from "commander";
import { fsck, type DeltaTable } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { withTable, withTableOptions, type TableOptions } from "./open-table.ts";

interface FsckOptions extends TableOptions {
  readonly repair?: "missing" | "damaged" | true;
}

const help = `
Prints the files that the table's log names and the store has not, or has in another size. With --repair those that are gone are taken out of
the log, with their rows; with --repair damaged those of another size, too. Bring the files back instead, where you can.

Examples:
  npm run --silent dyne -- table fsck silver.flights
  npm run --silent dyne -- table fsck ./path/to/a/delta/table --repair --json`;

/** `dyne table fsck`: holds a table's log against its store. */
export function fsckCommand(): Command {
  return withTableOptions(
    new Command("fsck")
      .description("Look whether all files of a table are there, and whole.")
      .addHelpText("after", help),
  )
    .addOption(
      new Option("--repair [which]", "take such files out of the log, with their rows")
        .choices(["missing", "damaged"])
        .preset("missing"),
    )
    .action((name: string, options: FsckOptions) => withTable(name, options, (table) => check(table, options)));
}

async function check(table: DeltaTable, options: FsckOptions): Promise<void> {
  const repair = options.repair === true ? "missing" : options.repair;
  const result = await fsck(table, { repair });
  const { kind, version } = result;
  const faults = "faults" in result ? result.faults : [];
  const summary = "metrics" in result ? result.metrics : "reason" in result ? { reason: result.reason } : {};
  if (kind === "faulty") process.exitCode = 1;
  const lines =
    faults.length > 0 && kind === "faulty"
      ? faults.map((fault) => ({ ...fault }))
      : [{ result: kind, version, ...summary }];
  await print(
    lines.map((line) => JSON.stringify(line)),
    options.format,
  );
}
