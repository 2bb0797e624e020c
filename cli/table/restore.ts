import { Command } from "commander";
import { DyneError } from "../../shared/core/index.ts";
import { restoreTable, type DeltaTable } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { wholeNumber } from "../whole-number.ts";
import { withTable, withTableOptions, type TableOptions } from "./open-table.ts";

interface RestoreOptions extends TableOptions {
  readonly version?: number;
  readonly timestamp?: number;
  readonly withoutMissing?: boolean;
}

const help = `
The rows, columns and properties of the version become those of a new one: nothing of the history is lost. A table that a flow writes is taken
back with the flow, by "dyne flow restore".

Examples:
  npm run --silent dyne -- table restore ./path/to/a/delta/table --version 3
  npm run --silent dyne -- table restore ./path/to/a/delta/table --timestamp 2026-11-01T00:00:00Z`;

/** `dyne table restore`: takes a table that no flow writes back to an older version. */
export function restoreCommand(): Command {
  return withTableOptions(
    new Command("restore").description("Take a table back to an older version.").addHelpText("after", help),
  )
    .option("--version <number>", "the version to go back to", wholeNumber)
    .option("--timestamp <time>", "the last version of a time, such as 2026-11-01T00:00:00Z", time)
    .option("--without-missing", "go back without the files that were vacuumed; their rows are then missing")
    .action((name: string, options: RestoreOptions) => withTable(name, options, (table) => restore(table, options)));
}

async function restore(table: DeltaTable, options: RestoreOptions): Promise<void> {
  const { version, timestamp: timestampMs, withoutMissing } = options;
  const target = version !== undefined ? { version } : timestampMs !== undefined ? { timestampMs } : undefined;
  if (target === undefined || (version !== undefined && timestampMs !== undefined))
    throw new DyneError("INVALID_ARGUMENT", "Name the version to go back to, by --version or by --timestamp.");
  const result = await restoreTable(table, target, { withoutMissing });
  const { kind, ...more } = result;
  const metrics = "metrics" in more ? more.metrics : {};
  const restored = "restored" in more ? { restored: more.restored } : { reason: more.reason };
  await print([JSON.stringify({ result: kind, version: more.version, ...restored, ...metrics })], options.format);
}

function time(text: string): number {
  const isTime = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const at = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new DyneError("INVALID_ARGUMENT", `"${text}" is no time such as 2026-11-01T00:00:00Z.`);
  return at;
}
