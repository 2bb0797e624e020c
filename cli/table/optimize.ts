import { Command, InvalidArgumentError } from "commander";
import { DyneError } from "../../shared/core/index.ts";
import { optimize, purge, type DeltaTable, type RewriteProgress } from "../../shared/table/index.ts";
import { print } from "../print.ts";
import { wholeNumber } from "../whole-number.ts";
import { withCare, type CaredTable } from "./care-table.ts";
import { withCompute, withTableOptions, type TableOptions } from "./open-table.ts";
import { conditionsOf, partitionCondition, type WrittenCondition } from "./partition-conditions.ts";
import { progressOn } from "./progress.ts";

interface OptimizeOptions extends TableOptions {
  readonly where?: readonly WrittenCondition[];
  readonly zOrder?: readonly string[];
  readonly targetSize?: number;
  readonly minFiles?: number;
  readonly purge?: boolean;
}

const help = `
Rows stay as they are, and readers of changes see nothing of it. A table of a running flow can be optimized at any time; files of different
lanes are not mixed. The old files stay for readers of older versions until they are vacuumed.

Examples:
  npm run --silent dyne -- table optimize silver.flights
  npm run --silent dyne -- table optimize silver.flights --where "flight_date>=2026-01-01" --z-order origin,destination
  npm run --silent dyne -- table optimize ./path/to/a/delta/table --target-size 256mb --json
  npm run --silent dyne -- table optimize ./path/to/a/delta/table --purge`;

/** `dyne table optimize`: writes many small files into few. */
export function optimizeCommand(): Command {
  return withTableOptions(
    new Command("optimize")
      .description("Write many small files into few, or into an order that lets files be skipped.")
      .addHelpText("after", help),
  )
    .option("--where <condition>", "only partitions that meet it; may be repeated", partitionCondition)
    .option("--z-order <columns>", "write all files anew, ordered by these columns alike", columnList)
    .option("--target-size <size>", "what a file should have, such as 128mb; else the table's own", byteSize)
    .option("--min-files <count>", "leave partitions with fewer small files alone", wholeNumber)
    .option("--purge", "only write files anew of which rows are deleted by deletion vectors")
    .action((name: string, options: OptimizeOptions) =>
      withCare(name, options, (table, care) => optimizeTable(table, care, options)),
    );
}

async function optimizeTable(table: DeltaTable, { hold }: CaredTable, options: OptimizeOptions): Promise<void> {
  const { zOrder, targetSize: targetBytes, minFiles: smallFilesMin } = options;
  if (options.purge === true && (zOrder !== undefined || smallFilesMin !== undefined))
    throw new DyneError(
      "INVALID_ARGUMENT",
      "--purge goes with --where and --target-size alone. Do one after the other.",
    );
  const where = conditionsOf(await table.latest(), options.where);
  let say: ((done: number) => void) | undefined;
  const onProgress = ({ binsDone, bins }: RewriteProgress): void => (say ??= progressOn("parts", bins))(binsDone);
  await withCompute(async (compute) => {
    const result = await hold((signal) => {
      const common = { where, targetBytes, onProgress, signal };
      const session = { compute, table };
      return options.purge === true
        ? purge(session, common)
        : optimize(session, { ...common, zOrderBy: zOrder, smallFilesMin });
    });
    const metrics = "metrics" in result ? result.metrics : {};
    const reason = "reason" in result ? { reason: result.reason } : {};
    const record = { result: result.kind, version: result.version, ...metrics, ...reason };
    await print([JSON.stringify(record)], options.format);
  });
}

function columnList(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

const units: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function byteSize(text: string): number {
  const parts = /^(\d{1,12})([kmg]?)b?$/i.exec(text);
  if (parts === null || Number(parts[1]) === 0) throw new InvalidArgumentError("Use a size such as 128mb.");
  return Number(parts[1]) * units[(parts[2] ?? "").toLowerCase()]!;
}
