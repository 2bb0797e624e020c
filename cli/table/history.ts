import { Command } from "commander";
import { historyOf, type DeltaTable } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { wholeNumber } from "../whole-number.ts";
import { withTable, withTableOptions, type TableOptions } from "./open-table.ts";

interface HistoryOptions extends TableOptions {
  readonly version?: number;
  readonly limit?: number;
}

const help = `
Examples:
  npm run --silent dyne -- table history gold.route_daily
  npm run --silent dyne -- table history ./path/to/a/delta/table --version 30 --limit 10 --json`;

/** `dyne table history`: the versions of a table, newest first. */
export function historyCommand(): Command {
  return withTableOptions(
    new Command("history").description("Print the commits of a table, newest first.").addHelpText("after", help),
  )
    .option("--version <number>", "the table as it was at this version", wholeNumber)
    .option("--limit <versions>", "print at most so many versions", wholeNumber)
    .action((name: string, options: HistoryOptions) => withTable(name, options, (table) => history(table, options)));
}

async function history(table: DeltaTable, { version, limit, format }: HistoryOptions): Promise<void> {
  await print(lines(table, version, limit), format);
}

async function* lines(table: DeltaTable, toVersion?: number, limit?: number): AsyncGenerator<string> {
  for await (const entry of historyOf(table, { toVersion, limit })) {
    yield JSON.stringify({
      version: entry.version,
      timestamp: new Date(entry.timestampMs).toISOString(),
      operation: entry.operation,
      parameters: entry.operationParameters,
      metrics: entry.operationMetrics,
      filesAdded: entry.filesAdded,
      filesRemoved: entry.filesRemoved,
      txns: entry.txns,
    });
  }
}
