import { Command } from "commander";
import { detailOf, type DeltaTable } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { wholeNumber } from "../whole-number.ts";
import { withTable, withTableOptions, type TableOptions } from "./open-table.ts";

interface DetailOptions extends TableOptions {
  readonly version?: number;
}

const help = `
Examples:
  npm run --silent dyne -- table detail silver.flights
  npm run --silent dyne -- table detail ./path/to/a/delta/table --version 3 --json`;

/** `dyne table detail`: what a table is, as its log says. */
export function detailCommand(): Command {
  return withTableOptions(
    new Command("detail")
      .description("Print what a table is: its size, properties and protocol.")
      .addHelpText("after", help),
  )
    .option("--version <number>", "the table as it was at this version", wholeNumber)
    .action((name: string, options: DetailOptions) => withTable(name, options, (table) => detail(table, options)));
}

async function detail(table: DeltaTable, options: DetailOptions): Promise<void> {
  const snapshot = options.version === undefined ? await table.latest() : await table.at(options.version);
  const { createdAtMs, lastModifiedMs, ...told } = detailOf(table, snapshot);
  const record = {
    ...told,
    createdAt: createdAtMs === null ? null : new Date(createdAtMs).toISOString(),
    lastModified: new Date(lastModifiedMs).toISOString(),
  };
  // To look at, a line for each: a table of one row would be cut.
  const lines =
    options.format === "ndjson"
      ? [record]
      : Object.entries(record).map(([name, value]) => ({ name, value: value ?? "" }));
  await print(
    lines.map((line) => JSON.stringify(line)),
    options.format,
  );
}
