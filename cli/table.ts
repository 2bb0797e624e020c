import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { DyneError, silentLogger, systemClock, systemRandom } from "../shared/core/index.ts";
import { FileStore } from "../shared/storage/index.ts";
import { cloneTable, DeltaTable, readRowTexts } from "../shared/table/index.ts";
import { parseExact } from "./exact-json.ts";
import { print } from "./print.ts";
import { alterCommand } from "./table/alter.ts";
import { changesCommand } from "./table/changes.ts";
import { detailCommand } from "./table/detail.ts";
import { fsckCommand } from "./table/fsck.ts";
import { historyCommand } from "./table/history.ts";
import { withCompute, withTable, withTableOptions, type TableOptions } from "./table/open-table.ts";
import { optimizeCommand } from "./table/optimize.ts";
import { progressOn } from "./table/progress.ts";
import { restoreCommand } from "./table/restore.ts";
import { vacuumCommand } from "./table/vacuum.ts";
import { wholeNumber } from "./whole-number.ts";

interface VersionOptions extends TableOptions {
  readonly version?: number;
  readonly limit?: number;
  readonly hidden?: boolean;
}

/** `dyne table …`: looks into a table, by its name in a data folder or by the path of a local folder. */
export function tableCommand(): Command {
  const command = new Command("table").description("Read a Delta table, and keep it in shape.");
  const examples = (verb: string) =>
    `\nExamples:\n  npm run --silent dyne -- table ${verb} gold.route_daily\n  npm run --silent dyne -- table ${verb} ./path/to/a/delta/table --version 3`;
  command.addCommand(
    shared(new Command("read").description("Print the rows of a table.").addHelpText("after", examples("read")))
      .option("--limit <rows>", "print at most so many rows", wholeNumber)
      .option("--hidden", "print the hidden column of each row's place too")
      .action((name: string, options: VersionOptions) => withTable(name, options, (table) => read(table, options))),
  );
  command.addCommand(
    shared(
      new Command("files").description("Print the active files of a table.").addHelpText("after", examples("files")),
    ).action((name: string, options: VersionOptions) => withTable(name, options, (table) => files(table, options))),
  );
  command.addCommand(
    shared(
      new Command("export")
        .description(
          "Copy a table into a folder of its own, as a Delta table that any reader of Delta or Parquet can open.",
        )
        .addHelpText(
          "after",
          "\nExamples:\n  npm run --silent dyne -- table export gold.route_daily --to ./route_daily\n  npm run --silent dyne -- table export silver.flights --version 3 --to /data/flights",
        )
        .requiredOption("--to <folder>", "a folder that does not exist yet"),
    ).action((name: string, options: VersionOptions & { to: string }) =>
      withTable(name, options, (table) => exportTable(table, options)),
    ),
  );
  const commands = [
    changesCommand,
    historyCommand,
    detailCommand,
    optimizeCommand,
    vacuumCommand,
    restoreCommand,
    alterCommand,
    fsckCommand,
  ];
  for (const each of commands) command.addCommand(each());
  return command;
}

function shared(command: Command): Command {
  return withTableOptions(command).option("--version <number>", "the table as it was at this version", wholeNumber);
}

async function snapshotOf(table: DeltaTable, options: VersionOptions) {
  return options.version === undefined ? table.latest() : table.at(options.version);
}

async function read(table: DeltaTable, options: VersionOptions): Promise<void> {
  const snapshot = await snapshotOf(table, options);
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  await withCompute((compute) =>
    print(readRowTexts(compute, table, snapshot, { limit, hidden: options.hidden }), options.format),
  );
}

async function exportTable(table: DeltaTable, options: VersionOptions & { to: string }): Promise<void> {
  const folder = resolve(options.to);
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? [] : undefined,
  );
  if (there === undefined || there.length > 0)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${folder} is a file, or holds something. Name a folder that does not exist yet.`,
    );
  const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
  await mkdir(dirname(folder), { recursive: true });
  // All of it or nothing is found under the wanted name.
  const partial = await mkdtemp(`${folder}.partial-`);
  const workDirectory = await mkdtemp(join(tmpdir(), "dyne-export-"));
  try {
    const target = new DeltaTable({ store: new FileStore(partial, services), path: "table", ...services });
    const snapshot = await snapshotOf(table, options);
    const onFile = progressOn("files", snapshot.files.size);
    const copied = await cloneTable(table, snapshot, target, { workDirectory, onFile });
    await rename(join(partial, "table"), folder);
    await print([JSON.stringify({ folder, files: copied.files.size, version: snapshot.version })], options.format);
  } finally {
    for (const each of [partial, workDirectory]) await rm(each, { recursive: true, force: true });
  }
}

async function files(table: DeltaTable, options: VersionOptions): Promise<void> {
  const snapshot = await snapshotOf(table, options);
  const lines = [...snapshot.files].map((file) =>
    JSON.stringify({
      path: file.path,
      sizeBytes: file.size,
      partitionValues: file.partitionValues,
      stats: file.stats === undefined ? null : parseExact(file.stats),
      tags: file.tags ?? null,
    }),
  );
  await print(lines, options.format);
}
