import { Command, InvalidArgumentError } from "commander";
import { vacuum, type DeltaTable, type VacuumProgress } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { withCare, type CaredTable } from "./care-table.ts";
import { withTableOptions, type TableOptions } from "./open-table.ts";
import { progressOn } from "./progress.ts";

interface VacuumOptions extends TableOptions {
  readonly retentionHours?: number;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

const help = `
Files go that no version within the table's retention needs (delta.deletedFileRetentionDuration, by default 7 days). What open batches have
written, and what flows have still to read, stays. Versions whose files are gone can no longer be read.

Examples:
  npm run --silent dyne -- table vacuum silver.flights --dry-run
  npm run --silent dyne -- table vacuum silver.flights
  npm run --silent dyne -- table vacuum ./path/to/a/delta/table --retention-hours 0 --force`;

const hourMs = 3_600_000;

/** `dyne table vacuum`: deletes files that no version needs any more. */
export function vacuumCommand(): Command {
  return withTableOptions(
    new Command("vacuum")
      .description("Delete files that no version of a table needs any more.")
      .addHelpText("after", help),
  )
    .option("--retention-hours <hours>", "instead of the table's retention", hours)
    .option("--dry-run", "print the files that would be deleted, and delete nothing")
    .option("--force", "allow a retention that is shorter than the table's")
    .action((name: string, options: VacuumOptions) =>
      withCare(name, options, (table, care) => vacuumTable(table, care, options)),
    );
}

async function vacuumTable(table: DeltaTable, { keep }: CaredTable, options: VacuumOptions): Promise<void> {
  const { retentionHours, dryRun, force } = options;
  const retentionMs = retentionHours === undefined ? undefined : retentionHours * hourMs;
  let say: ((done: number) => void) | undefined;
  const onProgress = ({ filesDone, files }: VacuumProgress): void => (say ??= progressOn("files", files))(filesDone);
  const result = await vacuum(table, { retentionMs, dryRun, force, keep, onProgress });
  if (result.kind === "planned") {
    const lines = result.paths.map((path) => JSON.stringify({ path }));
    return print(lines, options.format);
  }
  const { kind, version } = result;
  const more = kind === "committed" ? { ...result.metrics, isComplete: result.isComplete } : {};
  await print([JSON.stringify({ result: kind, version, ...more })], options.format);
}

function hours(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isFinite(value)) throw new InvalidArgumentError("Use hours, such as 168.");
  return value;
}
