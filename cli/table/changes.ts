import { Command, InvalidArgumentError } from "commander";
import { changeTexts, planChanges, type DeltaTable } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { wholeNumber } from "../whole-number.ts";
import { withCompute, withTable, withTableOptions, type TableOptions } from "./open-table.ts";
import { progressOn } from "./progress.ts";

interface ChangesOptions extends TableOptions {
  readonly from: number | Date;
  readonly to?: number | Date;
  readonly limit?: number;
  readonly hidden?: boolean;
  readonly strict?: boolean;
}

const help = `
Each row has the table's columns, and then what became of it (_change_type: insert, delete, update_preimage, update_postimage), at which
version (_commit_version), and when (_commit_timestamp). Where the table did not record its changes, an updated row is one that was deleted
and one that was inserted.

Examples:
  npm run --silent dyne -- table changes gold.route_daily --from 3
  npm run --silent dyne -- table changes gold.route_daily --from 3 --to 7 --format ndjson
  npm run --silent dyne -- table changes ./path/to/a/delta/table --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z --json`;

/** `dyne table changes`: prints the rows that a range of versions changed. */
export function changesCommand(): Command {
  return withTableOptions(
    new Command("changes").description("Print the rows that a range of versions changed.").addHelpText("after", help),
  )
    .requiredOption("--from <version-or-time>", "from this version on, or from the first one of this time on", bound)
    .option("--to <version-or-time>", "up to this version, or up to the last one of this time; else the newest", bound)
    .option("--limit <rows>", "print at most so many rows", wholeNumber)
    .option("--hidden", "print the hidden column of each row's place too")
    .option(
      "--strict",
      "refuse a range in which the table did not record its changes, or a column was renamed, as Spark does",
    )
    .action((name: string, options: ChangesOptions) => withTable(name, options, (table) => changes(table, options)));
}

async function changes(table: DeltaTable, options: ChangesOptions): Promise<void> {
  const planned = await planChanges(table, options);
  const files = planned.commits.reduce((sum, commit) => sum + commit.files.length, 0);
  const onFile = progressOn("files", files);
  await withCompute((compute) =>
    print(
      changeTexts({ compute, table }, planned, { limit: options.limit, hidden: options.hidden, onFile }),
      options.format,
    ),
  );
}

/** A version, or a time as ISO 8601 has it; in UTC where it does not say its zone. */
function bound(text: string): number | Date {
  if (/^\d+$/.test(text)) return wholeNumber(text);
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i.exec(text);
  const [, day, time = "00:00", zone = "Z"] = parts ?? [];
  const at = new Date(`${day}T${time}${zone.toUpperCase()}`);
  if (parts === null || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("Use a version, such as 3, or a time, such as 2026-11-01T00:00:00Z.");
  return at;
}
